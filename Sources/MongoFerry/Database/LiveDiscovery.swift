import BSON
import BackupFile
import MongoDriver
import Relations
import Synchronization

/// Finds references and types in a live database, from samples.
struct LiveDiscovery {
    let connection: Connection
    let operation: OperationContext

    /// How closely to look.
    enum Effort {
        /// Before an export, which has better things to do.
        case quick
        /// The same, and equal data are looked at in the same places, whatever order they are in.
        case repeatable
        /// Where somebody has asked for it.
        case thorough

        fileprivate var valuesPerPath: Int { self == .thorough ? 1000 : 200 }
    }

    /// While one thread looks at documents, the server finds the next ones for another.
    private static let threads = 2

    /// Bytes of sampled documents that may come at once; a collection of larger samples is looked at by itself.
    private static let sampledAtOnce = 16 << 20
    /// A larger sample may have huge documents.
    private static let largeSample = 4 << 20

    private let effort: Effort

    init(_ connection: Connection, _ operation: OperationContext, _ effort: Effort) {
        self.connection = connection
        self.operation = operation
        self.effort = effort
    }

    /// Collections that are left out are looked at as well, so many of them: else their `_id`s would be taken for those of
    /// another collection that has some of the same.
    private static let mostUnwanted = 200

    /// - Parameter sizes: of all of the catalog's entries but views.
    /// - Returns: references, and after a thorough look types too, by the collections' names in the file.
    /// - Throws: ``MongoError``; `CancellationError`.
    func discover(_ catalog: Catalog, _ sizes: CollectionSizes) throws -> Discovery {
        let wanted = catalog.entries.filter { $0.kind != .view }
        let unwanted = try readable(catalog.unwanted.prefix(Self.mostUnwanted), besides: wanted)
        let all = try discover(wanted + unwanted.map(\.entry)) { entry in
            unwanted.first { $0.entry.databaseName.hasSameBytes(as: entry.databaseName) }?.size
                ?? sizes[entry.databaseName]
        }
        guard !unwanted.isEmpty else { return all }
        let names = Set(wanted.map { ExactName($0.name) })
        return all.starting { names.contains(ExactName($0)) }
    }

    /// Those that the user may read, and that have a name of their own.
    private func readable(
        _ entries: some Sequence<BackupMetadata.Collection>, besides others: [BackupMetadata.Collection]
    ) throws -> [(entry: BackupMetadata.Collection, size: CollectionSize)] {
        var names = Set(others.map(\.name))
        let entries = entries.filter { names.insert($0.name).inserted }
        let database = connection.database
        let sizes = try connection.answers(for: entries) { client, entry -> CollectionSize? in
            do {
                let size = try client.size(of: entry, in: database).size
                // Whoever may ask for the size may not be allowed to read.
                let first = FindOptions(projection: ["_id": 1], limit: 1)
                try client.find(Namespace(database, entry.databaseName), [:], options: first).forEach { _ in }
                return size
            } catch let error as MongoError where error.isUnauthorized {
                return nil
            }
        }
        return zip(entries, sizes).compactMap { entry, size in size.map { (entry, $0) } }
    }

    private func discover(
        _ entries: [BackupMetadata.Collection], _ size: (BackupMetadata.Collection) -> CollectionSize?
    ) throws -> Discovery {
        let names = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.databaseName) })
        let empty = ReferenceDiscovery(valuesPerPath: effort.valuesPerPath, findsTypes: effort == .thorough)
        let gathering = Mutex(empty)
        let (connection, operation, effort) = (connection, operation, effort)
        let budget = ByteBudget(Self.sampledAtOnce)
        let samples = entries.map { entry in
            DocumentSample(
                namespace: connection.namespace(entry.databaseName), kind: entry.kind,
                timeField: entry.options["timeseries"]?.document?["timeField"]?.string,
                size: size(entry) ?? CollectionSize(count: 0), effort: effort,
                canSortOnDisk: connection.server.isAtLeast(4, 4))
        }
        let parts = Array(zip(entries, samples))
        _ = try connection.answers(for: parts, atOnce: Self.threads, isLarge: { $1.bytes > Self.largeSample }) {
            client, part in
            let (entry, sample) = part
            try operation.cancellation.check()
            operation.progress(.discover, entry.name)
            // Each collection by itself: taking turns for every document would cost more than looking at it.
            var discovery = empty
            // After a crash a server may think that a collection is empty.
            let count = sample.size.count > 0 ? sample.size.count : nil
            discovery.declare(entry.name, count: count, isTarget: entry.kind == .collection)
            let bytes = sample.bytes
            // Nobody closes it, so it is always granted.
            _ = budget.take(bytes)
            defer { budget.give(back: bytes) }
            try sample.forEach(client) { try discovery.add($0, in: entry.name) }
            gathering.withLock { $0.absorb(discovery) }
        }
        return try gathering.withLock { $0 }.resolve { questions in
            try operation.cancellation.check()
            return try connection.answers(for: questions, atOnce: Self.threads) { client, question in
                let collection = names[question.collection] ?? question.collection
                return try client.existing(question.ids, in: connection.namespace(collection))
            }
        }
    }
}

extension Client {
    /// Ids asked for in one question.
    private static let questionSize = 20_000

    /// Which of these are `_id`s of documents in a collection.
    /// - Throws: ``MongoError``.
    func existing(_ ids: [Value], in namespace: Namespace) throws -> Set<Value> {
        var found: Set<Value> = []
        for start in stride(from: 0, to: ids.count, by: Self.questionSize) {
            let part = ids[start..<min(start + Self.questionSize, ids.count)]
            // One more than there can be, and the first batch is the last.
            let options = FindOptions(projection: ["_id": 1], batchSize: part.count + 1)
            let cursor = try findByValues(namespace, ["_id": ["$in": .array(part)]], options: options)
            try cursor.forEach { if let id = $0.first { found.insert(id.copy) } }
        }
        return found
    }
}
