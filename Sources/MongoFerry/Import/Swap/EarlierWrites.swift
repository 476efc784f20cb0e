import BSON
import Foundation
import MongoDriver

/// Writes of this program, or of an earlier import, whose connections are broken, and which the server may still be
/// carrying out.
///
/// One that was waited for in vain, for as long as the connection string's `socketTimeoutMS` says, or whose program was
/// killed, goes on, and what it writes would come into whatever has the collection's name by then.
struct EarlierWrites {
    let pool: ClientPool
    let database: String
    let cancellation: Cancellation
    /// Told once where there is something to wait for.
    var tell: (String) -> Void = { _ in }

    /// So long they are waited for.
    var patience = Duration.seconds(60)

    private static let pause = 0.2

    /// Waits until those that are under way now have ended. Where the server does not say, it is not waited.
    ///
    /// A user may always see the own operations, but for those of a cluster's shards. Source: MongoDB manual, `$currentOp`.
    /// - Parameter collection: nil for all of the database's; only before anything is written. Index builds are waited for
    ///   then as well, but no longer than the others may take: they do not change what is there, and have to be waited for
    ///   wherever they are in the way.
    /// - Returns: whether there were any.
    /// - Throws: ``FerryError`` where one does not end; ``MongoError``; `CancellationError`.
    @discardableResult
    func waitForEnd(_ collection: String? = nil) throws -> Bool {
        let start = ContinuousClock.now
        var waitedFor = try underWay(collection)
        let areThere = !waitedFor.isEmpty
        if areThere {
            tell(
                "waiting for what an earlier import or an earlier attempt has sent: the server is still carrying it out"
            )
        }
        while !waitedFor.isEmpty {
            try cancellation.check()
            guard ContinuousClock.now - start < patience else {
                if waitedFor.allSatisfy(\.isIndexBuild) { break }
                throw FerryError(
                    "an earlier write, whose connection broke or whose program was killed, is still under way on the server",
                    advice: ["Wait until it has ended (db.currentOp() in mongosh shows it) and run the import again."])
            }
            Thread.sleep(forTimeInterval: Self.pause)
            let still = try underWay(collection)
            // Others may write under the same name of an application.
            waitedFor = waitedFor.filter(still.contains)
        }
        return areThere
    }

    private struct Operation: Hashable {
        let id: Value
        let isIndexBuild: Bool
    }

    private func underWay(_ collection: String?) throws -> [Operation] {
        let command: Document = [
            "aggregate": 1,
            "pipeline": .array([
                .document(["$currentOp": .document(whose)]),
                .document(["$match": .document(filter(collection))]),
                .document(["$project": ["opid": 1, "command.createIndexes": 1]]),
            ]),
            "cursor": ["batchSize": 1000],
        ]
        do {
            let reply = try Repeating.run { _ in
                try pool.withClient { try $0.run(command, on: "admin", readPreference: .primary) }
            }
            let found = reply["cursor"]?.document?["firstBatch"]?.array ?? []
            return found.compactMap { entry in
                guard let entry = entry.document, let id = entry["opid"] else { return nil }
                return Operation(id: id, isIndexBuild: entry["command"]?.document?["createIndexes"] != nil)
            }
        } catch let error as MongoError where error.domain == .server && !error.isRetryable {
            return []
        }
    }

    /// A router is asked for its own work alone, for no right is needed to see that. What another router carries out is not
    /// seen.
    private var whose: Document {
        pool.leadsToRouter ? ["allUsers": false, "localOps": true] : ["allUsers": false]
    }

    private func filter(_ collection: String?) -> Document {
        let name = pool.connectionString.applicationName ?? Connection.applicationName
        // Until a server has looked into a command it stands there under the database's name alone, as `NAME.$cmd`.
        let all: Document = ["$gt": .string("\(database)."), "$lt": .string("\(database)/")]
        // The heart beats all the while.
        let places = Value.document(
            collection == nil ? all.appending("$ne", .string("\(database).\(OwnNames.lock)")) : all)
        var forms: [Value]
        let wanted: Value
        if let collection {
            let names: [Value] = [.string(collection), .string("system.buckets.\(collection)")]
            wanted = ["$in": .array(names)]
            let namespaces = names.compactMap(\.string).map { Value.string("\(database).\($0)") }
            forms = [["op": "insert", "ns": ["$in": .array(namespaces)]]]
        } else {
            // Of `findAndModify`, the update is a document.
            wanted = ["$type": "string", "$ne": .string(OwnNames.lock)]
            forms = [
                ["op": ["$in": ["insert", "update", "remove"]], "ns": places],
                // Of a lock that is the next import's by then.
                ["command.drop": .string(OwnNames.lock), "ns": .document(all)],
                // It is a command of the database `admin`.
                ["command.renameCollection": places],
                // What it builds beside the live data goes with that.
                [
                    "command.createIndexes": [
                        "$type": "string", "$not": .document(["$regex": .string("^\(OwnNames.stagingPrefix)")]),
                    ],
                    "ns": places,
                ],
            ]
        }
        // A transaction's writes come into the database with a command that names none of its collections.
        forms.append(["command.commitTransaction": ["$exists": true]])
        for command in Self.commands { forms.append(["command.\(command)": wanted, "ns": places]) }
        return ["appName": .string(name), "$or": .array(forms)]
    }

    /// What makes another of a collection than it was.
    private static let commands = ["insert", "update", "delete", "create", "drop", "collMod"]
}
