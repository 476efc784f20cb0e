import BSON
import BackupFile
import MongoDriver

/// Cuts a large collection into ranges of its `_id` index, so that several cursors can read it at the same time.
///
/// The bounds are those of the index (`min` and `max` of `find`), which orders the values of all types. Conditions such
/// as `$gte` see only values of their bound's own type, and would lose the others.
///
/// Source: MongoDB manual, `cursor.min()`, `cursor.max()`: the lower bound belongs to a range, the upper one does not.
struct IDRanges {
    let connection: Connection

    /// A collection with fewer bytes is read by one cursor.
    private static let smallestBytes = 32 << 20
    /// Ranges a reader, so that none waits long for another's last one.
    private static let rangesPerReader = 4
    /// Sampled `_id`s a range: with 20 the largest of them is seldom twice the mean.
    private static let samplesPerRange = 20

    /// The ranges of a collection, from the first `_id` to the last; one without bounds where it is not worth cutting
    /// or cannot be.
    /// - Parameters:
    ///   - entry: with its indexes and the number of its records.
    ///   - bytes: of its documents.
    /// - Throws: ``MongoError``.
    func ranges(of entry: BackupMetadata.Collection, bytes: Int, readers: Int) throws -> [IDRange] {
        guard readers > 1, bytes >= Self.smallestBytes, canBeCut(entry) else { return [IDRange()] }
        let wanted = min(readers * Self.rangesPerReader, bytes / (Self.smallestBytes / 4))
        let size = wanted * Self.samplesPerRange
        // A sample of more than a twentieth would be a scan and a sort on the server.
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
            // There are far fewer documents than the server thinks.
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

    /// Only along an ordinary `_id` index: a clustered collection has none, a collation would change the bounds, and
    /// in a sharded cluster each cursor would go to every shard.
    private func canBeCut(_ entry: BackupMetadata.Collection) -> Bool {
        guard entry.kind == .collection, connection.server.topology != .sharded,
            entry.options["collation"] == nil, !entry.isCapped
        else { return false }
        return entry.idIndex.map { $0["collation"] == nil } ?? false
    }
}

extension BackupMetadata.Collection {
    /// Clustered collections have another one, time series none. That of a collection with a collation has the same.
    var idIndex: Document? {
        indexes.first { index in
            index["name"]?.string == "_id_" && index["key"]?.document == ["_id": 1] && index["clustered"] == nil
        }
    }
}

/// A part of an `_id` index.
struct IDRange: Sendable, Equatable {
    /// The first `_id` of the range; nil from the beginning of the index.
    var from: Value?
    /// The first one past the range; nil to the end of the index.
    var to: Value?
    /// The one document whose `_id` is MaxKey: where nothing else bounds a range, MaxKey does, and does not belong to it.
    var isMaxKey = false

    /// Bounds a query.
    func bound(_ filter: inout Document, _ options: inout FindOptions) {
        if isMaxKey { filter = ["_id": .maxKey] }
        guard from != nil || to != nil else { return }
        options.hint = ["_id": 1]
        options.min = from.map { ["_id": $0] }
        options.max = to.map { ["_id": $0] }
    }
}
