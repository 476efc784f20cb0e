import BSON
import MongoDriver
import Relations

/// Checks the references that start in one collection, document by document, whatever else is done with them.
///
/// Belongs to one thread; several have a tally each, and their outcomes are added.
final class ReferenceTally {
    private let check: ReferenceCheck
    private var groups: [GroupCheck]
    private let walk: GroupWalk

    /// - Parameters:
    ///   - live: names in the database of the collections that are there, or will be.
    ///   - remembersDocuments: whether ``doubtful`` is wanted.
    init(
        _ check: ReferenceCheck, _ groups: [ReferenceGroup], _ live: Set<ExactName>, remembersDocuments: Bool = false
    ) {
        self.check = check
        self.groups = groups.map {
            GroupCheck($0, live, check, sharedBy: groups.count, remembersDocuments: remembersDocuments)
        }
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

    /// Of each group, in the same order, where values seemed to lead nowhere.
    var doubtful: [DoubtfulDocuments] { groups.map(\.open.doubtful) }

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

    init(
        _ group: ReferenceGroup, _ live: Set<ExactName>, _ check: ReferenceCheck, sharedBy company: Int,
        remembersDocuments: Bool
    ) {
        self.group = group
        let targets = group.references.filter { live.contains(ExactName(check.databaseName($0.target))) }
        open = OpenValues(
            targets.filter { $0.targetPath != .id || !check.isKnownWhole($0.target) }, sharedBy: company,
            check.targetIDs, remembersDocuments: remembersDocuments)
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
