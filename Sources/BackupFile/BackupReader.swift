import BSON
import ExtendedJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a backup, compressed or not: first what it says about itself, then its rows in batches.
///
/// Belongs to one thread at a time; the batches may be looked at by others. After ``nextBatch(into:)`` said that there
/// are no more, ``seal`` and ``digest`` tell whether the file is whole.
public final class BackupReader {
    public let path: String
    /// Nil for a bare CSV, as the old application and `--plain` write it.
    public private(set) var metadata: BackupMetadata?
    public private(set) var compression: Compression
    /// The seal at the end of the file, once it has been reached.
    public private(set) var seal: Seal?
    /// SHA-256 of every byte before the seal in hexadecimal, once a pass from the first byte has reached the end.
    public private(set) var digest: String?
    public private(set) var firstRow = RowPlace(offset: 0, line: 1)
    /// Called now and then while bytes are gone over that nobody gets: to go to a later place of a compressed file, and to
    /// see whether the file has changed. What it throws stops that.
    public var check: () throws -> Void = {}

    private let file: OpenFile
    private var source: any ByteSource
    /// Bytes read and not yet given out; the first is a record's first.
    private var pending = ByteBuffer(capacity: 1 << 20, blocks: .rows)
    /// Place of the first pending byte.
    private var position = RowPlace(offset: 0, line: 1)
    /// Of every byte given out; nil once it is not a pass from the first byte.
    private var sum: SHA256Sum?
    private var isAtEnd = false
    /// Why no more rows can be read, once those before have been given out.
    private var fault: BackupError?
    private var state: FileState
    /// Decompressed bytes that ``digest`` is of.
    private var digestedBytes = 0

    /// Bytes that a batch aims at.
    private static let batchBytes = 1 << 20
    /// The longest row: a document's text, and a name.
    private static let maximumRecord = ExtendedJSONEncoder.longestText + 4096
    /// Metadata of 100,000 collections; what claims to be more is no metadata. Of zstd's windows it is the largest that is
    /// read.
    static let maximumHeader = 32 << 20

    /// Opens a file and reads what stands above its rows.
    /// - Throws: ``FileError``; ``BackupError`` for what is no backup, is damaged or was written by a newer program.
    public init(_ file: OpenFile) throws {
        self.file = file
        path = file.path
        sum = try SHA256Sum(of: file.path)
        state = FileState(try file.status())
        (source, compression) = try makeByteSource(file)
        try readHeader()
    }

    // MARK: The header

    private func readHeader() throws {
        while pending.count < ForeignFile.telling, try fill() {}
        if let foreign = ForeignFile(pending.bytes, path, compression) {
            throw BackupError(.notABackup, path, "not a backup: the file \(foreign.what)", advice: foreign.advice)
        }
        var lines = HeaderLines(path: path, compression)
        // Where the line starts, and how far no line end was found: a long line must not be searched again and again.
        var scanned = 0
        var searched = 0
        while true {
            let bytes = pending.bytes
            if let end = Self.lineEnd(in: bytes, from: searched) {
                let line = UnsafeRawBufferPointer(rebasing: bytes[scanned..<end])
                scanned = end + 1
                searched = scanned
                if try lines.take(line) { break }
                continue
            }
            searched = bytes.count
            guard pending.count < Self.maximumHeader else {
                let isOneLine = pending.count - scanned > Self.maximumHeader / 2
                throw BackupError(
                    .tooLarge, path, line: lines.count + 1,
                    isOneLine
                        ? "a line of over 32 MB before the rows"
                        : "\(lines.count) lines, over 32 MB, and no column header 'collection,data' among them")
            }
            guard try fill() else {
                let rest = UnsafeRawBufferPointer(rebasing: pending.bytes[scanned...])
                scanned = pending.count
                guard try !rest.isEmpty && lines.take(rest) else { throw lines.endedTooEarly() }
                break
            }
        }
        metadata = lines.metadata
        try sum?.update(UnsafeRawBufferPointer(rebasing: pending.bytes[..<scanned]))
        pending.removeFirst(scanned)
        position = RowPlace(offset: scanned, line: lines.count + 1)
        firstRow = position
    }

