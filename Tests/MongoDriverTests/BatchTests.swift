import BSON
import MongoDriver
import Testing

@Suite struct BatchTests {
    @Test func partsHoldTheDocumentsInOrderAndKeepToTheirSize() throws {
        try withTestDatabase { database in
            let documents = (0..<300).map { number -> Document in
                ["_id": .int32(Int32(number)), "text": .string(String(repeating: "x", count: number * 7 % 400))]
            }
            try database.insert(documents, into: "c")
            for size in [1, 500, 4096, 1 << 20] {
                let cursor = try database.client.find(
                    database.namespace("c"), [:], options: FindOptions(sort: ["_id": 1], batchSize: 200))
                var (read, batches, parts): ([Document], Int, Int) = ([], 0, 0)
                while let batch = try cursor.nextBatch() {
                    batches += 1
                    for part in try batch.parts(of: size) {
                        let before = read.count
                        try part.forEach { read.append(Document(copying: $0)) }
                        #expect(part.byteCount <= size || read.count == before + 1)
                        parts += 1
                    }
                }
                #expect(read == documents && batches == 2)
                #expect(size > 1 || parts == 300)
                #expect(size < 1 << 20 || parts == 2)
            }
        }
    }

    @Test func aHugeDocumentIsAPartByItself() throws {
        try withTestDatabase { database in
            let large = Value.binary(subtype: 0, [UInt8](repeating: 7, count: 100_000))
            try database.insert(
                (0..<9).map { $0 % 4 == 1 ? ["_id": .int32($0), "x": large] : ["_id": .int32($0)] }, into: "c")
            let batch = try #require(
                try database.client.find(database.namespace("c"), [:], options: FindOptions(sort: ["_id": 1]))
                    .nextBatch())
            let ids = try batch.parts(of: 1000).map { part in
                var ids: [Int] = []
                try part.forEach { ids.append(Int($0["_id"]?.integer ?? -1)) }
                return ids
            }
            #expect(ids == [[0], [1], [2, 3, 4], [5], [6, 7, 8]])
        }
    }

    @Test func aBatchOutlivesItsCursorAndGoesToAnotherThread() async throws {
        let (batch, documents) = try {
            var (batch, documents): (Batch?, [Document]) = (nil, [])
            try withTestDatabase { database in
                try database.insert((0..<50).map { ["_id": .int32($0)] }, into: "c")
                documents = try database.documents(in: "c", sort: ["_id": 1])
                batch = try database.client.find(database.namespace("c"), [:]).nextBatch()
            }
            return (try #require(batch), documents)
        }()
        let read = try await Task.detached {
            var read: [Document] = []
            try batch.forEach { read.append(Document(copying: $0)) }
            return read
        }.value
        #expect(Set(read) == Set(documents) && read.count == 50)
    }

    @Test func documentsAndBatchesOfOneCursorFollowEachOther() throws {
        try withTestDatabase { database in
            try database.insert((0..<30).map { ["_id": .int32($0)] }, into: "c")
            let cursor = try database.client.find(
                database.namespace("c"), [:], options: FindOptions(sort: ["_id": 1], batchSize: 12))
            var ids: [Int] = []
            let note = { (document: RawDocument) in ids.append(Int(document["_id"]?.integer ?? -1)) }
            for _ in 0..<5 { #expect(try cursor.next(note)) }
            try #require(try cursor.nextBatch()).forEach(note)
            #expect(ids == Array(0..<12))
            #expect(try cursor.next(note))
            try cursor.forEach(note)
            #expect(ids == Array(0..<30))
            #expect(try cursor.nextBatch().map(\.byteCount) == nil)
        }
    }
}
