import Foundation
import MongoFerry
import Testing

/// A report is written whatever the outcome: somebody who reads it every night must not see an older one.
@Suite struct FailureReportTests {
    private static let refusals: [(arguments: String, status: Int32, error: String)] = [
        ("export -o {dir}/a.csv", 1, "the file exists already"),
        ("export -o {dir}/nosuch/a.csv", 1, "there is no folder"),
        ("export -o {dir}/b.csv --query customers", 64, "--query must look like"),
        ("export -o {dir}/b.csv --config {dir}/wrong.yaml", 64, "collectons"),
        ("import {dir}/a.csv --config {dir}/wrong.yaml", 64, "collectons"),
        ("import {dir}/a.csv --rename customers", 64, "--rename must look like"),
        ("import {dir}/a.csv --mode replace", 64, "standard input is not a terminal"),
        ("verify {dir}/a.csv --config {dir}/wrong.yaml", 64, "collectons"),
        ("verify {dir}/a.csv --rename customers", 64, "--rename must look like"),
    ]

    @Test(arguments: refusals)
    func whatIsRefusedBeforeItBeginsHasAReport(_ arguments: String, _ status: Int32, _ error: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.export(to: folder.file("a.csv"))
            try folder.write("collectons: {}\n", to: "wrong.yaml")
            try folder.write("{\"status\":\"done\"}\n", to: "report.json")
            let words = arguments.replacing("{dir}", with: folder.path).split(separator: " ").map(String.init)
            let outcome = try Program.run(
                words + ["--db", database.name, "--report", folder.file("report.json")],
                environment: ["MONGODB_URI": try testURI()])
            #expect(outcome.status == status && outcome.errors.contains(error), "\(outcome.text)")
            let report = try JSONValue(folder.text("report.json"))
            #expect(report["status"] == .string("failed") && report["database"] == .string(database.name))
            guard case .string(let text)? = report["error"] else {
                Issue.record("no error: \(report)")
                return
            }
            #expect(text.contains(error))
        }
    }

    @Test func theReportOfAFailedImportFromAPipeSaysWhatItRead() throws {
        try withTestDatabase { database, folder in
            try folder.write("a,b\n1,2\n", to: "other.csv")
            let outcome = try Program.run(
                ["import", "-", "--db", database.name, "--report", folder.file("report.json")],
                environment: ["MONGODB_URI": try testURI()], input: folder.file("other.csv"))
            #expect(outcome.status == 1, "\(outcome.text)")
            let report = try JSONValue(folder.text("report.json"))
            #expect(report["status"] == .string("failed") && report["file"] == .string("standard input"))
        }
    }

    /// The report contains what the command specifies, and how long it took to fail.
    @Test func theReportOfAFailedImportSaysItsModeAndTheDatabaseOfTheAddress() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.export(to: folder.file("a.csv"))
            let silent = try FakeServer(.silent)
            let nowhere = "mongodb://127.0.0.1:\(silent.port)/shop?serverSelectionTimeoutMS=200"
            let options = ["--uri", nowhere, "--report", folder.file("report.json")]
            let load = try Program.run(
                ["import", folder.file("a.csv"), "--mode", "replace", "--dry-run"] + options)
            #expect(load.status == 1)
            var report = try JSONValue(folder.text("report.json"))
            #expect(report["mode"] == .string("replace") && report["dryRun"] == .bool(true))
            #expect(report["database"] == .string("shop"))
            guard case .number(let seconds)? = report["seconds"], seconds > 0 else {
                Issue.record("it waited for an answer: \(report)")
                return
            }
            #expect(try Program.run(["verify", folder.file("a.csv")] + options).status == 1)
            report = try JSONValue(folder.text("report.json"))
            #expect(report["operation"] == .string("verify") && report["database"] == .string("shop"))
        }
    }

    @Test func whoeverLeavesTheQuestionHasAReport() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.export(to: folder.file("a.csv"))
            let terminal = try PseudoTerminal(
                [
                    "import", folder.file("a.csv"), "--db", database.name, "--mode", "replace", "--report",
                    folder.file("report.json"),
                ], environment: ["MONGODB_URI": try testURI()], columns: 100)
            try poll("the question") { terminal.text.contains("Type yes: ") }
            terminal.type("\u{3}")
            #expect(try terminal.wait() == 130, "\(terminal.text)")
            #expect(terminal.text.contains("interrupted; nothing was changed"), "\(terminal.text)")
            let report = try JSONValue(folder.text("report.json"))
            #expect(report["status"] == .string("interrupted") && report["mode"] == .string("replace"))
        }
    }
}
