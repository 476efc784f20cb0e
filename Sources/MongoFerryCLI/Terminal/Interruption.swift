import BackupFile
import Foundation
import MongoFerry
import Synchronization

/// Ctrl-C once stops cleanly, twice at once.
enum Interruption {
    static let cancellation = Cancellation()
    private static let count = Atomic<Int>(0)
    /// What the second signal says.
    private static let lastWords: StaticString =
        // The command stands first: anything else is wrong usage.
        switch CommandLine.arguments.dropFirst().first {
        case "import": "\nmongoferry: stopped at once; an import that was under way can be run again\n"
        case "export": "\nmongoferry: stopped at once; an export that was under way has left no backup\n"
        default: "\nmongoferry: stopped at once\n"
        }

    static func listen() {
        // Made before a signal can come: a handler must not be the first to touch them.
        _ = cancellation.isCancelled
        _ = count.load(ordering: .relaxed)
        _ = lastWords
        PartialFile.prepare()
        let handler: @convention(c) (Int32) -> Void = { _ in Interruption.arrived() }
        signal(SIGTERM, handler)
        // Unless whoever started it wants it to go on when the terminal goes, or where Ctrl-C is meant for what runs in
        // front: shells without job control start so what a script puts in the background.
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

    /// Nothing but a system call: a signal's handler may not do more.
    private static func say(_ text: StaticString) { _ = write(2, text.utf8Start, text.utf8CodeUnitCount) }
}
