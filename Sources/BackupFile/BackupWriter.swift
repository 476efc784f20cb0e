import BSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes a backup: metadata, rows, seal.
///
/// A file appears under its name only when it is complete: until then it stands beside it, hidden, and is locked
/// against a second export to the same name. Belongs to one thread, but for those that help to compress.
public final class BackupWriter {
    public enum Destination: Sendable {
        case file(path: String, overwriting: Bool)
        /// Standard output or another descriptor that cannot be rewound.
        case descriptor(OpenFile)
        /// Something else that cannot be rewound.
        case stream(any ByteSink)
    }

    private let destination: Destination
    private let isPlain: Bool
    /// Nil where the output cannot be rewound.
    package let file: OpenFile?
    private let sink: (any ByteSink)?
    private let output: CompressedOutput
    private let partialPath: String?
    /// Waits until the content of the file, or of its folder, is on the disk.
    private let synchronize: (OpenFile) throws -> Void
    private var metadata: BackupMetadata
    private var headerLength = 0
    /// Of every byte so far; nil for a plain file, which has no seal.
    private var sum: SHA256Sum?
    /// What has just been hashed is copied while it is in the processor's cache: copying from memory took a quarter of an
    /// export's time.
    private static let pieceBytes = 128 << 10
    /// Why the file's name may not be on the disk, though its content is; nil where nothing is known of that.
    package private(set) var folderFault: (any Error)?
    /// Bytes of the file before compression.
    public private(set) var byteCount = 0
    /// Bytes that have been written to the file or the sink.
    package var written: Int { output.written }

    /// Creates the output and writes the header with the counts that `metadata` has so far.
    /// - Parameter plain: rows under their column header only, without metadata and seal.
    /// - Throws: ``BackupError`` where the file exists or is being written by another program, where the metadata are more
    ///   than can be read, or the library that compresses fails; ``FileError``; what a stream's ``ByteSink`` throws.
    public convenience init(
        _ destination: Destination, compression: Compression, plain: Bool, metadata: BackupMetadata
    ) throws {
        try self.init(destination, compression, plain: plain, metadata) { try $0.synchronize() }
    }

    /// - Parameter synchronize: waits until the content of the file, or of its folder, is on the disk.
    init(
        _ destination: Destination, _ compression: Compression, plain: Bool, _ metadata: BackupMetadata,
        synchronize: @escaping (OpenFile) throws -> Void
    ) throws {
        let destination = Self.resolved(destination)
        self.destination = destination
        self.metadata = metadata
        isPlain = plain
        self.synchronize = synchronize
        switch destination {
        case .file(let path, let overwriting):
            guard !path.isEmpty else { throw FileError("open", path, code: ENOENT) }
            guard overwriting || !PartialFile.isTaken(path) else { throw Self.alreadyThere(path) }
            partialPath = PartialFile.path(for: path)
            let file = try PartialFile.open(for: path)
            self.file = file
            sink = nil
            do { output = try CompressedOutput(file, compression) } catch {
                unlink(file.path)
                throw error
            }
        case .descriptor(let open as any ByteSink), .stream(let open):
            partialPath = nil
            file = nil
            sink = open
            output = try CompressedOutput(appendingTo: open, compression)
            self.metadata.countsAreExact = false
        }
        do {
            if !plain { sum = try SHA256Sum(of: output.path) }
            try writeHeader()
        } catch {
            abandon()
            throw error
        }
    }

    /// What a symbolic link leads to is overwritten, and not the link: somebody has put it there for the file to be
    /// elsewhere. A link to nothing gives way.
    private static func resolved(_ destination: Destination) -> Destination {
        var status = stat()
        guard case .file(let path, overwriting: true) = destination, lstat(path, &status) == 0,
            status.st_mode & S_IFMT == S_IFLNK, let target = realpath(path, nil)
        else { return destination }
        defer { free(target) }
        return .file(path: String(cString: target), overwriting: true)
    }

    private static func alreadyThere(_ path: String) -> BackupError {
        BackupError(
            .exists, path, "the file exists already", advice: "Choose another name, or use --force to overwrite it.")
    }

    private var headerText: String { isPlain ? BackupMetadata.columns + "\n" : metadata.header }

