import BackupFile
import Foundation
import MongoFerry
import Synchronization

/// Stops the program on Ctrl-C: cleanly at the first, immediately at the second.
enum Interruption {
    static let cancellation = Cancellation()
    private static let count = Atomic<Int>(0)
    /// What is printed at the second signal.
    private static let lastWords: StaticString =
        // The command is the first argument: anything else is wrong usage.
        switch CommandLine.arguments.dropFirst().first {
        case "import": "\nmongoferry: stopped at once; an import that was under way can be run again\n"
        case "export": "\nmongoferry: stopped at once; an export that was under way has left no backup\n"
        default: "\nmongoferry: stopped at once\n"
        }

    static func listen() {
        // Initialized before a signal can arrive: a handler must not be the first to use them.
        _ = cancellation.isCancelled
        _ = count.load(ordering: .relaxed)
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
        if count.add(1, ordering: .relaxed).oldValue > 0 {
            say(lastWords)
            PartialFile.removeAtOnce()
            _exit(130)
        }
        cancellation.cancel()
    }

    /// Makes nothing but a system call: a signal handler may not do more.
    private static func say(_ text: StaticString) { _ = write(2, text.utf8Start, text.utf8CodeUnitCount) }
}
