import Foundation
import MongoFerry
import Testing

/// Commands that messages advise users to copy: they must lead to the same server, database and file.
@Suite struct AdvisedCommandTests {
    private func withAddress(_ body: (TestDatabase, TemporaryFolder, _ address: [String]) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try folder.write(try testURI() + "\n", to: "staging.uri")
            try body(database, folder, ["--uri-file", folder.file("staging.uri"), "--db", database.name])
        }
    }

    /// The environment may name another server, such as somebody's production.
    private let elsewhere = ["MONGODB_URI": "mongodb://127.0.0.1:1/"]

    @Test func theyNameTheServerThatWasNamed() throws {
        try withAddress { database, folder, address in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1, "customerId": 1]], into: "policies")
            let config = "collections: {customers: {}, policies: {references: {customerId: customers}}}\n"
            try folder.write(config, to: "ferry.yaml")
            let file = folder.file("all.csv")
            let options = address + ["--config", folder.file("ferry.yaml")]
            try #require(try Program.run(["export", "-o", file] + options, environment: elsewhere).status == 0)
            try database.delete("customers", [:])
            let verify = try Program.run(["verify", file] + options, environment: elsewhere)
            let words = address.joined(separator: " ")
            #expect(
                verify.status == 2 && verify.text.contains("`mongoferry import \(file) \(words) "), "\(verify.text)")
            let load = try Program.run(
                ["import", file, "--collection", "policies"] + options, environment: elsewhere)
            let choice = "--config \(folder.file("ferry.yaml")) --collection policies"
            #expect(
                load.text.contains("`mongoferry verify \(file) \(words) \(choice) --report dangling.html`"),
                "\(load.text)")
            let advised = try Program.run(
                ["verify", file] + words.split(separator: " ").map(String.init)
                    + choice.split(separator: " ").map(String.init), environment: elsewhere)
            #expect(advised.status == 2 && advised.text.contains("1 dangling reference"), "\(advised.text)")
            // A pipe cannot be read again, so the advice names no file. The configuration's references cannot be found
            // in the data.
            let piped = try Program.run(
                ["import", "--collection", "policies"] + options, environment: elsewhere,
                input: folder.file("all.csv"))
            let checks = "verify \(words) --config \(folder.file("ferry.yaml"))"
            #expect(piped.text.contains("`mongoferry \(checks) --report dangling.html`"), "\(piped.text)")
            let checked = try Program.run(checks.split(separator: " ").map(String.init), environment: elsewhere)
            #expect(checked.status == 2 && checked.text.contains("1 dangling reference"), "\(checked.text)")
        }
    }

    @Test func theOneForRejectedRowsDoesToo() throws {
        try withAddress { _, folder, address in
            try folder.write("collection,data\na,\"{\"\"_id\"\":1}\"\na,nothing\n", to: "a.csv")
            let file = folder.file("a.csv")
            let load = try Program.run(
                ["import", file, "--max-rejects", "1"] + address, environment: elsewhere)
            let advised = "`mongoferry import \(file).rejects.csv \(address.joined(separator: " "))`"
            #expect(load.text.contains(advised), "\(load.text)")
        }
    }

    /// In a folder with a mongoferry.yaml every command takes that by itself.
    @Test func theyTakeABareFilesRowsAsTheCommandDidThatAdvisesThem() throws {
        try withAddress { _, folder, address in
            try folder.write("collections: {a: , b: {references: {x: a}}}\n", to: "mongoferry.yaml")
            try folder.write("collection,data\na,\"{\"\"_id\"\":1}\"\nb,\"{\"\"_id\"\":1,\"\"x\"\":2}\"\n", to: "a.csv")
            func run(_ words: [String]) throws -> Program.Outcome {
                try Program(
                    ["-c", #"cd "$0" && exec "$@""#, folder.path, try Program.path()] + words, executable: "/bin/sh",
                    environment: elsewhere
                ).wait()
            }
            let words = ["a.csv"] + address + ["--no-legacy", "--no-infer"]
            let load = try run(["import"] + words)
            let advised = "mongoferry verify \(words.joined(separator: " ")) --report dangling.html"
            #expect(load.status == 0 && load.text.contains("`\(advised)`"), "\(load.text)")
            let verify = try run(["verify"] + words)
            #expect(verify.status == 2 && verify.text.contains("1 dangling reference"), "\(verify.text)")
        }
    }

    /// An HTML page escapes the `&`.
    @Test func anAddressInThePlaceOfAFileStandsInNoReportWithItsPassword() throws {
        try withTestDatabase { _, folder in
            let reports = ["r.json", "r.html"]
            let outcome = try Program.run(
                ["verify", "x&mongodb://ann:hunter2secret@localhost"]
                    + reports.flatMap { ["--report", folder.file($0)] })
            #expect(outcome.status == 1 && !outcome.text.contains("hunter2secret"), "\(outcome.text)")
            for report in reports {
                let text = try folder.text(report)
                #expect(text.contains("ann:***@localhost") && !text.contains("hunter2secret"), "\(text)")
            }
        }
    }

    /// Passwords are hidden; times and email addresses are not passwords.
    @Test func namesWithAnAtSignStay() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "email": "u1@x.com"]], into: "users")
            let uri = ["--uri", try testURI(), "--db", database.name]
            let (file, report) = (folder.file("users@2026-11-27T10:30.csv"), folder.file("report.json"))
            let query = #"users={"email":"u1@x.com"}"#
            let export = try Program.run(["export", "-o", file, "--query", query, "--report", report] + uri)
            #expect(export.status == 0 && export.text.contains("\(file): 1 record"), "\(export.text)")
            #expect(export.text.contains(#"what {"email":"u1@x.com"} does not match"#), "\(export.text)")
            let written = try JSONValue(folder.text("report.json"))
            #expect(written["file"] == .string(file))
            // Here the colon comes before the `@`.
            let early = folder.file("10:30-users@prod.csv")
            try database.insert([["_id": 1]], into: "chat:ann@example.org")
            let chat = try Program.run(["export", "-o", early, "--collection", "chat:ann@example.org"] + uri)
            #expect(chat.status == 0 && chat.text.contains("\(early): 1 record"), "\(chat.text)")
            #expect(chat.output.contains("chat:ann@example.org"), "\(chat.text)")
            let wrong = try Program.run(["plan", "--uri", "ann:hunter2secret@localhost"])
            #expect(wrong.status == 64 && !wrong.text.contains("hunter2secret"), "\(wrong.text)")
        }
    }
}
