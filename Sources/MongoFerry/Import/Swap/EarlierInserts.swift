import BSON
import Foundation
import MongoDriver

/// Inserts of this program whose connections are broken, and which the server may still be carrying out.
///
/// An insert that was waited for in vain, for as long as the connection string's `socketTimeoutMS` says, goes on, and what
/// it writes would come into whatever has the collection's name by then.
struct EarlierInserts {
    let connection: Connection
    let cancellation: Cancellation

    private static let patience = Duration.seconds(60)
    private static let pause = 0.2

    /// Waits until none is under way. Where the server does not say, it is not waited.
    ///
    /// A user may always see the own operations. Source: MongoDB manual, `$currentOp`.
    /// - Throws: ``FerryError`` where one does not end; ``MongoError``; `CancellationError`.
    func waitForEnd(_ collection: String) throws {
        let start = ContinuousClock.now
        while try isUnderWay(collection) {
            try cancellation.check()
            guard ContinuousClock.now - start < Self.patience else {
                throw FerryError(
                    "an insert whose connection broke is still under way on the server",
                    advice: ["Wait until it has ended (db.currentOp() in mongosh shows it) and run the import again."])
            }
            Thread.sleep(forTimeInterval: Self.pause)
        }
    }

    private func isUnderWay(_ collection: String) throws -> Bool {
        let names: [Value] = [collection, "system.buckets.\(collection)"].map {
            .string("\(connection.database).\($0)")
        }
        // Until a server has looked into a command it stands there under the database's name alone.
        let forms: [Value] = [
            ["op": "insert", "ns": ["$in": .array(names)]],
            ["command.insert": .string(collection), "ns": .string("\(connection.database).$cmd")],
        ]
        let pipeline: [Document] = [
            ["$currentOp": ["allUsers": false]],
            ["$match": ["appName": .string(Connection.applicationName), "$or": .array(forms)]],
            ["$limit": 1],
        ]
        let command: Document = [
            "aggregate": 1, "pipeline": .array(pipeline.map { .document($0) }), "cursor": [:],
        ]
        do {
            let reply = try Repeating.run { _ in
                try connection.withClient { try $0.run(command, on: "admin", readPreference: .primary) }
            }
            return reply["cursor"]?.document?["firstBatch"]?.array?.isEmpty == false
        } catch let error as MongoError where error.domain == .server && !error.isRetryable {
            return false
        }
    }
}
