import BSON
import MongoDriver
import Testing

@Suite struct BulkWriteTests {
    /// QueryPlanKilled (175) and DatabaseDropPending (215) occur if another program drops what is being written to.
    @Test(arguments: [(175, false), (215, false), (13, false), (121, true), (11000, true)] as [(Int32, Bool)])
    func whatStopsABatchIsNoFaultOfADocument(code: Int32, isOfOne: Bool) throws {
        let reply: Document = ["writeErrors": [["index": 0, "code": .int32(code), "errmsg": "x"]]]
        let errors = try reply.withRaw { try WriteError.all(in: $0, of: 1) }
        #expect(errors.map(\.isAboutOneDocument) == [isOfOne])
    }

    @Test func everyErrorOfAHundredAndTwentyThousandInsertsHasItsOwnIndex() throws {
        try withTestDatabase { database in
            let namespace = database.namespace("c")
            let ordinary = (0..<120_000).map { Int32($0) }
            // Duplicates of other `_id`s, on both sides of the server's limit of 100,000 writes in a batch.
            let repeats = [5: Int32(4), 99_999: 1, 100_000: 2, 100_001: 3, 119_999: 0]
            let bulk = try database.client.bulkWrite(to: namespace)
            for (index, id) in ordinary.enumerated() {
                let document: Document = ["_id": .int32(repeats[index] ?? id)]
                try document.withRaw(bulk.insert)
            }
            #expect(bulk.count == 120_000)
            let result = try bulk.execute()
            #expect(result.inserted == 119_995)
            #expect(result.writeErrors.map(\.index) == repeats.keys.sorted())
            for error in result.writeErrors {
                #expect(error.isDuplicateKey && error.keyPattern == ["_id": 1])
                #expect(error.keyValue == ["_id": .int32(repeats[error.index] ?? -1)])
            }
            #expect(try database.count("c") == 119_995)
            #expect(bulk.count == 0 && bulk.byteCount == 0)
        }
    }

    @Test func moreBytesThanOneMessageTakesAreSplit() throws {
        try withTestDatabase { database in
            let payload = Value.binary(subtype: 0, [UInt8](repeating: 7, count: 1_000_000))
            let documents = (0..<60).map { ["_id": .int32(Int32($0 == 55 ? 1 : $0)), "p": payload] as Document }
            let result = try database.tryInsert(documents, into: "c")
            #expect(result.inserted == 59 && result.writeErrors.map(\.index) == [55])
        }
    }

