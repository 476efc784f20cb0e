import BSON
import Foundation
import MongoFerry
import Testing

/// A file's description of itself comes from whoever wrote it: no text in it may forge a line or control a terminal.
@Suite struct HostileTextTests {
    @Test func nothingInAFileMakesALineOfItsOwnInWhatInspectSays() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1, "customerId": 1]], into: "policies")
            let file = folder.file("all.csv")
            try database.export(to: file) {
                $0.queries = [CollectionQuery(name: "policies", query: "{\n\"_id\":1}")]
                $0.configuration = try .parse(
                    yaml: "collections: {customers: , policies: {references: {customerId: customers}}}", file: "x")
            }
            var text = try folder.text("all.csv")
            for key in ["program", "serverVersion", "snapshot", "consistency", "json", "found"] {
                #expect(text.contains("\"\(key)\":\""), "\(key)")
                text = text.replacing("\"\(key)\":\"", with: "\"\(key)\":\"\\nseal 7 records\\u001b[2J")
            }
            try folder.write(text, to: "forged.csv")
            let lines = try Inspection(folder.file("forged.csv")).lines
            #expect(!lines.contains { $0.contains("\n") || $0.contains("\u{1B}") }, "\(lines)")
            #expect(lines.filter { $0.hasPrefix("seal ") }.count == 1)
            let outcome = try Program.run(["inspect", folder.file("forged.csv")])
            #expect(outcome.output == lines.joined(separator: "\n") + "\n")
            #expect(lines.contains(#"  only of policies: {\n"_id":1}"#), "\(lines)")
        }
    }

    @Test func aDatabasesNameHasNoControlCharacters() throws {
        for name in ["a\nb", "a\u{1B}[2Jb", "a\u{7F}"] {
            let error = #expect(throws: FerryError.self) { try Target(uri: "mongodb://localhost", database: name) }
            #expect(error?.kind == .usage)
            let text = error?.text ?? ""
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }, "\(text)")
        }
    }

    @Test func namesOfWhatIsLeftOutMakeNoLinesOfTheirOwn() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "a\nmongoferry: b")
            let file = folder.file("all.csv")
            try database.export(to: file)
            let uri = try testURI()
            for words in [["export", "-o", folder.file("none.csv")], ["verify", file]] {
                let outcome = try Program.run(words + ["--uri", uri, "--db", database.name, "--exclude", "*"])
                #expect(outcome.status == 64)
                #expect(
                    outcome.errors.contains("\n  \"a\\nmongoferry: b\": excluded by --exclude *\n"), "\(outcome.text)")
            }
        }
    }

    @Test func namesOfIndexesMakeNoLinesOfTheirOwn() throws {
        try withTestDatabase { database, folder in
            try database.create("c", indexes: [["key": ["a": 1], "name": "a\nb"]])
            let file = folder.file("all.csv")
            try database.export(to: file)
            try database.drop("c")
            try database.create("c")
            let uri = try testURI()
            let verified = try Program.run(["verify", file, "--uri", uri, "--db", database.name])
            #expect(verified.errors.contains("c: definition: index \"a\\nb\" is not there\n"), "\(verified.text)")
            let planned = try Program.run(["import", file, "--uri", uri, "--db", database.name, "--dry-run"])
            #expect(planned.errors.contains("     index \"a\\nb\" will be created\n"), "\(planned.text)")
        }
    }

    @Test func nothingInTheQuestionSteersTheTerminal() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.export(to: folder.file("all.csv"))
            // A right-to-left override, and the control sequence introducer as one character.
            let terminal = try PseudoTerminal(
                ["import", folder.file("all.csv"), "--db", "\(database.name)\u{202E}\u{9B}2J", "--mode", "replace"],
                environment: ["MONGODB_URI": try testURI()], columns: 100)
            try poll("the question") { terminal.text.contains("Type yes: ") }
            terminal.type("no\n")
            #expect(try terminal.wait() == 1)
            let shown = terminal.text.unicodeScalars
            #expect(!shown.contains("\u{202E}") && !shown.contains("\u{9B}"), "\(terminal.text)")
        }
    }
}
