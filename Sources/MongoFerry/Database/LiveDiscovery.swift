import BSON
import BackupFile
import MongoDriver
import Relations

/// Finds references and types in a live database, from samples.
struct LiveDiscovery {
    let connection: Connection
    let operation: OperationContext

    /// How closely to look.
    enum Effort {
        /// Before an export, which has better things to do.
        case quick
        /// Where somebody has asked for it.
        case thorough

        /// A collection of so many documents is looked at whole.
        var wholeCount: Int { self == .quick ? 1000 : 10_000 }
        /// So many of a larger one, and fewer where documents are large.
        var sampleCount: Int { self == .quick ? 1000 : 5000 }
        var valuesPerPath: Int { self == .quick ? 200 : 1000 }
    }

    private static let sampleBytes = 16 << 20
    /// Ids asked for in one question.
    private static let questionSize = 20_000

    private let effort: Effort

    init(_ connection: Connection, _ operation: OperationContext, _ effort: Effort) {
        self.connection = connection
        self.operation = operation
        self.effort = effort
    }

    /// - Returns: references and types by the collections' names in the file.
    /// - Throws: ``MongoError``; `CancellationError`.
    func discover(_ entries: [BackupMetadata.Collection]) throws -> Discovery {
        var discovery = ReferenceDiscovery(valuesPerPath: effort.valuesPerPath)
        let names = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.databaseName) })
        try connection.withClient { client in
            for entry in entries where entry.kind != .view {
                try operation.cancellation.check()
                operation.progress(.discover, entry.name)
                let namespace = connection.namespace(entry.databaseName)
                let reply = try client.runRead(["count": .string(entry.databaseName)], on: connection.database)
                let count = reply["n"]?.integer ?? 0
                discovery.declare(entry.name, count: count, isTarget: entry.kind == .collection)
                guard count > 0 else { continue }
                let average = max(1, try client.averageSize(entry.databaseName, connection.database) ?? 1024)
                let isSmall = count <= effort.wholeCount && count * average <= Self.sampleBytes
                let size = min(effort.sampleCount, max(3, Self.sampleBytes / average))
                let cursor =
                    isSmall
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
