import BSON
import BackupFile
import Foundation

/// Lets an export go on at full speed however slowly its output is read.
///
/// A snapshot lasts as long as the server keeps its history, so a slow reader at the end of a pipe must not hold up the
/// cursors. Bytes wait in memory, or in a temporary file without a name if there are too many of them, until the reader
/// has taken what came before. The file's space is given back as it is read. If the file cannot grow, or would take
/// space that others on its file system need, such as a server with its data there, the writer waits until it can.
///
/// One thread writes; the queue's own thread passes the bytes on.
// @unchecked: every access to the state is under the condition's lock, except for what the writer alone uses; each end
// of the spill file has a single user.
final class SpillQueue: ByteSink, @unchecked Sendable {
    let path: String
    private let destination: any ByteSink
    private let cancellation: Cancellation
    private let memoryLimit: Int
    private let spillDirectory: String
    private let hasRoom: @Sendable (OpenFile) -> Bool
    private let tell: @Sendable (String) -> Void
    private let condition = MonotonicCondition()
    private var blocks: [ByteBuffer] = []
    private var bytesInMemory = 0
    private var spill: OpenFile?
    private var spillStart = 0
    private var spillEnd = 0
    /// Bytes that may be spilled before the next look for room. Only the writer uses this.
    private var allowance = 0
    /// Whether the warning that the writer waits has been issued. Only the writer uses this.
    private var hasTold = false
    /// The earliest time of the next attempt to spill. Only the writer uses this.
    private var nextTry = ContinuousClock.now
    private var isClosed = false
    private var hasEnded = false
    private var failure: (any Error)?

    private static let blockBytes = 256 << 10
    /// The temporary file's space is checked and given back in steps of this many bytes: each takes a call, and some
    /// file systems write to the disk what is given back.
    private static let stepBytes = 4 << 20
    /// How long the writer waits if there was no room.
    private static let pause = Duration.milliseconds(500)

    /// - Parameters:
    ///   - memory: how many bytes wait in memory before the temporary file is used.
    ///   - directory: where the temporary file goes.
    ///   - hasRoom: whether the temporary file may grow by some megabytes.
    ///   - tell: called once if it may not grow and the writer waits.
    /// - Throws: ``FerryError`` if no thread could be created.
    init(
        to destination: any ByteSink, cancellation: Cancellation, memory: Int = 16 << 20,
        spillingIn directory: String = OpenFile.temporaryFolder,
        hasRoom: @escaping @Sendable (OpenFile) -> Bool = { SpillQueue.leavesRoom($0) },
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.destination = destination
        self.cancellation = cancellation
        path = destination.path
        memoryLimit = memory
        spillDirectory = directory
        self.hasRoom = hasRoom
        self.tell = tell
        try SystemThread.start { [self] in passOn() }
    }

    /// Whether the file system has enough space left for others: a server stops if it cannot write.
    static func leavesRoom(_ file: OpenFile) -> Bool {
        guard let room = file.room else { return true }
        return leavesRoom(room.left, of: room.whole)
    }

    /// - Returns: whether at least a tenth is left, and at least 1 GB, or half if the whole is less than 2 GB.
    static func leavesRoom(_ left: Double, of whole: Double) -> Bool {
        left >= max(whole / 10, min(Double(1 << 30), whole / 2))
    }

    // MARK: The writer's side

