import BSON
import MongoDriver

/// Counts what writing documents would do, for a dry run, and compares them with the database, for a check. It has no
/// means to write. Belongs to one thread.
final class DocumentCounter: DocumentSink {
    let client: Client
    let target: LoadTarget
    let way: WriteWay
    let batch = PendingBatch()
    var outcome: CollectionOutcome
    var matched = 0
    var hasKeyIndex: Bool?
    var postponed: [SecondAttempt.Postponed] { [] }
    private let differences: DifferenceLog?

    /// - Parameter differences: takes examples of what a merge would find missing or different.
    init(client: Client, target: LoadTarget, way: WriteWay, differences: DifferenceLog?) {
        self.client = client
        self.target = target
        self.way = way
        self.differences = differences
        outcome = CollectionOutcome(name: target.name)
    }

    func takeBatch() throws {
        switch way {
        case .load, .mergeIntoEmpty, .insertIntoEmpty: outcome.inserted += batch.count
        case .insert:
            let missing = try missingIDs()
            outcome.unchanged += batch.count - missing.count
            outcome.inserted += missing.count
        case .measurements(let fields):
            let missing = try fields.map(missingMeasurements) ?? Array(batch.indices)
            outcome.unchanged += batch.count - missing.count
            outcome.inserted += missing.count
        case .merge(let key):
            let lookup = try lookUp(key, idOnly: false) { differences?.noteDifferent($0, live: $1) }
            let taken = key.isID ? [] : try whoseIDsAreTaken(lookup.missing)
            for index in taken { try reject(index, "another document in the database has that _id") }
            if let differences { for index in lookup.missing { differences.noteMissing(try document(index)) } }
            outcome.inserted += lookup.missing.count - taken.count
            outcome.updated += lookup.changed.count
        }
    }

    /// Those that the server would refuse because of their `_id`s, whatever their keys are.
    private func whoseIDsAreTaken(_ indexes: [Int]) throws -> [Int] {
        guard !indexes.isEmpty else { return [] }
        let ids = try indexes.compactMap { try document($0)["_id"]?.copy }
        var taken: [UInt64: [Value]] = [:]
        let options = FindOptions(projection: ["_id": 1])
        try client.forEachFound(by: ids[...], in: namespace, options: options) {
            QueryFilter.filters($0, .id)
        } _: { found in
            if let id = found.first { taken[IDHash.hash(id), default: []].append(id.copy) }
        }
        return try indexes.filter { index in
            guard let id = try document(index)["_id"] else { return false }
            return taken[IDHash.hash(id)]?.contains { ServerEquality.areEqual($0, id.copy) } ?? false
        }
    }
}
