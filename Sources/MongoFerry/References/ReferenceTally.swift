import BSON
import MongoDriver
import Relations

/// Checks the references of one collection document by document, whatever else is done with them.
///
/// Belongs to one thread; each thread has its own tally, and their outcomes are added up.
final class ReferenceTally {
    private let check: ReferenceCheck
    private var groups: [GroupCheck]
    private let walk: GroupWalk

    /// - Parameters:
    ///   - live: the database's names of the collections that exist or will exist.
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

    /// - Returns: nil if the collection has no references.
    convenience init?(_ check: ReferenceCheck, _ references: [Reference], from collection: String, live: Set<ExactName>)
    {
        let groups = ReferenceGroup.groups(of: references.filter { $0.collection.hasSameBytes(as: collection) })
        if groups.isEmpty { return nil }
        self.init(check, groups, live)
    }

    /// - Parameter client: the client for lookups: a thread that took a second one would leave too few for others if
    ///   the connection string allows only few. If nil, a client is taken for the duration of each lookup.
    /// - Throws: ``MongoError``; `CancellationError`.
    func look(at document: RawDocument, over client: Client? = nil) throws {
        try walk.forEachValue(
            in: document, count: { groups[$0].outcome.valuesAtPath += 1 },
            { index, value in
                groups[index].look(at: value, in: document)
                // Within the document: an array may have a million values.
                guard groups[index].open.isFull else { return }
                try check.operation.cancellation.check()
                try settle(index, client)
            })
    }

    /// Looks up the values that still wait.
    /// - Parameter client: as for ``look(at:over:)``.
    /// - Returns: the outcome of each group of references, always in the same order.
    func finish(over client: Client? = nil) throws -> [ReferenceOutcome] {
        for index in groups.indices {
            try settle(index, client)
            groups[index].outcome.doubtUnseen()
        }
        return groups.map(\.outcome)
    }

    /// For each group, in the same order, the documents whose values seemed to dangle.
    var doubtful: [DoubtfulDocuments] { groups.map(\.open.doubtful) }

    private func settle(_ index: Int, _ client: Client?) throws {
        let (connection, databaseName) = (check.connection, check.databaseName)
        try groups[index].settle(client ?? connection.pool.makeClient()) { connection.namespace(databaseName($0)) }
    }
}

extension [ReferenceOutcome] {
    /// Adds what another thread found for the same references.
    func adding(_ others: [ReferenceOutcome]) -> [ReferenceOutcome] {
        guard !isEmpty else { return others }
        return zip(self, others).map { mine, other in
            var sum = mine
            sum.merge(other)
            return sum
        }
    }
}

/// The check of one group of references while its collection is read.
private struct GroupCheck {
    let group: ReferenceGroup
    /// Hashes of `_id`s that are known to exist.
    private let certain: [RecordHashes]
    var outcome: ReferenceOutcome
    /// Looks up values in targets that exist and may have other values than the known ones.
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
        guard check.isPartlySeen else { return }
        for reference in group.references where !live.contains(ExactName(check.databaseName(reference.target))) {
            outcome.noteUnseen(reference.target)
        }
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
