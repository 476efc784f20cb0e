import BSON
import MongoDriver
import Relations

/// Values of one group of references that are looked up in the database, many at a time.
struct OpenValues {
    /// The references whose target collection exists; a value has to be in one of them.
    let targets: [Reference]
    /// Distinct values that wait to be looked up.
    private var waiting: [UInt64: (value: Value, count: Int, documentIDs: [Value])] = [:]
    /// The documents whose values were not found.
    private(set) var doubtful = DoubtfulDocuments()
    /// The answers so far.
    private var known: [UInt64: Bool] = [:]

    /// The bytes of these values, and of the `_id`s of the documents that have them.
    private var waitingBytes = 0

    /// All values of those targets that were asked for very often, by their index in ``targets``.
    private var listed: [Int: RecordHashes] = [:]
    private let targetIDs: TargetValues
    /// Whether documents are remembered in order to check them again.
    private let remembersDocuments: Bool
    private var remembered = 0
    private let batchCount: Int
    private let batchBytes: Int
    private let cacheLimit: Int

    /// - Parameters:
    ///   - company: how many references are checked at the same time, and share the available memory.
    ///   - targetIDs: shared with other references to the same target.
    ///   - remembersDocuments: whether ``doubtful`` is wanted.
    init(
        _ targets: [Reference], sharedBy company: Int, _ targetIDs: TargetValues, remembersDocuments: Bool = false
    ) {
        self.targets = targets
        self.remembersDocuments = remembersDocuments
        self.targetIDs = targetIDs
        batchCount = max(500, min(QueryFilter.maximumCount, 4 * QueryFilter.maximumCount / max(1, company)))
        batchBytes = max(64 << 10, min(QueryFilter.maximumBytes, 4 * QueryFilter.maximumBytes / max(1, company)))
        cacheLimit = max(1000, 200_000 / max(1, company))
    }

    /// The most documents to remember for one waiting value: if there are more, they are too many to check again.
    private static let mostDocuments = 1000

    /// Whether it is time to look up the waiting values.
    var isFull: Bool {
        waiting.count >= batchCount || waitingBytes >= batchBytes || remembered >= Self.mostRemembered
    }

    /// The limit for all waiting values together. When it is reached they are looked up, and values that many documents
    /// share are then known for all that follow.
    private static let mostRemembered = 20_000

    /// Adds a value to the waiting ones, or records the outcome if its answer is already known.
    mutating func add(
        _ value: RawElement, _ hash: UInt64, in document: RawDocument, _ outcome: inout ReferenceOutcome
    ) {
        if !listed.isEmpty, listed.values.contains(where: { $0.contains(hash) }) { return }
        if let exists = known[hash] {
            if !exists {
                outcome.note(value, in: document)
                if remembersDocuments { doubtful.add(document["_id"]?.copy ?? .null) }
            }
        } else if let place = waiting.index(forKey: hash) {
            waiting.values[place].count += 1
            if remembersDocuments, waiting.values[place].documentIDs.count < Self.mostDocuments {
                waiting.values[place].documentIDs.append(copiedID(of: document))
                remembered += 1
            }
        } else {
            waiting[hash] = (value.copy, 1, [copiedID(of: document)])
            waitingBytes += value.value.count
        }
    }

    private mutating func copiedID(of document: RawDocument) -> Value {
        let id = document["_id"]
        waitingBytes += id?.value.count ?? 0
        return id?.copy ?? .null
    }

    /// Looks up the waiting values in the targets, and counts those that none of them has.
    /// - Throws: ``MongoError``.
    mutating func settle(
        _ outcome: inout ReferenceOutcome, _ client: Client, _ namespace: (_ collection: String) -> Namespace
    ) throws {
        guard !waiting.isEmpty else { return }
        if known.count > cacheLimit { known.removeAll(keepingCapacity: true) }
        var missing = waiting
        for (place, target) in targets.enumerated() where !missing.isEmpty {
            if listed[place] == nil,
                let hashes = try targetIDs.hashes(
                    of: target.targetPath, namespace(target.target), askingFor: missing.count, client)
            {
                listed[place] = hashes
                missing = missing.filter { !hashes.contains($0.key) }
                if missing.isEmpty { break }
            }
            let field = target.targetPath.filterField
            // Together with a part of the `_id`, excluding the `_id` is an error to the server ("path collision").
            let projection =
                target.targetPath.isInID
                ? ["_id": 1]
                : Document {
                    $0.append("_id", 0)
                    $0.append(field, 1)
                }
            let options = FindOptions(projection: projection)
            try client.forEachFound(
                by: missing.values.map(\.value)[...], in: namespace(target.target), options: options
            ) {
                QueryFilter.filters($0, target.targetPath)
            } _: { found in
                try target.targetPath.forEachValue(in: found) { value in
                    let hash = IDHash.hash(value)
                    if missing.removeValue(forKey: hash) != nil { known[hash] = true }
                }
            }
        }
        for (hash, entry) in missing {
            known[hash] = false
            outcome.dangling += entry.count
            outcome.addExample(entry.value, entry.documentIDs.first ?? .null)
            guard remembersDocuments else { continue }
            for id in entry.documentIDs { doubtful.add(id) }
            if entry.documentIDs.count < entry.count { doubtful.giveUp() }
        }
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
        remembered = 0
    }
}
