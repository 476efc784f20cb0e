import BSON
import MongoDriver
import Relations
import Synchronization

/// Checks in a database whether the values of references lead anywhere.
///
/// Reads each referring collection once, the referring fields only, and asks for their targets in batches.
struct ReferenceCheck: Sendable {
    let connection: Connection
    let operation: OperationContext
    /// The database's name of a collection that references call by its name in the file.
    let databaseName: @Sendable (String) -> String
    /// Sorted hashes of `_id`s that are known to be in a collection, by its name in the file: those of an import that
    /// has just written them. What is not among them is asked for.
    var knownIDs: @Sendable (String) -> [UInt64]? = { _ in nil }

    private static let batchCount = 10_000
    private static let cacheLimit = 200_000
    private static let exampleLimit = 5

    /// - Parameter references: several of one path without conditions are alternatives: a value has to be in one.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(_ references: [Reference]) throws -> [ReferenceOutcome] {
        let live = Set(try connection.withClient { try $0.listCollections(in: connection.database) }.map(\.name))
        let groups = ReferenceGroup.groups(of: references).filter { live.contains(databaseName($0.collection)) }
        let sources = Dictionary(grouping: groups, by: \.collection).sorted { $0.key < $1.key }.map(\.value)
        let results = Mutex<[ReferenceOutcome]>([])
        let next = Atomic<Int>(0)
        let bodies = (0..<min(Threads.defaultJobs, sources.count)).map { _ in
            { @Sendable in
                while true {
                    let index = next.add(1, ordering: .relaxed).oldValue
                    guard index < sources.count else { return }
                    try operation.cancellation.check()
                    let outcomes = try check(sources[index], live)
                    results.withLock { $0 += outcomes }
                }
            }
        }
        try Threads.runAll(bodies)
        return results.withLock { $0 }.sorted {
            ($0.collection, $0.path, $0.target) < ($1.collection, $1.path, $1.target)
        }
    }

    /// Checks the references that start in one collection.
    private func check(_ groups: [ReferenceGroup], _ live: Set<String>) throws -> [ReferenceOutcome] {
        operation.progress(.verify, groups[0].collection)
        let source = connection.namespace(databaseName(groups[0].collection))
        let paths = groups.flatMap(\.references).flatMap(\.neededPaths) + [.id]
        var checks = groups.map { GroupCheck($0, live, databaseName, knownIDs) }
        try connection.withClient { client in
            let answers = try connection.pool.makeClient()
            let cursor = try client.find(source, [:], options: FindOptions(projection: FieldPath.projection(of: paths)))
            try cursor.forEach { document in
                for index in checks.indices {
                    try checks[index].look(at: document)
                    if checks[index].waiting.count >= Self.batchCount {
                        try operation.cancellation.check()
                        try settle(&checks[index], answers)
                    }
                }
            }
            for index in checks.indices { try settle(&checks[index], answers) }
        }
        return checks.map(\.outcome)
    }

    /// Asks the targets for the values that wait, and counts those that none has.
    private func settle(_ check: inout GroupCheck, _ client: Client) throws {
        guard !check.waiting.isEmpty else { return }
        if check.known.count > Self.cacheLimit { check.known.removeAll(keepingCapacity: true) }
        var missing = check.waiting
        for target in check.targets where !missing.isEmpty {
            let field = "\(target.targetPath)"
            let filter = Document { $0.append(field, ["$in": .array(missing.values.map(\.value))]) }
            let isID = target.targetPath == .id
            let projection =
                isID
                ? ["_id": 1]
                : Document {
                    $0.append("_id", 0)
                    $0.append(field, 1)
                }
            let cursor = try client.find(
                connection.namespace(databaseName(target.target)), filter, options: FindOptions(projection: projection))
            try cursor.forEach { found in
                try target.targetPath.forEachValue(in: found) { value in
                    let hash = IDHash.hash(value)
                    if missing.removeValue(forKey: hash) != nil { check.known[hash] = true }
                }
            }
        }
        for (hash, entry) in missing {
            check.known[hash] = false
            check.outcome.dangling += entry.count
            if check.outcome.examples.count < Self.exampleLimit {
                check.outcome.examples.append(.init(value: entry.value, documentID: entry.documentID))
            }
        }
        check.waiting.removeAll(keepingCapacity: true)
    }
}

/// The check of one group of references, while its collection is read.
private struct GroupCheck {
    let group: ReferenceGroup
    /// Those whose target is there.
    let targets: [Reference]
    /// Sorted hashes of `_id`s that are there for certain.
    private let certain: [[UInt64]]
    var outcome: ReferenceOutcome
    /// Distinct values that wait for an answer.
    var waiting: [UInt64: (value: Value, count: Int, documentID: Value)] = [:]
    /// Answers so far.
    var known: [UInt64: Bool] = [:]

    init(
        _ group: ReferenceGroup, _ live: Set<String>, _ databaseName: (String) -> String,
        _ knownIDs: (String) -> [UInt64]?
    ) {
        self.group = group
        targets = group.references.filter { live.contains(databaseName($0.target)) }
        certain = targets.filter { $0.targetPath == .id }.compactMap { knownIDs($0.target) }
        outcome = group.outcome
        outcome.isTargetMissing = targets.isEmpty
    }

    mutating func look(at document: RawDocument) throws {
        for reference in group.leading {
            try reference.forEachValue(in: document) { value in
                outcome.checked += 1
                let hash = IDHash.hash(value)
                if certain.contains(where: { $0.containsSorted(hash) }) { return }
                if let exists = known[hash] {
                    if !exists { outcome.note(value, in: document, limit: 5) }
                } else if waiting[hash] != nil {
                    waiting[hash]?.count += 1
                } else {
                    waiting[hash] = (value.copy, 1, document.first?.copy ?? .null)
                }
            }
        }
    }
}

/// References that start at one path, of which a value has to fulfil one.
struct ReferenceGroup: Sendable {
    let references: [Reference]
    var collection: String { references[0].collection }
    var isConditional: Bool { references.count == 1 || references.contains { $0.condition != nil } }
    /// Those by which values are found: of alternatives at one path, the first finds them all.
    var leading: ArraySlice<Reference> { references.prefix(isConditional ? references.count : 1) }

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

extension ReferenceOutcome {
    /// Counts a value that leads nowhere.
    mutating func note(_ value: RawElement, in document: RawDocument, limit: Int) {
        dangling += 1
        if examples.count < limit {
            examples.append(.init(value: value.copy, documentID: document.first?.copy ?? .null))
        }
    }
}