    private func writeHeader() throws {
        var header = headerText
        try header.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            guard raw.count < BackupReader.maximumHeader else {
                throw BackupError(
                    .tooLarge, output.path,
                    "the metadata take \(raw.count) bytes, and \(BackupReader.maximumHeader) can be read",
                    advice: "Export the collections in several files, with --collection.")
            }
            headerLength = raw.count
            byteCount += raw.count
            try sum?.update(raw)
            try output.writeStored(raw)
        }
    }

    /// Writes whole rows.
    /// - Throws: ``FileError`` when the disk is full or the reader of a pipe has gone; ``BackupError`` where the library that
    ///   compresses fails; what a stream's ``ByteSink`` throws.
    public func write(rows: UnsafeRawBufferPointer) throws {
        byteCount += rows.count
        var at = 0
        while at < rows.count {
            let piece = UnsafeRawBufferPointer(rebasing: rows[at..<min(rows.count, at + Self.pieceBytes)])
            try sum?.update(piece)
            try output.write(piece)
            at += piece.count
        }
    }

    /// Nothing but the end of the file follows: waits until all rows are compressed, as long as others help.
    /// - Throws: as ``write(rows:)``.
    package func finishRows() throws { try output.finishMember() }

    /// Compresses rows beside the thread that writes, where that can be shared, until ``dismissHelpers()``. Runs on a thread
    /// of its own, as often as there are threads for it.
    package func helpToCompress() { output.blocks?.help() }

    package func dismissHelpers() { output.blocks?.dismissHelpers() }

    /// Ends the file: mends the counts at the top where they differ, writes the seal, and gives it its name.
    /// - Parameters:
    ///   - counts: rows a collection by its name in the file.
    ///   - check: called now and then while the file is read once more; what it throws stops that.
    /// - Returns: the seal; nil for a plain file.
    /// - Throws: ``FileError``, ``BackupError``; what `check` throws. Nothing stands under the name then.
    @discardableResult
    public func finish(counts: [String: Int], check: () throws -> Void = {}) throws -> Seal? {
        try finishRows()
        var seal: Seal?
        if var sum {
            var exact = metadata
            for index in exact.collections.indices where exact.collections[index].kind != .view {
                exact.collections[index].records = counts[exact.collections[index].name] ?? 0
            }
            if let file, exact.header != metadata.header {
                metadata = exact
                sum = try rewriteHeader(of: file, check)
            }
            let records = exact.collections.filter { $0.kind != .view }.map { ($0.name, $0.records) }
            let ended = Seal(records: records, sha256: try sum.finish())
            var line = ended.line
            try line.withUTF8 { bytes in
                byteCount += bytes.count
                try output.write(UnsafeRawBufferPointer(bytes))
            }
            try output.finishMember()
            seal = ended
        }
        try publish()
        return seal
    }

    /// Writes the header with the true counts over the first one.
    /// - Returns: the file's sum, computed anew: it begins there.
    private func rewriteHeader(of file: OpenFile, _ check: () throws -> Void) throws -> SHA256Sum {
        var header = headerText
        guard header.utf8.count == headerLength else {
            throw BackupError(
                .unavailable, file.path, "the counts need more digits than the header has room for",
                advice: "Export the collections in several files, with --collection.")
        }
        try header.withUTF8 { try output.writeStored(UnsafeRawBufferPointer($0), at: 0) }
        let sum = try SHA256Sum(of: file.path)
        let end = output.written
        let (source, _) = try makeByteSource(file)
        let buffer = ByteBuffer(capacity: 1 << 20)
        while true {
            try check()
            let count = try source.read(into: buffer.storage)
            if count == 0 { break }
            try sum.update(UnsafeRawBufferPointer(start: buffer.storage.baseAddress, count: count))
        }
        try file.seek(to: end)
        return sum
    }

    private func publish() throws {
        try sink?.finish()
        guard case .file(let path, let overwriting) = destination, let partialPath, let file else { return }
        try synchronize(file)
        guard try PartialFile.isStill(file, at: partialPath) else {
            throw BackupError(
                .unavailable, path, "another program has removed or replaced \(partialPath) while it was written",
                advice: "Run the export again.", outcome: "Nothing of this export stands under the file's name.")
        }
        if overwriting {
            guard rename(partialPath, path) == 0 else { throw FileError("rename to", path) }
        } else {
            guard try PartialFile.publish(partialPath, as: path) else { throw Self.alreadyThere(path) }
        }
        let slash = path.placeBehindLast("/")
        let folder = slash == path.startIndex ? "." : String(path[..<slash])
        // The name is on the disk when its folder is; who may not read that cannot flush it.
        guard let directory = try? OpenFile(path: folder, flags: O_RDONLY) else { return }
        do { try synchronize(directory) } catch { folderFault = error }
    }

    /// Takes back what was written: the file under its name, if there was one, is untouched.
    public func abandon() {
        // Under its name there may be another export's by now.
        if let partialPath, let file, (try? PartialFile.isStill(file, at: partialPath)) == true { unlink(partialPath) }
        sink?.abandon()
    }

    /// A collection's name as it begins a row, its comma included.
    public static func rowPrefix(_ name: String) -> String { CSVField.text(name) + "," }
}
