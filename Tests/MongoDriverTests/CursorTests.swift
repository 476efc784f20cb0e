import BSON
import Testing

@testable import MongoDriver

@Suite struct CursorTests {
    @Test func aQueryOverSeveralBatchesGivesEveryDocumentByteForByte() throws {
        try withTestDatabase { database in
            let documents = (0..<2_500).map { number -> Document in
                ["_id": .int32(Int32(number)), "text": .string(String(repeating: "é", count: number % 50)), "a.b": 1]
            }
            try database.insert(documents, into: "rows")
            for batchSize in [nil, 7, 100_000] {
                var read: [Document] = []
                let options = FindOptions(sort: ["_id": 1], batchSize: batchSize)
                try database.client.find(database.namespace("rows"), [:], options: options).forEach {
                    read.append(Document(copying: $0))
                }
                #expect(read == documents)
            }
        }
    }

    /// Without one, secondaries of shards would also return documents that have moved to another shard.
    @Test func behindARouterEachQuerySaysAReadConcern() throws {
        try withTestDatabase { database in
            try database.insert([["_id": 1]], into: "c")
            try database.client.run(["profile": 2], on: database.name)
            #expect(try database.documents(in: "c").count == 1)
            database.pool.noteRouter()
            #expect(try database.documents(in: "c").count == 1)
            try database.client.run(["profile": 0], on: database.name)
            let finds = try database.documents(in: "system.profile", ["command.find": "c"])
            #expect(finds.map { $0["command"]?.document?["readConcern"]?.document?["level"] } == [nil, "local"])
        }
    }

    @Test func theOptionsOfAQueryReachTheServer() throws {
        try withTestDatabase { database in
            try database.insert((1...9).map { ["_id": .int32($0), "name": $0 == 3 ? "É" : "e", "x": 1] }, into: "c")
            func ids(_ filter: Document, _ options: FindOptions) throws -> [Int] {
                var ids: [Int] = []
                try database.client.find(database.namespace("c"), filter, options: options).forEach {
                    #expect($0["x"] == nil || options.projection == nil)
                    ids.append(Int($0["_id"]?.integer ?? -1))
                }
                return ids
            }
            let collation: Document = ["locale": "fr", "strength": 1]
            #expect(try ids(["name": "e"], FindOptions(collation: collation)).count == 9)
            #expect(try ids(["name": "e"], FindOptions()).count == 8)
            let page = FindOptions(projection: ["_id": 1], sort: ["_id": -1], limit: 5, batchSize: 2)
            #expect(try ids([:], page) == [9, 8, 7, 6, 5])
            let bounded = FindOptions(hint: "_id_", min: ["_id": 3], max: ["_id": 6])
            #expect(try ids([:], bounded) == [3, 4, 5])
            #expect(throws: MongoError.self) { try ids([:], FindOptions(hint: "no_such_index")) }
        }
    }

    @Test(.enabled("a snapshot needs a replica set") { try isReplicaSet() })
    func twoCursorsOnTwoClientsSeeOneSnapshot() throws {
        try withTestDatabase { database in
            try database.insert((0..<500).map { ["_id": .int32($0)] }, into: "first")
            try database.insert((0..<500).map { ["_id": .int32($0)] }, into: "second")
            let time = try #require(try database.client.replicationState()).majority
            let options = FindOptions(batchSize: 100, readConcern: .snapshot(at: time))
            let first = try database.client.find(database.namespace("first"), [:], options: options)

            try database.insert([["_id": 1_000]], into: "first")
            try database.insert([["_id": 1_000]], into: "second")
            let bulk = try database.client.bulkWrite(to: database.namespace("second"))
            for id in 0..<250 { try bulk.deleteOne(filter: ["_id": .int32(Int32(id))]) }
            #expect(try bulk.execute().writeErrors.isEmpty)

            let second = try database.pool.makeClient().find(database.namespace("second"), [:], options: options)
            for cursor in [first, second] {
                var ids: [Int] = []
                try cursor.forEach { ids.append(Int($0["_id"]?.integer ?? -1)) }
                #expect(ids == Array(0..<500))
            }
            #expect(try database.count("second") == 251)
        }
    }

