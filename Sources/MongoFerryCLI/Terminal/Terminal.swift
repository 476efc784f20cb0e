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
        let text = isTerminal || descriptor == 2 ? Self.harmless(text) : text
        put(status.isEmpty ? text + "\n" : "\r\u{1B}[K" + text + "\n" + status)
    }

    /// Names and values come from files and servers: what would steer the terminal, or turn a line's direction round, is
    /// shown and not obeyed.
    private static func harmless(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isSteering) else { return text }
        return text.unicodeScalars.map { isSteering($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    }

    private static func isSteering(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Shows a status line in place of the last one; empty takes it away. On terminals only.
    func show(status text: String) {
        guard isTerminal else { return }
        lock.lock()
        defer { lock.unlock() }
        guard text != status else { return }
        status = String(Self.harmless(text).prefix(width - 1))
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
