import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private let systemRead = read

/// A terminal that a program runs in, like a person's: what it shows can be inspected, and it can be resized.
// @unchecked: the lock guards what was written; the descriptors never change.
final class PseudoTerminal: @unchecked Sendable {
    let process: pid_t
    private let master: Int32
    private let lock = NSLock()
    private var written: [UInt8] = []
    private var isAtEnd = false

    /// Starts the program with standard input, output and error on the terminal.
    init(_ arguments: [String], environment: [String: String], columns: Int, rows: Int = 24) throws {
        var (master, slave) = (Int32(-1), Int32(-1))
        _ = OwnDescriptors.make {
            openpty(&master, &slave, nil, nil, nil) == 0 ? [master, slave] : []
        }
        guard master >= 0, let device = ttyname(slave) else { throw POSIXError(.ENXIO) }
        let name = String(cString: device)
        self.master = master
        // The program has its own descriptor; once that is closed, reading ends.
        defer { close(slave) }
        Self.setSize(master, columns, rows)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Since it is the first terminal opened in a new session, it becomes the one whose Ctrl-C the program receives.
        posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Self.newSession | Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var variables = ProcessInfo.processInfo.environment
        for name in ["MONGODB_URI", "NO_COLOR"] { variables[name] = nil }
        variables["MONGOC_DISABLE_SHM"] = "1"
        variables["TERM"] = "xterm-256color"
        variables.merge(environment) { $1 }
        let path = try Program.path()
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + settings { free(pointer) } }
        var process: pid_t = 0
        let code = OwnDescriptors.starting.withLock {
            posix_spawn(&process, path, &actions, &attributes, &words, &settings)
        }
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        self.process = process
        let thread = Thread { [weak self] in self?.collect() }
        thread.start()
    }

    /// `POSIX_SPAWN_SETSID`, which C's headers define only with GNU's extensions.
    #if canImport(Darwin)
        private static let newSession: Int16 = 0x400
    #else
        private static let newSession: Int16 = 0x80
    #endif

    private static func setSize(_ descriptor: Int32, _ columns: Int, _ rows: Int) {
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    }

    private func collect() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = systemRead(master, &buffer, buffer.count)
            guard count > 0 else { return lock.withLock { isAtEnd = true } }
            lock.withLock { written += buffer[..<count] }
        }
    }

    /// Everything written so far, including control sequences.
    var text: String { lock.withLock { String(decoding: written, as: UTF8.self) } }

    func resize(columns: Int, rows: Int = 24) { Self.setSize(master, columns, rows) }

    /// Types a text: `\u{3}` is Ctrl-C.
    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(master, bytes, bytes.count)
    }

    /// Waits for the program's end.
    /// - Parameter seconds: the time after which it is killed.
    /// - Returns: the exit status, or the negative number of the signal that ended the program.
    /// - Throws: ``TooLate`` with what it has written, if it had to be killed.
    func wait(seconds: Double = 120) throws -> Int32 {
        let end = try ChildProcess(id: process).wait(seconds: seconds)
        if end.isTooLate { throw TooLate(what: "the program's end; it wrote: \(text)") }
        // Its last output may still be on its way.
        try poll("the end of its output", seconds: 10) { lock.withLock { isAtEnd } }
        return end.status ?? -(end.signal ?? 0)
    }

    deinit { close(master) }
}

/// What a terminal of a given width shows after a text: only as far as lines, carriage returns and erasing.
struct Screen {
    private(set) var lines: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    /// The number of lines that ran over the right edge.
    private(set) var brokenLines = 0

    init(_ text: String, columns: Int) {
        var wraps = true
        var rest = Substring(text)
        while let character = rest.first {
            rest.removeFirst()
            switch character {
            case "\r": column = 0
            case "\n": newLine()
            case "\r\n":
                column = 0
                newLine()
            case "\u{1B}":
                guard rest.first == "[" else { continue }
                let parameters = rest.dropFirst().prefix { !$0.isLetter }
                let command = rest.dropFirst(1 + parameters.count).first
                rest = rest.dropFirst(2 + parameters.count)
                switch (parameters, command) {
                case ("", "K"): lines[row].removeSubrange(min(column, lines[row].count)...)
                case ("", "J"):
                    lines[row].removeSubrange(min(column, lines[row].count)...)
                    lines.removeSubrange((row + 1)...)
                case (_, "A"): row = max(0, row - (Int(parameters) ?? 1))
                case ("?7", "l"): wraps = false
                case ("?7", "h"): wraps = true
                default: break
                }
            default:
                if column >= columns {
                    guard wraps else { continue }
                    brokenLines += 1
                    column = 0
                    newLine()
                }
                while lines[row].count <= column { lines[row].append(" ") }
                lines[row][column] = character
                column += 1
            }
        }
    }

    private mutating func newLine() {
        row += 1
        if row == lines.count { lines.append([]) }
        // The terminal's line discipline adds a carriage return.
        column = 0
    }

    var text: String {
        lines.map { String($0).replacing(/\s+$/, with: "") }.joined(separator: "\n").replacing(/\n+$/, with: "")
    }
}
