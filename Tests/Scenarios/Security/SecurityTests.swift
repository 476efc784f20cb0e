import BSON
import BackupFile
import Foundation
import MongoDriver
@testable import MongoFerry
import Testing

extension FaultServerTests {
    /// A server that requires a user and password.
    @Suite(.serialized) struct SecurityServerTests {
        private static let secret = "s3cret:/?#[]@pass"
        private static let encoded = "s3cret%3A%2F%3F%23%5B%5D%40pass"

        private static let shared = Result { () throws -> OwnServer in
            let folder = NSTemporaryDirectory() + "mongoferry_auth_\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let key = folder + "/key"
            try Data(String(repeating: "k", count: 64).utf8).write(to: URL(fileURLWithPath: key))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            let server = try OwnServer(["--auth", "--keyFile", key], folder: folder)
            // The first user is created without authentication, which the server allows on its own machine.
            let admin = try server.pool().makeClient()
            try admin.run(
                ["createUser": "root", "pwd": .string(secret), "roles": [["role": "root", "db": "admin"]]], on: "admin")
            return server
        }

        private func withUsers(
            _ body: (OwnServer, TestDatabase, TemporaryFolder, _ reader: String, _ writer: String) throws -> Void
        ) throws {
            let server = try Self.shared.get()
            try withDatabase(on: server, credentials: "root:\(Self.encoded)@") { database, folder in
                for (user, role) in [("reader", "read"), ("writer", "readWrite")] {
                    let roles: Value = [["role": .string(role), "db": .string(database.name)]]
                    try database.client.run(
                        ["createUser": .string(user), "pwd": .string(Self.secret), "roles": roles], on: database.name)
                }
                defer { _ = try? database.client.run(["dropAllUsersFromDatabase": 1], on: database.name) }
                func uri(_ user: String) -> String {
                    server.uri("\(user):\(Self.encoded)@", "authSource=\(database.name)")
                }
                try body(server, database, folder, uri("reader"), uri("writer"))
            }
        }

        private func hasNoSecret(_ text: String) -> Bool { !text.contains("s3cret") && !text.contains("pass\"") }

        @Test func aUserWhoMayOnlyReadTheDatabaseCanExportAndVerify() throws {
            try withUsers { _, database, folder, reader, _ in
                try FaultData.fill(database, generation: "new", count: 20)
                let file = folder.file("all.csv")
                let report = folder.file("report.json")
                let export = try Program.run(
                    ["export", "--db", database.name, "-o", file, "--report", report, "--log-level", "debug"],
                    environment: ["MONGODB_URI": reader])
                #expect(export.status == 0, "\(export.text)")
                let verify = try Program.run(["verify", file, "--uri", reader, "--db", database.name])
                #expect(verify.status == 0, "\(verify.text)")
                let refused = try Program.run(["import", file, "--uri", reader, "--db", database.name])
                #expect(refused.status == 1, "\(refused.text)")
                for text in [
                    export.text, verify.text, refused.text, try folder.text("all.csv"), try folder.text("report.json"),
                ] { #expect(hasNoSecret(text), "\(text)") }
            }
        }

        /// Only those who may monitor the server may ask how long it keeps the history.
        @Test func aUserWhoMayOnlyReadIsTakenToHaveTheUsualHistory() throws {
            try withUsers { server, database, _, reader, _ in
                let set: Document = ["setParameter": 1, "minSnapshotHistoryWindowInSeconds": 77]
                try database.client.run(set, on: "admin")
                defer {
                    _ = try? database.client.run(
                        ["setParameter": 1, "minSnapshotHistoryWindowInSeconds": 300], on: "admin")
                }
                #expect(HistoryWatch.window(database.client) == .seconds(77))
                let mine = try Target(uri: reader, database: database.name)
                let asked = try Connection(mine, database: database.name, Cancellation()).withClient(
                    HistoryWatch.window)
                #expect(asked == .seconds(300))
            }
        }

        /// Bypassing validators requires a separate right: that it is missing is found out before anything is dropped.
        @Test(arguments: [["merge"], ["insert"], ["replace"], ["replace", "--in-place"]])
        func whoMayNotPassValidatorsByLosesNothing(mode: [String]) throws {
            try withUsers { _, database, folder, _, writer in
                try database.insert([["_id": 1, "n": 1], ["_id": 2, "n": 2]], into: "items")
                try database.insert([["_id": 1]], into: "others")
                try database.run(["collMod": "items", "validator": ["n": ["$gte": 2]]])
                let file = folder.file("all.csv")
                #expect(try Program.run(["export", "--uri", writer, "--db", database.name, "-o", file]).status == 0)
                try database.delete("items", ["_id": 1])
                let before = try database.image()
                func load() throws -> Program.Outcome {
                    try Program.run(
                        [
                            "import", file, "--uri", writer, "--db", database.name, "--yes", "--bypass-validation",
                            "--mode",
                        ]
                            + mode)
                }
                let refused = try load()
                #expect(refused.status == 1, "\(refused.text)")
                #expect(refused.errors.contains("the user may not pass the validator of items by: "), "\(refused.text)")
                #expect(refused.errors.contains("bypassDocumentValidation as well"), "\(refused.text)")
                #expect(refused.errors.contains("Nothing was written."), "\(refused.text)")
                #expect(try database.image().differences(from: before) == [])
                let role: Value = ["role": "dbAdmin", "db": .string(database.name)]
                try database.client.run(["grantRolesToUser": "writer", "roles": [role]], on: database.name)
                let loaded = try load()
                #expect(loaded.status == 0, "\(loaded.text)")
                #expect(try database.count("items") == 2)
            }
        }

        /// Without a validator, there is nothing to bypass.
        @Test func bypassingTakesNoRightWhereThereIsNoValidator() throws {
            try withUsers { _, database, folder, _, writer in
                try database.insert([["_id": 1]], into: "items")
                let file = folder.file("all.csv")
                #expect(try Program.run(["export", "--uri", writer, "--db", database.name, "-o", file]).status == 0)
                let outcome = try Program.run([
                    "import", file, "--uri", writer, "--db", database.name, "--yes", "--bypass-validation", "--mode",
                    "replace", "--in-place",
                ])
                #expect(outcome.status == 0, "\(outcome.text)")
            }
        }

        @Test(arguments: [["merge"], ["insert"], ["replace"], ["replace", "--in-place"]])
        func aUserWhoMayReadAndWriteTheDatabaseCanImportInEveryMode(mode: [String]) throws {
            try withUsers { _, database, folder, _, writer in
                let file = folder.file("all.csv")
                let data = try FaultData(database, file: file, uri: writer, count: 20)
                if mode[0] != "replace" { for name in FaultData.collections { try database.delete(name, [:]) } }
                let outcome = try Program.run(
                    ["import", file, "--uri", writer, "--db", database.name, "--yes", "--mode"] + mode)
                #expect(outcome.status == 0, "\(outcome.text)")
                let image = try database.image()
                for name in FaultData.collections {
                    #expect(
                        image.collections[name]?.documents == data.new.collections[name]?.documents, "\(outcome.text)")
                }
                #expect(hasNoSecret(outcome.text))
            }
        }

