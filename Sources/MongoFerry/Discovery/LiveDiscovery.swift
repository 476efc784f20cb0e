import BSON
import BackupFile
import MongoDriver
import Relations
import Synchronization

/// Finds references and types in a live database by sampling.
struct LiveDiscovery {
    let connection: Connection
    let operation: OperationContext

    /// While one thread examines documents, the server finds the next ones for another.
    private static let threads = 2
    /// For a distant server with much to examine: each thread holds a sample.
    private static let distantThreads = 4

    /// The bytes of sampled documents that may be in flight at once; a larger sample is read alone.
    private static let sampledAtOnce = 16 << 20
    /// A sample larger than this may have huge documents.
    private static let largeSample = 4 << 20

    private let effort: DiscoveryEffort

    init(_ connection: Connection, _ operation: OperationContext, _ effort: DiscoveryEffort) {
        self.connection = connection
        self.operation = operation
        self.effort = effort
    }

    /// How many of the left-out collections are examined as well: otherwise their `_id`s would be taken for those of
    /// another collection that shares some of them.
    private static let mostUnwanted = 200

    /// - Parameter sizes: the sizes of all of the catalog's entries but views.
    /// - Returns: references, and after a thorough look also types, by the collections' names in the file.
    /// - Throws: ``MongoError``; `CancellationError`.
    func discover(_ catalog: Catalog, _ sizes: CollectionSizes) throws -> Discovery {
        let wanted = catalog.entries.filter { $0.kind != .view }
        let unwanted = try measured(catalog.unwanted.prefix(Self.mostUnwanted), besides: wanted)
        let others = Dictionary(unwanted.map { (ExactName($0.entry.name), $0.size) }) { first, _ in first }
        let all = try discover(wanted + unwanted.map(\.entry), Set(others.keys)) { entry in
            others[ExactName(entry.name)] ?? sizes[entry.databaseName]
        }
        return unwanted.isEmpty ? all : all.starting { others[ExactName($0)] == nil }
    }

    /// The entries whose size the server reports and whose name no other collection has.
    private func measured(
        _ entries: some Sequence<BackupMetadata.Collection>, besides others: [BackupMetadata.Collection]
    ) throws -> [(entry: BackupMetadata.Collection, size: CollectionSize)] {
        var names = Set(others.map(\.name))
        let entries = entries.filter { names.insert($0.name).inserted }
        let database = connection.database
        let sizes = try connection.answers(for: entries) { client, entry -> CollectionSize? in
            try Self.unlessRefused { try client.size(of: entry, in: database).size }
        }
        return zip(entries, sizes).compactMap { entry, size in size.map { (entry, $0) } }
    }

    /// Nil if the server refuses: a collection may be left out because it is damaged or access to it is restricted.
    private static func unlessRefused<Result>(_ body: () throws -> Result) throws -> Result? {
        do {
            return try body()
        } catch let error as MongoError where error.isRefusal {
            return nil
        }
    }

    private func discovery(maximumValues: Int) -> ReferenceDiscovery {
        ReferenceDiscovery(
            valuesPerPath: effort.valuesPerPath, maximumValues: maximumValues, findsTypes: effort.findsTypes)
    }

    /// The most values to keep. Each takes about 150 bytes; longer ones count as several.
    private static let mostValues = 200_000

    /// - Parameter unwanted: the names of those `entries` that are skipped if they cannot be read.
    private func discover(
        _ entries: [BackupMetadata.Collection], _ unwanted: Set<ExactName>,
        _ size: (BackupMetadata.Collection) -> CollectionSize?
    ) throws -> Discovery {
        let names = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.databaseName) })
        let (discovery, known) = try look(at: entries, unwanted, size)
        let (connection, operation) = (connection, operation)
        return try discovery.resolve { questions in
            try operation.cancellation.check()
            var answers = questions.map { known.ids(of: $0.collection)?.answer($0) }
            let open = answers.indices.filter { answers[$0] == nil }
            let asked = try connection.answers(for: open.map { questions[$0] }, atOnce: Self.threads) {
                client, question in
                let name = connection.namespace(names[question.collection] ?? question.collection)
                let isUnwanted = unwanted.contains(ExactName(question.collection))
                let ask = { try client.existing(question.ids, in: name) }
                return try isUnwanted ? Self.unlessRefused(ask) ?? [] : ask()
            }
            for (place, answer) in zip(open, asked) { answers[place] = answer }
            return answers.map { $0 ?? [] }
        }
    }

    /// Examines the documents of all samples, of several collections at the same time.
    private func look(
        at entries: [BackupMetadata.Collection], _ unwanted: Set<ExactName>,
        _ size: (BackupMetadata.Collection) -> CollectionSize?
    ) throws -> (ReferenceDiscovery, KnownCollections) {
        let gathering = Mutex(discovery(maximumValues: Self.mostValues))
        let (operation, budget) = (operation, ByteBudget(Self.sampledAtOnce))
        let samples = entries.map { DocumentSample(of: $0, size($0), effort, over: connection) }
        // So few bytes can be held in memory at once, whatever the number of connections.
        let isLittle = samples.reduce(0) { $0 + $1.bytes } <= Self.largeSample
        let threads = try !isLittle && connection.isDistant() ? Self.distantThreads : Self.threads
        // The values of collections being examined are held in addition to those already gathered.
        let empty = discovery(maximumValues: Self.mostValues / (2 * threads))
        // The last part is waited for: it should be a small one.
        let parts = zip(entries, samples).sorted { $0.1.documents > $1.1.documents }
        let known = Mutex(KnownCollections())
        _ = try connection.answers(
            for: parts, atOnce: Self.threads, atMost: isLittle ? Connection.concurrentQueries : Self.distantThreads,
            isLarge: { $1.bytes > Self.largeSample }
        ) { client, part in
            let (entry, sample) = part
            try operation.cancellation.check()
            operation.progress(.discover, entry.name)
            // Each collection is gathered separately: locking for every document would cost more than examining it.
            var discovery = empty
            // After a crash, a server may report a collection as empty.
            let count = sample.size.count > 0 ? sample.size.count : nil
            discovery.declare(entry.name, count: count, isTarget: entry.kind == .collection)
            let bytes = sample.bytes
            // Nobody closes the budget, so `take` always succeeds.
            _ = budget.take(bytes)
            defer { budget.give(back: bytes) }
            var ids = KnownIDs()
            let read = {
                try sample.forEach(client) { document in
                    try discovery.add(document, in: entry.name)
                    if sample.isWhole, let id = document["_id"] { ids.insert(id) }
                }
            }
            let isUnwanted = unwanted.contains(ExactName(entry.name))
            guard let cameAll = try isUnwanted ? Self.unlessRefused(read) : read() else { return }
            gathering.withLock { $0.absorb(discovery) }
            if cameAll { known.withLock { $0.keep(ids, of: entry.name) } }
        }
        return (gathering.withLock { $0 }, known.withLock { $0 })
    }
}

/// The collections of which all `_id`s are known, so that the server need not be asked about them.
private struct KnownCollections {
    /// The limit for all collections together.
    private static let mostBytes = 16 << 20

    private var collections: [ExactName: KnownIDs] = [:]
    private var kept = 0

    mutating func keep(_ ids: KnownIDs, of collection: String) {
        guard kept + ids.bytes <= Self.mostBytes else { return }
        kept += ids.bytes
        collections[ExactName(collection)] = ids
    }

    func ids(of collection: String) -> KnownIDs? { collections[ExactName(collection)] }
}
