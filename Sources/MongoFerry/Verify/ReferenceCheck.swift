import BSON
import MongoDriver
import Relations

/// Checks in a database whether the values of references lead anywhere.
///
/// Reads the referring fields only, and asks for their targets in batches.
struct ReferenceCheck {
    let connection: Connection
    let operation: OperationContext
    /// The database's name of a collection that references call by its name in the file.
    let databaseName: (String) -> String

    private static let batchCount = 10_000
    private static let cacheLimit = 200_000
    private static let exampleLimit = 5

    /// - Parameter references: several of one path without conditions are alternatives: a value has to be in one.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(_ references: [Reference]) throws -> [ReferenceOutcome] {
        let live = Set(try connection.withClient { try $0.listCollections(in: connection.database) }.map(\.name))
        return try ReferenceGroup.groups(of: references).compactMap { group in
            try operation.cancellation.check()
            guard live.contains(databaseName(group.collection)) else { return nil }
            return try check(group, live)
        }
    }

    private func check(_ group: ReferenceGroup, _ live: Set<String>) throws -> ReferenceOutcome {
        var outcome = group.outcome
        let targets = group.references.filter { live.contains(databaseName($0.target)) }
        outcome.isTargetMissing = targets.isEmpty
        operation.progress(.verify, group.collection)
        return try connection.withClient { client in
            let source = connection.namespace(databaseName(group.collection))
            let paths = group.references.flatMap(\.neededPaths) + [.id]
            let cursor = try client.find(source, [:], options: FindOptions(projection: FieldPath.projection(of: paths)))
            let answers = try connection.pool.makeClient()
            var waiting = WaitingValues()
            var known: [UInt64: Bool] = [:]
            try cursor.forEach { document in
                for reference in group.references.prefix(group.isConditional ? group.references.count : 1) {
                    try reference.forEachValue(in: document) { value in
                        outcome.checked += 1
                        let hash = IDHash.hash(value)
                        if let exists = known[hash] {
                            if !exists { outcome.note(value, in: document, limit: Self.exampleLimit) }
                        } else {
                            waiting.add(value, hash, document.first?.copy ?? .null)
                        }
                    }
                }
                if waiting.count >= Self.batchCount {
                    try operation.cancellation.check()
                    if known.count > Self.cacheLimit { known.removeAll(keepingCapacity: true) }
                    try settle(&waiting, targets, answers, &known, &outcome)
                }
            }
            try settle(&waiting, targets, answers, &known, &outcome)
            return outcome
        }
    }

    /// Asks the targets for the values that wait, and counts those that none has.
    private func settle(
        _ waiting: inout WaitingValues, _ targets: [Reference], _ client: Client, _ known: inout [UInt64: Bool],
        _ outcome: inout ReferenceOutcome
    ) throws {
        guard waiting.count > 0 else { return }
        var missing = waiting.values
        for target in targets where !missing.isEmpty {
            let field = "\(target.targetPath)"
            let filter = Document { $0.append(field, ["$in": .array(missing.values.map(\.value))]) }
            let isID = target.targetPath == .id
            let projection =
                isID
                ? ["_id": 1]
                : Document {
                    $0.append("_id", 0); $0.append(field, 1)
                }
            let cursor = try client.find(
                connection.namespace(databaseName(target.target)), filter, options: FindOptions(projection: projection))
            try cursor.forEach { found in
                try target.targetPath.forEachValue(in: found) { value in
                    let hash = IDHash.hash(value)
                    if missing.removeValue(forKey: hash) != nil { known[hash] = true }
                }
            }
        }
        for (hash, entry) in missing {
            known[hash] = false
            outcome.dangling += entry.count
            if outcome.examples.count < Self.exampleLimit {
                outcome.examples.append(.init(value: entry.value, documentID: entry.documentID))
            }
        }
        waiting = WaitingValues()
    }
}

/// References that start at one path, of which a value has to fulfil one.
struct ReferenceGroup {
    let references: [Reference]
    var collection: String { references[0].collection }
    var isConditional: Bool { references.count == 1 || references.contains { $0.condition != nil } }

    static func groups(of references: [Reference]) -> [ReferenceGroup] {
        var groups: [ReferenceGroup] = []
        for reference in references.sorted() {
            if let last = groups.last, reference.condition == nil, let first = last.references.first,
                first.condition == nil, first.collection == reference.collection, first.path == reference.path
            {
                groups[groups.count - 1] = ReferenceGroup(references: last.references + [reference])
            } else {
                groups.append(ReferenceGroup(references: [reference]))
            }
        }
        return groups
    }

    var outcome: ReferenceOutcome {
        ReferenceOutcome(
            collection: collection, path: references[0].path.description,
            target: references.map(\.targetDescription).joined(separator: " or "),
            isOptional: references.allSatisfy(\.isOptional))
    }
}

/// Distinct values that wait for an answer.
private struct WaitingValues {
    var values: [UInt64: (value: Value, count: Int, documentID: Value)] = [:]
    var count: Int { values.count }

    mutating func add(_ value: RawElement, _ hash: UInt64, _ documentID: Value) {
        if values[hash] != nil {
            values[hash]?.count += 1
        } else {
            values[hash] = (value.copy, 1, documentID)
        }
    }
}

extension ReferenceOutcome {
    /// Counts a value that leads nowhere.
    mutating func note(_ value: RawElement, in document: RawDocument, limit: Int) {
        dangling += 1
        if examples.count < limit {
            examples.append(.init(value: value.copy, documentID: document.first?.copy ?? .null))
        }
    }
}