        /// Options that cannot be seen would be taken for none.
        @Test func aUserWhoMayNotListTheCollectionsCanNeitherExportNorReplaceThem() throws {
            try withUsers { server, database, folder, reader, _ in
                try FaultData.fill(database, generation: "old", count: 5)
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                let actions = ["find", "insert", "update", "remove", "listIndexes", "collStats", "dropCollection"]
                let narrow = try addUser("narrow", actions, on: FaultData.collections, database, server)
                defer { _ = try? database.run(["dropRole": "narrow"]) }
                let before = try database.image()
                for words in [
                    ["export", "-o", folder.file("narrow.csv")], ["import", file, "--mode", "replace", "--yes"],
                ] {
                    let outcome = try Program.run(words + ["--uri", narrow, "--db", database.name])
                    #expect(outcome.status == 1, "\(outcome.text)")
                    #expect(outcome.errors.contains("cannot be seen"), "\(outcome.text)")
                    #expect(outcome.errors.contains("Nothing was written"), "\(outcome.text)")
                }
                for command in ["discover", "plan"] {
                    let outcome = try Program.run([command, "--uri", narrow, "--db", database.name])
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(
                        outcome.errors.contains(
                            "only what the user has rights on was looked at: the user may not list the collections of \(database.name)"
                        ), "\(outcome.text)")
                }
                // Its references can be checked without that right.
                let verify = try Program.run(["verify", "--uri", narrow, "--db", database.name])
                #expect(verify.status == 0, "\(verify.text)")
                #expect(try folder.names() == ["all.csv"])
                #expect(try database.image().differences(from: before) == [])
            }
        }

        private func addUser(
            _ name: String, _ actions: [String], on collections: [String], _ database: TestDatabase,
            _ server: OwnServer
        ) throws -> String {
            let resources = collections.map { collection -> Value in
                [
                    "resource": ["db": .string(database.name), "collection": .string(collection)],
                    "actions": .array(actions.map { .string($0) }),
                ]
            }
            try database.run(["createRole": .string(name), "privileges": .array(resources), "roles": []])
            try database.run([
                "createUser": .string(name), "pwd": .string(Self.secret),
                "roles": [["role": .string(name), "db": .string(database.name)]],
            ])
            return server.uri("\(name):\(Self.encoded)@", "authSource=\(database.name)")
        }

        /// Without the time field, existing measurements cannot be found.
        @Test func aBareFileIsNotMergedIntoATimeSeriesWhoseOptionsTheUserCannotSee() throws {
            try withUsers { server, database, folder, reader, _ in
                try database.create("ticks", ["timeseries": ["timeField": "at"]])
                try database.run(["insert": "ticks", "documents": [["_id": 1, "at": .date(1000)]]])
                let (bare, full) = (folder.file("bare.csv"), folder.file("full.csv"))
                for words in [["--plain", "-o", bare], ["-o", full]] {
                    let export = try Program.run(["export", "--uri", reader, "--db", database.name] + words)
                    try #require(export.status == 0, "\(export.text)")
                }
                let actions = [
                    "find", "insert", "update", "remove", "listIndexes", "collStats", "createCollection",
                    "dropCollection",
                ]
                let narrow = try addUser("series", actions, on: ["ticks", "__mongoferry_lock"], database, server)
                defer { _ = try? database.run(["dropRole": "series"]) }
                for mode in ["merge", "insert"] {
                    let refused = try Program.run(
                        ["import", bare, "--uri", narrow, "--db", database.name, "--mode", mode])
                    #expect(refused.status == 1 && refused.errors.contains("cannot be seen"), "\(refused.text)")
                    let known = try Program.run(
                        ["import", full, "--uri", narrow, "--db", database.name, "--mode", mode])
                    #expect(known.status == 0, "\(known.text)")
                    #expect(try database.count("ticks") == 1)
                }
                let equal = try Program.run(["verify", full, "--uri", narrow, "--db", database.name])
                #expect(equal.status == 0, "\(equal.text)")
                let unknown = try Program.run(["verify", bare, "--uri", narrow, "--db", database.name])
                #expect(unknown.status == 1 && unknown.errors.contains("cannot be seen"), "\(unknown.text)")
            }
        }

        /// The record of what was dropped would stay, and mark complete collections as interrupted.
        @Test func aUserWhoMayNotRemoveRecordsReplacesNothingInPlace() throws {
            try withUsers { server, database, folder, reader, _ in
                try database.insert([["_id": 1]], into: "customers")
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.insert([["_id": 2]], into: "customers")
                let actions = [
                    "find", "insert", "update", "listIndexes", "createIndex", "collStats", "createCollection",
                    "dropCollection", "listCollections", "renameCollectionSameDB",
                ]
                let user = try addUser("keeper", actions, on: [""], database, server)
                defer { _ = try? database.run(["dropRole": "keeper"]) }
                let outcome = try Program.run([
                    "import", file, "--uri", user, "--db", database.name, "--mode", "replace", "--in-place", "--yes",
                ])
                #expect(outcome.status == 1 && outcome.errors.contains("not authorized"), "\(outcome.text)")
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.text)")
                #expect(try database.names() == ["customers"] && database.count("customers") == 2)
            }
        }

