import BSON
import BackupFile
import Foundation

/// Lets an export go on at full speed however slowly its output is read.
///
/// A snapshot lives as long as the server keeps its history: a slow reader at the end of a pipe must not hold the
/// cursors up. Bytes wait in memory, and where there are too many of them in a temporary file without a name, until
/// the reader has taken what came before. Only where that file cannot grow either does the writer wait.
///
/// One thread writes; a thread of the queue's own passes the bytes on.
// @unchecked: every access to the state is under the condition's lock; the spill file's two ends have one user each.
final class SpillQueue: ByteSink, @unchecked Sendable {
    let path: String
    private let destination: any ByteSink
    private let cancellation: Cancellation
    private let memoryLimit: Int
    private let spillDirectory: String
    private let condition = NSCondition()
    private var blocks: [ByteBuffer] = []
    private var bytesInMemory = 0
    private var spill: OpenFile?
    private var canSpill = true
    private var spillStart = 0
    private var spillEnd = 0
    private var isClosed = false
    private var hasEnded = false
    private var failure: (any Error)?

    private static let blockBytes = 256 << 10

    /// - Parameters:
    ///   - memory: bytes that wait in memory before the temporary file is used.
    ///   - directory: where the temporary file goes.
    /// - Throws: ``FerryError`` where there is no thread for it.
    init(
        to destination: any ByteSink, cancellation: Cancellation, memory: Int = 16 << 20,
        spillingIn directory: String = temporaryDirectory()
    ) throws {
        self.destination = destination
        self.cancellation = cancellation
        path = destination.path
        memoryLimit = memory
        spillDirectory = directory
        try SystemThread.start { [self] in passOn() }
    }

    // MARK: The writer's side

    /// - Throws: what the destination threw, perhaps at earlier bytes; `CancellationError`.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.blockBytes))
            try writePart(part)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
        }
    }

    private func writePart(_ bytes: UnsafeRawBufferPointer) throws {
        guard let offset = try placeInSpill(for: bytes) else { return }
        do {
            try spillFile().write(bytes, at: offset)
            condition.withLock {
                spillEnd += bytes.count
                condition.broadcast()
            }
        } catch {
            // No room there: what is written counts only with ``spillEnd``, so nothing is lost by waiting instead.
            condition.withLock { canSpill = false }
            try writePart(bytes)
        }
    }

    /// Keeps the bytes in memory where that may be; otherwise where they go in the temporary file.
    private func placeInSpill(for bytes: UnsafeRawBufferPointer) throws -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let failure { throw failure }
            if spillStart == spillEnd {
                spillStart = 0
                spillEnd = 0
                if bytesInMemory == 0 || bytesInMemory + bytes.count <= memoryLimit {
                    keep(bytes)
                    return nil
                }
            }
            if canSpill { return spillEnd }
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

    /// Waits under the lock until something has changed, and looks up now and then for somebody who wants to stop.
    private func waitForReader() throws {
        _ = condition.wait(until: Date().addingTimeInterval(0.1))
        try cancellation.check()
    }

    /// Waits until the reader has taken everything.
    func finish() throws {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
        while !hasEnded { try waitForReader() }
        if let failure { throw failure }
    }

    /// Forgets what the reader has not taken; a write that it holds up is left to itself.
    func abandon() {
        condition.withLock {
            blocks = []
            spillStart = spillEnd
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

    /// What comes next; nil at the end.
    private func next() -> Piece? {
        condition.lock()
        defer { condition.unlock() }
        while blocks.isEmpty, spillStart == spillEnd, !isClosed { condition.wait() }
        // Blocks are older than what was spilled: they are filled only while nothing is.
        if !blocks.isEmpty { return .block(blocks.removeFirst()) }
        guard spillStart < spillEnd, let spill else { return nil }
        return .spilled(spill, offset: spillStart, count: min(Self.blockBytes, spillEnd - spillStart))
    }
}
