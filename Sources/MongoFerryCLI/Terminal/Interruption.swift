import BackupFile
import Foundation
import MongoFerry
import Synchronization

/// Stops the program on Ctrl-C: cleanly at the first, immediately at the second.
enum Interruption {
    static let cancellation = Cancellation()
    /// When the first signal arrived, in milliseconds of the monotonic clock; 0 before.
    private static let first = Atomic<Int>(0)
    /// A signal that follows so soon is the same one: a terminal sends Ctrl-C to all of its foreground processes, and
    /// `timeout` passes its own on to the program that it runs.
    private static let echoMilliseconds = 100
    /// What is printed at the second signal.
    private static let lastWords: StaticString =
        // The command is the first argument: anything else is wrong usage.
        switch CommandLine.arguments.dropFirst().first {
        case "import":
            "\nmongoferry: stopped at once; an import that was under way can be run again, and until then what it replaced in place may be incomplete\n"
        case "export": "\nmongoferry: stopped at once; an export that was under way has left no backup\n"
        default: "\nmongoferry: stopped at once\n"
        }

    static func listen() {
        // Initialized before a signal can arrive: a handler must not be the first to use them.
        _ = cancellation.isCancelled
        _ = first.load(ordering: .relaxed)
        _ = lastWords
        PartialFile.prepare()
        let handler: @convention(c) (Int32) -> Void = { _ in Interruption.arrived() }
        signal(SIGTERM, handler)
        // A signal that is ignored stays ignored: then the program is to go on after its terminal has closed, or Ctrl-C
        // is meant for the foreground process only. Shells without job control start a script's background processes
        // like this.
        for number in [SIGHUP, SIGINT] {
            let before = signal(number, handler)
            if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
        }
    }

    private static func arrived() {
        let now = milliseconds
        let (isFirst, before) = first.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        if isFirst { return cancellation.cancel() }
        guard now - before >= echoMilliseconds else { return }
        say(lastWords)
        PartialFile.removeAtOnce()
        _exit(130)
    }

    /// Of the monotonic clock; never 0.
    private static var milliseconds: Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return max(1, Int(now.tv_sec) * 1000 + Int(now.tv_nsec) / 1_000_000)
    }

    /// Makes nothing but a system call: a signal handler may not do more.
    private static func say(_ text: StaticString) { _ = write(2, text.utf8Start, text.utf8CodeUnitCount) }
}