        /// What is created only to be tried out, or beside the live data, would stay.
        @Test(arguments: [["merge"], ["replace", "--yes"], ["replace", "--in-place", "--yes"]])
        func aUserWhoMayNotDropCreatesNothing(mode: [String]) throws {
            try withUsers { server, database, folder, reader, _ in
                try database.insert([["_id": 1]], into: "customers")
                for name in ["v", "w"] { try database.create(name, ["viewOn": "customers", "pipeline": []]) }
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                for name in ["v", "w"] { try database.drop(name) }
                let actions = [
                    "find", "insert", "update", "remove", "listIndexes", "createIndex", "collStats",
                    "createCollection", "listCollections", "renameCollectionSameDB",
                ]
                let user = try addUser("filler", actions, on: [""], database, server)
                defer { _ = try? database.run(["dropRole": "filler"]) }
                let outcome = try Program.run(
                    ["import", file, "--uri", user, "--db", database.name, "--mode"] + mode)
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "A role of your own needs dropCollection on \(database.name).__mongoferry_staging."),
                    "\(outcome.text)")
                #expect(outcome.errors.contains("Nothing was written."), "\(outcome.text)")
                // It cannot be dropped either, which is said; and it is held by nobody.
                let stays = "the user may not drop __mongoferry_lock: the empty collection stays"
                #expect(outcome.errors.contains(stays), "\(outcome.text)")
                #expect(try database.names() == ["__mongoferry_lock", "customers"])
                #expect(try database.count("__mongoferry_lock") == 0)
                #expect(try database.documents(in: "customers") == [["_id": 1]])
                let merge = try Program.run(
                    ["import", file, "--uri", user, "--db", database.name, "-c", "customers"])
                #expect(merge.status == 0 && merge.errors.contains(stays), "\(merge.text)")
                let again = ["export", "--uri", reader, "--db", database.name, "-o", file, "--force"]
                let whole = try Program.run(again)
                #expect(whole.status == 0 && !whole.errors.contains("warning"), "\(whole.text)")
                try database.drop("__mongoferry_lock")
            }
        }

        /// What is neither created nor dropped is not left behind.
        @Test(arguments: ["merge", "replace"]) func whatTheUserMayNotCreateIsNotSaidToBeLeftBehind(mode: String) throws
        {
            try withUsers { server, database, folder, reader, _ in
                try database.create("v", ["viewOn": "customers", "pipeline": []])
                try database.insert([["_id": 1]], into: "customers")
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.drop("v")
                let all = [
                    "find", "insert", "update", "remove", "listIndexes", "createIndex", "collStats",
                    "createCollection", "dropCollection",
                ]
                let narrow = try addUser("narrow", all, on: ["customers", "__mongoferry_lock"], database, server)
                defer { _ = try? database.run(["dropRole": "narrow"]) }
                try database.run([
                    "grantPrivilegesToRole": "narrow",
                    "privileges": [
                        [
                            "resource": ["db": .string(database.name), "collection": ""],
                            "actions": ["listCollections", "find", "listIndexes", "collStats"],
                        ]
                    ],
                ])
                let outcome = try Program.run([
                    "import", file, "--uri", narrow, "--db", database.name, "--mode", mode, "--yes",
                ])
                #expect(outcome.status == 1 && outcome.errors.contains("not authorized"), "\(outcome.text)")
                #expect(
                    !outcome.errors.contains("the next import removes it") && !outcome.errors.contains("drop on"),
                    "\(outcome.text)")
                #expect(try database.names() == ["customers"])
            }
        }

        /// Its documents are removed because they expire, or by other programs.
        @Test func aCollectionWhoseDocumentsExpireIsNotCalledCapped() throws {
            try withUsers { server, database, folder, reader, _ in
                let index: Document = ["key": ["at": 1], "name": "at", "expireAfterSeconds": 60]
                try database.create("log", indexes: [index])
                try database.insert([["_id": 1]], into: "log")
                let file = folder.file("log.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.delete("log", [:])
                try database.insert((2..<7).map { ["_id": .int32($0)] }, into: "log")
                let actions = [
                    "find", "insert", "update", "remove", "listIndexes", "createIndex", "collStats",
                    "createCollection", "dropCollection",
                ]
                let narrow = try addUser("unseeing", actions, on: ["log", "__mongoferry_lock"], database, server)
                defer { _ = try? database.run(["dropRole": "unseeing"]) }
                let (pool, name) = (database.pool, database.name)
                let log = MessageLog()
                let operation = OperationContext(
                    onProgress: { progress in
                        guard progress.phase == .load else { return }
                        let delete: Value = ["q": ["_id": ["$gt": 1]], "limit": 0]
                        _ = try? pool.withClient { try $0.runWrite(["delete": "log", "deletes": [delete]], on: name) }
                    },
                    onMessage: log.add)
                let target = try Target(uri: narrow, database: database.name)
                let report = try Import(file, into: target, ImportOptions()).runBlocking(operation)
                #expect(report.totals.inserted == 1)
                #expect(try database.count("log") == 1)
                #expect(log.text.contains("its options cannot be seen"), "\(log.text)")
                #expect(!log.text.contains("capped and full"), "\(log.text)")
            }
        }

        @Test(arguments: ["merge", "insert"]) func optionsThatTheUserCannotSeeAreNotTakenForNone(mode: String) throws {
            try withUsers { server, database, folder, reader, _ in
                let collation: Document = ["collation": ["locale": "de", "strength": 2]]
                let simple: Document = [
                    "key": ["a": 1], "name": "a", "unique": true, "collation": ["locale": "simple"],
                ]
                try database.create("names", collation, indexes: [simple])
                try database.insert([["_id": 1, "a": "Ann"]], into: "names")
                let capped: Document = ["capped": true, "size": 100_000, "max": 5]
                try database.create("log", capped)
                try database.insert((100..<103).map { ["_id": .int32($0)] }, into: "log")
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.run(["dropIndexes": "names", "index": "a"])
                try database.drop("log")
                try database.create("log", capped)
                try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "log")
                let actions = [
                    "find", "insert", "update", "remove", "listIndexes", "createIndex", "collStats",
                    "createCollection", "dropCollection",
                ]
                let narrow = try addUser(
                    "unseeing", actions, on: ["names", "log", "__mongoferry_lock"], database, server)
                defer { _ = try? database.run(["dropRole": "unseeing"]) }
                let outcome = try Program.run(
                    ["import", file, "--uri", narrow, "--db", database.name, "--mode", mode])
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("its options cannot be seen"), "\(outcome.text)")
                #expect(!outcome.errors.contains("none in the database"), "\(outcome.text)")
                #expect(
                    outcome.errors.contains("it may be capped") && !outcome.errors.contains("the 5 documents"),
                    "\(outcome.text)")
                #expect(
                    outcome.errors.contains("log may be capped and full: of 8 documents the server has kept 5"),
                    "\(outcome.text)")
                // A view that cannot be seen could not be restored.
                try database.create("v", ["viewOn": "names", "pipeline": []])
                try folder.write("collection,data\nv,\"{\"\"_id\"\":1}\"\n", to: "v.csv")
                let wide = try addUser("wide", actions, on: [""], database, server)
                defer { _ = try? database.run(["dropRole": "wide"]) }
                let refused = try Program.run([
                    "import", folder.file("v.csv"), "--uri", wide, "--db", database.name, "--mode", "replace", "--yes",
                ])
                #expect(refused.status == 1 && refused.errors.contains("cannot be seen"), "\(refused.text)")
                #expect(
                    try database.client.listCollections(in: database.name).first { $0.name == "v" }?.options["viewOn"]
                        == "names")
                let index = try database.client.listIndexes(of: database.namespace("names")).first {
                    $0["name"] == "a"
                }
                #expect(index?["unique"] == true && index?["collation"] == nil, "\(outcome.text)")
            }
        }

        @Test func whatAUserCannotSeeIsNotCalledMissing() throws {
            try withUsers { server, database, folder, reader, _ in
                try database.insert([["_id": 1]], into: "seen")
                try database.insert([["_id": 1]], into: "unseen")
                try database.create("view", ["viewOn": "seen", "pipeline": []])
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                let narrow = try addUser(
                    "partial", ["find", "listIndexes", "collStats"], on: ["seen"], database, server)
                defer { _ = try? database.run(["dropRole": "partial"]) }
                let all = try Program.run(["verify", file, "--uri", narrow, "--db", database.name])
                #expect(all.status == 1, "\(all.text)")
                #expect(all.errors.contains("nobody can tell whether 'unseen' is in \(database.name)"), "\(all.errors)")
                let view = try Program.run(
                    ["verify", file, "--uri", narrow, "--db", database.name, "--exclude", "unseen"])
                #expect(view.status == 1, "\(view.text)")
                #expect(view.errors.contains("nobody can tell whether 'view' is in"), "\(view.errors)")
                let one = try Program.run(
                    ["verify", file, "--uri", narrow, "--db", database.name, "--collection", "seen"])
                #expect(one.status == 0, "\(one.text)")
                #expect(
                    one.errors.contains("the options of 'seen' were not compared: the user may not see them")
                        && !one.errors.contains("indexes of"), "\(one.errors)")
                let finder = try addUser("finder", ["find"], on: ["seen"], database, server)
                defer { _ = try? database.run(["dropRole": "finder"]) }
                let found = try Program.run(
                    ["verify", file, "--uri", finder, "--db", database.name, "--collection", "seen"])
                #expect(found.status == 0, "\(found.text)")
                #expect(found.errors.contains("the indexes of 'seen' were not compared"), "\(found.errors)")
                let alone = try Program.run(["verify", "--uri", narrow, "--db", database.name])
                #expect(alone.status == 0, "\(alone.text)")
                #expect(alone.errors.contains("only what the user has rights on was looked at"), "\(alone.errors)")
            }
        }

        /// What refers to a collection that the user may not see does not dangle for that.
        @Test func whatLeadsToWhatAUserCannotSeeDoesNotDangle() throws {
            try withUsers { server, database, folder, reader, _ in
                let id = try #require(ObjectID(hex: "5c2aad8000000000000000a2"))
                try database.insert([["_id": .objectID(id)]], into: "customers")
                try database.insert([["_id": 50]], into: "agents")
                // An agent, or somebody among the customers.
                try database.insert(
                    (1...3).map { (number: Int32) -> Document in
                        let who: Value = number == 1 ? 50 : .objectID(id)
                        return ["_id": .int32(number), "by": .objectID(id), "who": who]
                    }, into: "orders")
                let file = folder.file("all.csv")
                let config = folder.file("shop.yaml")
                try folder.write(
                    "collections:\n  customers:\n  agents:\n  orders: {references: {by: customers, who: {to: [agents, customers]}}}\n",
                    to: "shop.yaml")
                let export = try Program.run([
                    "export", "--uri", reader, "--db", database.name, "--config", config, "-o", file,
                ])
                try #require(export.status == 0, "\(export.text)")
                let narrow = try addUser(
                    "ordering",
                    [
                        "find", "insert", "update", "remove", "listIndexes", "createIndex", "collStats",
                        "createCollection",
                        "dropCollection",
                    ], on: ["orders", "agents", "__mongoferry_lock"], database, server)
                defer { _ = try? database.run(["dropRole": "ordering"]) }
                let of = ["--uri", narrow, "--db", database.name, "-c", "orders"]
                for command in [
                    ["verify", file], ["import", file], ["import", file, "--mode", "insert"],
                ] {
                    let report = folder.file("\(command.count)\(command[0]).json")
                    let outcome = try Program.run(command + of + ["--report", report])
                    let json = try folder.text("\(command.count)\(command[0]).json")
                    #expect(json.contains(#""path":"by","target":"customers","checked":0,"dangling":0"#), "\(json)")
                    #expect(json.contains(#""target":"agents or customers","checked":1,"dangling":0"#), "\(json)")
                    #expect(json.contains(#""unchecked":2"#) && json.contains(#""unchecked":3"#), "\(json)")
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(
                        outcome.errors.contains("nobody can tell what refers to 'customers' and dangles"),
                        "\(outcome.text)")
                    #expect(
                        outcome.text.contains("3 values not checked, since the user cannot see customers")
                            || command[0] == "import",
                        "\(outcome.text)")
                    #expect(!outcome.text.contains("does not exist"), "\(outcome.text)")
                }
                let sure = try Program.run(["import", file, "--fail-on-dangling"] + of)
                #expect(
                    sure.status == 1 && sure.errors.contains("the user cannot see customers, to which orders refers"),
                    "\(sure.text)")
                // The configuration is as right as it was, though it names a target that is declared nowhere else.
                try folder.write("collections:\n  orders: {references: {by: customers}}\n", to: "short.yaml")
                let alone = try Program.run([
                    "verify", "--uri", narrow, "--db", database.name, "--config", folder.file("short.yaml"),
                ])
                #expect(
                    alone.status == 0
                        && alone.text.contains("3 values not checked, since the user cannot see customers")
                        && !alone.text.contains("not in the database"), "\(alone.text)")
                let plan = try Program.run(["import", file, "--dry-run", "--uri", narrow, "--db", database.name])
                #expect(
                    plan.errors.contains("customers  merge, 1 record (new, or the user cannot see it)"), "\(plan.text)")
            }
        }

        /// The missing right says nothing about the data.
        @Test(arguments: [["merge"], ["insert"], ["replace"], ["replace", "--in-place"]])
        func aMissingRightToBuildIndexesIsNoProblemOfTheData(mode: [String]) throws {
            try withUsers { server, database, folder, reader, _ in
                try database.create("c", indexes: [["key": ["n": 1], "name": "n_1"]])
                try database.insert([["_id": 1, "n": 1]], into: "c")
                let file = folder.file("c.csv")
                let export = try Program.run(["export", "--uri", reader, "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                if mode[0] != "replace" { try database.drop("c") }
                let before = try database.image()
                let actions = [
                    "find", "insert", "update", "remove", "listIndexes", "listCollections", "collStats",
                    "createCollection",
                    "dropCollection", "renameCollectionSameDB",
                ]
                let narrow = try addUser("plain", actions, on: [""], database, server)
                defer { _ = try? database.run(["dropRole": "plain"]) }
                let outcome = try Program.run(
                    ["import", file, "--uri", narrow, "--db", database.name, "--yes", "--mode"] + mode)
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("not authorized"), "\(outcome.errors)")
                #expect(!outcome.text.contains("by hand") && !outcome.text.contains("lsid"), "\(outcome.text)")
                if mode[0] == "replace" { #expect(try database.image().differences(from: before) == []) }
            }
        }

        @Test func aWrongPasswordIsAnErrorThatDoesNotShowIt() throws {
            try withUsers { server, database, folder, _, _ in
                let uri = server.uri(
                    "reader:wrong-s3cret@", "authSource=\(database.name)&serverSelectionTimeoutMS=2000")
                try folder.write(uri + "\n", to: "uri")
                let outcome = try Program.run([
                    "export", "--uri-file", folder.file("uri"), "--db", database.name, "-o", folder.file("x.csv"),
                ])
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("the server refused user and password"), "\(outcome.errors)")
                #expect(hasNoSecret(outcome.text), "\(outcome.text)")
                #expect(try folder.names() == ["uri"])
            }
        }
    }

    /// A server that accepts only TLS, with a certificate from a self-made authority.
    @Suite(.serialized) struct SecurityTLSTests {
        @Test(.enabled("needs openssl") { TLSFiles.arePossible })
        func aConnectionIsEncryptedAndTheServersCertificateIsChecked() throws {
            let server = try TLSFiles().startServer()
            defer { try? server.remove() }
            try withDatabase(on: server) { database, files in
                try FaultData.fill(database, generation: "new", count: 20)
                let file = files.file("all.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                #expect(export.status == 0, "\(export.text)")
                let load = try Program.run(["import", file, "--uri", server.uri(), "--db", database.name])
                #expect(load.status == 0, "\(load.text)")
                // The system's authorities do not include this one.
                let untrusted = "mongodb://127.0.0.1:\(server.port)/?tls=true&serverSelectionTimeoutMS=1500"
                let refused = try Program.run(["verify", "--uri", untrusted, "--db", database.name])
                #expect(refused.status == 1, "\(refused.text)")
                #expect(refused.errors.contains("TLS"), "\(refused.errors)")
            }
        }
    }
}

