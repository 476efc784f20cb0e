import BSON
import Foundation
import MongoFerry
import Testing

/// The program as scripts use it.
@Suite struct CommandLineTests {
    private static func run(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["MONGODB_URI": try testURI()])
    }

    private static func shell(_ script: String) throws -> Program.Outcome {
        try Program(
            ["-c", script], executable: "/bin/sh",
            environment: ["MONGODB_URI": try testURI(), "MONGOFERRY": try Program.path()]
        ).wait()
    }

    /// Whether the shell can run the script on this machine.
    private static func succeeds(_ script: String) throws -> Bool {
        try Program(["-c", script], executable: "/bin/sh").wait().status == 0
    }

    @Test(arguments: ["export", "import", "verify", "inspect", "plan", "discover"])
    func everyCommandHelpsWithExamples(_ command: String) throws {
        let outcome = try Self.run(command, "--help")
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.output.contains("USAGE: mongoferry \(command)"))
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("  mongoferry \(command)"))
        #expect(try Self.run("help", command).output == outcome.output)
    }

    @Test(arguments: ["export", "import", "verify", "plan", "discover"])
    func aCommandsOwnOptionsComeBeforeTheConnection(_ command: String) throws {
        let lines = try Self.run(command, "--help").output.split(separator: "\n")
        let own = try #require(lines.firstIndex(of: "\(command.uppercased()) OPTIONS:"))
        let connection = try #require(lines.firstIndex(of: "CONNECTION AND COMMON OPTIONS:"))
        #expect(own < connection)
        #expect(lines[connection...].contains { $0.hasPrefix("  --uri ") })
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines.filter { $0.hasPrefix("  mongoferry ") }.allSatisfy { $0.count < 78 })
    }

    @Test func helpSaysOnceWhatEachValueMeans() throws {
        let help = try Self.run("import", "--help").output
        #expect(help.contains("        replace           - make each collection exactly as in the file\n"))
        #expect(help.contains("(default: merge)\n") && !help.contains("values:"))
    }

    @Test func helpSaysThatAnEmptyVariableIsNone() throws {
        let words = try Self.run("export", "--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("or NO_COLOR is set and not empty."))
    }

    @Test func theVersionNamesTheDriversToo() throws {
        let outcome = try Self.run("--version")
        #expect(outcome.status == 0)
        #expect(
            outcome.output.wholeMatch(
                of: /mongoferry \d+\.\d+\.\d+ \(libmongoc 1\.\d+\.\d+.*, libbson 1\.\d+\.\d+.*\)\n/) != nil)
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionsAreWrittenForEachShell(_ shell: String) throws {
        let outcome = try Self.run("--generate-completion-script", shell)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("mongoferry") && outcome.output.contains("max-rejects"))
    }

    @Test func quietPrintsNothingWhereAllIsWell() throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            let file = folder.file("all.csv")
            let steps = [
                ["export", "--db", source.name, "-o", file],
                ["import", file, "--db", copy.name, "--dry-run"],
                ["import", file, "--db", copy.name],
                ["import", file, "--db", copy.name, "--mode", "replace", "--yes"],
                ["verify", file, "--db", copy.name],
            ]
            for step in steps {
                let outcome = try Program.run(step + ["--quiet"], environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 0, "\(step)")
                #expect(outcome.text == "", "\(step)")
            }
            // No faults: documents that only the database has, and dangling values of an optional reference.
            try copy.insert([["_id": 999_999, "sponsor": 123]], into: "customers")
            try folder.write(
                "collections: {customers: {references: {sponsor: {to: users, optional: true}}}, users: }\n",
                to: "c.yaml")
            for step in [
                ["verify", file, "--db", copy.name], ["verify", "--db", copy.name, "--config", folder.file("c.yaml")],
            ] {
                let outcome = try Program.run(step + ["--quiet"], environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 0 && outcome.text == "", "\(step): \(outcome.text)")
                let told = try Program.run(step, environment: ["MONGODB_URI": try testURI()])
                #expect(told.errors.contains(step.count == 4 ? "extra" : "dangling (optional)"), "\(told.text)")
            }
        }
    }

    /// Otherwise a script would not notice that what it reads is truncated.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")), arguments: [">/dev/full", ">&-"])
    func anOutputThatCannotBeWrittenIsAFailure(_ redirection: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let file = folder.file("all.csv")
            let report = folder.file("report.json")
            #expect(try Self.run("export", "--db", database.name, "-o", file).status == 0)
            for command in [
                "inspect \(file)", "plan \(file)", "plan --db \(database.name)", "discover --db \(database.name)",
                "verify \(file)", "export --db \(database.name) -o -",
            ] {
                let outcome = try Self.shell("\"$MONGOFERRY\" \(command) \(redirection)")
                #expect(outcome.status == 1, "\(command): \(outcome.text)")
                #expect(outcome.errors.contains("standard output"), "\(command): \(outcome.text)")
            }
            // These commands have done their job; the table only describes it.
            for command in [
                "export --db \(database.name) -o \(folder.file("again.csv"))",
                "import \(file) --db \(database.name) --report \(report)",
            ] {
                let outcome = try Self.shell("\"$MONGOFERRY\" \(command) \(redirection)")
                #expect(outcome.status == 0, "\(command): \(outcome.text)")
                #expect(outcome.errors.contains("warning: standard output: cannot write"), "\(outcome.text)")
            }
            #expect(try folder.text("again.csv").contains("# seal"))
            #expect(try folder.text("report.json").contains("\"done\""))
        }
    }

    @Test func noReportTakesTheBackupsPlace() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            for ending in ["json", "svg"] {
                let file = folder.file("backup.\(ending)")
                #expect(try Self.run("export", "--db", database.name, "-o", file).status == 0)
                let link = folder.file("link.\(ending)")
                try FileManager.default.linkItem(atPath: file, toPath: link)
                let before = try Data(contentsOf: URL(fileURLWithPath: file))
                let option = ending == "svg" ? "--graph" : "--report"
                var runs = [["verify", file, option, file], ["verify", file, option, link]]
                if ending == "json" {
                    runs += [
                        ["import", file, "--db", database.name, option, file],
                        ["export", "--db", database.name, "-o", file, "--force", option, file],
                        [
                            "export", "--db", database.name, "-o", folder.file("new.json"), option,
                            folder.file("new.json"),
                        ],
                    ]
                }
                for run in runs {
                    let outcome = try Program.run(run, environment: ["MONGODB_URI": try testURI()])
                    #expect(outcome.status == 64, "\(run): \(outcome.text)")
                    #expect(outcome.errors.contains("over the backup"), "\(run): \(outcome.text)")
                }
                #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
            }
            #expect(try !folder.names().contains("new.json"))
        }
    }

    @Test func noReportTakesThePlaceOfWhatTheCommandReads() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let names = ["only.json", "config.json", "uri.json", "out.json"].map(folder.file)
            #expect(try Self.run("export", "--db", database.name, "-o", names[0]).status == 0)
            try folder.write("{}", to: "config.json")
            try folder.write(try testURI() + "\n", to: "uri.json")
            let before = try names.prefix(3).map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
            for command in [
                "import - --db \(database.name) --report \(names[0]) < \(names[0])",
                "verify --db \(database.name) --config \(names[1]) --report \(names[1])",
                "verify --db \(database.name) --uri-file \(names[2]) --report \(names[2])",
                "export --db \(database.name) -o - --report \(names[3]) > \(names[3])",
            ] {
                let outcome = try Self.shell("\"$MONGOFERRY\" \(command)")
                #expect(outcome.status == 64, "\(command): \(outcome.text)")
                #expect(outcome.errors.contains("a report would be written over"), "\(command): \(outcome.text)")
            }
            #expect(try names.prefix(3).map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == before)
        }
    }

    /// Swift replaces bytes that are not UTF-8 with U+FFFD, which would name a different file.
    @Test func anArgumentThatIsNotUTF8IsRefused() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try folder.write("mine", to: "caf\u{FFFD}.csv")
            let outcome = try Self.shell(
                "cd \(folder.path) && \"$MONGOFERRY\" export --db \(database.name) --force -o \"$(printf 'caf\\351.csv')\""
            )
            #expect(outcome.status == 64, "\(outcome.text)")
            #expect(outcome.errors.contains("argument 6 is not UTF-8"), "\(outcome.errors)")
            #expect(try folder.text("caf\u{FFFD}.csv") == "mine")
        }
    }

    /// The system's libraries would end the program without a message.
    @Test func tooFewOpenFilesAreAnErrorWithAText() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let export = "\"$MONGOFERRY\" export --db \(database.name) -o \(folder.file("x.csv"))"
            for limit in [7, 12, 20] {
                let outcome = try Self.shell("ulimit -n \(limit); \(export)")
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("only \(limit) files may be open at once"), "\(outcome.errors)")
            }
            let raised = try Self.shell("ulimit -S -n 10; \(export)")
            #expect(raised.status == 0, "\(raised.text)")
        }
    }

    private static let namesOfStandardOutput = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].filter(
        FileManager.default.fileExists)

    /// The shell has opened the file already: it must not be replaced, and the table must not be written into it.
    @Test(.enabled(if: !namesOfStandardOutput.isEmpty), arguments: namesOfStandardOutput)
    func standardOutputByAnyNameIsStandardOutput(_ name: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let file = folder.file("all.csv")
            for more in ["", "--force"] {
                let outcome = try Self.shell(
                    "\"$MONGOFERRY\" export --db \(database.name) -o \(name) \(more) > \(file)")
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try Self.run("verify", file).status == 0)
            }
        }
    }

    @Test func aPlanOfABareCSVSaysThatNotAllOfItCanBeRead() throws {
        try withTestDatabase { _, folder in
            let rows = [#"customers,"{""_id"":1}""#, #"customers,"{""_id"":2""#, #"customers,"{""_id"":1}""#]
            let file = folder.file("bare.csv")
            for (count, warning) in [
                (3, "2 rows cannot be read: `mongoferry verify \(file)` lists them"),
                (2, "1 row cannot be read: `mongoferry verify \(file)` lists it"), (1, nil),
            ] {
                try folder.write(LegacyFile.text(rows: Array(rows.prefix(count))), to: "bare.csv")
                let outcome = try Self.run("plan", file)
                #expect(outcome.status == 0 && outcome.output.contains("customers"), "\(outcome.text)")
                #expect(outcome.errors == warning.map { "warning: \(file): \($0)\n" } ?? "")
            }
        }
    }

    /// Whoever starts a program may give it a non-blocking pipe.
    @Test func aReaderThatIsSlowGetsAllOfIt() throws {
        try withTestDatabase { _, folder in
            let name = String(repeating: "n", count: 180)
            let rows = (0..<1000).map { "\(name)\($0),\"{\"\"_id\"\":1}\"\n" }
            try folder.write("collection,data\n" + rows.joined(), to: "many.csv")
            let script = """
                import os, subprocess, sys, time
                reading, writing = os.pipe()
                os.set_blocking(writing, False)
                child = subprocess.Popen(sys.argv[1:], stdout=writing)
                os.close(writing)
                time.sleep(0.5)
                text = b""
                while part := os.read(reading, 4096):
                    text += part
                print(len({line for line in text.split(b"\\n") if b"nnn" in line}), child.wait())
                """
            let outcome = try Program(
                ["python3", "-c", script, Program.path(), "plan", folder.file("many.csv")], executable: "/usr/bin/env"
            ).wait()
            #expect(outcome.output == "1000 0\n", "\(outcome.text)")
        }
    }

    @Test func verifySaysWhatItHasFoundToBeTrue() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "name": "Ada"]], into: "customers")
            try source.insert([["_id": 1]], into: "policies")
            let file = folder.file("all.csv")
            #expect(try Self.run("export", "--db", source.name, "-o", file).status == 0)
            #expect(try Self.run("import", file, "--db", copy.name).status == 0)
            func lastLine(_ arguments: String...) throws -> String {
                let outcome = try Program.run(["verify"] + arguments, environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 0, "\(outcome.text)")
                return outcome.output.split(separator: "\n").last.map(String.init) ?? ""
            }
            #expect(try lastLine(file) == "\(file): sound")
            let nothing = "\(copy.name): no references were found, so nothing was checked"
            #expect(try lastLine("--db", copy.name) == nothing)
            try copy.insert((1...9).map { ["_id": .int32($0), "customerId": 1] }, into: "claims")
            #expect(try lastLine("--db", copy.name) == "\(copy.name): sound, by the references that its data show")
            #expect(
                try lastLine(file, "--db", copy.name) == "\(file): sound; all of its records are in \(copy.name), equal"
            )
            #expect(
                try lastLine(file, "--db", copy.name, "--exclude", "policies")
                    == "\(file): sound; the chosen collections' records are in \(copy.name), equal")
            try copy.insert([["_id": 2]], into: "policies")
            try copy.run(["delete": "customers", "deletes": [["q": [:], "limit": 0]]])
            let outcome = try Self.run("verify", file, "--db", copy.name)
            #expect(outcome.status == 2 && !outcome.text.contains("sound"), "\(outcome.text)")
        }
    }

    @Test func onlyWhatWasWrittenIsCalledImportedAndThePlanIsShownOnce() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "customers")
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.create("customers", indexes: [["key": ["name": 1], "name": "name_1"]])
            for more in [["--dry-run"], []] {
                let outcome = try Program.run(
                    ["import", file, "--db", copy.name] + more, environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 0, "\(outcome.text)")
                let isImported = outcome.output.hasSuffix("\n\(copy.name): \(file) is imported\n")
                #expect(isImported == more.isEmpty, "\(outcome.output)")
                let told = outcome.errors.matches(of: /index name_1 is not in the file/)
                #expect(told.count == 1, "\(outcome.errors)")
            }
        }
    }

    /// Collections have the index of their `_id` from the start, and clustered ones their own.
    @Test func inspectNamesTheIndexesThatAnImportBuilds() throws {
        try withTestDatabase { database, folder in
            try database.create("a", indexes: [["key": ["n": 1], "name": "n_1"]])
            try database.create("b", ["clusteredIndex": ["key": ["_id": 1], "unique": true, "name": "ids"]])
            try database.insert([["_id": 1]], into: "c")
            try database.export(to: folder.file("all.csv"))
            let outcome = try Self.run("inspect", folder.file("all.csv"))
            #expect(
                outcome.output.contains(
                    "\n  a: 0 records, indexes n_1\n  b: 0 records, options clusteredIndex\n  c: 1 record\n"),
                "\(outcome.text)")
        }
    }

    @Test func anImportWithoutADatabaseTakesTheFilesOwnAndSaysSo() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "name": "Amara"]], into: "customers")
            #expect(try Self.run("export", "--db", database.name, "-o", folder.file("all.csv")).status == 0)
            try database.drop("customers")
            let outcome = try Self.run("import", folder.file("all.csv"))
            #expect(outcome.status == 0)
            #expect(outcome.errors.contains("importing into the file's own, \(database.name)"))
            #expect(try database.count("customers") == 1)
        }
    }

    // MARK: Files and pipes

    @Test(arguments: ["csv", "csv.gz", "csv.zst"])
    func aFileComesBackWhateverItsCompression(_ ending: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            let file = folder.file("all.\(ending)")
            #expect(try Self.run("export", "--db", source.name, "-o", file).status == 0)
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let start = try Data(contentsOf: URL(fileURLWithPath: file)).prefix(4)
            let magic: [UInt8] =
                switch ending {
                case "csv.gz": [0x1F, 0x8B]
                case "csv.zst": [0x28, 0xB5, 0x2F, 0xFD]
                default: [0x23, 0x20]
                }
            #expect(start.starts(with: magic))
            // Compression is recognized by content, not by name.
            let renamed = folder.file("backup")
            try FileManager.default.moveItem(atPath: file, toPath: renamed)
            #expect(try Self.run("import", renamed, "--db", copy.name).status == 0)
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }

    @Test(.enabled("needs gzip") { Program.isInstalled("gzip") }, arguments: ["gzip -1", "gzip -1 | gzip -dc"])
    func aPipeWithGzipInItCarriesADatabaseOver(_ compressor: String) throws {
        try Self.carryOver(through: compressor)
    }

    @Test(
        .enabled("needs zstd") { Program.isInstalled("zstd") },
        arguments: ["zstd -q -1", "zstd -q -1 | zstd -q -dc"])
    func aPipeWithZstdInItCarriesADatabaseOver(_ compressor: String) throws {
        try Self.carryOver(through: compressor)
    }

    private static func carryOver(through compressor: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            let outcome = try shell(
                """
                "$MONGOFERRY" export -d \(source.name) --out - | \(compressor) |
                    "$MONGOFERRY" import - --db \(copy.name) --quiet
                """)
            #expect(outcome.status == 0)
            #expect(outcome.output == "", "the export's table must not get into the pipe")
            #expect(outcome.errors.contains("left out: nothing"))
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }

    @Test func theSealIsWhatSha256sumSaysOfAllLinesButTheLast() throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            #expect(try Self.run("export", "--db", database.name, "-o", folder.file("all.csv")).status == 0)
            let outcome = try Self.shell(
                """
                sum() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }
                sed '$d' '\(folder.file("all.csv"))' | sum
                tail -n 1 '\(folder.file("all.csv"))' | sed -E 's/.*"sha256":"([0-9a-f]*)".*/\\1/'
                """)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 2 && lines[0] == lines[1] && lines[0].count == 64, "\(outcome.text)")
        }
    }

    /// The pipe's own folder takes no files: rejects are written to the shell's current folder.
    @Test func rowsOfAPipeOfTheShellAreSetAsideInTheCurrentFolder() throws {
        try withTestDatabase { database, folder in
            let bad = #"users,"{""name"":""no id""}""#
            try folder.write("collection,data\nusers,\"{\"\"_id\"\":1}\"\n\(bad)\n", to: "users.csv")
            let outcome = try Self.shell(
                """
                cd '\(folder.path)'
                exec bash -c '"$MONGOFERRY" import <(cat users.csv) --db \(database.name) --max-rejects 1'
                """)
            #expect(outcome.status == 2, "\(outcome.text)")
            #expect(try folder.text("stdin.rejects.csv").hasSuffix(bad + "\n"), "\(outcome.text)")
            #expect(try database.count("users") == 1)
        }
    }

    /// The independent reader is Python's csv with PyMongo's json_util.
    @Test(
        .enabled("needs python3 with PyMongo: pip install pymongo") {
            try succeeds("python3 -c 'import bson.json_util, csv; from bson.codec_options import DatetimeConversion'")
        })
    func pythonReadsTheSameDocumentsFromTheFile() throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            for mode in ["compact", "canonical"] {
                let file = folder.file("\(mode).csv")
                #expect(try Self.run("export", "--db", database.name, "-o", file, "--json", mode).status == 0)
                try folder.write(Self.pythonReader, to: "read.py")
                // Each line has the BSON bytes, in hexadecimal, that PyMongo makes from a row.
                let outcome = try Self.shell("python3 '\(folder.file("read.py"))' '\(file)'")
                try #require(outcome.status == 0, "\(outcome.errors)")
                let read = Set(outcome.output.split(separator: "\n").map(String.init))
                var stored: Set<String> = []
                for collection in LedgerTests.ledger.collections {
                    for document in try database.documents(in: collection.name) {
                        let bytes = document.bytes.map { String(format: "%02x", $0) }.joined()
                        stored.insert("\(collection.name) \(bytes)")
                    }
                }
                #expect(read == stored, "\(mode): \(read.symmetricDifference(stored).count) rows differ")
            }
        }
    }

    private static let pythonReader = """
        import csv, sys, bson
        from bson import json_util
        from bson.codec_options import CodecOptions, DatetimeConversion
        csv.field_size_limit(1 << 30)
        options = json_util.JSONOptions(
            json_mode=json_util.JSONMode.CANONICAL, tz_aware=False, unicode_decode_error_handler="strict",
            datetime_conversion=DatetimeConversion.DATETIME_MS)
        with open(sys.argv[1], encoding="utf-8", newline="") as file:
            lines = (line for line in file if not line.startswith("#"))
            rows = csv.reader(lines)
            assert next(rows) == ["collection", "data"]
            for collection, data in rows:
                print(collection, bson.encode(json_util.loads(data, json_options=options)).hex())
        """

    // MARK: Reports

    private static func object(_ folder: TemporaryFolder, _ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private static let collectionFields: Set = [
        "name", "read", "inserted", "updated", "unchanged", "deleted", "rejected", "seconds",
    ]
    private static let referenceFields: Set = ["collection", "path", "target", "checked", "dangling", "examples"]

    @Test func reportsAreJSONWithTheContractsFields() throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            try source.delete("customers", ["email": "customer3@example.org"])
            let file = folder.file("all.csv")
            let report = folder.file("report.json")
            let steps: [(String, [String], Int32)] = [
                ("export", ["export", "--db", source.name, "-o", file], 0),
                ("import", ["import", file, "--db", copy.name], 0),
                ("verify", ["verify", file, "--db", copy.name], 2),
            ]
            for (operation, step, status) in steps {
                let outcome = try Program.run(step + ["--report", report], environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == status, "\(outcome.text)")
                let object = try Self.object(folder, "report.json")
                #expect(object["operation"] as? String == operation)
                let collections = try #require(object["collections"] as? [[String: Any]])
                #expect(collections.count == LedgerTests.ledger.collections.count)
                for collection in collections { #expect(Set(collection.keys) == Self.collectionFields) }
                let references = try #require(object["references"] as? [[String: Any]])
                for reference in references { #expect(Self.referenceFields.isSubset(of: reference.keys)) }
                if operation == "export" { continue }
                #expect(references.count == 10)
                let agents = try #require(references.first { $0["path"] as? String == "agent" })
                #expect(agents["checked"] as? Int == LedgerTests.ledger.customerCount - 1, "\(operation)")
                #expect(agents["dangling"] as? Int == 0, "\(operation)")
                let policies = try #require(
                    references.first {
                        $0["collection"] as? String == "policies" && $0["path"] as? String == "customerId"
                    })
                #expect(policies["dangling"] as? Int ?? 0 > 0)
                #expect((policies["examples"] as? [Any])?.isEmpty == false)
            }
        }
    }

    @Test func whatCouldNotBeDoneIsInTheReportToo() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\ncustomers,oops\n", to: "damaged.csv")
            let outcome = try Self.run(
                "import", folder.file("damaged.csv"), "--db", database.name, "--report", folder.file("refused.json"))
            #expect(outcome.status == 2)
            let refused = try Self.object(folder, "refused.json")
            #expect(refused["status"] as? String == "refused")
            #expect((refused["rejectedRows"] as? [[String: Any]])?.first?["line"] as? Int == 2)

            let missing = try Self.run(
                "import", folder.file("nosuch.csv"), "--db", database.name, "--report", folder.file("failed.json"))
            #expect(missing.status == 1)
            let failed = try Self.object(folder, "failed.json")
            #expect(failed["status"] as? String == "failed")
            #expect((failed["error"] as? String)?.contains("No such file") == true)
        }
    }

    // MARK: Being interrupted

    @Test func interruptedWhileItReadsAPipeItWritesNothing() throws {
        try withTestDatabase { database, folder in
            let rows = (1...20_000).map { LegacyFile.row("customers", json: "{\"_id\":\($0),\"name\":\"Amara\"}") }
            let text = LegacyFile.text(rows: rows)
            let pipe = folder.file("pipe")
            try #require(mkfifo(pipe, 0o600) == 0)
            // Opened for reading and writing, so that neither side waits for the other to open; not inherited by other
            // programs, which would hold the pipe open.
            let descriptor = open(pipe, O_RDWR | O_CLOEXEC)
            try #require(descriptor >= 0)
            let program = try Program(
                ["import", "-", "--db", database.name], environment: ["MONGODB_URI": try testURI()], input: pipe)
            // More than the pipe holds: once this has been written, the program is reading and handles signals.
            try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(text.utf8))
            program.send(SIGINT)
            close(descriptor)
            let outcome = try program.wait()
            #expect(outcome.status == 130)
            #expect(outcome.errors == "mongoferry: interrupted; nothing was changed\n")
            #expect(try database.names() == [])
        }
    }

    /// A shell without job control starts a script's background processes like this: Ctrl-C is for the foreground.
    @Test(arguments: [("INT", SIGINT), ("HUP", SIGHUP)])
    func aSignalThatWasIgnoredAtTheStartStaysSo(name: String, signal: Int32) throws {
        try withTestDatabase { database, folder in
            let text = LegacyFile.text(
                rows: (1...20_000).map { LegacyFile.row("customers", json: "{\"_id\":\($0),\"name\":\"Amara\"}") })
            let pipe = folder.file("pipe")
            try #require(mkfifo(pipe, 0o600) == 0)
            let descriptor = open(pipe, O_RDWR | O_CLOEXEC)
            try #require(descriptor >= 0)
            let program = try Program(
                [
                    "-c", "trap '' \(name); exec \"$0\" \"$@\"", try Program.path(), "import", "-", "--db",
                    database.name,
                ], executable: "/bin/sh", environment: ["MONGODB_URI": try testURI()], input: pipe)
            try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(text.utf8))
            program.send(signal)
            close(descriptor)
            let outcome = try program.wait()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.count("customers") == 20_000)
        }
    }

    @Test func theOwnerMayReadWhatIsWrittenWhateverTheUmask() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "a")
            let (file, report) = (folder.file("all.csv"), folder.file("r.json"))
            let words = ["export", "--db", database.name, "-o", file, "--report", report]
            let outcome = try Program(
                ["-c", #"umask 0777; exec "$0" "$@""#, try Program.path()] + words, executable: "/bin/sh",
                environment: ["MONGODB_URI": try testURI()]
            ).wait()
            #expect(outcome.status == 0, "\(outcome.text)")
            for path in [file, report] {
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            }
        }
    }

    @Test func reportsAndPicturesAreForTheirOwnerUntilSomebodyGivesThemToOthers() throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            let files = ["r.json", "r.html", "graph.svg"].map(folder.file)
            func verify() throws {
                let outcome = try Self.run(
                    "verify", "--db", database.name, "--report", files[0], "--report", files[1], "--graph", files[2])
                #expect(outcome.status == 0, "\(outcome.text)")
            }
            func modes() throws -> [Int?] {
                try files.map { try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int }
            }
            try verify()
            #expect(try modes() == [0o600, 0o600, 0o600])
            for file in files {
                try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
            }
            try verify()
            #expect(try modes() == [0o640, 0o640, 0o640])
            #expect(try folder.names() == ["graph.svg", "r.html", "r.json"])
        }
    }
}
