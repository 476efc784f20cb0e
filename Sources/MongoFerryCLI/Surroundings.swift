import CGlibc
import Foundation
import MongoFerry

/// Checks what the program was started with: limits and arguments.
enum Surroundings {
    /// Twice as many files and connections as an import or an export may have open at once.
    private static let wantedFiles: rlim_t = 256
    /// With fewer, the system's own libraries end the program without a message.
    private static let fewestFiles: rlim_t = 32

    #if canImport(Glibc)
        private static let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let openFiles = RLIMIT_NOFILE
    #endif

    /// Raises a low limit on open files; ends the program if it stays too low to work.
    static func allowMoreFiles() {
        var limit = rlimit()
        guard getrlimit(openFiles, &limit) == 0, limit.rlim_cur < wantedFiles else { return }
        limit.rlim_cur = min(wantedFiles, limit.rlim_max)
        _ = setrlimit(openFiles, &limit)
        // Checks the result.
        guard getrlimit(openFiles, &limit) == 0, limit.rlim_cur < fewestFiles else { return }
        ExitText.exit(
            FerryError(
                "only \(limit.rlim_cur) files may be open at once, and \(fewestFiles) are needed",
                advice: ["Raise the limit: ulimit -n \(wantedFiles)."]))
    }

    /// Ends the program if an argument is not UTF-8: Swift would replace what it cannot read by other characters, and a
    /// file of another name would be read or overwritten.
    static func checkArguments() {
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let argument = CommandLine.unsafeArgv[index], String(validatingCString: argument) == nil else {
                continue
            }
            ExitText.exit(
                FerryError(
                    "argument \(index) is not UTF-8: \(Secrets.hidden(in: String(cString: argument)))", kind: .usage,
                    details: ["Nothing was read or written."],
                    advice: [
                        "Give the file another name, or a link with one; names of other characters cannot be told apart."
                    ]
                ))
        }
    }
}
