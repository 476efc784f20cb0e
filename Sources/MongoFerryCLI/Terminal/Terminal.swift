import Foundation

/// One of the program's output streams.
// @unchecked: the lock guards every write.
final class Terminal: @unchecked Sendable {
    static let standardOutput = Terminal(descriptor: 1)
    static let standardError = Terminal(descriptor: 2)

    let isTerminal: Bool
    private let descriptor: Int32
    private let lock = NSLock()
    /// The progress line that stands at the bottom, if any.
    private var status = ""

    private init(descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
    }

    /// Columns; 80 where nothing says.
    var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a line above the status line.
    func line(_ text: String) {
        lock.lock()
        defer { lock.unlock() }
        put(status.isEmpty ? text + "\n" : "\r\u{1B}[K" + text + "\n" + status)
    }

    /// Shows a status line in place of the last one; empty takes it away. On terminals only.
    func show(status text: String) {
        guard isTerminal else { return }
        lock.lock()
        defer { lock.unlock() }
        guard text != status else { return }
        status = String(text.prefix(width - 1))
        put("\r\u{1B}[K" + status)
    }

    private func put(_ text: String) {
        var bytes = Array(Secrets.hidden(in: text).utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            // Where even messages cannot be written, there is nobody to tell.
            if count < 0 && errno != EINTR { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}
