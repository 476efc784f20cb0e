import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A program that a test has started, until its end.
struct ChildProcess {
    let id: pid_t

    struct End {
        /// Nil if a signal ended it.
        var status: Int32?
        var signal: Int32?
        var usage: rusage
        /// Whether it was killed because it took too long.
        var isTooLate: Bool
    }

    /// Waits for its end, so that it does not stay behind as a zombie either.
    /// - Parameters:
    ///   - seconds: the time after which it is killed.
    ///   - meanwhile: called every few milliseconds.
    /// - Throws: `POSIXError` if there is no such process, such as when its end was waited for before.
    func wait(seconds: Double, meanwhile: () -> Void = {}) throws -> End {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var isTooLate = false
        var status: Int32 = 0
        var usage = rusage()
        while true {
            let ended = wait4(id, &status, WNOHANG, &usage)
            if ended == id { break }
            guard ended == 0 || errno == EINTR else { throw POSIXError(.ECHILD) }
            meanwhile()
            if ContinuousClock.now > deadline {
                isTooLate = true
                kill(id, SIGKILL)
            }
            usleep(2000)
        }
        let low = status & 0x7F
        return End(
            status: low == 0 ? (status >> 8) & 0xFF : nil, signal: low == 0 ? nil : low, usage: usage,
            isTooLate: isTooLate)
    }
}
