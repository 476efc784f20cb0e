import BackupFile
import Relations

extension BackupMetadata {
    /// How a seal contradicts the metadata, as in a file that was put together from two. Needs no look at the rows.
    /// - Returns: a text for each contradiction; only the first one if the seal is of other collections.
    func contradictions(with seal: Seal) -> [String] {
        guard hasCollections(of: seal) else { return ["the seal names other collections than the metadata"] }
        guard countsAreExact else { return [] }
        return zip(stored, seal.records).filter { $0.records != $1.count }.map { entry, sealed in
            "the metadata say \(entry.records.counted("record")) of \(BackupMetadata.shown(entry.name)), the seal says \(sealed.count.grouped)"
        }
    }

    /// Whether a seal is of the same collections.
    func hasCollections(of seal: Seal) -> Bool {
        seal.records.elementsEqual(stored, by: { $0.name.hasSameBytes(as: $1.name) })
    }

    private var stored: [Collection] { collections.filter { $0.kind != .view } }
}
