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
    /// Whether a line can be rewritten in place, on a terminal that supports this.
    let isSteady: Bool
    private let usesColour: Bool
    private let descriptor: Int32
    private let output: OpenFile
    private let lock = NSLock()
    /// The progress line at the bottom, if any.
    private var status = StyledText()
    /// Whether the user is being asked: nothing may be drawn over the answer.
    private var isAsking = false
    /// The system's error code of a write that failed; nothing is written after it.
    private var failure: Int32?

    init(descriptor: Int32) {
        self.descriptor = descriptor
        output = OpenFile(borrowing: descriptor, path: "")
        isTerminal = isatty(descriptor) == 1
        let environment = ProcessInfo.processInfo.environment
        let kind = environment["TERM"] ?? ""
        isSteady = isTerminal && kind != "dumb" && !kind.isEmpty
        // https://no-color.org: any value that is not empty. The flag is looked up here, since parsing errors are
        // printed before there are parsed flags.
        usesColour =
            isSteady && (environment["NO_COLOR"] ?? "").isEmpty && !CommandLine.arguments.contains("--no-color")
    }

    /// The width in columns; 80 if unknown. Queried each time, since windows are resized.
    var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a line above the status line.
    func line(_ text: String) { line(StyledText(text)) }

    /// Writes a result that may be copied from the terminal. It is not wrapped: the terminal breaks lines without
    /// adding characters.
    func result(_ text: String) { line(StyledText(text), wraps: false) }

    /// Writes a line above the status line.
    func line(_ text: StyledText, wraps: Bool = true) {
        lock.lock()
        defer { lock.unlock() }
        // Output for programs is written as it is; output for people may contain names from anywhere.
        var shown = isTerminal || descriptor == 2 ? text.harmless : text
        if isTerminal, wraps { shown = Wrapping.wrapped(shown, to: width) }
        put(erasure + shown.drawn(usesColour) + "\n" + drawnStatus)
    }

    /// Prints a warning as one line: names that it quotes may have line ends.
    func warning(_ text: String) {
        var line = StyledText("warning:", .yellow)
        line.append(" " + text.oneLine)
        self.line(line)
    }

    func show(_ table: Table?) {
        for row in table?.lines(width: isTerminal ? width : nil) ?? [] { line(row) }
    }

    /// Replaces the status line; an empty one removes it. Only on steady terminals.
    func show(status text: StyledText) {
        guard isSteady else { return }
        lock.lock()
        defer { lock.unlock() }
        guard !isAsking, text != status else { return }
        let erasure = erasure
        status = text
        put(erasure + drawnStatus)
    }

    /// Asks a question and reads the answer from standard input.
    /// - Returns: the line of the answer; nil at the end of the input.
    /// - Throws: `CancellationError` if cancelled before there is an answer.
    func ask(_ question: String, _ cancellation: Cancellation) throws -> String? {
        // What was typed before the question is no answer to it.
        tcflush(STDIN_FILENO, TCIFLUSH)
        lock.lock()
        let erasure = erasure
        status = StyledText()
        isAsking = true
        put(erasure + question.harmless)
        lock.unlock()
        defer { lock.withLock { isAsking = false } }
        // A terminal delivers nothing before the line is complete, and a blocking read could not be stopped.
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        repeat {
            if cancellation.isCancelled {
                lock.withLock { put("\n") }
                throw CancellationError()
            }
        } while poll(&input, 1, Self.answerPatience) <= 0
        return readLine()
    }

    /// The time between two checks for cancellation, in milliseconds.
    private static let answerPatience: Int32 = 100

    /// The status line, with automatic wrapping off in case the terminal assumes another width for a character.
    private var drawnStatus: String { status.isEmpty ? "" : "\u{1B}[?7l" + status.drawn(usesColour) + "\u{1B}[?7h" }

    /// The characters that remove the status line. If the window has become narrower than the line, the terminal has
    /// wrapped it.
    private var erasure: String {
        guard !status.isEmpty else { return "" }
        let rows = (status.columns - 1) / max(width, 1)
        return rows > 0 ? "\r\u{1B}[\(rows)A\u{1B}[J" : "\r\u{1B}[K"
    }

    /// - Throws: ``FerryError`` if anything could not be written.
    func checkEverythingIsWritten() throws {
        guard let failure = lock.withLock({ failure }) else { return }
        throw FerryError("standard output: cannot write: \(String(cString: strerror(failure)))")
    }

    /// Writes a text. An operation does not stop halfway because its output cannot be written: failures are reported at
    /// the end.
    private func put(_ text: String) {
        guard failure == nil else { return }
        do throws(FileError) {
            try output.write(Secrets.hidden(in: text))
        } catch { failure = error.code }
    }
}