    /// - Throws: what the destination threw, perhaps for earlier bytes; `CancellationError`.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.blockBytes))
            try writePart(part)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
        }
    }

    private func writePart(_ bytes: UnsafeRawBufferPointer) throws {
        while let offset = try placeInSpill(for: bytes) {
            guard let obstacle = putInSpill(bytes, at: offset) else { return }
            if !hasTold {
                tell(
                    "\(path) is read slowly, and \(spillDirectory) takes no more of what waits\(obstacle): the export waits for its reader"
                )
                hasTold = true
            }
            allowance = 0
            nextTry = ContinuousClock.now + Self.pause
        }
    }

    /// - Returns: nil if the bytes were spilled; otherwise the obstacle, which may pass, in parentheses, or an empty text
    ///   for a lack of room.
    private func putInSpill(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> String? {
        do {
            let file = try spillFile()
            if allowance <= 0 {
                guard hasRoom(file) else { return "" }
                allowance = Self.stepBytes
            }
            try file.write(bytes, at: offset)
        } catch {
            // Written bytes count only once ``spillEnd`` includes them, so nothing is lost by waiting instead.
            return " (\((error as? FileError)?.text ?? "\(error)"))"
        }
        allowance -= bytes.count
        condition.withLock {
            spillEnd += bytes.count
            condition.broadcast()
        }
        return nil
    }

    /// Keeps the bytes in memory if there is room, and returns nil; otherwise returns their offset in the temporary
    /// file.
    private func placeInSpill(for bytes: UnsafeRawBufferPointer) throws -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let failure { throw failure }
            if spillStart == spillEnd {
                if spillEnd > 0 { spill?.truncate() }
                spillStart = 0
                spillEnd = 0
                if bytesInMemory == 0 || bytesInMemory + bytes.count <= memoryLimit {
                    keep(bytes)
                    return nil
                }
            }
            if ContinuousClock.now >= nextTry { return spillEnd }
            try waitForReader()
        }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer) {
        if let last = blocks.last, last.count + bytes.count <= Self.blockBytes {
            last.append(bytes)
        } else {
            let block = ByteBuffer(capacity: max(bytes.count, 4096))
            block.append(bytes)
            blocks.append(block)
        }
        bytesInMemory += bytes.count
        condition.broadcast()
    }

    private func spillFile() throws -> OpenFile {
        if let open = condition.withLock({ spill }) { return open }
        let open = try OpenFile(temporaryIn: spillDirectory)
        condition.withLock { spill = open }
        return open
    }

    /// Waits, with the lock held, until something has changed or a tenth of a second has passed, and checks for
    /// cancellation.
    private func waitForReader() throws {
        condition.wait(until: .now + .seconds(0.1))
        try cancellation.check()
    }

    /// Waits until the reader has taken everything and it has arrived.
    func finish() throws {
        try waitForEnd()
        try destination.finish()
    }

    private func waitForEnd() throws {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
        while !hasEnded { try waitForReader() }
        if let failure { throw failure }
    }

    /// Drops what the reader has not taken; does not wait for a write that the reader holds up.
    func abandon() {
        condition.withLock {
            blocks = []
            spillStart = spillEnd
            // That write may be held up for long.
            spill?.truncate()
            isClosed = true
            condition.broadcast()
        }
    }

    // MARK: The reader's side

    private enum Piece {
        case block(ByteBuffer)
        case spilled(OpenFile, offset: Int, count: Int)
    }

    private func passOn() {
        Self.takeBrokenPipesForErrors()
        let buffer = ByteBuffer(capacity: Self.blockBytes)
        do {
            while let piece = next() {
                switch piece {
                case .block(let block):
                    try destination.write(block.bytes)
                    condition.withLock { bytesInMemory -= block.count }
                case .spilled(let file, let offset, let count):
                    let room = UnsafeMutableRawBufferPointer(rebasing: buffer.storage[..<count])
                    let have = try file.read(into: room, at: offset)
                    guard have > 0 else { throw FerryError("\(file.path): it has become shorter") }
                    try destination.write(UnsafeRawBufferPointer(rebasing: room[..<have]))
                    // Before `spillStart` moves: from then on the writer may write there again.
                    punchHole(file, from: offset, to: offset + have)
                    condition.withLock { spillStart = min(spillStart + have, spillEnd) }
                }
                condition.withLock { condition.broadcast() }
            }
        } catch {
            condition.withLock { failure = error }
        }
        condition.withLock {
            hasEnded = true
            condition.broadcast()
        }
    }

    /// Turns a reader that goes away into an error of the write, even in a program that does not handle SIGPIPE.
    ///
    /// Affects only this thread, and ends with it. Source: signal(7).
    private static func takeBrokenPipesForErrors() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Gives back the steps of the temporary file that have been read to their ends.
    private func punchHole(_ file: OpenFile, from start: Int, to end: Int) {
        let part = start / Self.stepBytes * Self.stepBytes..<end / Self.stepBytes * Self.stepBytes
        if !part.isEmpty { file.punchHole(part) }
    }

    /// Waits for the next piece; nil at the end.
    private func next() -> Piece? {
        condition.lock()
        defer { condition.unlock() }
        while blocks.isEmpty, spillStart == spillEnd, !isClosed { condition.wait() }
        // Blocks are older than spilled bytes: they are filled only while nothing is spilled.
        if !blocks.isEmpty { return .block(blocks.removeFirst()) }
        guard spillStart < spillEnd, let spill else { return nil }
        return .spilled(spill, offset: spillStart, count: min(Self.blockBytes, spillEnd - spillStart))
    }
}
