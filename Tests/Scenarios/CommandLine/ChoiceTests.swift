import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// What was chosen, left out or filtered is stated with the outcome, and a choice that selects nothing is reported.
@Suite struct ChoiceTests {
    private static func run(_ arguments: [String]) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["MONGODB_URI": try testURI()])
    }

    private static func verify(
        _ file: String, _ database: TestDatabase, _ configure: (inout Verify) -> Void = { _ in }
    ) throws -> Report {
        var verify = Verify(file: file, target: try database.target)
        configure(&verify)
        return try verify.runBlocking(OperationContext())
    }

    private static func texts(_ differences: [Report.Difference]) -> [String] {
        differences.map { "\($0.collection) \($0.kind): \($0.detail)" }
    }

    private static func fill(_ database: TestDatabase) throws {
        try database.insert([["_id": 1, "status": "active"], ["_id": 2, "status": "over"]], into: "policies")
        try database.insert([["_id": 1]], into: "customers")
    }

    // MARK: Left out

    @Test func whatWasNotComparedIsNotCalledEqual() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let (file, config) = (folder.file("all.csv"), folder.file("c.yaml"))
            try database.export(to: file)
            try database.drop("policies")
            try folder.write("exclude: [polic*]\n", to: "c.yaml")
            for (arguments, reason) in [
                (["--config", config], "excluded by 'polic*' in \(config)"),
                (["--exclude", "policies"], "excluded by --exclude policies"),
                (["--collection", "customers"], "not asked for"),
            ] {
                let outcome = try Self.run(
                    ["verify", file, "--db", database.name, "--report", folder.file("r.html")] + arguments)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.output.contains("not compared: policies (\(reason))\n"), "\(outcome.output)")
                #expect(
                    outcome.output.hasSuffix(
                        "\(file): sound; the chosen collections' records are in \(database.name), equal\n"),
                    "\(outcome.output)")
                #expect(try folder.text("r.html").contains("All that was looked at is sound."))
            }
            let report = try Self.verify(file, database) { $0.exclude = [Glob("policies")] }
            #expect(report.excluded.map(\.name) == ["policies"])
        }
    }

    /// The configuration swaps the names of two collections.
    @Test func aQueryIsAboutTheCollectionOfThatNameInTheFile() throws {
        try withTwoTestDatabases { database, copy, folder in
            try database.insert((0..<4).map { ["_id": .int32($0), "of": "b"] }, into: "b")
            try database.insert((0..<4).map { ["_id": .int32($0), "of": "a"] }, into: "a")
            let swapped = try Configuration.parse(
                yaml: "collections:\n  a: {collection: b}\n  b: {collection: a}\n", file: "x")
            let file = folder.file("some.csv")
            try database.export(to: file) {
                $0.configuration = swapped
                $0.queries = [CollectionQuery(name: "b", query: #"{"_id":0}"#)]
            }
            #expect(try folder.text("some.csv").contains(#""queries":[{"name":"b","#))
            try copy.insert([["_id": 9]], into: "a")
            try copy.insert([["_id": 9]], into: "b")
            let log = MessageLog()
            try copy.load(file, .replace, log)
            #expect(log.text.contains("a  replace, 1 record of b (1 there now)\n     the file has only"), "\(log.text)")
            #expect(try copy.documents(in: "a") == [["_id": 0, "of": "a"]])
            #expect(try copy.count("b") == 4)
        }
    }

    @Test func aChoiceOfNothingIsAnError() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let (file, none) = (folder.file("all.csv"), folder.file("none.csv"))
            try database.export(to: file)
            for (words, contradiction) in [
                (["--collection", "policies", "--exclude", "pol*"], "--collection 'policies' takes nothing"),
                (["--exclude", "*"], nil),
            ] {
                let export = try Self.run(["export", "--db", database.name, "-o", none] + words)
                #expect(export.status == 64, "\(export.text)")
                #expect(
                    export.errors.contains(contradiction ?? "nothing to export: every collection of"),
                    "\(export.errors)")
                #expect(!FileManager.default.fileExists(atPath: none))
                let check = try Self.run(["verify", file, "--db", database.name] + words)
                #expect(check.status == 64, "\(check.text)")
                #expect(check.errors.contains(contradiction ?? "nothing to compare"), "\(check.errors)")
            }
        }
    }

    /// Otherwise the view would exist and stay empty forever.
    @Test func aViewOnWhatIsNotImportedIsWarnedOf() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.create("active", ["viewOn": "policies", "pipeline": [["$match": ["status": "active"]]]])
            let file = folder.file("all.csv")
            try database.export(to: file)
            for name in ["active", "customers", "policies"] { try database.drop(name) }
            for (words, warning) in [
                (["--rename", "policies=contracts"], "which is contracts here: the view shows nothing of it"),
                (
                    ["--collection", "active"],
                    "which is not imported and not in \(database.name): the view shows nothing of it"
                ),
                ([], nil),
            ] {
                let outcome = try Self.run(["import", file, "--db", database.name, "--quiet"] + words)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors == (warning.map { "warning: active: it stands on policies, \($0)\n" } ?? ""))
            }
            // Its collection exists by now.
            let again = try Self.run(["import", file, "--db", database.name, "--quiet", "--collection", "active"])
            #expect(again.status == 0 && again.errors == "", "\(again.text)")
        }
    }

    /// The view would show the documents of another collection.
    @Test func aViewOnAnotherCollectionThanTheFilesIsWarnedOf() throws {
        try withTwoTestDatabases { database, copy, folder in
            try Self.fill(database)
            try database.create("active", ["viewOn": "policies", "pipeline": []])
            let file = folder.file("all.csv")
            try database.export(to: file) {
                // Views call a collection by its name in the database, not by that in the file.
                $0.configuration = try .parse(yaml: "collections: {contracts: {collection: policies}}", file: "x")
            }
            let warning =
                "warning: active: it stands on policies, which is NAME here: the view shows what is policies in \(copy.name), not the file's\n"
            for (words, name) in [
                (["--rename", "contracts=customers", "--rename", "customers=policies"], "customers"),
                (["--rename", "contracts=old", "--exclude", "customers"], "old"), ([], nil),
                (["--rename", "customers=clients"], nil),
            ] {
                if name == "old" { try copy.insert([["_id": 7]], into: "policies") }
                let outcome = try Self.run(["import", file, "--db", copy.name, "--quiet"] + words)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors == (name.map { warning.replacing("NAME", with: $0) } ?? ""))
                try copy.run(["dropDatabase": 1])
            }
        }
    }

    @Test func documentsThatGiveWayToAViewAreCounted() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.create("active", ["viewOn": "policies", "pipeline": []])
            let file = folder.file("all.csv")
            try database.export(to: file)
            try database.drop("active")
            try database.insert((0..<7).map { ["_id": .int32($0)] }, into: "active")
            let dryRun = try database.load(file, .replace) { $0.isDryRun = true }
            let report = try database.load(file, .replace)
            for deleted in [dryRun, report] {
                #expect(deleted.collections.first { $0.name == "active" }?.deleted == 7)
            }
            #expect(dryRun.totals.deleted == 7 && report.totals.deleted == 7 + 3)
            // Documents inserted after the plan was made are deleted and counted, too.
            try database.drop("active")
            try database.insert((0..<7).map { ["_id": .int32($0)] }, into: "active")
            let (pool, name) = (database.pool, database.name)
            let late = try database.load(file, .replace) { options in
                options.confirm = { _ in
                    try TestDatabase(pool: pool, client: try pool.makeClient(), name: name)
                        .insert([["_id": 8], ["_id": 9]], into: "active")
                    return true
                }
            }
            #expect(late.collections.first { $0.name == "active" }?.deleted == 9)
            #expect(late.warnings.contains { $0.hasPrefix("active: 2 documents came") }, "\(late.warnings)")
        }
    }

    /// Among the other chosen collections, its absence would go unnoticed.
    @Test func whatIsAskedForAndExcludedAtOnceIsAnError() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let (file, config) = (folder.file("all.csv"), folder.file("c.yaml"))
            try database.export(to: file)
            try folder.write("exclude: [polic*]\n", to: "c.yaml")
            let both = ["--collection", "customers", "--collection", "policies"]
            for command in [["export", "-o", folder.file("new.csv")], ["import", file], ["verify", file]] {
                for (more, reason) in [
                    (["--config", config], "excluded by 'polic*' in \(config)"),
                    (["--exclude", "policies"], "excluded by --exclude policies"),
                ] {
                    let outcome = try Self.run(command + ["--db", database.name] + both + more)
                    #expect(outcome.status == 64, "\(command) \(outcome.text)")
                    #expect(
                        outcome.errors.contains("--collection 'policies' takes nothing: what it names is \(reason)"),
                        "\(outcome.errors)")
                }
            }
            // A pattern may match some excluded collections.
            let some = try Self.run(
                [
                    "export", "-o", folder.file("new.csv"), "--db", database.name, "--collection", "*s", "--config",
                    config,
                ])
            #expect(some.status == 0, "\(some.text)")
        }
    }

    /// When the file has only the documents that matched a filter, a replace deletes all others.
    @Test func aReplaceByAPartSaysWhatWillBeGone() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let file = folder.file("part.csv")
            try database.export(to: file) {
                $0.queries = [CollectionQuery(name: "policies", query: #"{"status":"active"}"#)]
            }
            let text =
                #"the file has only the documents that {"status":"active"} matches: all others that are there will be gone"#
            let dry = try Self.run(["import", file, "--db", database.name, "--mode", "replace", "--dry-run"])
            #expect(dry.errors.contains("     \(text)\n"), "\(dry.errors)")
            #expect(dry.errors.contains("warning: policies: \(text)\n"), "\(dry.errors)")
            let merge = try Self.run(["import", file, "--db", database.name])
            #expect(merge.status == 0 && !merge.errors.contains("will be gone"), "\(merge.errors)")
            let quiet = try Self.run(["import", file, "--db", database.name, "--mode", "replace", "--yes", "--quiet"])
            #expect(quiet.status == 0 && quiet.errors.contains(text), "\(quiet.text)")
            #expect(try database.count("policies") == 1 && database.count("customers") == 1)
        }
    }

    /// Mended rows are to be added to the others, not to replace them.
    @Test(arguments: [("b.csv.rejects.csv", true), ("b.csv.rejects.12.csv", true), ("rejects.of.csv", false)])
    func aReplaceByRowsThatWereSetAsideSaysWhatWillBeGone(name: String, isOfRejects: Bool) throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try folder.write("collection,data\npolicies,\"{\"\"_id\"\":77}\"\n", to: name)
            let words = ["import", folder.file(name), "--db", database.name, "--dry-run"]
            let text =
                "policies: the file has only rows that an import has set aside: all others that are there will be"
            let replace = try Self.run(words + ["--mode", "replace"])
            #expect(replace.errors.contains("warning: \(text) gone") == isOfRejects, "\(replace.errors)")
            let merge = try Self.run(words)
            #expect(merge.status == 0 && !merge.errors.contains("will be gone"), "\(merge.errors)")
        }
    }

    @Test func aFilterOfACollectionWithAnEqualsSignIsUnderstood() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1], ["_id": 2]], into: "a=b")
            let outcome = try Self.run([
                "export", "--db", database.name, "-o", folder.file("x.csv"), "--query", #"a=b={"_id":2}"#,
            ])
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try folder.text("x.csv").contains("# records 1: a=b 1"))
        }
    }

    /// If the comparison leaves out the file's documents, only the database's count.
    @Test func aTargetThatIsLeftOutOfAComparisonIsLookedForInTheDatabase() throws {
        try withTwoTestDatabases { source, copy, folder in
            let ids = try (0..<30).map {
                Value.objectID(try #require(ObjectID(hex: "5c2aad80000000000000\($0 + 1000)")))
            }
            try source.insert(ids.map { ["_id": $0] }, into: "users")
            try source.insert(ids.enumerated().map { ["_id": .int32(Int32($0)), "agent": $1] }, into: "customers")
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.load(file) { $0.exclude = [Glob("users")] }
            let report = try Self.verify(file, copy) { $0.exclude = [Glob("users")] }
            #expect(report.danglingCount == 30 && report.status == .problems)
            try copy.load(file)
            #expect(try Self.verify(file, copy) { $0.exclude = [Glob("users")] }.danglingCount == 0)
        }
    }

    @Test func aWrongNameIsToldBeforeTheRowsAreRead() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.export(to: folder.file("all.csv"))
            // Reading the file to its end would show that it is truncated.
            try folder.write(String(try folder.text("all.csv").dropLast(3)), to: "cut.csv")
            for command in ["verify", "import"] {
                let outcome = try Self.run([command, folder.file("cut.csv"), "--db", database.name, "-c", "customer"])
                #expect(
                    outcome.errors
                        == "mongoferry: there is no collection 'customer' in the file\n  Did you mean 'customers'?\n")
                #expect(outcome.status == 64)
            }
        }
    }

    @Test func aNameOfTheDatabaseIsToldAsTheFiles() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try folder.write("collections:\n  clients:\n    collection: customers\n", to: "c.yaml")
            let export = ["export", "--db", database.name, "--config", folder.file("c.yaml")]
            try #require(try Self.run(export + ["-o", folder.file("all.csv")]).status == 0)
            for (option, text) in [
                (["-c", "customers"], "there is no collection 'customers' in the file"),
                (["--rename", "customers=b"], "--rename names 'customers', which is not in the file"),
            ] {
                let outcome = try Self.run(["import", folder.file("all.csv"), "--db", database.name] + option)
                #expect(outcome.errors == "mongoferry: \(text)\n  The file calls it 'clients'.\n")
                #expect(outcome.status == 64)
            }
            let some = try Self.run(export + ["-o", folder.file("some.csv"), "--query", #"customers={"_id":2}"#])
            #expect(some.output.contains(#"left out: of clients what {"_id":2} does not match"#), "\(some.text)")
        }
    }

    @Test func whatAQueryLeftOutIsSaid() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let query = #"{"status":"active"}"#
            let reports = ["--report", folder.file("r.html"), "--report", folder.file("r.json")]
            let export = ["export", "--db", database.name, "--query", "policies=\(query)"] + reports
            let some = try Self.run(export + ["-o", folder.file("some.csv")])
            #expect(
                some.output.contains("left out: of policies what \(query) does not match\n"), "\(some.output)")
            let page = try folder.text("r.html")
            #expect(page.contains("2 records are in the file. Of policies there is only what a query matches."))
            #expect(page.contains("documents that {&quot;status&quot;:&quot;active&quot;} does not match"))
            let queries = try JSONValue(folder.text("r.json"))["queries"]
            #expect(queries?.array.map { $0["name"]?.string } == ["policies"])
            #expect(queries?.array.map { $0["query"]?.string } == [query])
            #expect(
                try Inspection(folder.file("some.csv")).metadata?.queries
                    == [CollectionQuery(name: "policies", query: query)])

            let fewer = try Self.run(export + ["-o", folder.file("fewer.csv"), "--exclude", "customers"])
            #expect(
                fewer.output.contains(
                    "left out: customers (excluded by --exclude customers), of policies what \(query) does not match\n"
                ), "\(fewer.output)")
            #expect(
                try folder.text("r.html").contains(
                    "1 record is in the file. 1 name was left out. Of policies there is only what a query matches."))
        }
    }

    @Test func anImportOfAPartIsNotCalledOneOfEverything() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("all.csv"))
            let arguments = [
                "import", folder.file("all.csv"), "--db", copy.name, "--report", folder.file("r.html"),
            ]
            #expect(try Self.run(arguments + ["--collection", "customers"]).status == 0)
            let page = try folder.text("r.html")
            #expect(!page.contains("Everything in the file"))
            #expect(page.contains("What was chosen of the file is in the database. 1 collection was left out."))
            #expect(page.contains("<h2>Left out</h2>") && page.contains("not asked for"))
            #expect(try Self.run(arguments).status == 0)
            #expect(try folder.text("r.html").contains("Everything in the file is in the database."))
            // Existing documents that differ stay as they are.
            #expect(try Self.run(arguments + ["--mode", "insert"]).status == 0)
            #expect(try folder.text("r.html").contains("Everything in the file that was missing is in the database."))
        }
    }

    /// What a file was made without may be there all the same, whatever the configuration calls it.
    @Test(arguments: ["new", "olds"]) func anExportTakesAndLeavesOutByEitherName(name: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1], ["_id": 2]], into: "olds")
            try database.insert([["_id": 1, "x": 1], ["_id": 2, "x": 3]], into: "a")
            let configuration = try Configuration.parse(
                yaml: "collections: {new: {collection: olds}, a: {references: {x: new}}}", file: "c.yaml")
            let some = try database.export(to: folder.file("some.csv")) {
                $0.configuration = configuration
                $0.collections = [Glob(name)]
            }
            #expect(some.collections.map(\.name) == ["new"] && some.excluded.map(\.name) == ["a"])
            let others = try database.export(to: folder.file("others.csv")) {
                $0.configuration = configuration
                $0.exclude = [Glob(name)]
            }
            #expect(others.collections.map(\.name) == ["a"] && others.excluded.map(\.name) == ["olds"])
            let check = try Verify(file: folder.file("others.csv"), target: nil, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(check.status == .done && check.uncheckedCount == 2, "\(check.json)")
        }
    }

    // MARK: Empty collections

    @Test func anEmptyCollectionOfAFileIsHeldAgainstTheDatabaseToo() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.create("empty")
            try source.create("ticks", ["timeseries": ["timeField": "at"]])
            let file = folder.file("all.csv")
            try source.export(to: file)
            #expect(try Self.verify(file, source).differences.isEmpty)
            #expect(try Self.verify(file, source) { $0.collections = [Glob("empty")] }.status == .done)
            // Under another name.
            try copy.load(file) { $0.renames = ["empty": "x"] }
            #expect(try Self.verify(file, copy) { $0.renames = ["empty": "x"] }.differences.isEmpty)
            #expect(
                Self.texts(try Self.verify(file, copy).differences) == [
                    "empty missing: the collection is not there; the file has 0 records"
                ])
            #expect(try Self.verify(file, copy).status == .problems)
            // With documents in it.
            try source.insert([["_id": 7]], into: "empty")
            let report = try Self.verify(file, source)
            #expect(Self.texts(report.differences) == ["empty extra: 1 document in the database only: _id 7"])
            #expect(report.status == .done)
        }
    }

    // MARK: Choices of nothing

    /// An import likewise refuses to write both to one collection.
    @Test func twoCollectionsAreNotComparedWithOne() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.export(to: folder.file("all.csv"))
            let error = #expect(throws: FerryError.self) {
                try Self.verify(folder.file("all.csv"), database) { $0.renames = ["customers": "policies"] }
            }
            #expect(error?.text == "customers and policies would both be compared with 'policies'")
            let alone = try Self.verify(folder.file("all.csv"), database) {
                $0.renames = ["customers": "policies"]
                $0.exclude = [Glob("policies")]
            }
            #expect(alone.database == database.name)
        }
    }

    @Test func anExclusionThatMatchesNothingIsWarnedOf() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let file = folder.file("all.csv")
            try database.export(to: file)
            let commands = [
                (["export", "--db", database.name, "-o", folder.file("x.csv")], database.name),
                (["import", file, "--db", database.name], "the file"),
                (["verify", file, "--db", database.name], "the file"),
            ]
            for (command, place) in commands {
                let typo = try Self.run(command + ["--exclude", "custmers", "--exclude", "zz*"])
                #expect(typo.status == 0, "\(typo.text)")
                #expect(
                    typo.errors.contains(
                        "warning: --exclude 'custmers' matches no collection in \(place). Did you mean 'customers'?\n"),
                    "\(typo.errors)")
                #expect(
                    typo.errors.contains("warning: --exclude 'zz*' matches no collection in \(place)\n"),
                    "\(typo.errors)")
                try? FileManager.default.removeItem(atPath: folder.file("x.csv"))
                // An exclusion of collections that were not chosen is no mistake either.
                let known = try Self.run(command + ["--exclude", "cust*", "--collection", "policies", "--quiet"])
                #expect(known.status == 0 && known.text == "", "\(known.text)")
            }
            // Nor is that of what the file was made without.
            let part = folder.file("part.csv")
            try database.export(to: part) { $0.exclude = [Glob("customers")] }
            for command in ["import", "verify"] {
                let outcome = try Self.run([command, part, "--db", database.name, "--exclude", "cust*", "--quiet"])
                #expect(outcome.status == 0 && outcome.text == "", "\(outcome.text)")
            }
        }
    }

    /// Otherwise what should not leave the database would be exported.
    @Test func aMistypedExclusionOfTheConfigurationIsWarnedOf() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.insert([["_id": 1]], into: "secrets")
            let (file, config) = (folder.file("all.csv"), folder.file("c.yaml"))
            try database.export(to: file) { $0.exclude = [Glob("secrets")] }
            // The configuration also serves other databases: naming collections that this one lacks is no mistake.
            try folder.write("exclude: [custmers, secrets, \"chat*\"]", to: "c.yaml")
            let commands = [
                (["export", "--db", database.name, "-o", folder.file("x.csv")], database.name),
                (["import", file, "--db", database.name], "the file"),
                (["verify", file, "--db", database.name], "the file"),
            ]
            for (command, place) in commands {
                let outcome = try Self.run(command + ["--config", config])
                #expect(outcome.status == 0, "\(outcome.text)")
                let warnings = outcome.errors.split(separator: "\n").filter { $0.contains("matches no collection") }
                #expect(
                    warnings == [
                        "warning: 'custmers' of exclude in \(config) matches no collection in \(place). Did you mean 'customers'?"
                    ], "\(outcome.errors)")
            }
        }
    }

    /// Otherwise the replace would delete what should be kept.
    @Test func aReplaceWhoseExclusionIsMistypedIsRefused() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.insert([["_id": 1]], into: "logs_2025")
            let file = folder.file("all.csv")
            try database.export(to: file)
            try database.drop("logs_2025")
            try database.insert([["_id": 2]], into: "logs_2024")
            try database.insert([["_id": 9]], into: "customers")
            let before = try database.image()
            let replace = ["import", file, "--db", database.name, "--mode", "replace", "--yes", "--exclude"]
            for words in [["custmers"], ["custmers", "--dry-run"], ["*ustomrs"]] {
                let outcome = try Self.run(replace + words)
                #expect(outcome.status == 64, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "--exclude '\(words[0])' matches no collection of the file or of \(database.name), and --mode replace would replace 'customers'"
                    ) && outcome.errors.contains("Did you mean 'customers'?"), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
            // Accepted: what another exclusion covers, what differs only in its number, what exists, and what is new.
            let others = ["logs_2026", "logs_2024", "logs_202", "custmers", "cust*"]
            let outcome = try Self.run(replace + ["zebras"] + others.flatMap { ["--exclude", $0] })
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.count("customers") == 2 && database.count("logs_2024") == 1)
        }
    }

    /// A plan shows the database's names.
    @Test func anExclusionMayNameWhatTheDatabaseCallsACollection() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "Policies.v1")
            try database.insert([["_id": 1]], into: "customers")
            let configuration = "collections: {policies: {collection: Policies.v1}, customers: {}}\n"
            try folder.write(configuration, to: "c.yaml")
            let (file, config) = (folder.file("all.csv"), folder.file("c.yaml"))
            let words = ["--db", database.name, "--config", config]
            #expect(try Self.run(["export", "-o", file] + words).status == 0)
            try database.insert([["_id": 2]], into: "Policies.v1")
            try database.insert([["_id": 2]], into: "customers")
            let exclusion = ["--exclude", "Policies.v1"]
            let check = try Self.run(["verify", file] + words + exclusion)
            #expect(
                check.output.contains("not compared: policies (excluded by --exclude Policies.v1)"), "\(check.text)")
            let replace = try Self.run(["import", file, "--mode", "replace", "--yes"] + words + exclusion)
            #expect(replace.status == 0 && !replace.errors.contains("warning"), "\(replace.text)")
            #expect(try database.count("Policies.v1") == 2 && database.count("customers") == 1)
            // A mistyped exclusion in the configuration.
            try folder.write(configuration + "exclude: [polcies]\n", to: "c.yaml")
            let typo = try Self.run(["import", file, "--mode", "replace", "--yes", "--quiet"] + words)
            #expect(typo.status == 64, "\(typo.text)")
            #expect(typo.errors.contains("'polcies' of exclude in \(config) matches no collection"), "\(typo.errors)")
            #expect(try database.count("Policies.v1") == 2)
        }
    }

    @Test func aQueryOfAViewIsRefused() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.create("active", ["viewOn": "policies", "pipeline": []])
            let outcome = try Self.run([
                "export", "--db", database.name, "-o", folder.file("x.csv"), "--query", #"active={"_id":1}"#,
            ])
            #expect(outcome.status == 64)
            #expect(
                outcome.errors
                    == "mongoferry: --query names 'active', which is a view: a file has its definition, not its documents\n"
            )
            #expect(try folder.names() == [])
        }
    }
}
