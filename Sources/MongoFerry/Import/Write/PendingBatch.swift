import BSON

/// Documents that wait to be looked up or written together. Belongs to one thread.
final class PendingBatch {
    /// A message may take 48 MB; smaller batches overlap better and take less memory.
    static let mostBytes = 8 << 20
    /// A document of this size should not be held in addition to its row.
    static let hugeBytes = 1 << 20

    private struct Entry {
        let start: Int
        let count: Int
        let line: Int
    }

    private let bytes = ByteBuffer(capacity: 1 << 20)
    private var entries: [Entry] = []

    var count: Int { entries.count }
    var indices: Range<Int> { entries.indices }
    var isEmpty: Bool { entries.isEmpty }
    var byteCount: Int { bytes.count }

    /// - Parameters:
    ///   - line: the line of its row.
    ///   - buffer: a buffer that contains only this document; that of a huge one is exchanged for an empty one, not
    ///     copied.
    func append(_ document: RawDocument, line: Int, from buffer: ByteBuffer?) {
        entries.append(Entry(start: bytes.count, count: document.bytes.count, line: line))
        if let buffer, bytes.count == 0, document.bytes.count >= Self.hugeBytes,
            document.bytes.baseAddress == buffer.bytes.baseAddress, document.bytes.count == buffer.count
        {
            bytes.exchange(with: buffer)
        } else {
            bytes.append(document.bytes)
        }
    }

    /// Valid until the batch is emptied.
    subscript(index: Int) -> RawDocument {
        get throws {
            let entry = entries[index]
            return try RawDocument(
                UnsafeRawBufferPointer(rebasing: bytes.bytes[entry.start..<entry.start + entry.count]))
        }
    }

    func line(of index: Int) -> Int { entries[index].line }

    func removeAll() {
        entries.removeAll(keepingCapacity: true)
        bytes.reset(keeping: Self.mostBytes / 2)
    }
}
