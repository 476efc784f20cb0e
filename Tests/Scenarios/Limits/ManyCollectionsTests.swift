import BSON
import BackupFile
import MongoFerry
import Testing

extension OwnServerTests {
    /// Databases with so many collections that the work for each must not involve all of them.
    @Suite(.serialized) struct ManyCollectionsTests {
        /// Returns the bytes that the server sends while an import creates the collections, and while it runs again and
        /// finds them all.
        private func answered(_ server: OwnServer, collections: Int, _ mode: String) throws -> [Int] {
            var result: [Int] = []
            try withDatabase(on: server) { database, folder in
                let rows = (1...collections).map { LegacyFile.row("c\($0)", json: #"{"_id":1,"x":2}"#) }
                try folder.write("collection,data\n" + rows.joined(separator: "\n") + "\n", to: "many.csv")
                let words = ["import", folder.file("many.csv"), "--mode", mode, "--uri", server.uri()]
                for _ in 1...2 {
                    let before = try bytes(database)
                    let outcome = try Program.run(words + ["--db", database.name, "--quiet"])
                    #expect(outcome.status == 0, "\(outcome.text)")
                    result.append(try bytes(database) - before)
                }
                #expect(try database.names().count == collections)
            }
            return result
        }

        private func bytes(_ database: TestDatabase) throws -> Int {
            let status = try database.client.runRead(["serverStatus": 1], on: "admin")
            return try #require(status["network"]?.document?["bytesOut"]?.integer)
        }

        /// Listing the whole database for each collection would take four times as many bytes.
        @Test(arguments: ["merge", "insert"])
        func twiceAsManyCollectionsTakeTwiceAsManyAnswers(mode: String) throws {
            let server = try OwnServerTests.server.get()
            let few = try answered(server, collections: 100, mode)
            let many = try answered(server, collections: 200, mode)
            for (few, many) in zip(few, many) { #expect(many * 10 < few * 27, "\(few) bytes, then \(many)") }
        }

        /// Otherwise each would be searched for ids of all the others, although its sample has shown all of its own.
        @Test func smallCollectionsAreNotAskedAgain() throws {
            let server = try OwnServerTests.server.get()
            try withDatabase(on: server) { database, folder in
                let count = 40
                func id(_ collection: Int, _ number: Int) -> Value {
                    .objectID(ObjectID(high: 0x6500_0000_0000_0000 + UInt64(collection), low: UInt32(number)))
                }
                for collection in 0..<count {
                    try database.insert(
                        (0..<30).map {
                            ["_id": id(collection, $0), "other": id(max(0, collection - 1), ($0 * 7) % 30)]
                        },
                        into: "c\(collection)")
                }
                let before = try queries(database)
                let file = folder.file("all.csv")
                let words = ["export", "--uri", server.uri(), "--db", database.name, "-o", file]
                let outcome = try Program.run(words + ["--quiet"])
                #expect(outcome.status == 0, "\(outcome.text)")
                // A sample and a cursor for each collection, and one more to allow for the server's own queries.
                #expect(try queries(database) - before < 3 * count)
                let reader = try BackupReader(try OpenFile(reading: file))
                #expect(reader.metadata?.references.count == count)
            }
        }

        private func queries(_ database: TestDatabase) throws -> Int {
            let status = try database.client.runRead(["serverStatus": 1], on: "admin")
            return try #require(status["opcounters"]?.document?["query"]?.integer)
        }
    }
}
