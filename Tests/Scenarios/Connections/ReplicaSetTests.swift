import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

/// How three members affect each other's writes, and what must not result from it.
@Suite(
    .serialized, .onThreadOfItsOwn("replica set"),
    .enabled("MONGOD_BINARY must name a mongod: Scripts/mongod path", { OwnServer.isPossible }))
struct ReplicaSetTests {
    let set: OwnSet

    init() throws { set = try OwnSet.shared() }

    private func arguments(_ operation: String, _ database: TestDatabase, _ more: [String] = []) -> [String] {
        [operation, "--uri", set.uri(), "--db", database.name] + more
    }

    private func export(_ database: TestDatabase, to file: String) throws {
        let outcome = try Program.run(arguments("export", database, ["-o", file]))
        try #require(outcome.status == 0, "\(outcome.text)")
    }

    private func insert(_ ids: Range<Int32>, into name: String, _ database: TestDatabase) throws {
        try database.insert(ids.map { ["_id": .int32($0), "n": .int32(-$0)] }, into: name)
    }

    /// Otherwise servers would wait for every member to build an index, even for one that is down.
    @Test func indexesAreBuiltWhileAMemberIsDown() throws {
        try withDatabase(on: set) { database, folder in
            try database.create("a", indexes: [["key": ["n": 1], "name": "n", "unique": true]])
            try insert(0..<100, into: "a", database)
            let before = try database.image()
            let file = folder.file("a.csv")
            try export(database, to: file)
            try set.roles().secondaries[0].killNow()
            for mode in ["replace", "merge"] {
                if mode == "merge" { try database.drop("a") }
                let program = try Program(arguments("import", database, [file, "--mode", mode, "--yes"]))
                let outcome = try program.wait(seconds: 60)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: before) == [])
            }
        }
    }

    /// When a primary updates a document with an empty timestamp, the other members may write the current time instead.
    @Test func aMergedDocumentIsTheSameOnEveryMember() throws {
        try withDatabase(on: set) { database, folder in
            try set.heal()
            let empty = Value.timestamp(Timestamp(rawValue: 0))
            let documents: [Document] = (0..<5).map { ["_id": .int32($0), "t": empty, "v": .int32($0)] }
            for document in documents { try database.insertKeepingTimestamps(document, into: "a") }
            try export(database, to: folder.file("a.csv"))
            try database.run([
                "update": "a", "updates": [["q": [:], "u": ["$set": ["v": -1]], "multi": true]],
            ])
            let program = try Program(arguments("import", database, [folder.file("a.csv")]))
            let outcome = try program.wait(seconds: 60)
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(Set(try database.documents(in: "a")) == Set(documents))
            let (primary, secondaries) = try set.roles()
            for member in [primary] + secondaries {
                let file = folder.file("member.csv")
                let export = try Program([
                    "export", "--uri", member.uri("", "directConnection=true"), "--db", database.name, "-o", file,
                    "--plain",
                    "--force", "--quiet",
                ])
                let outcome = try export.wait(seconds: 60)
                #expect(outcome.status == 0, "\(outcome.text)")
                let text = try folder.text("member.csv")
                #expect(text.split(separator: #"""t"":0,""i"":0}"#).count == 6, "\(text)")
            }
        }
    }

    /// One of the two secondaries is behind: what one of them lists would not fit the data of the other.
    @Test func anExportFromSecondariesReadsOneOfThem() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<100, into: "a", database)
            try set.heal()
            let behind = try set.roles().secondaries[0]
            try OwnSet.set("rsSyncApplyStop", isOn: true, on: [behind])
            defer { try? OwnSet.set("rsSyncApplyStop", isOn: false, on: [behind]) }
            try insert(0..<77, into: "new", database)
            try insert(100..<200, into: "a", database)
            var seen: Set<[Int]> = []
            for number in 0..<12 {
                let file = folder.file("\(number).csv")
                let program = try Program(
                    [
                        "export", "--uri", set.uri("readPreference=secondary"), "--db", database.name, "-o", file,
                        "--plain", "--quiet",
                    ])
                let outcome = try program.wait(seconds: 60)
                #expect(outcome.status == 0, "\(outcome.text)")
                let rows = try folder.text("\(number).csv").split(separator: "\n").dropFirst()
                seen.insert(["a,", "new,"].map { name in rows.count { $0.hasPrefix(name) } })
            }
            #expect(seen.isSubset(of: [[200, 77], [100, 0]]), "\(seen)")
        }
    }

    /// The primary executes the rename alone, sends no answer, and is lost: the new primary has the old names.
    @Test func aRenameThatIsTakenBackIsDoneAgain() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<100, into: "a", database)
            let new = try database.image()
            let file = folder.file("a.csv")
            try export(database, to: file)
            try database.delete("a", ["_id": ["$gte": 7]])
            let (primary, secondaries) = try set.roles()
            let client = try primary.directClient()
            _ = try FailPoint(
                primary, ["renameCollection"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 1500])
            let program = try Program(arguments("import", database, [file, "--mode", "replace", "--yes"]))
            try poll("the rename") { try rename(client) != nil }
            try OwnSet.withoutReplication(to: secondaries) {
                try poll("the primary's own rename") { try count("a", on: client, database) == 100 }
                let operation = try #require(try rename(client))
                try client.run(["killOp": 1, "op": operation], on: "admin", readPreference: .connectionString)
                // The next query goes to the same primary, which does not know yet that it is alone.
                Thread.sleep(forTimeInterval: 1)
                try primary.killNow()
            }
            let outcome = try program.wait(seconds: 60)
            try set.heal()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: new) == [])
        }
    }

    /// Only the primary has dropped the old documents when it is lost: the new primary has them, under the name that is
    /// to be recreated.
    @Test(arguments: [true, false]) func aDropThatIsTakenBackIsDoneAgain(isSeries: Bool) throws {
        try withDatabase(on: set) { database, folder in
            try set.heal()
            let options: Document = isSeries ? ["timeseries": ["timeField": "at"]] : ["validationLevel": "moderate"]
            try database.create("a", options)
            try database.insert((0..<100).map { ["_id": .int32($0), "at": .date(Int64($0) * 1000)] }, into: "a")
            let new = try database.image()
            let file = folder.file("a.csv")
            try export(database, to: file)
            try database.insert((100..<107).map { ["_id": .int32($0), "at": .date(Int64($0) * 1000)] }, into: "a")
            let (primary, secondaries) = try set.roles()
            let client = try primary.directClient()
            _ = try FailPoint(
                primary, ["drop", "create"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
            let program = try Program(
                arguments("import", database, [file, "--mode", "replace", "--in-place", "--yes"]))
            // Before that, the definition is tried on another collection, which is dropped.
            try poll("the drop") { try isUnderWay("drop", of: "a", client) }
            try OwnSet.withoutReplication(to: secondaries) {
                try poll("the creation") { try isUnderWay("create", of: "a", client) }
                #expect(try client.listCollections(in: database.name, named: ["a"]).isEmpty)
                try primary.killNow()
            }
            let outcome = try program.wait(seconds: 90)
            try set.heal()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: new) == [])
        }
    }

    private func isUnderWay(_ command: String, of collection: String, _ client: Client) throws -> Bool {
        var isFound = false
        let filter = Document { $0.append("command.\(command)", .string(collection)) }
        try client.aggregate(
            database: "admin", pipeline: [["$currentOp": ["allUsers": true]], ["$match": .document(filter)]]
        ).forEach { _ in isFound = true }
        return isFound
    }

    private func rename(_ client: Client) throws -> Value? { try operation("renameCollection", client) }

    /// Returns the id of an operation that executes a command on the server.
    private func operation(_ command: String, _ client: Client) throws -> Value? {
        var found: Value?
        let filter: Document = Document { $0.append("command.\(command)", ["$exists": true]) }
        try client.aggregate(
            database: "admin", pipeline: [["$currentOp": ["allUsers": true]], ["$match": .document(filter)]]
        ).forEach { found = $0["opid"]?.copy }
        return found
    }

    private func count(_ name: String, on client: Client, _ database: TestDatabase) throws -> Int {
        let reply = try client.run(
            ["count": .string(name)], on: database.name, readPreference: .connectionString)
        return reply["n"]?.integer ?? -1
    }

    /// Equal documents that no majority has may be rolled back: a merge must not rely on them.
    @Test func aMergeDoesNotTakeForThereWhatNoMajorityHas() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<100, into: "a", database)
            let new = try database.image()
            let file = folder.file("a.csv")
            try export(database, to: file)
            try database.delete("a", ["_id": ["$lt": 30]])
            try set.heal()
            let (primary, secondaries) = try set.roles()
            let client = try primary.directClient()
            _ = try FailPoint(primary, ["find"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
            let program = try Program(arguments("import", database, [file]))
            try poll("the import's lock") {
                try client.listCollections(in: database.name).contains { $0.name == "__mongoferry_lock" }
            }
            try OwnSet.withoutReplication(to: secondaries) {
                let documents = (0..<30).map { Value.document(["_id": .int32($0), "n": .int32(-$0)]) }
                try client.runWrite(
                    ["insert": "a", "documents": .array(documents)], on: database.name,
                    writeConcern: WriteConcern(.nodes(1)))
                // Enough time to compare, and to wait for a majority.
                Thread.sleep(forTimeInterval: 4)
                try primary.killNow()
            }
            let outcome = try program.wait(seconds: 60)
            try set.heal()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: new) == [])
        }
    }

    /// A heartbeat that waited for the majority would stop, and the next import would take the lock for a dead one's.
    @Test func anImportsHeartBeatsWhereTheMajorityIsBehind() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<100, into: "a", database)
            let new = try database.image()
            let file = folder.file("a.csv")
            try export(database, to: file)
            try database.drop("a")
            try set.heal()
            let (primary, secondaries) = try set.roles()
            let client = try primary.directClient()
            _ = try FailPoint(
                primary, ["insert"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 1000])
            let program = try Program(arguments("import", database, [file]))
            try poll("the import's insert") { try operation("insert", client) != nil }
            try OwnSet.withoutReplication(to: secondaries) {
                func beat() throws -> Value? {
                    let lock = try client.run(
                        ["find": "__mongoferry_lock"], on: database.name, readPreference: .connectionString)
                    return lock["cursor"]?.document?["firstBatch"]?.array?.first?.document?["beat"]
                }
                var seen: Set<Value> = []
                // The first beat may be an earlier one, and the second one may be waiting.
                try poll("three beats") {
                    if let beat = try beat() { seen.insert(beat) }
                    return seen.count == 3
                }
            }
            let outcome = try program.wait(seconds: 60)
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: new) == [])
        }
    }

    /// The primary is up, but no other member gets its writes.
    @Test func aMajorityThatIsNotThereIsToldAndNotWaitedForWithoutEnd() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<100, into: "a", database)
            try set.heal()
            let file = folder.file("a.csv")
            let (primary, secondaries) = try set.roles()
            let client = try primary.directClient()
            try OwnSet.withoutReplication(to: secondaries) {
                for second in 0..<7 {
                    try client.runWrite(
                        ["insert": "a", "documents": [["_id": .int32(1000 + Int32(second))]]], on: database.name,
                        writeConcern: WriteConcern(.nodes(1)))
                    Thread.sleep(forTimeInterval: 1)
                }
                let export = try Program(arguments("export", database, ["-o", file])).wait(seconds: 60)
                #expect(export.status == 0, "\(export.text)")
                #expect(export.errors.contains("warning: no majority of the replica set's members has what was"))
                #expect(export.output.contains("100 records"), "\(export.text)")
                let load = try Program(
                    [
                        "import", file, "--uri", set.uri("wtimeoutMS=1000"), "--db", database.name,
                    ]
                ).wait(seconds: 60)
                #expect(load.status == 1, "\(load.text)")
                #expect(
                    load.errors.contains(
                        "replica set rs3: no majority of the members acknowledged a write within 1 second\n"),
                    "\(load.text)")
                #expect(load.errors.contains("Nothing was written."))
            }
        }
    }

    @Test func aSetWithoutAPrimaryIsCalledThatAndCanBeRead() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<3, into: "a", database)
            let before = folder.file("before.csv")
            try export(database, to: before)
            try database.update("a", ["_id": 1], ["$set": ["n": 100]])
            try set.heal()
            let (primary, secondaries) = try set.roles()
            for member in [primary, secondaries[0]] { try member.killNow() }
            let file = folder.file("a.csv")
            // Without that option, it waits for an election.
            let outcome = try Program(
                ["export", "--uri", set.uri("serverSelectionTimeoutMS=3000"), "--db", database.name, "-o", file]
            ).wait(seconds: 60)
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("the replica set rs3 has no primary"), "\(outcome.text)")
            #expect(outcome.errors.contains("127.0.0.1:\(secondaries[1].port) answers, but none of"))
            let reading = try Program(
                [
                    "export", "--uri", set.uri("readPreference=secondaryPreferred"), "--db", database.name, "-o",
                    file,
                ]
            ).wait(seconds: 60)
            #expect(reading.status == 0 && reading.output.contains("3 records"), "\(reading.text)")
            let comparing = try Program(
                ["verify", before, "--uri", set.uri("readPreference=secondaryPreferred"), "--db", database.name]
            ).wait(seconds: 60)
            #expect(comparing.status == 2 && comparing.text.contains("a: different: 1 document"), "\(comparing.text)")
        }
    }

    @Test func anExportThatBeginsDuringAnElectionWaitsForIt() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<3, into: "a", database)
            try set.heal()
            let (primary, secondaries) = try set.roles()
            for member in [primary, secondaries[0]] { try member.killNow() }
            let program = try Program(arguments("export", database, ["-o", folder.file("a.csv")]))
            // Longer than it looks for a server that does not answer at all.
            Thread.sleep(forTimeInterval: 7)
            try set.heal()
            let outcome = try program.wait(seconds: 60)
            #expect(outcome.status == 0 && outcome.output.contains("3 records"), "\(outcome.text)")
        }
    }

    /// Waiting for a point in time that no majority ever reaches would never end.
    @Test func anExportRightAfterTheOthersStoppedFollowingTakesWhatAMajorityHas() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<3, into: "a", database)
            try set.heal()
            try OwnSet.withoutReplication(to: set.roles().secondaries) {
                let document: Value = ["_id": 100]
                try database.client.runWrite(
                    ["insert": "a", "documents": [document]], on: database.name, writeConcern: WriteConcern(.nodes(1)))
                let outcome = try Program(arguments("export", database, ["-o", folder.file("a.csv")])).wait(seconds: 60)
                #expect(outcome.status == 0 && outcome.output.contains("3 records"), "\(outcome.text)")
                #expect(outcome.errors.contains("no majority of the replica set's members has what was written after"))
            }
        }
    }

    @Test func anImportIntoASecondaryIsRefusedAtOnce() throws {
        try withDatabase(on: set) { database, folder in
            try insert(0..<3, into: "a", database)
            let file = folder.file("a.csv")
            try export(database, to: file)
            let host = "mongodb://127.0.0.1:\(try set.roles().secondaries[0].port)/"
            for (uri, rest) in [
                (host + "?directConnection=true", ", and leave directConnection=true out"), (host, ""),
            ] {
                let outcome = try Program.run(["import", file, "--uri", uri, "--db", database.name])
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("is not the primary of the replica set rs3, and takes no writes"))
                #expect(outcome.errors.contains("Nothing was written."))
                #expect(
                    outcome.errors.contains(
                        "Say replicaSet=rs3 in the connection string\(rest): then the primary is found by itself."),
                    "\(outcome.errors)")
            }
            let advised = try Program.run(["import", file, "--uri", host + "?replicaSet=rs3", "--db", database.name])
            #expect(advised.status == 0, "\(advised.text)")
        }
    }
}
