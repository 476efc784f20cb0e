import BSON
import MongoFerry
import Testing

extension OwnServerTests {
    /// Databases of so many collections that what is done for each must not look at all.
    @Suite(.serialized) struct ManyCollectionsTests {
        /// Bytes that the server sends while an import makes the collections, and while it comes again and finds all there.
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

        /// Listing the whole database for each collection would be four times as much.
        @Test(arguments: ["merge", "insert"])
        func twiceAsManyCollectionsTakeTwiceAsManyAnswers(mode: String) throws {
            let server = try OwnServerTests.server.get()
            let few = try answered(server, collections: 100, mode)
            let many = try answered(server, collections: 200, mode)
            for (few, many) in zip(few, many) { #expect(many * 10 < few * 27, "\(few) bytes, then \(many)") }
        }
    }
}