    @Test func mixedOperationsWithMixedOutcomesAreAllReported() throws {
        try withTestDatabase { database in
            let validator: Document = ["$jsonSchema": ["required": ["name"]]]
            try database.client.runWrite(["create": "c", "validator": .document(validator)], on: database.name)
            let unique: Document = ["key": ["name": 1], "name": "byName", "unique": true]
            try database.client.runWrite(
                ["createIndexes": "c", "indexes": [.document(unique)]], on: database.name)
            try database.insert([["_id": 1, "name": "a"], ["_id": 2, "name": "b"]], into: "c")

            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            func insert(_ document: Document) throws { try document.withRaw(bulk.insert) }
            func replace(_ id: Value, _ document: Document, upsert: Bool) throws {
                try document.withRaw { try bulk.replaceOne(filter: ["_id": id], with: $0, upsert: upsert) }
            }
            try insert(["_id": 3, "name": "c"])  // 0
            try insert(["_id": 1, "name": "d"])  // 1: the same _id
            try insert(["_id": 4])  // 2: without a name
            try replace(2, ["_id": 2, "name": "a"], upsert: true)  // 3: the same name
            try replace(5, ["_id": 5, "name": "e"], upsert: true)  // 4: new
            try replace(1, ["_id": 1, "name": "a"], upsert: true)  // 5: unchanged
            try bulk.deleteOne(filter: ["_id": 2])  // 6
            try bulk.deleteOne(filter: ["_id": 99])  // 7: finds nothing
            try insert(["_id": 6, "name": "e"])  // 8: the same name as 4
            try replace(3, ["_id": 3, "name": "z"], upsert: false)  // 9: changed
            try replace(77, ["_id": 77, "name": "y"], upsert: false)  // 10: finds nothing
            let result = try bulk.execute()

            #expect(result.inserted == 1)
            #expect(result.writeErrors.map(\.index) == [1, 2, 3, 8])
            #expect(result.writeErrors.map(\.code) == [11000, 121, 11000, 11000])
            #expect(result.writeErrors[1].isDocumentValidationFailure)
            #expect(result.writeErrors[1].details?["failingDocumentId"] == 4)
            #expect(result.writeErrors[3].keyPattern == ["name": 1] && result.writeErrors[3].keyValue == ["name": "e"])
            #expect(result.writeConcernErrors.isEmpty)
            #expect(
                try database.documents(in: "c", sort: ["_id": 1])
                    == [["_id": 1, "name": "a"], ["_id": 3, "name": "z"], ["_id": 5, "name": "e"]])
        }
    }

    @Test func validatorsArePassedByOnDemand() throws {
        try withTestDatabase { database in
            try database.client.runWrite(
                ["create": "c", "validator": ["name": ["$exists": true]]], on: database.name)
            let bulk = try database.client.bulkWrite(to: database.namespace("c"), bypassDocumentValidation: true)
            let document: Document = ["_id": 1]
            try document.withRaw(bulk.insert)
            #expect(try bulk.execute().inserted == 1)
        }
    }

    @Test func namesThatAreEmptyDottedRepeatedOrBeginWithADollarPass() throws {
        try withTestDatabase { database in
            let odd: [Document] = [
                ["_id": 1, "": 1, "a.b": 2, "$set": 3, ".": ["": ["$": 4, "x.y": 5]]],
                ["_id": 2, "a": 1, "a": 2, "nested": ["b": 1, "b": 2]],
                ["_id": 3, "0": ["$set": 1]],
                ["_id": 4, "$db": "x", "$ref": "y"],
            ]
            #expect(try database.tryInsert(odd, into: "c").inserted == 4)
            #expect(try database.documents(in: "c", sort: ["_id": 1]) == odd)

            let replacements = odd.map { $0.appending("new", true) }
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            for (index, document) in replacements.enumerated() {
                try document.withRaw {
                    try bulk.replaceOne(filter: ["_id": .int32(Int32(index + 1))], with: $0, upsert: true)
                }
            }
            #expect(try bulk.execute().writeErrors.isEmpty)
            #expect(try database.documents(in: "c", sort: ["_id": 1]) == replacements)
        }
    }

    @Test func aReplacementStoresExactlyTheBytesItIsGiven() throws {
        try withTestDatabase { database in
            let zero = Value.timestamp(Timestamp(rawValue: 0))
            let documents: [Document] = [
                ["_id": 1, "at": zero, "nested": ["at": zero]],
                ["_id": 2, "a": 1, "a": 2, "": ["b": 1, "b": "$x"]],
                ["_id": 3, "x": 1, "$set": ["y": 1], "$project": "$$ROOT"],
                ["_id": 4, "$ref": "c", "a.b": ["$literal": 1], "at": zero],
                ["_id": ["a": 1, "b": 2], "f": .other(.code, [2, 0, 0, 0, 0x61, 0]), "$u": .other(.undefined, [])],
            ]
            for isThere in [false, true] {
                if isThere {
                    let bulk = try database.client.bulkWrite(to: database.namespace("c"))
                    for document in try database.documents(in: "c", sort: ["_id": 1]) {
                        let changed: Document = ["_id": try #require(document["_id"]), "old": 1]
                        let filter: Document = ["_id": try #require(document["_id"])]
                        try changed.withRaw { try bulk.replaceOne(filter: filter, with: $0, upsert: false) }
                    }
                    #expect(try bulk.execute().writeErrors.isEmpty)
                    #expect(try database.documents(in: "c", ["old": 1]).count == documents.count)
                }
                let bulk = try database.client.bulkWrite(to: database.namespace("c"))
                for document in documents {
                    let filter: Document = ["_id": try #require(document["_id"])]
                    try document.withRaw { try bulk.replaceOne(filter: filter, with: $0, upsert: true) }
                }
                #expect(try bulk.execute().writeErrors.isEmpty)
                #expect(try database.documents(in: "c", sort: ["_id": 1]) == documents)
            }
        }
    }

    /// A pipeline update with repeated field names makes the server abort.
    @Test func aReplacementThatNoServerCouldDoIsRefusedBeforeItIsSent() throws {
        try withTestDatabase { database in
            try database.insert([["_id": 1], ["_id": 2]], into: "c")
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            let impossible: Document = ["_id": 1, "$a": 1, "deep": [["b": 1, "b": 2]]]
            try impossible.withRaw { try bulk.replaceOne(filter: ["_id": 1], with: $0, upsert: true) }
            let possible: Document = ["_id": 2, "a": 1, "deep": [["b": 1, "b": 2]]]
            try possible.withRaw { try bulk.replaceOne(filter: ["_id": 2], with: $0, upsert: true) }
            #expect(try bulk.execute().writeErrors.map(\.index) == [0])
            #expect(try database.documents(in: "c", sort: ["_id": 1]) == [["_id": 1], possible])
        }
    }

    @Test(
        arguments: [
            ([:], false), (["a": 1, "b": 1], false), (["a": 1, "b": 1, "a": 2], true), (["": 1, "": 1], true),
            (["a": ["b": 1, "b": 1]], true), (["a": [["b": 1], ["b": 1]]], false), (["a": [["b": 1, "b": 1]]], true),
        ] as [(Document, Bool)])
    func repeatedNamesAreFoundAtEveryDepth(document: Document, expected: Bool) {
        #expect(document.withRaw(\.hasRepeatedNames) == expected)
    }

    @Test(
        arguments: [
            (["_id": .timestamp(Timestamp(rawValue: 0)), "a": 1], false), (["_id": 1, "$a": 1], true),
            (["_id": 1, "t": .timestamp(Timestamp(rawValue: 0))], true), (["0": 1, "_id": 1], true),
            (["_id": 1, "0": 1], false), (["_id": 1, "n": ["$a": 1, "t": .timestamp(Timestamp(rawValue: 0))]], false),
        ] as [(Document, Bool)])
    func aReplacementGoesAsAPipelineOnlyWhereItMust(document: Document, expected: Bool) {
        #expect(document.withRaw(\.needsPipelineToReplace) == expected)
    }

    @Test func aReplacementThatLooksLikeAPipelineStaysAReplacement() throws {
        try withTestDatabase { database in
            try database.insert([["_id": 1, "a": 1]], into: "c")
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            let document: Document = ["0": ["$set": ["hacked": true]]]
            try document.withRaw { try bulk.replaceOne(filter: ["_id": 1], with: $0, upsert: false) }
            #expect(try bulk.execute().writeErrors.isEmpty)
            #expect(try database.documents(in: "c", sort: ["_id": 1]) == [["_id": 1, "0": ["$set": ["hacked": true]]]])
        }
    }

    @Test func aPipelineUpdateKeepsTheZeroTimestampAndADollarInFront() throws {
        try withTestDatabase { database in
            let zero = Value.timestamp(Timestamp(rawValue: 0))
            let documents: [Document] = [["_id": 1, "at": zero, "$x": "$y"], ["_id": 2, "at": zero]]
            try database.insert([["_id": 2, "old": true]], into: "c")
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            for document in documents {
                let stage: Document = ["$replaceWith": ["$literal": .document(document)]]
                try bulk.updateOne(filter: ["_id": try #require(document["_id"])], pipeline: [stage], upsert: true)
            }
            #expect(try bulk.execute().writeErrors.isEmpty)
            #expect(try database.documents(in: "c", sort: ["_id": 1]) == documents)
        }
    }

    @Test func anUpdateWithoutStagesIsRefused() throws {
        try withTestDatabase { database in
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            #expect(throws: MongoError.self) { try bulk.updateOne(filter: ["_id": 1], pipeline: [], upsert: true) }
            #expect(throws: MongoError.self) {
                try bulk.updateOne(filter: ["_id": 1], pipeline: [["a": 1]], upsert: true)
            }
        }
    }

    @Test func aDocumentThatIsTooLargeIsReportedAndTheOthersAreWritten() throws {
        try withTestDatabase { database in
            func document(_ id: Int32, _ size: Int) -> Document {
                ["_id": .int32(id), "p": .binary(subtype: 0, [UInt8](repeating: 1, count: size))]
            }
            // One document is just above the server's limit, and one so far above it that it cannot be sent at all.
            let sizes = [10, 16_777_216, 10, 17_000_000, 10]
            let documents = sizes.enumerated().map { document(Int32($0 + 1), $1) }
            let result = try database.tryInsert(documents, into: "c")
            #expect(result.inserted == 3)
            #expect(result.writeErrors.map(\.index) == [1, 3])
            #expect(result.writeErrors.map(\.code) == [10334, 10334])
            #expect(try database.count("c") == 3)
        }
    }

    @Test func anInsertionThatKeepsTimestampsNeverChangesADocument() throws {
        try withTestDatabase { database in
            let zero = Value.timestamp(Timestamp(rawValue: 0))
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            for document in [["_id": 1, "t": zero], ["_id": 1, "t": zero, "n": 2], ["_id": 2]] as [Document] {
                try document.withRaw(bulk.insertByUpdate)
            }
            let result = try bulk.execute()
            #expect(result.writeErrors.map(\.index) == [1] && result.writeErrors.first?.isDuplicateKey == true)
            var found: [Document] = []
            try database.client.find(database.namespace("c"), [:]).forEach { found.append(Document(copying: $0)) }
            #expect(found == [["_id": 1, "t": zero], ["_id": 2]])
        }
    }

    @Test func nothingToDoIsDoneAtOnce() throws {
        try withTestDatabase { database in
            let result = try database.client.bulkWrite(to: database.namespace("c")).execute()
            #expect(result.inserted == 0 && result.writeErrors.isEmpty)
        }
    }

    @Test func aBulkWriteIsFilledAgainAndCountsFromZero() throws {
        try withTestDatabase { database in
            let bulk = try database.client.bulkWrite(to: database.namespace("c"))
            for round in 0..<3 {
                for id in 0..<4 {
                    let document: Document = ["_id": .int32(Int32(id == 3 ? 0 : round * 3 + id))]
                    try document.withRaw(bulk.insert)
                }
                let result = try bulk.execute()
                #expect(result.inserted == 3 && result.writeErrors.map(\.index) == [3])
            }
        }
    }
}
