import BSON
@testable import MongoDriver
import TestServer
import Testing

/// The server has only one `failCommand` fail point, so these tests are serialized. The application name limits it to
/// their commands.
@Suite(.serialized, .enabled("the server needs enableTestCommands=1") { try serverHasFailPoints() })
struct FailureTests {
    private static let applicationName = "mongoferry failure tests"

    private func withFailures(_ body: (LentDatabase) throws -> Void) throws {
        // A server that is not really gone reports no change to the driver's monitors, which then wait for the next
        // heartbeat.
        try withTestDatabase(applicationName: Self.applicationName, options: "heartbeatFrequencyMS=500", body)
    }

    /// Makes the next commands of these names fail while `body` runs.
    private func failing(
        _ commands: [Value], times: Int32, _ data: Document, in database: LentDatabase, _ body: () throws -> Void
    ) throws {
        var failure = data.appending("failCommands", .array(commands))
        failure = failure.appending("appName", .string(Self.applicationName))
        let admin = try ClientPool(try testConnectionString(), applicationName: "mongoferry tests").makeClient()
        let command: Document = [
            "configureFailPoint": "failCommand", "mode": ["times": .int32(times)], "data": .document(failure),
        ]
        try admin.run(command, on: "admin")
        defer { _ = try? admin.run(["configureFailPoint": "failCommand", "mode": "off"], on: "admin") }
        try body()
    }

    private static let failures: [Document] = [
        ["closeConnection": true], ["errorCode": 10107], ["errorCode": 91, "errorLabels": ["RetryableWriteError"]],
    ]

    @Test(arguments: failures) func aQueryWhoseOpeningFailsOnceIsOpenedAgain(failure: Document) throws {
        try withFailures { database in
            try database.insert((0..<200).map { ["_id": .int32($0)] }, into: "c")
            try failing(["find"], times: 1, failure, in: database) {
                let documents = try database.documents(in: "c")
                #expect(documents.count == 200)
            }
            try failing(["aggregate", "listCollections", "listIndexes"], times: 1, failure, in: database) {
                let indexes = try database.client.listIndexes(of: database.namespace("c"))
                #expect(indexes.count == 1)
            }
            try failing(["count"], times: 1, failure, in: database) {
                let count = try database.count("c")
                #expect(count == 200)
            }
        }
    }

    @Test func aQueryWhoseOpeningFailsTwiceIsAnErrorThatNamesIt() throws {
        try withFailures { database in
            try failing(["find"], times: 2, ["closeConnection": true], in: database) {
                let error = #expect(throws: MongoError.self) { try database.documents(in: "c") }
                #expect(error?.isNetworkError == true && error?.isRetryable == true)
                #expect(error?.description.hasPrefix("find on \(database.namespace("c")): ") == true)
            }
            #expect(try database.documents(in: "c").isEmpty)
        }
    }

    @Test func aConnectionThatBreaksBetweenBatchesIsAnError() throws {
        try withFailures { database in
            try database.insert((0..<200).map { ["_id": .int32($0)] }, into: "c")
            try failing(["getMore"], times: 1, ["closeConnection": true], in: database) {
                let cursor = try database.client.find(
                    database.namespace("c"), [:], options: FindOptions(batchSize: 50))
                var count = 0
                let error = #expect(throws: MongoError.self) { try cursor.forEach { _ in count += 1 } }
                #expect(count == 50 && error?.isNetworkError == true)
                // The client itself cannot do this: it has forgotten the cursor along with its connection.
                let left = try openCursors(of: database.name, database.pool)
                #expect(left.count == 1)
                try database.client.run(["killCursors": "c", "cursors": .array(left)], on: database.name)
            }
        }
    }

    @Test(.enabled("retried writes need a replica set") { try isReplicaSet() }, arguments: failures)
    func aWriteWhoseConnectionBreaksIsDoneAndCountedOnce(failure: Document) throws {
        try withFailures { database in
            try failing(["insert", "update", "delete"], times: 1, failure, in: database) {
                let result = try database.tryInsert((0..<1_000).map { ["_id": .int32($0)] }, into: "c")
                #expect(result.inserted == 1_000 && result.writeErrors.isEmpty)
            }
            #expect(try database.count("c") == 1_000)
        }
    }

    /// The server does the write; only its reply is lost.
    @Test(.enabled("retried writes need a replica set") { try isReplicaSet() })
    func aWriteWhoseAnswerIsLostIsDoneAndCountedOnce() throws {
        try withFailures { database in
            try database.client.runWrite(["create": "c"], on: database.name)
            let lost: Document = ["writeConcernError": ["code": 91, "errmsg": "gone"]]
            let labelled = lost.appending("errorLabels", ["RetryableWriteError"])
            try failing(["insert"], times: 1, labelled, in: database) {
                let result = try database.tryInsert((0..<500).map { ["_id": .int32($0)] }, into: "c")
                #expect(result.inserted == 500 && result.writeErrors.isEmpty)
                #expect(result.writeConcernErrors.isEmpty)
            }
            #expect(try database.count("c") == 500)
        }
    }

