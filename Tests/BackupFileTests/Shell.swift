import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs commands as somebody types them.
enum Shell {
    /// Returns the exit status of a command that is run in a folder.
    ///
    /// Foundation's `Process` learns of the end when a socket closes. A server that another test starts at the same
    /// moment inherits that socket, and keeps it open until all tests have ended.
    static func status(of command: String, in folder: String) throws -> Int32 {
        let arguments: [String] = ["sh", "-c", "cd \"$0\" && eval \"$1\"", folder, command]
        var words = arguments.map { strdup($0) } + [nil]
        var settings = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + settings { free(pointer) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/bin/sh", nil, nil, &words, &settings)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) != process {
            guard errno == EINTR else { throw POSIXError(.ECHILD) }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : -signal
    }
}
