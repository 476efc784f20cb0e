import BSON
import Foundation
import MongoFerry
import Testing

extension OwnServerTests {
    /// An import stops if it cannot be sure of what it wrote or read: a majority may lack it, or rows have changed.
    @Suite(.serialized) struct UnconfirmedTests {
        let server: OwnServer

        init() throws { server = try OwnServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ mode: String) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", mode, "--yes"]
        }

        /// Overwrites one letter of a file.
        private static func put(_ letter: String, at offset: Int, of file: String) throws {
            let handle = try #require(FileHandle(forWritingAtPath: file))
            try handle.seek(toOffset: UInt64(offset))
            try handle.write(contentsOf: Data(letter.utf8))
            try handle.close()
        }

        /// Replaces a collection by rows, the last of which is changed by one letter while the first ones are written.
        /// - Parameter place: the letter's place in its row; if negative, from the end.
        private func changeTheLastRow(
            _ letter: String, at place: Int, _ body: (Program.Outcome, _ file: String) throws -> Void
        ) throws {
            try withDatabase(on: server) { database, folder in
                // More than the readers hold at once: the last row is read after the first ones are written.
                let text = String(repeating: "x", count: 10_000)
                let rows = (1...3000).map { "a,\"{\"\"_id\"\":\($0),\"\"text\"\":\"\"\(text)\"\"}\"\n" }
                let file = folder.file("rows.csv")
                let content = "collection,data\n" + rows.joined()
                try folder.write(content, to: "rows.csv")
                try database.insert([["_id": "live"]], into: "a")
                let before = try database.image()
                let pause = try FailPoint(
                    server, ["insert"], mode: .skip(0), ["blockConnection": true, "blockTimeMS": 1000])
                let program = try Program(importing(database, file, "replace") + ["--jobs", "2"])
                try pause.waitUntilEntered()
                let start = content.utf8.count - (place < 0 ? 0 : rows[2999].utf8.count)
                try Self.put(letter, at: start + place, of: file)
                try pause.end()
                let outcome = try program.wait()
                try body(outcome, file)
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        @Test(arguments: ["merge", "replace", "insert"])
        func whatTheServerWroteAndCouldNotConfirmIsAnError(mode: String) throws {
            try withDatabase(on: server) { database, folder in
                try folder.write("collection,data\na,\"{\"\"_id\"\":1}\"\n", to: "a.csv")
                let failure = try FailPoint(
                    server, ["insert"], mode: .times(1),
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try Program.run(
                    importing(database, folder.file("a.csv"), mode) + ["--report", folder.file("r.json")])
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(!(try folder.text("r.json").contains(/"inserted": *1/)))
                #expect(
                    outcome.errors.contains(
                        "the server wrote, but could not confirm it with write concern majority: "
                            + "waiting for replication timed out"), "\(outcome.errors)")
                let again = try Program.run(importing(database, folder.file("a.csv"), mode))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.documents(in: "a") == [["_id": 1]])
            }
        }

        /// A document whose `_id` exists already is replaced by an update, whose acknowledgement counts, too.
        @Test func whatTheServerReplacedAndCouldNotConfirmIsAnError() throws {
            try withDatabase(on: server) { database, folder in
                try folder.write(
                    "collection,data\nc,\"{\"\"_id\"\":\"\"a\"\"}\"\nc,\"{\"\"_id\"\":\"\"A\"\"}\"\n", to: "c.csv")
                try database.create("c", ["collation": ["locale": "en", "strength": 2]])
                let failure = try FailPoint(
                    server, ["update"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try Program.run(
                    importing(database, folder.file("c.csv"), "merge") + ["--report", folder.file("r.json")])
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(!(try folder.text("r.json").contains(/"updated": *1/)))
                #expect(outcome.errors.contains("the server wrote, but could not confirm it"), "\(outcome.errors)")
            }
        }

        /// The row is changed while its collection is being read: what was sent until then is not swapped in.
        @Test func aRowThatHasGoneToAnotherCollectionMeanwhileStopsTheImport() throws {
            try changeTheLastRow("b", at: 0) { outcome, file in
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("\(file): the file was changed while it was read"), "\(outcome.errors)")
            }
        }

        /// Nothing else shows it: there are as many rows as before, and each can be read.
        @Test func aRowWithAnotherLetterMeanwhileStopsTheImport() throws {
            try changeTheLastRow("y", at: -6) { outcome, file in
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("\(file): the file was changed while it was read"), "\(outcome.errors)")
            }
        }
    }
}
