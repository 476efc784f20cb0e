import BSON
import Foundation
import MongoFerry
import Testing

/// Reports and pictures that cannot be written never hide the outcome of the operation.
@Suite struct UnwritableResultTests {
    /// More than the program writes here, and less than any page.
    private static let limit = 2048

    private static func run(_ arguments: String..., limit: Int? = nil) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["MONGODB_URI": try testURI()], fileSizeLimit: limit)
    }

    private static func lastLine(_ text: String) -> String { text.split(separator: "\n").last.map(String.init) ?? "" }

    @Test func aPlaceWhereNothingCanBeWrittenIsRefusedBeforeAnythingIsRead() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            for name in ["r.json", "r.html", "graph.svg"] {
                try FileManager.default.createDirectory(
                    atPath: folder.file(name), withIntermediateDirectories: false)
            }
            for (option, name, thing) in [
                ("--report", "r.json", "report"), ("--report", "r.html", "report"), ("--graph", "graph.svg", "picture"),
            ] {
                let outcome = try Self.run("verify", "--db", database.name, option, folder.file(name))
                #expect(outcome.status == 1)
                #expect(
                    outcome.text
                        == "mongoferry: \(folder.file(name)): cannot write the \(thing) there: it is a folder\n")
            }
            let outcome = try Self.run("verify", "--db", database.name, "--graph", folder.file("nosuch/graph.svg"))
            #expect(outcome.status == 1)
            #expect(
                outcome.text
                    == "mongoferry: \(folder.file("nosuch/graph.svg")): there is no folder \(folder.file("nosuch")) for the picture\n  `mkdir -p \(folder.file("nosuch"))` makes it.\n"
            )
        }
    }

    @Test func whatWasDoneIsToldBeforeTheReportThatCannotBeWritten() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "customers")
            let (file, page) = (folder.file("all.csv"), folder.file("r.html"))
            let export = try Self.run(
                "export", "--db", source.name, "-o", file, "--report", page, limit: Self.limit)
            #expect(export.status == 1)
            #expect(Self.lastLine(export.output).hasPrefix("\(file): 1 record, "), "\(export.output)")
            #expect(export.errors.contains("mongoferry: \(page): cannot write the report: "), "\(export.errors)")
            #expect(export.errors.hasSuffix("\n  The export itself is done.\n"), "\(export.errors)")
            #expect(try Self.run("verify", file).status == 0)

            let load = try Self.run("import", file, "--db", copy.name, "--report", page, limit: Self.limit)
            #expect(load.status == 1)
            #expect(Self.lastLine(load.output) == "\(copy.name): \(file) is imported", "\(load.output)")
            #expect(load.errors.hasSuffix("\n  The import itself is done.\n"), "\(load.errors)")
            #expect(try copy.count("customers") == 1)
            #expect(try folder.names() == ["all.csv"], "no half report")
        }
    }

    @Test(arguments: [false, true]) func anExportThatCannotOpenItsFileSaysWhatIsThere(force: Bool) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let error = #expect(throws: FerryError.self) {
                try database.export(to: folder.file("all.csv")) {
                    $0.destination = .file(path: folder.file("nowhere/all.csv"), overwriting: force)
                }
            }
            let state =
                force
                ? "Nothing was written under the file's name: what was there before is untouched."
                : "Nothing was left behind under the file's name."
            #expect(
                error?.text.hasSuffix("cannot open: No such file or directory") == true && error?.details == [state])
        }
    }

    @Test(arguments: ["--report", "--graph"]) func whatWasFoundKeepsItsStatus(option: String) throws {
        try withTestDatabase { database, folder in
            try database.insert((1...40).map { ["_id": .int32($0)] }, into: "customers")
            try database.insert(
                (1...40).map { ["_id": .int32($0), "customerId": .int32($0 + 1)] as Document }, into: "policies")
            // A picture is smaller than a page.
            try folder.write(
                "collections: {customers: , policies: {references: {customerId: customers}}}", to: "c.yaml")
            let place = folder.file(option == "--report" ? "r.html" : "graph.svg")
            let outcome = try Self.run(
                "verify", "--db", database.name, "--config", folder.file("c.yaml"), option, place, limit: 1024)
            #expect(outcome.status == 2)
            #expect(
                outcome.errors.contains("dangling: policies.customerId → customers: 1 of 40"), "\(outcome.errors)")
            #expect(Self.lastLine(outcome.output).hasPrefix("total "), "\(outcome.output)")
            #expect(outcome.errors.contains("mongoferry: \(place): cannot write the "), "\(outcome.errors)")
            #expect(outcome.errors.hasSuffix("\n  The check itself is done.\n"), "\(outcome.errors)")
        }
    }

    @Test func aTemporaryFolderThatIsFullIsToldWithWhatToDo() throws {
        try withTestDatabase { database, folder in
            let row = "c,\"{\"\"_id\"\":1}\"\n"
            try folder.write("collection,data\n" + String(repeating: row, count: 1000), to: "long.csv")
            let outcome = try Program.run(
                ["import", "-", "--db", database.name],
                environment: ["MONGODB_URI": try testURI(), "TMPDIR": folder.path], input: folder.file("long.csv"),
                fileSizeLimit: Self.limit)
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.hasPrefix("mongoferry: temporary file in \(folder.path): cannot write: ")
                    && outcome.errors.hasSuffix(
                        "\n  Nothing was written.\n  Set TMPDIR to a folder with more room, or import a file.\n"),
                "\(outcome.errors)")
        }
    }

    @Test func anErrorStaysTheOneThatCounts() throws {
        try withTestDatabase { database, folder in
            let page = folder.file("r.html")
            let warning = "warning: \(page): cannot write the report: "
            let missing = try Self.run(
                "import", folder.file("nosuch.csv"), "--db", database.name, "--report", page, limit: Self.limit)
            #expect(missing.status == 1)
            #expect(missing.errors.hasPrefix(warning), "\(missing.errors)")
            #expect(
                missing.errors.hasSuffix(
                    "mongoferry: \(folder.file("nosuch.csv")): cannot open: No such file or directory\n  Nothing was written.\n"
                ))

            try folder.write("# mongoferry backup, format 1\n# metadata {}\n", to: "damaged.csv")
            let damaged = try Self.run(
                "import", folder.file("damaged.csv"), "--db", database.name, "--report", page, limit: Self.limit)
            #expect(damaged.status == 2)
            #expect(damaged.errors.hasPrefix(warning), "\(damaged.errors)")
            #expect(damaged.errors.contains("mongoferry: \(folder.file("damaged.csv")), line 2: "))
        }
    }

    @Test func anInterruptionStaysOne() throws {
        try withTestDatabase { database, folder in
            let report = folder.file("r.html")
            try withWaitingImport(
                into: database, folder, ["--report", report], environment: ["MONGODB_URI": try testURI()],
                fileSizeLimit: Self.limit
            ) { program in
                program.send(SIGINT)
                let outcome = try program.wait()
                #expect(outcome.status == 130)
                #expect(outcome.errors.contains("warning: \(report): cannot write the report: "))
                #expect(outcome.errors.hasSuffix("mongoferry: interrupted; nothing was changed\n"), "\(outcome.errors)")
            }
        }
    }
}