/// Malicious files and addresses, against the shared server.
@Suite struct SecurityTests {
    // MARK: Secrets

    /// With the exit status where they stand for a server, and where they stand for a database's name.
    static let wrongAddresses: [(String, Int32, Int32)] = [
        ("mongodb://ann:hunter2secret@localhost:99999999/x", 64, 64), ("mongodb://ann:hunter2secret@/x", 64, 64),
        ("mongodb://ann:hunter2secret%ZZ@localhost/x", 64, 64),
        ("mongodb://ann:hunter2secret@localhost/?tls=perhaps&w=-7", 64, 64),
        ("mongodb://ann:hunter2:secret@localhost", 64, 64), ("http://ann:hunter2secret@localhost", 64, 64),
        ("mongodb://ann:hunter2secret@localhost:1/x?serverSelectionTimeoutMS=200", 1, 64),
        ("mongodb://ann:hunter2 secret@localhost", 64, 64),
        // A database may have this name, so the server is asked.
        ("ann:hunter2secret@localhost", 64, 1),
    ]

    @Test(arguments: wrongAddresses) func noPasswordIsShownWhateverIsWrongWithTheAddress(
        address: String, status: Int32, statusAsDatabase: Int32
    ) throws {
        try withTestDatabase { _, folder in
            try folder.write(address + "\n", to: "uri")
            let report = folder.file("report.json")
            for (arguments, expected) in [
                (["--uri", address], status), (["--uri-file", folder.file("uri")], status),
                (["--uri=\(address)"], status), (["--db", address], statusAsDatabase), ([address], 64),
            ] {
                let outcome = try Program.run(
                    ["export", "--report", report, "-o", folder.file("x.csv")] + arguments,
                    environment: arguments.count == 1 || arguments[0] == "--db"
                        ? ["MONGODB_URI": "mongodb://localhost:1/?serverSelectionTimeoutMS=200"] : [:])
                #expect(outcome.status == expected, "\(arguments): \(outcome.text)")
                #expect(!outcome.text.contains("hunter2"), "\(arguments): \(outcome.text)")
                guard try folder.names().contains("report.json") else {
                    #expect(!arguments[0].hasPrefix("--uri"), "\(arguments): \(outcome.text)")
                    continue
                }
                let text = try folder.text("report.json")
                try FileManager.default.removeItem(atPath: report)
                #expect(!text.contains("hunter2"), "\(text)")
            }
        }
    }