    @Test(.enabled("a snapshot needs a replica set") { try isReplicaSet() })
    func aSnapshotFromBeforeTheCollectionIsAnErrorThatNamesIt() throws {
        try withTestDatabase { database in
            try database.insert([["_id": 1]], into: "c")
            let options = FindOptions(readConcern: .snapshot(at: Timestamp(seconds: 1_000, increment: 1)))
            let error = #expect(throws: MongoError.self) {
                try database.client.find(database.namespace("c"), [:], options: options)
            }
            #expect(error?.isSnapshotUnavailable == true || error?.isSnapshotTooOld == true)
            #expect(error?.description.hasPrefix("find on \(database.namespace("c")): ") == true)
        }
    }

    @Test func twoCursorsOfOneClientAreReadInTurn() throws {
        try withTestDatabase { database in
            try database.insert((0..<300).map { ["_id": .int32($0)] }, into: "c")
            let options = FindOptions(batchSize: 10)
            let cursors = try (0..<2).map { _ in
                try database.client.find(database.namespace("c"), [:], options: options)
            }
            var count = 0
            while try cursors[0].next({ _ in count += 1 }), try cursors[1].next({ _ in count += 1 }) {}
            #expect(count == 600)
            cursors.forEach { $0.close() }
        }
    }

    @Test func aSessionServesTheCommandsOfItsOwnClientOnly() throws {
        try withTestDatabase { database in
            try database.insert([["_id": 1]], into: "c")
            let session = try database.client.startSession()
            for _ in 0..<2 {
                let reply = try database.client.run(["count": "c"], on: database.name, session: session)
                #expect(reply["n"] == 1)
            }
            let other = try database.pool.makeClient()
            #expect(throws: MongoError.self) { try other.run(["ping": 1], on: "admin", session: session) }
        }
    }

    @Test func aCursorThatIsLeftEarlyIsClosedOnTheServer() throws {
        try withTestDatabase { database in
            try database.insert((0..<1_000).map { ["_id": .int32($0)] }, into: "c")
            let options = FindOptions(batchSize: 5)
            struct Enough: Error {}
            let thrown = try database.client.find(database.namespace("c"), [:], options: options)
            #expect(try openCursors(of: database.name, database.pool).count == 1)
            #expect(throws: Enough.self) { try thrown.forEach { _ in throw Enough() } }
            #expect(try openCursors(of: database.name, database.pool).count == 0)
            let closed = try database.client.find(database.namespace("c"), [:], options: options)
            #expect(try closed.next { _ in })
            closed.close()
            #expect(try openCursors(of: database.name, database.pool).count == 0)
            #expect(try !closed.next { _ in })
        }
    }

    @Test func aCursorThatIsKeptAliveGoesOnWhereItWas() throws {
        try withTestDatabase { database in
            try database.insert((0..<50).map { ["_id": .int32($0)] }, into: "c")
            let cursor = try database.client.find(database.namespace("c"), [:], options: FindOptions(batchSize: 20))
            var seen = 0
            while try cursor.next({ _ in seen += 1 }) { try cursor.keepAlive() }
            #expect(seen == 50)
            try cursor.keepAlive()
        }
    }

    @Test func theEndIsFoundAsOftenAsItIsAskedFor() throws {
        try withTestDatabase { database in
            let cursor = try database.client.find(database.namespace("absent"), [:])
            #expect(try !cursor.next { _ in } && !cursor.next { _ in })
        }
    }

    @Test func aCursorThatTheServerClosedIsToldApart() throws {
        try withTestDatabase { database in
            try database.insert((0..<100).map { ["_id": .int32($0)] }, into: "c")
            let cursor = try database.client.find(
                database.namespace("c"), [:], options: FindOptions(batchSize: 10))
            try database.client.runWrite(["drop": "c"], on: database.name)
            var count = 0
            let error = #expect(throws: MongoError.self) { try cursor.forEach { _ in count += 1 } }
            #expect(count == 10 && error?.domain == .server)
            #expect(error?.description.hasPrefix("find on \(database.namespace("c")): ") == true)
        }
    }

    @Test func aDocumentOfSixteenMegabytesComesBackTheSame() throws {
        try withTestDatabase { database in
            let empty: Document = ["_id": 1, "payload": .binary(subtype: 0, [])]
            let payload = [UInt8](repeating: 0xA5, count: 16_777_216 - empty.bytes.count)
            let document: Document = ["_id": 1, "payload": .binary(subtype: 0, payload)]
            #expect(document.bytes.count == 16_777_216)
            try database.insert([document], into: "large")
            #expect(try database.documents(in: "large") == [document])

            let other: Document = ["_id": 1, "payload": .binary(subtype: 0, payload.map { ~$0 })]
            let bulk = try database.client.bulkWrite(to: database.namespace("large"))
            try other.withRaw { try bulk.replaceOne(filter: ["_id": 1], with: $0, upsert: true) }
            #expect(try bulk.execute().writeErrors.isEmpty)
            #expect(try database.documents(in: "large") == [other])
        }
    }

    @Test func anAggregationReadsBatchByBatchToo() throws {
        try withTestDatabase { database in
            try database.insert((0..<1_000).map { ["_id": .int32($0), "odd": .bool($0 % 2 == 1)] }, into: "c")
            let pipeline: [Document] = [["$match": ["odd": true]], ["$sort": ["_id": 1]]]
            var ids: [Int] = []
            try database.client.aggregate(
                database.namespace("c"), pipeline: pipeline, options: AggregateOptions(batchSize: 9)
            ).forEach { ids.append(Int($0["_id"]?.integer ?? -1)) }
            #expect(ids == Array(stride(from: 1, to: 1_000, by: 2)))
        }
    }
}