    @Test func aWriteThatFailsForGoodIsAnErrorThatNamesTheCollection() throws {
        try withFailures { database in
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            for id in [1, 2, 1] as [Value] {
                let document: Document = ["_id": id]
                try document.withRaw(bulk.insert)
            }
            for id in [1, 2] as [Value] { try bulk.deleteOne(filter: ["_id": id]) }
            let last: Document = ["_id": 9]
            try last.withRaw(bulk.insert)
            try failing(["delete"], times: 2, ["closeConnection": true], in: database) {
                let error = try #require(#expect(throws: MongoError.self) { try bulk.execute() })
                #expect(error.isNetworkError && error.isRetryable)
                #expect(error.context?.description == "writing to \(database.namespace("c"))")
            }
            #expect(try database.count("c") == 2)
        }
    }

    /// The shared tiers of MongoDB Atlas have a single error code for everything that they refuse.
    @Test func whatAtlasRefusesIsToldByItsWords() {
        func error(_ message: String) -> MongoError { MongoError(domain: .server, code: 8000, message: message) }
        let right = error("user is not allowed to do action [collMod] on [db.owed]")
        #expect(right.isUnauthorized && !right.isServerTrouble)
        let quota = error("you are over your space quota, using 520 MB of 512 MB")
        #expect(!quota.isUnauthorized && quota.isServerTrouble)
        let option = error("Index option v is disallowed in createIndexes command in this Atlas tier")
        #expect(!option.isUnauthorized && !option.isServerTrouble)
    }

    @Test(arguments: [13, 10107, 11601, 14031] as [Int32])
    func aRefusalOfTheWholeCommandIsAnErrorAndNotThatOfADocument(code: Int32) throws {
        try withFailures { database in
            try failing(["insert"], times: 2, ["errorCode": .int32(code)], in: database) {
                let error = #expect(throws: MongoError.self) { try database.insert([["_id": 1]], into: "c") }
                #expect(error?.code == Int(code))
                #expect(error?.isUnauthorized == (code == 13) && error?.isNotPrimary == (code == 10107))
            }
        }
    }

    @Test func anUnmetWriteConcernIsInTheResultOfABulkWriteAndAnErrorOfACommand() throws {
        try withFailures { database in
            let refusal: Document = [
                "writeConcernError": ["code": 64, "codeName": "WriteConcernFailed", "errmsg": "late"]
            ]
            try failing(["insert", "create"], times: 2, refusal, in: database) {
                let result = try database.tryInsert([["_id": 1], ["_id": 2]], into: "c")
                #expect(result.inserted == 2 && result.writeErrors.isEmpty)
                #expect(result.writeConcernErrors.map(\.code) == [64])
                #expect(result.writeConcernErrors.map(\.message) == ["late"])
                let error = #expect(throws: MongoError.self) {
                    try database.client.runWrite(["create": "d"], on: database.name)
                }
                #expect(error?.isWriteConcernFailure == true)
            }
            #expect(try database.count("c") == 2)
        }
    }

    @Test func aSnapshotThatIsGoneIsToldApart() throws {
        try withFailures { database in
            for code in [239, 246, 250] as [Int32] {
                try failing(["find"], times: 1, ["errorCode": .int32(code)], in: database) {
                    let error = #expect(throws: MongoError.self) { try database.documents(in: "c") }
                    #expect(error?.isSnapshotTooOld == (code != 246) && error?.isSnapshotUnavailable == (code == 246))
                    #expect(error?.isRetryable == false)
                }
            }
        }
    }

    @Test func writeErrorsAndAnUnmetWriteConcernAreBothReported() throws {
        try withFailures { database in
            try database.insert([["_id": 1]], into: "c")
            let refusal: Document = ["writeConcernError": ["code": 64, "errmsg": "late"]]
            try failing(["insert"], times: 1, refusal, in: database) {
                let result = try database.tryInsert([["_id": 1], ["_id": 2]], into: "c")
                #expect(result.inserted == 1 && result.writeErrors.map(\.index) == [0])
                #expect(result.writeConcernErrors.map(\.code) == [64])
            }
        }
    }

    @Test func aUserWithoutTheRightToListCollectionsStillGetsTheirNames() throws {
        try withFailures { database in
            try database.client.runWrite(["create": "c"], on: database.name)
            try failing(["listCollections"], times: 1, ["errorCode": 13], in: database) {
                let listed = try database.client.listCollections(in: database.name)
                #expect(listed.map(\.name) == ["c"] && listed.first?.hasDetails == false)
            }
        }
    }
}
