import BSON
@testable import MongoDriver
import Synchronization
import Testing

@Suite struct ConnectionTests {
    @Test func noServerIsAnErrorThatNamesTheHostWithinSixSeconds() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let pool = try ClientPool(try ConnectionString("mongodb://amara:s3cret@127.0.0.1:9"), applicationName: "tests")
        let error = try #require(#expect(throws: MongoError.self) { try pool.withClient { _ in } })
        #expect(error.isServerSelection && error.isRetryable && !error.isAuthentication)
        #expect(error.hostCauses == ["connection refused calling hello on '127.0.0.1:9'"])
        let text =
            "connecting to 127.0.0.1:9: no suitable server answered: "
            + "connection refused calling hello on '127.0.0.1:9'"
        #expect(error.description == text)
        #expect(clock.now - start < .seconds(6.5))
    }

    @Test func theConnectionStringsOwnPatienceCounts() throws {
        let clock = ContinuousClock()
        let start = clock.now
        let text = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300"
        let pool = try ClientPool(try ConnectionString(text), applicationName: "tests")
        #expect(throws: MongoError.self) { try pool.withClient { try $0.run(["ping": 1], on: "admin") } }
        #expect(clock.now - start < .seconds(3))
    }

    @Test func eachServerThatCannotBeReachedHasItsCause() throws {
        let text = "mongodb://127.0.0.1:9,[::1]:9/?serverSelectionTimeoutMS=300"
        let pool = try ClientPool(try ConnectionString(text), applicationName: "tests")
        let error = #expect(throws: MongoError.self) { try pool.makeClient().run(["ping": 1], on: "admin") }
        let causes = try #require(error?.hostCauses)
        #expect(causes.count == 2)
        #expect(causes.contains { $0.contains("127.0.0.1:9") } && causes.contains { $0.contains("[::1]:9") })
    }

    /// To other drivers, 0 means no timeout.
    @Test(arguments: [
        ("", ClientPool.noTimeout), ("socketTimeoutMS=0", ClientPool.noTimeout), ("socketTimeoutMS=7000", 7000),
    ])
    func noSocketTimeoutIsNone(option: String, milliseconds: Int32) throws {
        let pool = try ClientPool(try ConnectionString("mongodb://localhost/?" + option), applicationName: "tests")
        #expect(pool.socketTimeout == milliseconds)
    }

    @Test func anExhaustedPoolIsAnErrorAndNotAWait() throws {
        let pool = try ClientPool(try testConnectionString(appending: "maxPoolSize=2"), applicationName: "tests")
        #expect(pool.maximumSize == 2)
        let first = try pool.makeClient()
        do {
            let second = try pool.makeClient()
            #expect(throws: MongoError.self) { _ = try pool.makeClient() }
            try second.run(["ping": 1], on: "admin")
        }
        // The second client returned to the pool at the end of its scope.
        try pool.withClient { _ = try $0.run(["ping": 1], on: "admin") }
        try first.run(["ping": 1], on: "admin")
    }

    @Test func aCursorKeepsItsClientAndPoolAlive() throws {
        func makeCursor() throws -> Cursor {
            let pool = try ClientPool(try testConnectionString(), applicationName: "tests")
            let pipeline: [Document] = [["$currentOp": [:]], ["$limit": 1]]
            return try pool.makeClient().aggregate(database: "admin", pipeline: pipeline)
        }
        let cursor = try makeCursor()
        var count = 0
        try cursor.forEach { _ in count += 1 }
        #expect(count == 1)
    }

    @Test func aClientCanBeMadeOnOneThreadAndUsedOnAnother() async throws {
        let pool = try ClientPool(try testConnectionString(), applicationName: "tests")
        let client = try pool.makeClient()
        let reply = try await Task.detached { try client.run(["ping": 1], on: "admin") }.value
        #expect(reply["ok"] == .double(1))
    }

    @Test func theServerSaysWhatItIs() throws {
        let pool = try ClientPool(try testConnectionString(), applicationName: "tests")
        let info = try pool.makeClient().serverInfo()
        #expect(info.version.hasPrefix(info.versionNumbers.map(String.init).joined(separator: ".")))
        #expect(info.isWritablePrimary)
        #expect(info.maxBsonObjectSize == 16_777_216 && info.maxMessageSizeBytes == 48_000_000)
        #expect(info.maxWriteBatchSize == 100_000 && info.maxWireVersion >= 6)
        #expect(info.isAtLeast(3, 6) && !info.isAtLeast(99))
        #expect(info.supportsSnapshotReads == (info.topology != .standalone && info.isAtLeast(5, 0)))
        if case .replicaSet(let name) = info.topology {
            #expect(!name.isEmpty && !info.hosts.isEmpty && info.supportsTransactions)
        }
    }

    @Test func aRefusedCommandSaysWhatItWasAndOnWhat() throws {
        try withTestDatabase { database in
            // Newer servers do not treat dropping a missing collection as an error, so this drops indexes.
            let refused = #expect(throws: MongoError.self) {
                try database.client.runWrite(["dropIndexes": "absent", "index": "*"], on: database.name)
            }
            let error = try #require(refused)
            #expect(error.isNamespaceNotFound && error.domain == .server && error.code == 26)
            #expect(error.reply?["ok"] == .double(0))
            #expect(error.message.contains("ns not found"))
            let text = "dropIndexes on \(database.name).absent: \(error.message) (NamespaceNotFound, code 26)"
            #expect(error.description == text)
            try database.client.runWrite(["create": "there"], on: database.name)
            let create = #expect(throws: MongoError.self) {
                try database.client.runWrite(["create": "there", "capped": true, "size": 4096], on: database.name)
            }
            #expect(create?.isNamespaceExists == true)
        }
    }

    @Test func writingWithoutAcknowledgementIsRefused() throws {
        try withTestDatabase { database in
            let none = WriteConcern(.nodes(0))
            #expect(throws: MongoError.self) {
                try database.client.runWrite(["create": "c"], on: database.name, writeConcern: none)
            }
            #expect(throws: MongoError.self) {
                _ = try database.client.bulkWrite(to: database.namespace("c"), writeConcern: none)
            }
        }
    }
}
