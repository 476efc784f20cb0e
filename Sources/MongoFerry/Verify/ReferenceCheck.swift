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
    /// Hashes of `_id`s that are known to be in a collection, by its name in the file: those of an import that writes
    /// them. What is not among them is asked for.
    var knownIDs: @Sendable (String) -> RecordHashes? = { _ in nil }
    /// Collections that have no other `_id`s than the known ones, by their names in the file: nothing is asked there.
    var isKnownWhole: @Sendable (String) -> Bool = { _ in false }

    fileprivate static let batchCount = 10_000
    private static let cacheLimit = 200_000
    fileprivate static let exampleLimit = 5

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
        let tally = ReferenceTally(self, groups, live)
        try connection.withClient { client in
            try client.find(source, [:], options: FindOptions(projection: FieldPath.projection(of: paths)))
                .forEach { try tally.look(at: $0) }
        }
        return try tally.finish()
    }

    /// Asks the targets for the values that wait, and counts those that none has.
    fileprivate func settle(_ check: inout GroupCheck) throws {
        guard !check.waiting.isEmpty else { return }
        if check.known.count > Self.cacheLimit { check.known.removeAll(keepingCapacity: true) }
        var missing = check.waiting
        for target in check.asked where !missing.isEmpty {
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
            try connection.withClient { client in
                try client.find(
                    connection.namespace(databaseName(target.target)), filter,
                    options: FindOptions(projection: projection)
                ).forEach { found in
                    try target.targetPath.forEachValue(in: found) { value in
                        let hash = IDHash.hash(value)
                        if missing.removeValue(forKey: hash) != nil { check.known[hash] = true }
                    }
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

/// Checks the references that start in one collection, document by document, whatever else is done with them.
///
/// Belongs to one thread; several have a tally each, and their outcomes are added.
final class ReferenceTally {
    private let check: ReferenceCheck
    private var groups: [GroupCheck]

    /// - Parameter live: names in the database of the collections that are there, or will be.
    fileprivate init(_ check: ReferenceCheck, _ groups: [ReferenceGroup], _ live: Set<String>) {
        self.check = check
        self.groups = groups.map { GroupCheck($0, live, check) }
    }

    /// - Returns: nil where no reference starts in the collection.
    convenience init?(_ check: ReferenceCheck, _ references: [Reference], from collection: String, live: Set<String>) {
        let groups = ReferenceGroup.groups(of: references.filter { $0.collection == collection })
        if groups.isEmpty { return nil }
        self.init(check, groups, live)
    }

    /// - Throws: ``MongoError``; `CancellationError`.
    func look(at document: RawDocument) throws {
        for index in groups.indices {
            try groups[index].look(at: document)
            if groups[index].waiting.count >= ReferenceCheck.batchCount {
                try check.operation.cancellation.check()
                try check.settle(&groups[index])
            }
        }
    }

    /// Asks for what still waits.
    /// - Returns: an outcome for each group of references, always in the same order.
    func finish() throws -> [ReferenceOutcome] {
        for index in groups.indices { try check.settle(&groups[index]) }
        return groups.map(\.outcome)
    }
}

extension [ReferenceOutcome] {
    /// With what another thread found of the same references.
    func adding(_ others: [ReferenceOutcome]) -> [ReferenceOutcome] {
        guard !isEmpty else { return others }
        return zip(self, others).map { mine, other in
            var sum = mine
            sum.checked += other.checked
            sum.dangling += other.dangling
            sum.examples = [ReferenceOutcome.Example](
                (mine.examples + other.examples).prefix(ReferenceCheck.exampleLimit))
            return sum
        }
    }
}

/// The check of one group of references, while its collection is read.
private struct GroupCheck {
    let group: ReferenceGroup
    /// Those whose target is there and may have other values than the known ones.
    let asked: [Reference]
    /// Hashes of `_id`s that are there for certain.
    private let certain: [RecordHashes]
    var outcome: ReferenceOutcome
    /// Distinct values that wait for an answer.
    var waiting: [UInt64: (value: Value, count: Int, documentID: Value)] = [:]
    /// Answers so far.
    var known: [UInt64: Bool] = [:]

    init(_ group: ReferenceGroup, _ live: Set<String>, _ check: ReferenceCheck) {
        self.group = group
        let targets = group.references.filter { live.contains(check.databaseName($0.target)) }
        asked = targets.filter { $0.targetPath != .id || !check.isKnownWhole($0.target) }
        certain = targets.filter { $0.targetPath == .id }.compactMap { check.knownIDs($0.target) }
        outcome = group.outcome
        outcome.isTargetMissing = targets.isEmpty
    }

    mutating func look(at document: RawDocument) throws {
        for reference in group.leading {
            try reference.forEachValue(in: document) { value in
                outcome.checked += 1
                let hash = IDHash.hash(value)
                if certain.contains(where: { $0.contains(hash) }) { return }
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
