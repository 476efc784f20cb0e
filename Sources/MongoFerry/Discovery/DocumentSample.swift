import BSON
import BackupFile
import MongoDriver

/// Some documents of a collection that show what it holds; all of a small one.
struct DocumentSample {
    let namespace: Namespace
    let kind: BackupMetadata.Collection.Kind
    /// The time field, for a time series.
    let timeField: String?
    let size: CollectionSize
    let effort: DiscoveryEffort
    /// Whether the server accepts `allowDiskUse` for a sort.
    let canSortOnDisk: Bool

    /// The bytes of documents in a sample, which limit its cost to the server and the network.
    static let maximumBytes = 16 << 20

    /// Larger documents are skipped if the average is smaller: a single one would be as large as all others together.
    private static let hugeBytes = 1 << 20

    /// The number of documents to expect, as far as it is known.
    var documents: Int { isWhole ? size.count : min(effort.sample, room, size.count) }

    /// The number of bytes of documents to expect, going by the average.
    var bytes: Int { documents * average }

    /// How many are read of a collection that is said to be empty.
    private static let fewest = 200

    /// - Parameter body: called once for each document.
    /// - Returns: whether these were all the documents of the collection.
    /// - Throws: ``MongoError``; what `body` throws.
    func forEach(_ client: Client, _ body: (RawDocument) throws -> Void) throws -> Bool {
        guard !isWhole else { return try whole(client, body) }
        if effort.choice == .random {
            try Self.untilExhausted { try random(effort.sample, client).forEach(body) }
        } else {
            try spread(client, body)
        }
        return false
    }

    private func whole(_ client: Client, _ body: (RawDocument) throws -> Void) throws -> Bool {
        // After a crash, a server's count may be wrong: reading one more shows whether there are others.
        let most = min(size.count > 0 ? size.count + 1 : Self.fewest, room)
        var all = limited(most)
        if effort.choice == .repeatable { sort(&all) }
        var came = 0
        try client.find(namespace, [:], options: all).forEach { document in
            came += 1
            try body(document)
        }
        return came < most
    }

    /// Reads the oldest, the newest, and some documents in between.
    ///
    /// `$sample` would be fairer, but is different each time, and more expensive: however few documents are requested,
    /// the server reads 4 MB of them, one by one (measured on MongoDB 6.0.5).
    private func spread(_ client: Client, _ body: (RawDocument) throws -> Void) throws {
        var ids: Set<Value> = []
        func take(_ cursor: Cursor) throws {
            defer { cursor.close() }
            // Some of them may be much larger than the average.
            var bytes = 0
            try Self.untilExhausted {
                while bytes < Self.maximumBytes / 2,
                    try cursor.next({ document in
                        bytes += document.bytes.count
                        // Measurements may share an `_id`: none of them is skipped for that.
                        if kind == .collection, let id = document["_id"], !ids.insert(id.copy).inserted { return }
                        try body(document)
                    })
                {}
            }
        }
        // The number of documents from either end, and from in between.
        let share = min(effort.sample, room) / 3
        // Servers sort a time series efficiently only by its time field.
        guard kind == .collection else {
            var first = limited(share)
            if effort.choice >= .sorted { sort(&first) }
            try take(client.find(namespace, [:], options: first))
            return effort.choice == .repeatable ? () : try take(random(2 * share, client))
        }
        // The oldest come first in the collection's natural order, which is the cheapest for the server.
        let oldest: [Document] = effort.choice >= .sorted ? [["$sort": ["_id": 1]]] : []
        try take(
            joined([oldest + [Self.limit(share)], [["$sort": ["_id": -1]], Self.limit(share)]], client))
        // If documents are huge, these are enough.
        guard share >= 10 else { return }
        let points = min(share / 2, effort.points)
        guard let between = IDSpread.points(points, between: ids) else {
            if effort.choice != .repeatable { try take(random(share, client)) }
            return
        }
        let parts: [[Document]] = between.map { id in
            [["$match": ["_id": ["$gte": id]]], ["$sort": ["_id": 1]], Self.limit(share / points)]
        }
        try take(joined(parts, client))
    }

    /// Reads until done or until `$sample` finds no further document: what was read by then is a sample, too.
    private static func untilExhausted(_ read: () throws -> Void) throws {
        do { try read() } catch let error as MongoError where error.isSampleExhausted {}
    }

    /// Sorts by time or `_id`: if there are very many paths, the order of the documents decides which are recorded.
    private func sort(_ options: inout FindOptions) {
        options.sort = [timeField ?? "_id": 1]
        options.allowDiskUse = canSortOnDisk ? true : nil
    }

    private static func limit(_ count: Int) -> Document { ["$limit": .int32(Int32(count))] }

    /// Runs several pipelines one after the other in a single command: a distant server is waited for only once.
    private func joined(_ pipelines: [[Document]], _ client: Client) throws -> Cursor {
        let others: [Document] = pipelines.dropFirst().map { pipeline in
            let stages = Value.array((pipeline + withoutHuge).map { .document($0) })
            return ["$unionWith": ["coll": .string(namespace.collection), "pipeline": stages]]
        }
        return try client.aggregate(
            namespace, pipeline: (pipelines.first ?? []) + withoutHuge + others,
            options: AggregateOptions(batchSize: batch(1001)))
    }

    /// A stage that filters out huge documents; none if the documents are mostly huge.
    private var withoutHuge: [Document] {
        guard average <= Self.hugeBytes else { return [] }
        return [["$match": ["$expr": ["$lte": [["$bsonSize": "$$ROOT"], .int32(Int32(Self.hugeBytes))]]]]]
    }

    /// Whether all documents are read, as far as their number is known.
    var isWhole: Bool { size.count <= effort.whole && size.count <= room }

    /// The number of the collection's documents that fit into a sample.
    private var room: Int { max(3, Self.maximumBytes / average) }

    private var average: Int { max(1, size.averageDocument ?? 1024) }

    /// The batch size: libmongoc holds a reply three times while it arrives, each in a block of the next power of two.
    func batch(_ count: Int) -> Int { max(1, min(count, Self.batchBytes / (average + 8))) }

    private static let batchBytes = 3900 << 10

    private func limited(_ count: Int) -> FindOptions {
        let count = min(count, room)
        return FindOptions(limit: count, batchSize: batch(count))
    }

    private func random(_ count: Int, _ client: Client) throws -> Cursor {
        let count = min(count, room)
        // The batch has room for one more than will come, so that the server sees that these were all.
        let sample: Document = ["$sample": ["size": .int32(Int32(count))]]
        do {
            return try client.aggregate(
                namespace, pipeline: [sample] + (kind == .collection ? withoutHuge : []),
                options: AggregateOptions(batchSize: batch(count + 1)))
        } catch let error as MongoError where error.isSampleExhausted {
            // There are far fewer documents than the server thinks: the first ones will do.
            return try client.find(namespace, [:], options: limited(count))
        }
    }
}

extension DocumentSample {
    /// - Parameter size: nil if the server does not report it.
    init(
        of entry: BackupMetadata.Collection, _ size: CollectionSize?, _ effort: DiscoveryEffort,
        over connection: Connection
    ) {
        self.init(
            namespace: connection.namespace(entry.databaseName), kind: entry.kind,
            timeField: entry.options.timeField,
            size: size ?? CollectionSize(count: 0), effort: effort, canSortOnDisk: connection.server.isAtLeast(4, 4))
    }
}
