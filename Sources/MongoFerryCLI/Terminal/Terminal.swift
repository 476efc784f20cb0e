import BackupFile
import Foundation
import MongoFerry
import Relations

/// One of the program's output streams.
// @unchecked: the lock guards every write.
final class Terminal: @unchecked Sendable {
    static let standardOutput = Terminal(descriptor: 1)
    static let standardError = Terminal(descriptor: 2)

    let isTerminal: Bool
    /// Whether a line can be written anew: a terminal that knows how to.
    let isSteady: Bool
    private let usesColour: Bool
    private let descriptor: Int32
    private let output: OpenFile
    private let lock = NSLock()
    /// The progress line that stands at the bottom, if any.
    private var status = StyledText()
    /// Somebody is being asked: nothing may be drawn over the answer.
    private var isAsking = false
    /// The system's reason why something could not be written; nothing is written after it.
    private var failure: Int32?

    init(descriptor: Int32) {
        self.descriptor = descriptor
        output = OpenFile(borrowing: descriptor, path: "")
        isTerminal = isatty(descriptor) == 1
        let environment = ProcessInfo.processInfo.environment
        let kind = environment["TERM"] ?? ""
        isSteady = isTerminal && kind != "dumb" && !kind.isEmpty
        // https://no-color.org: any text but none. The flag is looked for here, since errors of parsing come before
        // there are any parsed flags.
        usesColour =
            isSteady && (environment["NO_COLOR"] ?? "").isEmpty && !CommandLine.arguments.contains("--no-color")
    }

    /// Columns; 80 where nothing says. Asked each time: windows are resized.
    var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a line above the status line.
    func line(_ text: String) { line(StyledText(text)) }

    /// Writes a result that may be copied from the terminal, which breaks lines without adding to them.
    func result(_ text: String) { line(StyledText(text), wraps: false) }

    /// Writes a line above the status line.
    func line(_ text: StyledText, wraps: Bool = true) {
        lock.lock()
        defer { lock.unlock() }
        // What programs read goes out as it is; what people read may hold names from anywhere.
        var shown = isTerminal || descriptor == 2 ? text.harmless : text
        if isTerminal, wraps { shown = Wrapping.wrapped(shown, to: width) }
        put(erasure + shown.drawn(usesColour) + "\n" + drawnStatus)
    }

    func warning(_ text: String) {
        var line = StyledText("warning:", .yellow)
        line.append(" " + text)
        self.line(line)
    }

    func show(_ table: Table?) {
        for row in table?.lines(width: isTerminal ? width : nil) ?? [] { line(row) }
    }

    /// Shows a status line in place of the last one; empty takes it away. On steady terminals only.
    func show(status text: StyledText) {
        guard isSteady else { return }
        lock.lock()
        defer { lock.unlock() }
        guard !isAsking, text != status else { return }
        let erasure = erasure
        status = text
        put(erasure + drawnStatus)
    }

    /// Asks a question; the answer is read from standard input.
    /// - Returns: the answer's line; nil at the end of the input.
    /// - Throws: `CancellationError` while nobody has answered.
    func ask(_ question: String, _ cancellation: Cancellation) throws -> String? {
        lock.lock()
        let erasure = erasure
        status = StyledText()
        isAsking = true
        put(erasure + question.harmless)
        lock.unlock()
        defer { lock.withLock { isAsking = false } }
        // A terminal gives nothing before the line is complete. Waiting in the system's own reading could not be stopped.
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        repeat {
            if cancellation.isCancelled {
                lock.withLock { put("\n") }
                throw CancellationError()
            }
        } while poll(&input, 1, Self.answerPatience) <= 0
        return readLine()
    }

    /// How long a signal may wait, in milliseconds.
    private static let answerPatience: Int32 = 100

    /// The terminal does not break the line even where it thinks differently of a character's width.
    private var drawnStatus: String { status.isEmpty ? "" : "\u{1B}[?7l" + status.drawn(usesColour) + "\u{1B}[?7h" }

    /// Takes the status line away. Where the window has become narrower than it, terminals have broken it.
    private var erasure: String {
        guard !status.isEmpty else { return "" }
        let rows = (status.columns - 1) / max(width, 1)
        return rows > 0 ? "\r\u{1B}[\(rows)A\u{1B}[J" : "\r\u{1B}[K"
    }

    /// - Throws: ``FerryError`` where anything of what was to be shown could not be.
    func checkEverythingIsWritten() throws {
        guard let failure = lock.withLock({ failure }) else { return }
        throw FerryError("standard output: cannot write: \(String(cString: strerror(failure)))")
    }

    /// An operation does not stop half done because nobody can read of it: what could not be written is told at the end.
    private func put(_ text: String) {
        guard failure == nil else { return }
        do throws(FileError) {
            try output.write(Secrets.hidden(in: text))
        } catch { failure = error.code }
    }
}