    private static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let hit = memchr(base + start, 0x0A, bytes.count - start)
        else { return nil }
        return base.distance(to: UnsafeRawPointer(hit))
    }

    private func fill() throws -> Bool {
        pending.reserve(256 << 10)
        // Not all the room there is: after a huge row that would be half of the next one, held beside the first.
        let room = min(pending.storage.count - pending.count, Self.batchBytes)
        let count = try source.read(
            into: UnsafeMutableRawBufferPointer(rebasing: pending.storage[pending.count..<pending.count + room]))
        pending.count += count
        return count > 0
    }

    // MARK: Rows

    /// Fills a batch with the next whole rows; false when there are no more.
    ///
    /// Where it ends at a row, it stands before that row, and a compressed file need not be read from its beginning again
    /// to go on there.
    /// - Parameter end: ends before the row that starts there or later, in decompressed bytes; nil for the end of the file.
    /// - Throws: ``BackupError`` where the file is damaged, with the line; ``FileError``.
    public func nextBatch(into batch: RecordBatch, until end: Int? = nil) throws -> Bool {
        batch.clear()
        if let fault { throw fault }
        guard !isAtEnd else { return false }
        var scan = RecordScan(line: position.line)
        let limit = max(0, end.map { $0 - position.offset } ?? Int.max)
        var sealStart: Int?
        do {
            sealStart = try gather(&batch.records, &scan, limit)
        } catch let error as BackupError where error.isAboutContent && batch.count > 0 {
            // What comes before it is whole.
            fault = error
        }
        if let next = batch.cut(at: limit) {
            scan.goBack(to: next)
            (sealStart, fault) = (nil, nil)
            isAtEnd = false
        }
        let taken = batch.byteCount
        // The buffers change places, so that a huge row is not held twice; what is left over is copied back.
        swap(&pending, &batch.buffer)
        pending.append(UnsafeRawBufferPointer(rebasing: batch.buffer.bytes[taken...]))
        batch.buffer.count = taken
        batch.buffer.trim()
        try sum?.update(batch.buffer.bytes)
        batch.offset = position.offset
        position = RowPlace(offset: position.offset + taken, line: scan.recordLine)
        if sealStart != nil {
            do { try readSeal() } catch let error as BackupError where error.isAboutContent && batch.count > 0 {
                fault = error
            }
        }
        if isAtEnd { try finishDigest() }
        return !batch.records.isEmpty
    }

    /// Reads until there are enough rows, or no more.
    /// - Parameter limit: where rows are another's, unless one reaches over it; in bytes from the first pending one.
    /// - Returns: the place of a line that starts with `#`, up to which all was read.
    private func gather(
        _ records: inout [RecordBatch.Record], _ scan: inout RecordScan, _ limit: Int
    ) throws -> Int? {
        var visible = limit
        while true {
            let bytes = UnsafeRawBufferPointer(rebasing: pending.bytes.prefix(visible))
            if let place = scan.advance(over: bytes, into: &records) { return place }
            let byteCount = records.last?.end ?? 0
            if byteCount >= min(Self.batchBytes, limit) { return nil }
            if bytes.count >= visible {
                visible = .max
                continue
            }
            if pending.count - byteCount > Self.maximumRecord {
                throw BackupError(
                    .tooLarge, path, line: scan.recordLine,
                    "a row of over 100 MB: longer than any document can be, or a quote is never closed")
            }
            // Not worth another read where there is something to do already.
            if byteCount >= Self.batchBytes / 2 { return nil }
            if try !fill() {
                let place = try takeRest(of: &scan, into: &records)
                isAtEnd = place == nil
                return place
            }
        }
    }

    /// What stands behind the last line end: a last row without one, or half a row.
    /// - Returns: the place of a line that starts with `#`.
    private func takeRest(of scan: inout RecordScan, into records: inout [RecordBatch.Record]) throws -> Int? {
        if let place = scan.endOfInput(pending.bytes, into: &records) { return place }
        let start = records.last?.end ?? 0
        guard pending.count > start else { return nil }
        let isCut = pending.bytes.last != 0x0A
        if isCut, metadata != nil {
            throw BackupError.damaged(path, line: scan.recordLine, "the last line is cut off, and the seal is missing")
        }
        scan.endRecord(pending.bytes, isCut: isCut, into: &records)
        return nil
    }

    /// Reads the line that starts the pending bytes with `#`; it has to be the seal, and the last line.
    private func readSeal() throws {
        let line = position.line
        guard metadata != nil else {
            throw BackupError(
                .notABackup, path, line: line, "a line that starts with '#' among the rows",
                advice: "A bare CSV has rows only; quote the field if it is a collection's name.")
        }
        var found = Self.lineEnd(in: pending.bytes, from: 0)
        while found == nil {
            let scanned = pending.count
            guard scanned < Self.maximumHeader, try fill() else {
                if Seal(line: pending.bytes[...]) != nil {
                    throw BackupError.mendable(
                        path, line: line, "the line end behind the seal is missing", by: "(cat; echo)", compression)
                }
                throw BackupError.damaged(path, line: line, "the last line is cut off, and the seal is missing")
            }
            found = Self.lineEnd(in: pending.bytes, from: scanned)
        }
        let end = found ?? 0
        guard let seal = Seal(line: pending.bytes[..<end]) else {
            throw BackupError.damaged(
                path, line: line,
                pending.bytes.starts(with: Seal.prefix.utf8)
                    ? "the seal's line was changed: it contradicts itself, or cannot be read"
                    : "a line that starts with '#' and is not the seal")
        }
        pending.removeFirst(end + 1)
        let isAlone: Bool
        do {
            isAlone = try pending.count == 0 && !fill()
        } catch let fault as BackupError where fault.kind == .damaged {
            // Bytes that were added to a compressed file, or the end of its last member is missing.
            throw BackupError.mendable(
                path, line: line, "behind the seal, which ends a file, \(fault.reason)", by: "head -n \(line)",
                compression)
        }
        guard isAlone else { throw try somethingFollows(line) }
        self.seal = seal
        isAtEnd = true
    }

    /// What is pending follows the seal.
    private func somethingFollows(_ sealLine: Int) throws -> BackupError {
        while pending.count < HeaderLines.firstWords.count, try fill() {}
        guard pending.bytes.starts(with: HeaderLines.firstWords) else {
            return .mendable(
                path, line: sealLine + 1, "something follows the seal, which ends a file", by: "head -n \(sealLine)",
                compression)
        }
        let first = MendingCommand("head -n \(sealLine)", of: path, compression, label: "first")
        let second = MendingCommand("tail -n +\(sealLine + 1)", of: path, compression, label: "second")
        return .damaged(
            path, line: sealLine + 1, "another backup follows the seal",
            advice:
                "`\(first.text)` has the first and `\(second.text)` what follows it; `mongoferry verify \(first.result)` checks it."
        )
    }

    private func finishDigest() throws {
        guard let sum else { return }
        digest = try sum.finish()
        digestedBytes = position.offset
        self.sum = nil
    }

    // MARK: Going back

    /// Reads rows that an earlier pass has read, one batch after the other. The digest is not computed on such a pass.
    /// - Parameters:
    ///   - place: of the first one.
    ///   - end: as of ``nextBatch(into:until:)``.
    ///   - body: called with each batch, which is filled anew afterwards.
    /// - Throws: ``FileError``; ``BackupError``; what `body` throws.
    public func forEachBatch(
        from place: RowPlace, until end: Int? = nil, _ body: (RecordBatch) throws -> Void
    ) throws {
        try seek(to: place)
        let batch = RecordBatch()
        while try nextBatch(into: batch, until: end) { try body(batch) }
    }

    /// Goes to a row whose place is known from an earlier pass. The digest is not computed on such a pass.
    /// - Throws: ``FileError``; ``BackupError`` where the file has changed since it was opened; what ``check`` throws.
    public func seek(to place: RowPlace) throws {
        let offset = place.offset
        try checkUnchanged()
        sum = nil
        isAtEnd = false
        fault = nil
        if position.offset <= offset, offset <= position.offset + pending.count {
            pending.removeFirst(offset - position.offset)
        } else if compression == .none {
            pending.reset()
            try file.seek(to: offset)
        } else {
            if position.offset + pending.count > offset {
                (source, compression) = try makeByteSource(file)
                position = RowPlace(offset: 0, line: 1)
                pending.reset()
            }
            try skip(to: offset)
        }
        position = place
    }

    private func skip(to offset: Int) throws {
        var at = position.offset + pending.count
        pending.reset()
        while at < offset {
            let room = UnsafeMutableRawBufferPointer(
                rebasing: pending.storage[..<min(pending.storage.count, offset - at)])
            try check()
            let count = try source.read(into: room)
            guard count > 0 else { throw BackupError.changed(path, "the file has become shorter while it was read") }
            at += count
        }
    }

    /// Bytes of the file as it is.
    public var fileSize: Int { state.size }

    /// Bytes of the file; nil where it is compressed, and only reading tells how many there are.
    public var uncompressedSize: Int? { compression == .none ? state.size : nil }

    /// Whether the file is still what a whole pass has read.
    ///
    /// Its size and times tell. Where only the change time differs its content is read again: a rename, a `chmod` or
    /// another file that takes its name set that time, but so does an edit whose modification time was set back.
    /// - Throws: ``BackupError`` where it was changed since it was opened, or cannot be decompressed; ``FileError``;
    ///   what ``check`` throws.
    public func checkUnchanged() throws {
        let now = FileState(try file.status())
        guard now != state else { return }
        guard now.differsInChangeTimeOnly(from: state), let digest,
            try digest == file.digestOfContent(upTo: digestedBytes, check)
        else { throw BackupError.changed(path, "the file was changed while it was read") }
        state = now
    }
}
