import BackupFile
import BSON
import Relations

/// What a file says about itself, without its rows being read.
public struct Inspection: Sendable {
    /// Nil for a bare CSV.
    public var metadata: BackupMetadata?
    /// Determined by the file's content, whatever its name.
    public var compression: Compression
    /// The file's size on disk in bytes.
    public var fileBytes: Int
    /// The seal at the end of the file; nil if none was found.
    public var seal: Seal?
    /// Whether a seal would have been found if there is one: in a file that another program compressed, it is not a
    /// separate member that could be looked for.
    private let canFindSeal: Bool

    /// - Throws: ``FerryError`` if this is not a regular file; ``FileError``, ``BackupError``.
    public init(_ path: String) throws {
        let file = try OpenFile(rereading: path, for: "inspect")
        fileBytes = Int(try file.status().st_size)
        seal = try SealFinder.find(in: file)
        let reader = try BackupReader(file)
        metadata = reader.metadata
        compression = reader.compression
        canFindSeal = try SealFinder.canFind(in: file, headBytes: reader.firstRow.offset, compression)
    }

    /// The inspection as text for people.
    public var lines: [String] {
        guard let metadata else {
            return [
                "a bare CSV without metadata, \(ByteText.text(fileBytes))"
                    + (compression == .none ? "" : ", \(compression.rawValue)"),
                "`mongoferry verify` reads its rows.",
            ]
        }
        var lines = [
            "format 1, \(ByteText.text(fileBytes))" + (compression == .none ? "" : ", \(compression.rawValue)")
        ]
        lines.append("created \(metadata.created.map { "\($0) " } ?? "")by \(metadata.program)")
        lines.append("source \(metadata.sourceText)")
        lines.append(
            (metadata.consistency.map { "consistency \($0), " } ?? "") + "Extended JSON \(metadata.json)")
        let counts = Dictionary(
            seal?.records.map { ($0.name, $0.count) } ?? [], uniquingKeysWith: { first, _ in first })
        for entry in metadata.collections {
            var text = "  \(BackupMetadata.shown(entry.name)): "
            if entry.kind == .view {
                text += "view on \(entry.options["viewOn"]?.string ?? "?")"
            } else {
                // The header was written before the documents were read.
                if counts[entry.name] == nil, !metadata.countsAreExact { text += "about " }
                text += (counts[entry.name] ?? entry.records).counted("record")
            }
            if entry.kind == .timeseries { text += ", time series" }
            if !entry.databaseName.hasSameBytes(as: entry.name) {
                text += ", in the database \(BackupMetadata.shown(entry.databaseName))"
            }
            let own = entry.secondaryIndexes.compactMap { $0["name"]?.string }
            if !own.isEmpty { text += ", indexes \(own.joined(separator: ", "))" }
            if !entry.options.isEmpty { text += ", options \(entry.options.keys.joined(separator: ", "))" }
            lines.append(text)
        }
        for reference in metadata.references {
            let place = "\(reference["collection"]?.string ?? "?").\(reference["path"]?.string ?? "?")"
            lines.append("  \(place) → \(reference["target"]?.string ?? "?") (\(reference["found"]?.string ?? ""))")
        }
        for exclusion in metadata.excluded {
            lines.append("  left out: \(BackupMetadata.shown(exclusion.name)) (\(exclusion.reason))")
        }
        for query in metadata.queries { lines.append("  only of \(BackupMetadata.shown(query.name)): \(query.query)") }
        if let contradiction { lines.append(contradiction) }
        if let seal {
            lines.append("seal \(seal.rows.counted("record")), sha256 \(seal.sha256); `mongoferry verify` checks it")
        } else {
            lines.append(textOfMissingSeal)
        }
        // The texts come from whoever wrote the file.
        return lines.map(\.oneLine)
    }

    /// Whether the file claims to be a backup and is certainly incomplete. Other faults are found only by a check of
    /// the whole file.
    public var isCut: Bool { metadata != nil && seal == nil && canFindSeal }

    /// Whether the file is certainly not a sound backup: see ``isCut``; or its beginning and its end do not belong
    /// together.
    public var isDamaged: Bool { isCut || contradiction != nil }

    /// How the seal contradicts the metadata; nil if it does not.
    var contradiction: String? {
        guard let seal, let text = metadata?.contradictions(with: seal).first else { return nil }
        return text + ": the file is damaged"
    }

    /// What it means that there is no ``seal``.
    var textOfMissingSeal: String {
        canFindSeal
            ? "no seal stands at the end: the file is damaged, or is still being written"
            : "no seal was found without reading the whole file; `mongoferry verify` reads it and checks the seal"
    }
}
