import BSON
import BackupFile
import MongoDriver
import Relations

/// Finds references and types in a live database, from samples.
struct LiveDiscovery {
    let connection: Connection
    let operation: OperationContext

    /// Documents looked at a collection, and about how many bytes of them.
    private static let sampleSize = 1000
    private static let sampleBytes = 16 << 20
    /// Ids asked for in one question.
    private static let questionSize = 20_000

    init(_ connection: Connection, _ operation: OperationContext) {
        self.connection = connection
        self.operation = operation
    }

    /// - Returns: references and types by the collections' names in the file.
    /// - Throws: ``MongoError``; `CancellationError`.
    func discover(_ entries: [BackupMetadata.Collection]) throws -> Discovery {
        var discovery = ReferenceDiscovery()
        let names = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.databaseName) })
        try connection.withClient { client in
            for entry in entries where entry.kind == .collection {
                try operation.cancellation.check()
                operation.progress(.discover, entry.name)
                let namespace = connection.namespace(entry.databaseName)
                let reply = try client.runRead(["count": .string(entry.databaseName)], on: connection.database)
                let count = reply["n"]?.integer ?? 0
                discovery.declare(entry.name, count: count)
                guard count > 0 else { continue }
                let statistics = try client.collectionStatistics(entry.databaseName, connection.database)
                let average = max(1, statistics["avgObjSize"]?.integer ?? 1)
                let size = min(Self.sampleSize, max(3, Self.sampleBytes / average))
                let cursor =
                    count <= size
                    ? try client.find(namespace, [:])
                    : try client.aggregate(namespace, pipeline: [["$sample": ["size": .int32(Int32(size))]]])
                try cursor.forEach { try discovery.add($0, in: entry.name) }
            }
        }
        return try discovery.resolve { target, values in
            try operation.cancellation.check()
            return try connection.withClient { client in
                try existing(values, in: connection.namespace(names[target] ?? target), client)
            }
        }
    }

    private func existing(_ values: [Value], in namespace: Namespace, _ client: Client) throws -> Set<Value> {
        var found: Set<Value> = []
        for start in stride(from: 0, to: values.count, by: Self.questionSize) {
            let part = values[start..<min(start + Self.questionSize, values.count)]
            let cursor = try client.find(
                namespace, ["_id": ["$in": .array(part)]], options: FindOptions(projection: ["_id": 1]))
            try cursor.forEach { if let id = $0.first { found.insert(id.copy) } }
        }
        return found
    }
}
