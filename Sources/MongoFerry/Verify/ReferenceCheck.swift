import BSON
import MongoDriver
import Relations
import Synchronization

/// Checks in a database whether the values of references lead anywhere.
///
/// Reads each referring collection once, the referring fields only, and asks for their targets in batches.
struct ReferenceCheck: Sendable {
    let connection: Connection
    private(set) var operation: OperationContext
    /// The database's name of a collection that references call by its name in the file.
    let databaseName: @Sendable (String) -> String
    /// Hashes of `_id`s that are known to be in a collection, by its name in the file: those of an import that writes
    /// them. What is not among them is asked for.
    var knownIDs: @Sendable (String) -> RecordHashes? = { _ in nil }
    /// Collections that have no other `_id`s than the known ones, by their names in the file: nothing is asked there.
    var isKnownWhole: @Sendable (String) -> Bool = { _ in false }

    fileprivate let targetIDs: TargetValues

    private static let progressStep = 1000

    init(
        connection: Connection, operation: OperationContext, databaseName: @escaping @Sendable (String) -> String
    ) {
        self.connection = connection
        self.operation = operation
        self.databaseName = databaseName
        targetIDs = TargetValues(operation.cancellation)
    }

    /// - Parameter references: several of one path without conditions are alternatives: a value has to be in one.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(_ references: [Reference]) throws -> [ReferenceOutcome] {
        if references.isEmpty { return [] }
        let live = Set(
            try connection.withClient { try $0.listCollections(in: connection.database) }.map { ExactName($0.name) })
        let groups = ReferenceGroup.groups(of: references).filter {
            live.contains(ExactName(databaseName($0.collection)))
        }
        let sources = Dictionary(grouping: groups) { ExactName($0.collection) }.sorted { $0.key < $1.key }.map(\.value)
        let results = Mutex<[ReferenceOutcome]>([])
        let next = Atomic<Int>(0)
        let counts = try connection.answers(for: sources.map { connection.namespace(databaseName($0[0].collection)) }) {
            try $0.estimatedCount($1)
        }
        let progress = { @Sendable [done = Tally(), total = counts.reduce(0, +)] count in
            operation.progress(.verify, records: done.add(count), total: total)
        }
        progress(0)
        // Where one collection cannot be read, the others need not be.
        var part = self
        part.operation = operation.part()
        let bodies = (0..<min(connection.bounded(Threads.defaultJobs), sources.count)).map { _ in
            { @Sendable [part] in
                while true {
                    let index = next.add(1, ordering: .relaxed).oldValue
                    guard index < sources.count else { return }
                    try part.operation.cancellation.check()
                    let outcomes = try part.check(sources[index], live, progress)
                    results.withLock { $0 += outcomes }
                }
            }
        }
        try Threads.runAll(bodies, onFailure: part.operation.cancellation.cancel)
        return results.withLock { $0 }.sorted {
            ($0.collection, $0.path, $0.target) < ($1.collection, $1.path, $1.target)
        }
    }

    /// Checks the references that start in one collection.
    private func check(
        _ groups: [ReferenceGroup], _ live: Set<ExactName>, _ progress: (_ documents: Int) -> Void
    ) throws -> [ReferenceOutcome] {
        let source = connection.namespace(databaseName(groups[0].collection))
        let paths = groups.flatMap(\.references).flatMap(\.neededPaths) + [.id]
        let tally = ReferenceTally(self, groups, live)
        return try connection.withClient { client in
            var count = 0
            try client.find(source, [:], options: FindOptions(projection: FieldPath.projection(of: paths)))
                .forEach { document in
                    count += 1
                    if count % Self.progressStep == 0 {
                        try operation.cancellation.check()
                        progress(Self.progressStep)
                    }
                    try tally.look(at: document, over: client)
                }
            return try tally.finish(over: client)
        }
    }
}

/// Checks the references that start in one collection, document by document, whatever else is done with them.
///
/// Belongs to one thread; several have a tally each, and their outcomes are added.
final class ReferenceTally {
    private let check: ReferenceCheck
    private var groups: [GroupCheck]
    private let walk: GroupWalk

