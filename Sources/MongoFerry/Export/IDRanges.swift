import BSON
import BackupFile
import MongoDriver

/// Cuts a large collection into ranges of its `_id` index, so that several cursors can read it at the same time.
///
/// The bounds are index bounds (`min` and `max` of `find`), which order the values of all types. Conditions such as
/// `$gte` match only values of their bound's own type, and would miss the others.
///
/// Source: MongoDB manual, `cursor.min()`, `cursor.max()`: the lower bound belongs to a range, the upper one does not.
struct IDRanges {
    let connection: Connection

    /// A collection with fewer bytes is read by one cursor.
    private static let smallestBytes = 32 << 20
    /// Ranges per reader, so that none waits long for another's last one.
    private static let rangesPerReader = 4
    /// Sampled `_id`s per range: with 20, the largest range is seldom twice the mean.
    private static let samplesPerRange = 20

    /// The ranges of a collection, from the first `_id` to the last; a single one without bounds if the collection is
    /// not worth cutting or cannot be cut.
    /// - Parameters:
    ///   - entry: the collection, with its indexes and the number of its records.
    ///   - bytes: the total size of its documents.
    /// - Throws: ``MongoError``.
    func ranges(of entry: BackupMetadata.Collection, bytes: Int, readers: Int) throws -> [IDRange] {
        guard readers > 1, bytes >= Self.smallestBytes, canBeCut(entry) else { return [IDRange()] }
        let wanted = min(readers * Self.rangesPerReader, bytes / (Self.smallestBytes / 4))
        let size = wanted * Self.samplesPerRange
        // For a sample of more than a twentieth, the server would scan the collection and sort.
        guard wanted > 1, entry.records > size * 20 else { return [IDRange()] }
        var ids: [Value] = []
        let pipeline: [Document] = [
            ["$sample": ["size": .int64(Int64(size))]], ["$project": ["_id": 1]], ["$sort": ["_id": 1]],
        ]
        do {
            try connection.withClient { client in
                try client.aggregate(connection.namespace(entry.databaseName), pipeline: pipeline).forEach {
                    if let id = $0.first { ids.append(id.copy) }
                }
            }
        } catch let error as MongoError where error.isSampleExhausted {
            // There are far fewer documents than the server believes.
            return [IDRange()]
        }
        var bounds: [Value] = []
        for cut in 1..<wanted where !ids.isEmpty {
            let id = ids[cut * ids.count / wanted]
            // The sample may hold a document twice.
            if bounds.last != id { bounds.append(id) }
        }
        guard !bounds.isEmpty else { return [IDRange()] }
        let ranges = zip([nil] + bounds.map(Optional.some), bounds.map(Optional.some) + [nil])
        return ranges.map { IDRange(from: $0, to: $1) } + [IDRange(isMaxKey: true)]
    }

    /// Whether there is an ordinary `_id` index to cut along. A clustered collection has none, a collation would change
    /// the bounds, and in a sharded cluster each cursor would go to every shard.
    private func canBeCut(_ entry: BackupMetadata.Collection) -> Bool {
        guard entry.kind == .collection, connection.server.topology != .sharded,
            entry.options["collation"] == nil, !entry.isCapped
        else { return false }
        return entry.idIndex.map { $0["collation"] == nil } ?? false
    }
}

extension BackupMetadata.Collection {
    /// The ordinary `_id` index, with the collection's collation, if any. Nil for a clustered collection, whose index
    /// is of another kind, and for a time series, which has none.
    var idIndex: Document? {
        indexes.first { index in
            index["name"]?.string == "_id_" && index["key"]?.document == ["_id": 1] && index["clustered"] == nil
        }
    }
}

/// A part of an `_id` index.
struct IDRange: Sendable, Equatable {
    /// The first `_id` of the range; nil for the beginning of the index.
    var from: Value?
    /// The first `_id` past the range; nil for the end of the index.
    var to: Value?
    /// Whether the range is the one document whose `_id` is MaxKey: a range without an upper bound ends before MaxKey.
    var isMaxKey = false

    /// Restricts a query to the range.
    func bound(_ filter: inout Document, _ options: inout FindOptions) {
        if isMaxKey { filter = ["_id": .maxKey] }
        guard from != nil || to != nil else { return }
        options.hint = ["_id": 1]
        options.min = from.map { ["_id": $0] }
        options.max = to.map { ["_id": $0] }
    }
}
