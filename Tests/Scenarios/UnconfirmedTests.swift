import BSON
import Foundation
import MongoFerry
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension OwnServerTests {
    /// What an import cannot be sure of stops it: writes that a majority may not have, rows that are others by now.
    @Suite(.serialized) struct UnconfirmedTests {
        let server: OwnServer

        init() throws { server = try OwnServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ mode: String) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", mode, "--yes"]
        }

        /// Writes another name of one letter into a file, which keeps the time of its last change.
        private static func moveFirstRow(of file: String, to collection: String) throws {
            var before = stat()
            try #require(stat(file, &before) == 0)
            let handle = try #require(FileHandle(forWritingAtPath: file))
            try handle.seek(toOffset: UInt64("collection,data\n".utf8.count))
            try handle.write(contentsOf: Data(collection.utf8))
            try handle.close()
            #if canImport(Darwin)
                let times = [before.st_atimespec, before.st_mtimespec]
            #else
                let times = [before.st_atim, before.st_mtim]
            #endif
            try #require(utimensat(AT_FDCWD, file, times, 0) == 0)
        }

        @Test(arguments: ["merge", "replace", "insert"])
        func whatTheServerWroteAndCouldNotConfirmIsAnError(mode: String) throws {
            try withDatabase(on: server) { database, folder in
                try folder.write("collection,data\na,\"{\"\"_id\"\":1}\"\n", to: "a.csv")
                let failure = try FailPoint(
                    server, ["insert"], mode: .times(1),
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try Program.run(importing(database, folder.file("a.csv"), mode))
                try failure.off()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "the server wrote, but could not confirm it with write concern majority: "
                            + "waiting for replication timed out"), "\(outcome.errors)")
                let again = try Program.run(importing(database, folder.file("a.csv"), mode))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.documents(in: "a") == [["_id": 1]])
            }
        }

        /// What has its `_id` already is replaced by an update, whose confirmation counts, too.
        @Test func whatTheServerReplacedAndCouldNotConfirmIsAnError() throws {
            try withDatabase(on: server) { database, folder in
                try folder.write(
                    "collection,data\nc,\"{\"\"_id\"\":\"\"a\"\"}\"\nc,\"{\"\"_id\"\":\"\"A\"\"}\"\n", to: "c.csv")
                try database.create("c", ["collation": ["locale": "en", "strength": 2]])
                let failure = try FailPoint(
                    server, ["update"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try Program.run(importing(database, folder.file("c.csv"), "merge"))
                try failure.off()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("the server wrote, but could not confirm it"), "\(outcome.errors)")
            }
        }

        /// Neither size nor time tells of the change.
        @Test func aRowThatHasGoneToAnotherCollectionMeanwhileStopsTheImport() throws {
            try withDatabase(on: server) { database, folder in
                let rows = (1...3).map { "a,\"{\"\"_id\"\":\($0)}\"\n" }
                let file = folder.file("rows.csv")
                try folder.write("collection,data\n" + rows.joined(), to: "rows.csv")
                try database.insert([["_id": "live"]], into: "a")
                let before = try database.image()
                let pause = try FailPoint(
                    server, ["create"], mode: .skip(0), ["blockConnection": true, "blockTimeMS": 1000])
                let program = try Program(importing(database, file, "replace"))
                try pause.waitUntilEntered()
                try Self.moveFirstRow(of: file, to: "b")
                let outcome = try program.wait()
                try pause.off()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "\(file): 2 rows of a read, 3 found before: the file was changed while it was read"),
                    "\(outcome.errors)")
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }
    }
}
