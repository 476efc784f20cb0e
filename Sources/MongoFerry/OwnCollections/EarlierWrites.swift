import BSON
import Foundation
import MongoDriver

/// Writes of this program, or of an earlier import, whose connections are broken and which the server may still be
/// executing.
///
/// A write that exceeded the connection string's `socketTimeoutMS`, or whose program was killed, goes on; it would
/// write to whatever collection has the name by then.
struct EarlierWrites {
    let pool: ClientPool
    let database: String
    let cancellation: Cancellation
    /// Called once if there is something to wait for.
    var tell: (String) -> Void = { _ in }

    /// Whether index builds on staging collections count, too. Those that have begun end when these are dropped.
    var includesStaging = false

    /// The longest time to wait.
    var patience = Duration.seconds(60)

    private static let pause = 0.2

    /// Waits until the writes that are in progress now have ended. If the server refuses to list them, this does not
    /// wait.
    ///
    /// Users may always see their own operations, except those on a cluster's shards. Source: MongoDB manual,
    /// `$currentOp`.
    /// - Parameter collection: nil for the whole database; only while this import writes nothing. Index builds are then
    ///   waited for as well, but no longer than other writes: they do not change what exists, and must be waited for
    ///   wherever they are in the way.
    /// - Returns: whether there were any.
    /// - Throws: ``FerryError`` if one does not end; ``MongoError``; `CancellationError`.
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
            // Other programs with the same application name may have started new writes.
            waitedFor = waitedFor.filter(still.contains)
        }
        return areThere
    }

    private struct Operation: Hashable {
        let id: Value
        let isIndexBuild: Bool
    }

    private func underWay(_ collection: String?) throws -> [Operation] {
        let pipeline: [Document] = [
            ["$currentOp": .document(whose)], ["$match": .document(filter(collection))],
            ["$project": ["opid": 1, "command.createIndexes": 1]],
        ]
        // Servers list operations with this read concern alone.
        let options = AggregateOptions(readConcern: .local, readPreference: .primary)
        do {
            return try Repeating.run { _ in
                try pool.withClient { client in
                    var found: [Operation] = []
                    try client.aggregate(database: "admin", pipeline: pipeline, options: options).forEach { entry in
                        guard let id = entry["opid"] else { return }
                        let isIndexBuild = entry["command"]?.document?["createIndexes"] != nil
                        found.append(Operation(id: id.copy, isIndexBuild: isIndexBuild))
                    }
                    return found
                }
            }
        } catch let error as MongoError where error.isRefusal {
            return []
        }
    }

    /// Asks a router only for its own operations, which requires no privilege. Those of other routers are not seen.
    private var whose: Document {
        pool.leadsToRouter ? ["allUsers": false, "localOps": true] : ["allUsers": false]
    }

    private func filter(_ collection: String?) -> Document {
        let name = pool.connectionString.applicationName ?? Connection.applicationName
        // Until a server has parsed a command, it is listed under the database's name alone, as `NAME.$cmd`.
        let all: Document = ["$gt": .string("\(database)."), "$lt": .string("\(database)/")]
        // The heartbeat writes all the time.
        let places = Value.document(
            collection == nil ? all.appending("$ne", .string("\(database).\(OwnNames.lock)")) : all)
        var forms: [Value]
        let wanted: Value
        if let collection {
            let names: [Value] = [.string(collection), .string(ServerNames.buckets(of: collection))]
            wanted = ["$in": .array(names)]
            let namespaces = names.compactMap(\.string).map { Value.string("\(database).\($0)") }
            forms = [["op": "insert", "ns": ["$in": .array(namespaces)]]]
        } else {
            // The `update` of a `findAndModify` is a document.
            wanted = ["$type": "string", "$ne": .string(OwnNames.lock)]
            let notOfStaging: Value = [
                "$type": "string", "$not": .document(["$regex": .string("^\(OwnNames.stagingPrefix)")]),
            ]
            forms = [
                ["op": ["$in": ["insert", "update", "remove"]], "ns": places],
                // The drop of a lock, which may be the next import's by then.
                ["command.drop": .string(OwnNames.lock), "ns": .document(all)],
                // This is a command of the database `admin`.
                ["command.renameCollection": places],
                ["command.createIndexes": includesStaging ? wanted : notOfStaging, "ns": places],
            ]
        }
        // A transaction's writes come into the database with a command that names none of its collections.
        forms.append(["command.commitTransaction": ["$exists": true]])
        for command in Self.commands { forms.append(["command.\(command)": wanted, "ns": places]) }
        return ["appName": .string(name), "$or": .array(forms)]
    }

    /// Commands that change a collection.
    private static let commands = ["insert", "update", "delete", "findAndModify", "create", "drop", "collMod"]
}