    /// - Parameter live: names in the database of the collections that are there, or will be.
    fileprivate init(_ check: ReferenceCheck, _ groups: [ReferenceGroup], _ live: Set<ExactName>) {
        self.check = check
        self.groups = groups.map { GroupCheck($0, live, check, sharedBy: groups.count) }
        walk = GroupWalk(groups)
    }

    /// - Returns: nil where no reference starts in the collection.
    convenience init?(_ check: ReferenceCheck, _ references: [Reference], from collection: String, live: Set<ExactName>)
    {
        let groups = ReferenceGroup.groups(of: references.filter { $0.collection.hasSameBytes(as: collection) })
        if groups.isEmpty { return nil }
        self.init(check, groups, live)
    }

    /// - Parameter client: what is asked, is asked over it: a thread that has one and takes another leaves too few where
    ///   the connection string allows few. Nil takes one for as long as an answer takes.
    /// - Throws: ``MongoError``; `CancellationError`.
    func look(at document: RawDocument, over client: Client? = nil) throws {
        try walk.forEachValue(in: document) { index, value in groups[index].look(at: value, in: document) }
        for index in groups.indices where groups[index].open.isFull {
            try check.operation.cancellation.check()
            try settle(index, client)
        }
    }

    /// Asks for what still waits.
    /// - Parameter client: as for ``look(at:over:)``.
    /// - Returns: an outcome for each group of references, always in the same order.
    func finish(over client: Client? = nil) throws -> [ReferenceOutcome] {
        for index in groups.indices { try settle(index, client) }
        return groups.map(\.outcome)
    }

    private func settle(_ index: Int, _ client: Client?) throws {
        let (connection, databaseName) = (check.connection, check.databaseName)
        try groups[index].settle(client ?? connection.pool.makeClient()) { connection.namespace(databaseName($0)) }
    }
}

extension [ReferenceOutcome] {
    /// With what another thread found of the same references.
    func adding(_ others: [ReferenceOutcome]) -> [ReferenceOutcome] {
        guard !isEmpty else { return others }
        return zip(self, others).map { mine, other in
            var sum = mine
            sum.merge(other)
            return sum
        }
    }
}

/// The check of one group of references, while its collection is read.
private struct GroupCheck {
    let group: ReferenceGroup
    /// Hashes of `_id`s that are there for certain.
    private let certain: [RecordHashes]
    var outcome: ReferenceOutcome
    /// Asks those whose target is there and may have other values than the known ones.
    var open: OpenValues

    init(_ group: ReferenceGroup, _ live: Set<ExactName>, _ check: ReferenceCheck, sharedBy company: Int) {
        self.group = group
        let targets = group.references.filter { live.contains(ExactName(check.databaseName($0.target))) }
        open = OpenValues(
            targets.filter { $0.targetPath != .id || !check.isKnownWhole($0.target) }, sharedBy: company,
            check.targetIDs)
        certain = targets.filter { $0.targetPath == .id }.compactMap { check.knownIDs($0.target) }
        outcome = group.outcome
        outcome.isTargetMissing = targets.isEmpty
    }

    mutating func look(at value: RawElement, in document: RawDocument) {
        outcome.checked += 1
        let hash = IDHash.hash(value)
        for index in certain.indices where certain[index].contains(hash) { return }
        open.add(value, hash, in: document, &outcome)
    }

    mutating func settle(_ client: Client, _ namespace: (String) -> Namespace) throws {
        try open.settle(&outcome, client, namespace)
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
                first.condition == nil, first.collection.hasSameBytes(as: reference.collection),
                first.path == reference.path
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
            targetNames: references.map(\.target),
            condition: references[0].condition?.description,
            isOptional: references.allSatisfy(\.isOptional))
    }
}

/// Finds the values of several groups of references in one walk through a document.
struct GroupWalk: Sendable {
    private let walk: ReferenceWalk
    /// For each of the walk's references the place of its group.
    private let groups: [Int]

    init(_ groups: [ReferenceGroup]) {
        walk = ReferenceWalk(groups.flatMap(\.leading))
        self.groups = groups.enumerated().flatMap { place, group in group.leading.map { _ in place } }
    }

    /// - Throws: ``BSONError`` where the document is damaged.
    func forEachValue(in document: RawDocument, _ body: (_ group: Int, _ value: RawElement) -> Void) throws {
        try walk.forEachValue(in: document) { reference, value in body(groups[reference], value) }
    }
}
