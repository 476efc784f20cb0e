import BSON
import ExtendedJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a backup, compressed or not: first its metadata, then its rows in batches.
///
/// Belongs to one thread at a time; other threads may look at the batches. Once ``nextBatch(into:until:)`` has reached
/// the end of the file, ``seal`` and ``digest`` tell whether the file is whole.
public final class BackupReader {
    public let path: String
    /// Nil for a bare CSV, as the old application and `--plain` write it.
    public private(set) var metadata: BackupMetadata?
    public private(set) var compression: Compression
    /// The seal at the end of the file, once it was reached.
    public private(set) var seal: Seal?
    /// The SHA-256, in hexadecimal, of every byte before the seal, once a pass from the first byte has reached the end.
    public private(set) var digest: String?
    public private(set) var firstRow = RowPlace(offset: 0, line: 1)
    private let check: () throws -> Void
    private let file: OpenFile
    private var source: any ByteSource
    /// Bytes read but not yet given out; they begin with a record.
    private var pending = ByteBuffer(capacity: 1 << 20, blocks: .rows)
    /// The place of the first pending byte.
    private var position = RowPlace(offset: 0, line: 1)
    /// The digest of every byte given out; nil unless this is a pass from the first byte.
    private var sum: SHA256Sum?
    private var isAtEnd = false
    /// Why no more rows can be read; thrown once the rows before it have been given out.
    private var fault: BackupError?
    private var state: FileState
    /// The number of decompressed bytes that ``digest`` covers.
    private var digestedBytes = 0

    /// The target size of a batch, in bytes.
    private static let batchBytes = 1 << 20
    /// The longest row: a document's text and a name.
    private static let maximumRecord = ExtendedJSONEncoder.longestText + 4096
    /// Enough for the metadata of 100,000 collections; anything longer is not metadata. Also the largest zstd window
    /// accepted.
    static let maximumHeader = 32 << 20

    /// Opens a file and reads what is above its rows.
    /// - Parameter check: called from time to time while bytes are read that nobody receives: to get to a later place of
    ///   a compressed file, or to see whether the file has changed. An error that it throws stops that.
    /// - Throws: ``FileError``; ``BackupError`` if the file is no backup, is damaged or was written by a newer program.
    public init(_ file: OpenFile, check: @escaping () throws -> Void = {}) throws {
        self.file = file
        self.check = check
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
        // Where the line starts, and up to where there is no line end: a long line is not to be searched repeatedly.
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
        // Not all of the free room: after a huge row, that would be half of the next one, held beside the first.
        let room = min(pending.storage.count - pending.count, Self.batchBytes)
        let count = try source.read(
            into: UnsafeMutableRawBufferPointer(rebasing: pending.storage[pending.count..<pending.count + room]))
        pending.count += count
        return count > 0
    }

    // MARK: Rows

    /// Fills a batch with the next whole rows; returns false when there are no more.
    ///
    /// After stopping at `end`, the reader is positioned at the next row, so that reading can go on there without
    /// reading a compressed file from its beginning again.
    /// - Parameter end: stops before the first row that starts there or later, in decompressed bytes; nil to read all.
    /// - Throws: ``BackupError`` with the line if the file is damaged; ``FileError``.
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
            // The rows before the fault are whole.
            fault = error
        }
        if let next = batch.cut(at: limit) {
            scan.goBack(to: next)
            (sealStart, fault) = (nil, nil)
            isAtEnd = false
        }
        let taken = batch.byteCount
        // The buffers are swapped so that a huge row is not held twice; what is left over is copied back.
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
    /// - Parameter limit: rows that start there or later are not needed, but a row that reaches beyond it is read
    ///   whole; in bytes from the first pending one.
    /// - Returns: the position of a line that starts with `#`, up to which everything was read.
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
            // Not worth another read if there is enough to work on.
            if byteCount >= Self.batchBytes / 2 { return nil }
            if try !fill() {
                let place = try takeRest(of: &scan, into: &records)
                isAtEnd = place == nil
                return place
            }
        }
    }

    /// Takes what follows the last line end: a last row without a line end, or a part of one.
    /// - Returns: the position of a line that starts with `#`.
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

    /// Reads the first pending line, which starts with `#`; it must be the seal, and the last line.
    private func readSeal() throws {
        let line = position.line
        guard metadata != nil else {
            guard !pending.bytes.starts(with: Seal.prefix.utf8) else {
                throw BackupError(
                    .notABackup, path, line: line, "the seal of a backup whose first lines are gone",
                    advice:
                        "Take another copy of it; or delete this line as well, so that only the column header and the rows are left, and say --no-legacy wherever you use these: they are Extended JSON, and an import would take them for JSON.stringify's output."
                )
            }
            throw BackupError(
                .notABackup, path, line: line, "a line that starts with '#' among the rows",
                advice: "A bare CSV has rows only: delete the line, or quote the field if it is a collection's name.")
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
            // Bytes were added to a compressed file, or the end of its last member is missing.
            throw BackupError.mendable(
                path, line: line, "behind the seal, which ends a file, \(fault.reason)", by: "head -n \(line)",
                compression)
        }
        guard isAlone else { throw try somethingFollows(line) }
        self.seal = seal
        isAtEnd = true
    }

    /// Returns the error for pending bytes that follow the seal.
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

    /// Reads rows again that an earlier pass has read, batch by batch. Such a pass computes no digest.
    /// - Parameters:
    ///   - place: the place of the first row.
    ///   - end: as for ``nextBatch(into:until:)``.
    ///   - body: called with each batch, which is refilled afterwards.
    /// - Throws: ``FileError``; ``BackupError``; whatever `body` and `check` throw.
    public func forEachBatch(
        from place: RowPlace, until end: Int? = nil, _ body: (RecordBatch) throws -> Void
    ) throws {
        try seek(to: place)
        let batch = RecordBatch()
        while try nextBatch(into: batch, until: end) { try body(batch) }
    }

    /// Goes to a row whose place is known from an earlier pass. The new pass computes no digest.
    /// - Throws: ``FileError``; ``BackupError`` if the file has changed since it was opened; whatever `check` throws.
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

    /// The size of the file in bytes, as stored.
    public var fileSize: Int { state.size }

    /// The size of the uncompressed file in bytes; nil if it is compressed, since only reading would tell.
    public var uncompressedSize: Int? { compression == .none ? state.size : nil }

    /// Checks that the file is still the one that a whole pass has read.
    ///
    /// Compares size and times. If only the change time differs, the content is read again: a rename, a `chmod`, or
    /// another file taking over its name sets that time, but so does an edit whose modification time was set back.
    /// - Throws: ``BackupError`` if the file was changed since it was opened, or the decompression library fails;
    ///   ``FileError``; whatever `check` throws.
    public func checkUnchanged() throws {
        let now = FileState(try file.status())
        guard now != state else { return }
        guard now.differsInChangeTimeOnly(from: state), let digest,
            try digest == file.digestOfContent(upTo: digestedBytes, check)
        else { throw BackupError.changed(path, "the file was changed while it was read") }
        state = now
    }
}