    /// It would get into the names of folders and, escaped as HTML, into reports.
    @Test func aConnectionStringInTheWrongPlaceIsRefusedAndNotShown() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\n", to: "empty.csv")
            let file = folder.file("empty.csv")
            for address in ["mongodb://ann:hunter2<&>secret@localhost/x.html", "mongodb+srv://ann:hunter2@a.b/x.json"] {
                for arguments in [
                    ["export", "--db", database.name, "-o", address], ["export", "--output=\(address)"],
                    ["export", "--report", address], ["verify", address, "--report", folder.file("report.html")],
                    ["verify", file, "--report=\(address)"], ["import", address], ["inspect", address],
                    ["plan", address], ["discover", "-o", address], ["verify", "--config", address],
                ] {
                    let outcome = try Program.run(arguments, environment: ["MONGODB_URI": try testURI()])
                    #expect(outcome.status == 64, "\(arguments): \(outcome.text)")
                    #expect(outcome.errors.contains("--uri"), "\(arguments): \(outcome.text)")
                    #expect(!outcome.text.contains("hunter2"), "\(arguments): \(outcome.text)")
                }
            }
            #expect(try folder.names() == ["empty.csv"])
        }
    }

    /// Messages about a path quote its folder, not the whole argument.
    @Test(arguments: [
        "MONGODB://ann:hunter2secret@h/d", "ann:hunter2secret@h/d", " mongodb://ann:hunter2secret@h/d",
        "postgres://ann:hunter2secret@h/d", "//ann:hunter2secret@h/d",
    ]) func ofAnAddressInThePlaceOfAFileNoPartShowsThePassword(address: String) throws {
        try withTestDatabase { database, folder in
            let uri = ["--uri", try testURI(), "--db", database.name]
            for (arguments, status) in [
                (["export", "-o", address] + uri, 1), (["verify", address], 1), (["import", address] + uri, 1),
                (["verify"] + uri + ["--report", address + ".json"], 1), (["plan", address, "--config", address], 64),
            ] {
                let outcome = try Program.run(arguments)
                #expect(outcome.status == Int32(status), "\(arguments): \(outcome.text)")
                #expect(!outcome.text.contains("hunter2secret"), "\(arguments): \(outcome.text)")
            }
        }
    }

    /// Whoever forgets `--uri-file` has the file taken for a backup.
    @Test(arguments: ["verify", "inspect", "plan", "import"]) func aFileOfAConnectionStringIsNotShown(command: String)
        throws
    {
        try withTestDatabase { database, folder in
            for text in ["mongodb://ann:hunter2@127.0.0.1:1/db\n", "MONGODB_URI=\"mongodb://ann:hunter2@h/db\"\n"] {
                try folder.write(text, to: "uri.txt")
                let outcome = try Program.run(
                    [command, folder.file("uri.txt")] + (command == "import" ? ["--db", database.name] : []),
                    environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status != 0 && outcome.text.contains("--uri-file"), "\(outcome.text)")
                #expect(!outcome.text.contains("hunter2"), "\(outcome.text)")
            }
        }
    }

    /// Also where the parser quotes them.
    @Test(arguments: ["mongodb://ann:hunter2secret", "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:hunter2"])
    func noSecretOfAnAddressThatIsCutOffIsShown(address: String) throws {
        for arguments in [
            ["export", "--nosuch", address], ["export", "--query", address], ["import", "x.csv", "--rename", address],
            ["verify", "a", address], [address],
        ] {
            let outcome = try Program.run(arguments)
            #expect(outcome.status != 0 && !outcome.text.contains("hunter2"), "\(arguments): \(outcome.text)")
        }
    }

    // MARK: Names

    private func write(_ metadata: BackupMetadata, _ rows: [String], to path: String) throws {
        let writer = try BackupWriter(
            .file(path: path, overwriting: true), compression: .none, plain: false, metadata: metadata)
        for row in rows {
            let bytes = Array((row + "\n").utf8)
            try bytes.withUnsafeBytes { try writer.write(rows: $0) }
        }
        try writer.finish(counts: Dictionary(metadata.collections.map { ($0.name, $0.records) }) { $1 })
    }

    @Test(
        arguments: [
            "system.users", "system.js", "__mdb_internal_x", "../x", "$cmd", "x$y", ".x", "__mongoferry_lock",
            "a\u{0}b",
        ],
        [true, false])
    func aNameFromAFileThatIsTheServersOwnOrNoneIsRefused(name: String, isInMetadata: Bool) throws {
        try withTestDatabase { database, folder in
            let file = folder.file("bad.csv")
            if isInMetadata {
                let entry = BackupMetadata.Collection(name: "fine", databaseName: name, records: 1)
                try write(
                    BackupMetadata(created: nil, program: "x", database: "y", collections: [entry]),
                    [#"fine,"{""_id"":1}""#], to: file)
            } else {
                try folder.write("collection,data\n\"\(name)\",\"{\"\"_id\"\":1}\"\n", to: "bad.csv")
            }
            let error = #expect(throws: FerryError.self) { try database.load(file) }
            #expect(
                error?.text.hasPrefix("cannot import into '\(name.oneLine)': ") == true, "\(String(describing: error))")
            // A name in the metadata is refused before any row is read.
            #expect((error?.details.first == "Its first row stands in line 2.") == !isInMetadata)
            #expect(try database.names() == [])
        }
    }

    @Test func aNameWithAnotherDatabasesInFrontStaysInThisOne() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nadmin.x,\"{\"\"_id\"\":1}\"\n", to: "odd.csv")
            try database.load(folder.file("odd.csv"))
            #expect(try database.names() == ["admin.x"])
        }
    }

    @Test(arguments: ["admin", "config", "local", "Admin"]) func theServersOwnDatabasesAreRefused(name: String) throws {
        try withTestDatabase { _, folder in
            try folder.write("collection,data\nx,\"{\"\"_id\"\":1}\"\n", to: "x.csv")
            for mode in ["merge", "replace"] {
                let outcome = try Program.run([
                    "import", folder.file("x.csv"), "--uri", try testURI(), "--db", name, "--mode", mode, "--yes",
                ])
                #expect(outcome.status == 64)
                #expect(outcome.errors.contains("cannot import into the database '\(name)'"))
            }
        }
    }

    /// If nobody names a database, the file's own is used, unless it is invalid or the server's own.
    @Test(arguments: ["admin", "config", "local", "Local", "a.b", "a/b", "a\u{0}b", "", "$external", "x y"])
    func aDatabaseNameFromAFileThatIsTheServersOwnOrNoneIsRefused(name: String) throws {
        try withTestDatabase { _, folder in
            let entry = BackupMetadata.Collection(name: "fine", records: 1)
            try write(
                BackupMetadata(created: nil, program: "x", database: name, collections: [entry]),
                [#"fine,"{""_id"":1}""#], to: folder.file("bad.csv"))
            for mode in ["merge", "replace"] {
                let outcome = try Program.run([
                    "import", folder.file("bad.csv"), "--uri", try testURI(), "--mode", mode, "--yes",
                ])
                #expect(outcome.status == 64, "\(outcome.text)")
                #expect(!outcome.errors.contains(", mode \(mode):"), "\(outcome.text)")
            }
        }
    }

    @Test(arguments: ["$db", "lsid", "writeConcern", "create"])
    func anOptionThatWouldSteerTheCommandIsRefused(option: String) throws {
        try withTestDatabase { database, folder in
            let entry = BackupMetadata.Collection(
                name: "fine", options: Document { $0.append(option, "admin") }, records: 1)
            try write(
                BackupMetadata(created: nil, program: "x", database: "y", collections: [entry]),
                [#"fine,"{""_id"":1}""#], to: folder.file("bad.csv"))
            for mode in [ImportOptions.Mode.merge, .replace] {
                let error = #expect(throws: FerryError.self) { try database.load(folder.file("bad.csv"), mode) }
                #expect(error?.text.contains("the file has an option '\(option)'") == true)
            }
            #expect(try database.names() == [])
        }
    }

    @Test func codeThatTheServerWouldRunStandsInThePlan() throws {
        try withTestDatabase { database, folder in
            let view = BackupMetadata.Collection(
                name: "v", kind: .view,
                options: [
                    "viewOn": "fine",
                    "pipeline": [
                        [
                            "$match": [
                                "$expr": [
                                    "$function": ["body": "function () { return evil(); }", "args": [], "lang": "js"]
                                ]
                            ]
                        ]
                    ],
                ])
            let entry = BackupMetadata.Collection(name: "fine", records: 1)
            try write(
                BackupMetadata(created: nil, program: "x", database: "y", collections: [entry, view]),
                [#"fine,"{""_id"":1}""#], to: folder.file("code.csv"))
            let log = MessageLog()
            try database.load(folder.file("code.csv"), .merge, log) { $0.isDryRun = true }
            #expect(log.text.contains("code that the server runs: $function"), "\(log.text)")
            #expect(log.text.contains("evil()"))
        }
    }

    @Test(arguments: ImportOptions.Mode.allCases, [true, false])
    func whatWouldBeLostIsShownBeforeAnybodyIsAsked(mode: ImportOptions.Mode, isOtherDatabase: Bool) throws {
        try withTestDatabase { database, folder in
            try database.create("fine", indexes: [["key": ["a": 1], "name": "a"]])
            try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "fine")
            try write(
                BackupMetadata(
                    created: nil, program: "x", database: isOtherDatabase ? "another" : database.name,
                    collections: [.init(name: "fine", records: 1)]),
                [#"fine,"{""_id"":1}""#], to: folder.file("one.csv"))
            let log = MessageLog()
            let before = try database.image()
            #expect(throws: FerryError.self) {
                try database.load(folder.file("one.csv"), mode, log) {
                    $0.confirm = { plan in
                        #expect(log.text.hasSuffix(plan.lines.joined(separator: "\n")), "it was shown before")
                        return false
                    }
                }
            }
            #expect(log.text.contains("the file is a backup of another database: another") == isOtherDatabase)
            #expect(log.text.contains("fine  \(mode.rawValue), 1 record (5 there now)"))
            let loss =
                switch mode {
                case .replace: "replaced and gone afterwards: the 5 documents that are there now"
                case .merge: "of the 5 documents that are there now, those that differ from the file's are overwritten"
                case .insert: "the 5 documents that are there now stay as they are"
                }
            #expect(log.text.contains(loss), "\(log.text)")
            #expect(
                log.text.contains(
                    "index a is not in the file; " + (mode == .replace ? "it will be gone" : "it stays")), "\(log.text)"
            )
            #expect(try database.image().differences(from: before) == [])
        }
    }

    /// A question that is written to a file would wait for an answer forever.
    @Test func aReplaceAsksOnlyWhereTheQuestionIsSeen() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "fine")
            try database.export(to: folder.file("one.csv"))
            let command =
                "'\(try Program.path())' import one.csv --uri '\(try testURI())' --db \(database.name) --mode replace 2>log"
            let script =
                "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh', '-c', sys.argv[1]])))"
            let outcome = try Program(
                ["python3", "-c", script, "cd '\(folder.path)'; " + command], executable: "/usr/bin/env"
            ).wait()
            #expect(outcome.status == 64, "\(outcome.text)")
            #expect(try folder.text("log").contains("standard error is not a terminal: pass --yes"))
        }
    }

    /// Somebody who mistakes one option for the other has not asked for the password to be shown.
    @Test(arguments: ["mongodb://ann:hunter2@localhost/x", "MONGODB_URI=mongodb://ann:hunter2@localhost\nOTHER=1"])
    func whatStandsInPlaceOfAConfigurationIsNotShown(text: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "fine")
            try database.export(to: folder.file("one.csv"))
            try folder.write(text + "\n", to: "production.uri")
            for command in [
                ["export", "-o", folder.file("two.csv")], ["import", folder.file("one.csv")],
                ["verify", folder.file("one.csv")], ["plan"], ["discover"],
            ] {
                let hasReport = !["plan", "discover"].contains(command[0])
                let outcome = try Program.run(
                    command + [
                        "--uri", try testURI(), "--db", database.name, "--config", folder.file("production.uri"),
                    ]
                        + (hasReport ? ["--report", folder.file("r.json")] : []))
                #expect(outcome.status == 64 && outcome.errors.contains("--uri-file"), "\(outcome.text)")
                #expect(!outcome.text.contains("hunter") && !outcome.text.contains("ann"), "\(outcome.text)")
                if hasReport { #expect(try !folder.text("r.json").contains("hunter")) }
            }
        }
    }

    /// On a terminal, even if everything else is quiet.
    @Test(arguments: [[], ["--quiet"], ["--log-level", "warning"]])
    func aReplaceThatAsksHasShownThePlan(more: [String]) throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "fine")
            try database.export(to: folder.file("five.csv"))
            try database.insert([["_id": 5]], into: "fine")
            let words = [
                try Program.path(), "import", folder.file("five.csv"), "--uri", try testURI(), "--db", database.name,
                "--mode", "replace",
            ]
            // The answer is written as soon as the question appears.
            let script = """
                import os, pty, sys
                seen = b""
                def read(fd):
                    global seen
                    data = os.read(fd, 4096)
                    if b"Type yes" in data: os.write(fd, b"no" + bytes([10]))
                    return data
                sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
                """
            let outcome = try Program(
                ["python3", "-c", script] + words + more, executable: "/usr/bin/env"
            ).wait()
            #expect(outcome.status == 1, "\(outcome.text)")
            let parts = outcome.output.components(separatedBy: "Type yes")
            #expect(
                parts[0].contains("replaced and gone afterwards: the 6 documents that are there now"), "\(outcome.text)"
            )
            #expect(parts.last?.contains("not confirmed: nothing was written") == true, "\(outcome.text)")
            #expect(try database.count("fine") == 6)
        }
    }

    /// Names and values in a file could move the cursor, hide lines or reverse the direction of text.
    @Test func nothingInAFileSteersTheTerminal() throws {
        try withTestDatabase { database, folder in
            let evil = "x\u{1B}]0;evil\u{7}\u{1B}[2J\u{9B}31m\r\u{202E}y"
            let entry = BackupMetadata.Collection(
                name: evil, options: Document { $0.append(evil, 1) }, records: 1)
            try write(
                BackupMetadata(created: nil, program: evil, database: evil, collections: [entry]),
                ["\"\(evil)\",\"{\"\"_id\"\":\"\"x\"\"}\""], to: folder.file("evil.csv"))
            try folder.write("collection,data\n\"\(evil)\",\"{\"\"_id\"\":\"\"\(evil)\"\"\"\n", to: "legacy.csv")
            for file in ["evil.csv", "legacy.csv"] {
                for words in [["import", "--dry-run"], ["import"], ["verify"]] {
                    let outcome = try Program.run(
                        words + [folder.file(file), "--uri", try testURI(), "--db", database.name])
                    for character in ["\u{1B}", "\u{7}", "\u{9B}", "\r", "\u{202E}"] as [Character] {
                        #expect(
                            !outcome.text.unicodeScalars.contains(character.unicodeScalars.first ?? " "), "\(words)")
                    }
                }
            }
        }
    }

    /// Passwords of certificates and tokens are secrets, too, whatever becomes of the connection.
    @Test(arguments: [
        (
            "mongodb://localhost:1/x?tls=true&tlsCertificateKeyFile=/none/key.pem&tlsCertificateKeyFilePassword=hunter2secret",
            1
        ), ("mongodb://ann:hunter2secret@localhost:1/x?authMechanism=PLAIN&authSource=$external", 1),
        (
            "mongodb://AKIA:hunter2secret@localhost:1/x?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
            1
        ), ("mongodb+srv://ann:hunter2secret@cluster.invalid/x", 64),
        ("mongodb://ann:hunter2%5Bsecret@localhost:1/x?sslpass=hunter2", 64),
    ])
    func noSecretOfAConnectionStringIsShownEvenAtDebugLevel(address: String, status: Int32) throws {
        try withTestDatabase { _, folder in
            try folder.write("collection,data\nx,\"{\"\"_id\"\":1}\"\n", to: "x.csv")
            for words in [
                ["export", "-o", folder.file("y.csv"), "--report", folder.file("report.json")],
                ["import", folder.file("x.csv"), "--report", folder.file("report.json")], ["discover"], ["verify"],
            ] {
                let fast = address + (address.contains("?") ? "&" : "?") + "serverSelectionTimeoutMS=200"
                for (arguments, environment) in [(["--uri", fast], [:]), ([], ["MONGODB_URI": fast])] {
                    let outcome = try Program.run(
                        words + ["--log-level", "debug"] + arguments, environment: environment)
                    #expect(outcome.status == status, "\(words): \(outcome.text)")
                    #expect(!outcome.text.contains("hunter2"), "\(words): \(outcome.text)")
                    guard words.contains("--report") else { continue }
                    #expect(try !folder.text("report.json").contains("hunter2"))
                    try FileManager.default.removeItem(atPath: folder.file("report.json"))
                }
            }
        }
    }

    // MARK: Size

    /// With the exit status of an import: 2 where rows are at fault, 1 where the file cannot be read at all.
    static let bombs: [(String, Int32)] =
        [
            ("line", 1), ("rows.gz", 1), ("columns", 2), ("metadata", 1), ("nesting", 2), ("quotes", 2),
            ("header.gz", 1), ("names", 1), ("unknown names", 2),
        ] + (Program.isInstalled("zstd") ? [("rows.zst", 1)] : [])

    @Test(arguments: bombs) func aFileThatIsAllSizeIsAnErrorInBoundedMemory(kind: String, status: Int32) throws {
        try withTestDatabase { database, folder in
            let path = folder.file("bomb.csv")
            try Data().write(to: URL(fileURLWithPath: path))
            let handle = try #require(FileHandle(forWritingAtPath: path))
            func put(_ text: String, times: Int = 1) throws {
                let data = Data(text.utf8)
                for _ in 0..<times { try handle.write(contentsOf: data) }
            }
            let megabyte = String(repeating: "x", count: 1 << 20)
            switch kind {
            case "line":
                try put("collection,data\nx,\"")
                try put(megabyte, times: 110)
            case "columns":
                try put("collection,data\nx,\"{\"\"_id\"\":1}\"")
                try put(String(repeating: ",x", count: 1 << 16), times: 16)
                try put("\n")
            case "metadata":
                try put("# mongoferry backup, format 1\n# metadata {\"format\":1,\"a\":\"")
                try put(megabyte, times: 100)
            case "nesting":
                try put("collection,data\nx,\"")
                try put(String(repeating: "{\"\"a\"\":", count: 1 << 16), times: 16)
                try put("\"\n")
            case "names", "unknown names":
                let metadata = BackupMetadata(created: nil, program: "test", database: "test")
                let rows = (0..<300_000).map { "c\($0),\"{\"\"_id\"\":\($0)}\"" }
                if kind == "names" {
                    try put("collection,data\n\(rows.joined(separator: "\n"))\n")
                } else {
                    try write(metadata, rows, to: path)
                }
            case "quotes":
                try put("collection,data\nx,\"")
                try put(String(repeating: "\"\"", count: 1 << 19), times: 60)
                try put("\"\n")
            case "header.gz", "rows.gz":
                let zipped = try Program(
                    [
                        "-c",
                        "(\(kind == "rows.gz" ? "printf 'collection,data\\nx,\\\"'" : "true"); head -c 130000000 /dev/zero) | gzip -1 > '\(path)'",
                    ], executable: "/bin/sh")
                #expect(try zipped.wait().status == 0)
            default:
                let zipped = try Program(
                    [
                        "-c",
                        "(printf 'collection,data\\nx,\\\"'; head -c 130000000 /dev/zero) | zstd -q -f -o '\(path)'",
                    ], executable: "/bin/sh")
                #expect(try zipped.wait().status == 0)
            }
            try handle.close()
            for (arguments, expected) in [
                (["verify", path], 2), (["import", path, "--uri", try testURI(), "--db", database.name], status),
            ] {
                let outcome = try Program.run(arguments, measuresMemory: true)
                #expect(outcome.status == expected, "\(arguments[0]): \(outcome.text.prefix(500))")
                #expect(!outcome.text.isEmpty && outcome.text.utf8.count < 5000, "\(outcome.text.prefix(300))")
                #expect(outcome.peakMegabytes < 250, "\(arguments[0]) \(kind)")
            }
            #expect(try database.names() == [])
        }
    }
}
