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
/// A file appears under its name only when it is complete: until then it is a hidden file in the same folder, locked
/// against a second export to the same name. Belongs to one thread, except for the helpers that compress.
public final class BackupWriter {
    public enum Destination: Sendable {
        case file(path: String, overwriting: Bool)
        /// Standard output or another descriptor that cannot be rewound.
        case descriptor(OpenFile)
        /// Another output that cannot be rewound.
        case stream(any ByteSink)
    }

    private enum Place {
        /// Written under the name `partial`, and given the name `path` when it is complete.
        case file(OpenFile, partial: String, path: String, overwriting: Bool)
        case sink(any ByteSink)
    }

    private let place: Place
    /// Nil if the output cannot be rewound.
    package var file: OpenFile? { if case .file(let file, _, _, _) = place { file } else { nil } }
    private let isPlain: Bool
    private let output: CompressedOutput
    /// Waits until the content of a file or folder is on the disk.
    private let synchronize: (OpenFile) throws -> Void
    private var metadata: BackupMetadata
    private var headerLength = 0
    /// The digest of every byte so far; nil for a plain file, which has no seal.
    private var sum: SHA256Sum?
    /// Rows are hashed and copied in pieces that are still in the CPU cache when they are copied: copying from memory
    /// took a quarter of an export's time.
    private static let pieceBytes = 128 << 10
    /// Why the file's name may not be on the disk although its content is; nil if no such problem is known.
    package private(set) var folderFault: (any Error)?
    /// The number of bytes of the file before compression.
    public private(set) var byteCount = 0
    /// The number of bytes written to the file or the sink.
    package var written: Int { output.written }

    /// Creates the output and writes the header with the counts that `metadata` has so far.
    /// - Parameter plain: whether to write only the column header and the rows, without metadata and seal.
    /// - Throws: ``BackupError`` if the file exists or another program is writing it, if the metadata are longer than a
    ///   reader accepts, or if the compression library fails; ``FileError``; whatever a stream's ``ByteSink`` throws.
    public convenience init(
        _ destination: Destination, compression: Compression, plain: Bool, metadata: BackupMetadata
    ) throws {
        try self.init(destination, compression, plain: plain, metadata) { try $0.synchronize() }
    }

    /// - Parameter synchronize: waits until the content of a file or folder is on the disk.
    init(
        _ destination: Destination, _ compression: Compression, plain: Bool, _ metadata: BackupMetadata,
        synchronize: @escaping (OpenFile) throws -> Void
    ) throws {
        self.metadata = metadata
        isPlain = plain
        self.synchronize = synchronize
        switch Self.resolved(destination) {
        case .file(let path, let overwriting):
            guard !path.isEmpty else { throw FileError("open", path, code: ENOENT) }
            guard overwriting || !PartialFile.isTaken(path) else { throw Self.alreadyThere(path) }
            let file = try PartialFile.open(for: path)
            place = .file(file, partial: PartialFile.path(for: path), path: path, overwriting: overwriting)
            do { output = try CompressedOutput(file, compression) } catch {
                unlink(file.path)
                throw error
            }
        case .descriptor(let open as any ByteSink), .stream(let open):
            place = .sink(open)
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

    /// Resolves a symbolic link, so that its target is overwritten and not the link, which somebody made to keep the
    /// file elsewhere. A dangling link is replaced.
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
    /// - Throws: ``FileError`` if the disk is full or the reader of a pipe is gone; ``BackupError`` if the compression
    ///   library fails; whatever a stream's ``ByteSink`` throws.
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

    /// Call it after the last row: waits until all rows are compressed, while helpers can still take part.
    /// - Throws: like ``write(rows:)``.
    package func finishRows() throws { try output.finishMember() }

    /// Compresses rows beside the writing thread, if the compression supports that, until ``dismissHelpers()``.
    /// Occupies the calling thread; several threads may help.
    package func helpToCompress() { output.blocks?.help() }

    package func dismissHelpers() { output.blocks?.dismissHelpers() }

    /// Completes the file: corrects the counts at the top if they differ, writes the seal, and gives the file its name.
    /// - Parameters:
    ///   - counts: the number of rows per collection, by its name in the file.
    ///   - check: called from time to time while the file is read once more; an error that it throws stops that.
    /// - Returns: the seal; nil for a plain file.
    /// - Throws: ``FileError``, ``BackupError``; whatever `check` or a stream's ``ByteSink`` throws. The new file does
    ///   not appear under the name then.
    @discardableResult
    public func finish(counts: [String: Int], check: () throws -> Void = {}) throws -> Seal? {
        try finishRows()
        var seal: Seal?
        if var sum {
            var exact = metadata
            for index in exact.collections.indices where exact.collections[index].kind != .view {
                let name = exact.collections[index].name
                guard let records = counts[name] else {
                    throw BackupError(
                        .unavailable, file?.path ?? "-",
                        "it was not said how many rows of \(BackupMetadata.shown(name)) it has")
                }
                exact.collections[index].records = records
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

    /// Overwrites the header with the true counts.
    /// - Returns: the file's digest, computed anew because it starts with the header.
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
        _ = try sum.update(from: makeByteSource(file).source, check)
        try file.seek(to: end)
        return sum
    }

    private func publish() throws {
        switch place {
        case .sink(let sink): try sink.finish()
        case .file(let file, let partial, let path, let overwriting):
            try synchronize(file)
            guard try PartialFile.isStill(file, at: partial) else {
                throw BackupError(
                    .unavailable, path, "another program has removed or replaced \(partial) while it was written",
                    advice: "Run the export again.", outcome: "Nothing of this export stands under the file's name.")
            }
            if overwriting {
                guard rename(partial, path) == 0 else { throw FileError("rename to", path) }
            } else {
                guard try PartialFile.publish(partial, as: path) else { throw Self.alreadyThere(path) }
            }
            synchronizeFolder(of: path)
        }
    }

    /// Waits until a file's name is on the disk: it is when its folder is.
    private func synchronizeFolder(of path: String) {
        let slash = path.placeBehindLast("/")
        let folder = slash == path.startIndex ? "." : String(path[..<slash])
        do {
            try synchronize(OpenFile(path: folder, flags: O_RDONLY))
        } catch let error as FileError where error.code == EACCES {
            // A folder that the user may not read cannot be flushed.
        } catch {
            folderFault = error
        }
    }

    /// Discards what was written; an existing file under the name is untouched.
    public func abandon() {
        switch place {
        case .sink(let sink): sink.abandon()
        case .file(let file, let partial, _, _):
            // By now, another export's file may have this name.
            if (try? PartialFile.isStill(file, at: partial)) == true { unlink(partial) }
        }
    }

    /// A collection's name as it begins a row, including the comma.
    public static func rowPrefix(_ name: String) -> String { CSVField.text(name) + "," }
}
