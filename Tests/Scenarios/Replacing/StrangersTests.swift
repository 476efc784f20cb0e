import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension BusyServerTests {
    /// Other programs write to a name while it changes hands, and more than a moment passes: what they wrote may be
    /// dropped, and is counted and told.
    @Suite(.serialized) struct StrangersTests {
        let server: OwnServer

        init() throws { server = try BusyServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ more: [String] = []) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", "replace", "--yes"] + more
        }

        private func export(_ database: TestDatabase, to file: String) throws {
            let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
            try #require(outcome.status == 0, "\(outcome.text)")
            for name in try database.names() { try database.drop(name) }
        }

        /// A view `v` that is to take the place of a collection.
        private func writeView(_ database: TestDatabase, _ file: String) throws {
            try database.insert([["_id": 1]], into: "a")
            try database.create("v", ["viewOn": "a", "pipeline": []])
            try export(database, to: file)
            try database.insert([["_id": 1]], into: "a")
            try database.insert([["_id": 7], ["_id": 8]], into: "v")
        }

        private let strangers: [Document] = (100..<110).map { ["_id": .int32($0), "from": "elsewhere"] }

        private func text(_ name: String) -> String {
            "\(name): 10 documents came from other programs while it was being replaced, and are gone with what had the name then"
        }

        @Test func whatIsWrittenToACollectionThatIsLoadedAnewInPlace() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<50).map { ["_id": .int32($0)] }, into: "c")
                try export(database, to: folder.file("c.csv"))
                try database.insert([["_id": 1, "old": true]], into: "c")
                let outcome = try server.hold(
                    "insert", "\(database.name).c", 1500, times: 2, answer: ["closeConnection": true],
                    of: importing(database, folder.file("c.csv"), ["--in-place"])
                ) { try database.insert(strangers, into: "c") }
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(outcome.errors.contains(text("c")), "\(outcome.errors)")
                #expect(try database.count("c") == 50)
            }
        }

        /// A name that ends a line forges none.
        @Test func whatIsSaidOfAHostileNameIsOneLine() throws {
            try withDatabase(on: server) { database, folder in
                let name = "c\nwarning: all is well"
                try database.insert((0..<50).map { ["_id": .int32($0)] }, into: name)
                try export(database, to: folder.file("c.csv"))
                try database.insert([["_id": 1, "old": true]], into: name)
                let outcome = try server.hold(
                    "insert", "\(database.name).\(name)", 1500, times: 2, answer: ["closeConnection": true],
                    of: importing(database, folder.file("c.csv"), ["--in-place"])
                ) { try database.insert(strangers, into: name) }
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("all is well: 10 documents came from other programs"),
                    "\(outcome.errors)")
                #expect(!outcome.errors.contains("\nwarning: all is well"), "\(outcome.errors)")
            }
        }

        /// The driver sends the insert once more by itself. Nothing of others' was there, and nothing is said.
        @Test func aLoadInPlaceThatNoMajorityConfirmsBeginsAnew() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<50).map { ["_id": .int32($0)] }, into: "c")
                try export(database, to: folder.file("c.csv"))
                try database.insert([["_id": 1, "old": true]], into: "c")
                let failure = try FailPoint(
                    server, ["insert"], mode: .times(2),
                    [
                        "namespace": .string("\(database.name).c"),
                        "writeConcernError": ["code": 11602, "errmsg": "interrupted"],
                    ])
                let outcome = try Program.run(importing(database, folder.file("c.csv"), ["--in-place"]))
                try failure.end(times: 2)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(!outcome.errors.contains("warning"), "\(outcome.errors)")
                #expect(try database.count("c") == 50)
            }
        }

        /// The view is created at the second attempt, or is refused, so that the collection gets its name back.
        @Test(
            arguments: [(10107, 2, [["_id": 1]]), (14031, 1, [["_id": 7], ["_id": 8]])] as [(Int32, Int32, [Document])])
        func whatTakesTheNameOfACollectionThatGivesWayToAView(
            code: Int32, status: Int32, documents: [Document]
        ) throws {
            try withDatabase(on: server) { database, folder in
                try writeView(database, folder.file("v.csv"))
                let outcome = try server.hold(
                    "create", "\(database.name).v", 1500, answer: ["errorCode": .int32(code)],
                    of: importing(database, folder.file("v.csv"))
                ) { try database.insert(strangers, into: "v") }
                #expect(outcome.status == status, "\(outcome.text)")
                #expect(outcome.errors.contains(text("v")), "\(outcome.errors)")
                #expect(try database.documents(in: "v") == documents)
            }
        }

        /// The view is gone already when its drop is sent again.
        @Test func whatTakesTheNameOfAViewIsCountedBeforeItGoes() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "c")
                try export(database, to: folder.file("c.csv"))
                try database.create("c", ["viewOn": "a", "pipeline": []])
                let drop = try FailPoint(
                    server, ["drop"], mode: .times(1),
                    ["namespace": .string("\(database.name).c"), "writeConcernError": ["code": 91, "errmsg": "gone"]])
                let program = try Program(importing(database, folder.file("c.csv")))
                let other = try server.directClient()
                try poll("the view to be gone") {
                    (try? other.insertAll(strangers, into: database.namespace("c"))) != nil
                }
                let outcome = try program.wait()
                try drop.end()
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("c: 10 documents came from other programs after the plan was made"),
                    "\(outcome.errors)")
                #expect(try database.documents(in: "c") == [["_id": 1]])
            }
        }

        /// Otherwise exports and checks call it incomplete for ever.
        @Test func theRecordOfACompleteCollectionIsRemovedThoughTheConnectionBreaks() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<50).map { ["_id": .int32($0)] }, into: "c")
                try export(database, to: folder.file("c.csv"))
                try database.insert([["_id": 1, "old": true]], into: "c")
                // After the check that records can be removed.
                let pause = try FailPoint(
                    server, ["insert"], mode: .times(1),
                    [
                        "namespace": .string("\(database.name).c"), "blockConnection": true, "blockTimeMS": 1000,
                    ])
                let program = try Program(importing(database, folder.file("c.csv"), ["--in-place"]))
                try pause.waitUntilEntered()
                // The server sets another fail point only when it has left this one.
                program.send(SIGSTOP)
                let broken = try FailPoint(
                    server, ["delete"], mode: .times(2),
                    [
                        "namespace": .string("\(database.name).__mongoferry_definitions"), "closeConnection": true,
                    ])
                program.send(SIGCONT)
                let outcome = try program.wait()
                try broken.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(!outcome.errors.contains("warning"), "\(outcome.errors)")
                #expect(try database.names() == ["c"])
            }
        }

        /// The next import would call it an interrupted one's.
        @Test func aLockThatNoMajorityHasIsRemoved() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "c")
                try export(database, to: folder.file("c.csv"))
                let failure = try FailPoint(
                    server, ["findAndModify"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 11601, "errmsg": "operation was interrupted"]])
                let outcome = try Program.run(importing(database, folder.file("c.csv")))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("Nothing was written."), "\(outcome.errors)")
                #expect(try database.names() == [])
            }
        }
    }
}
