import BSON
import Foundation
import MongoFerry
import Testing

/// Reports: every kind fits their schema, and their pages are valid whatever names the data have.
@Suite struct ReportTests {
    /// Returns the text of a file in the package's `Documentation` folder.
    private static func documentation(_ name: String) throws -> String {
        try String(contentsOfFile: ProjectFile.path("Documentation/\(name)"), encoding: .utf8)
    }

    private static func schema() throws -> JSONSchema {
        JSONSchema(root: try JSONValue(documentation("mongoferry-report.schema.json")))
    }

    /// Runs the program with both kinds of reports.
    private static func run(
        _ folder: TemporaryFolder, _ arguments: [String], _ status: Int32,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (json: JSONValue, page: String) {
        let reports = ["--report", folder.file("r.json"), "--report", folder.file("r.html")]
        let outcome = try Program.run(arguments + reports, environment: ["MONGODB_URI": try testURI()])
        #expect(outcome.status == status, "\(arguments): \(outcome.text)", sourceLocation: sourceLocation)
        return (try JSONValue(folder.text("r.json")), try folder.text("r.html"))
    }

    /// In a nightly run, it must be clear which of several servers is about to be written to.
    @Test func planAndReportsNameTheServer() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "a")
            let file = folder.file("a.csv")
            let target = try database.target
            let host = try #require(target.connectionString.hosts.first)
            let log = MessageLog()
            let reports = [
                try database.export(to: file),
                try database.load(file, .merge, log) { $0.isDryRun = true },
                try Verify(file: file, target: target).runBlocking(OperationContext()),
                try Verify(file: nil, target: target).runBlocking(OperationContext()),
            ]
            for report in reports {
                let server = try #require(JSONValue(report.json)["server"]?.string)
                #expect(server.hasPrefix("\(host), "), "\(report.operation)")
                #expect(report.html.contains("<dt>server</dt><dd>\(server)</dd>"), "\(report.operation)")
                #expect(log.all.contains("  on \(server)"))
            }
        }
    }

    @Test func everyKindOfReportFitsTheSchema() throws {
        let schema = try Self.schema()
        var seen: Set<String> = []
        func check(_ report: (json: JSONValue, page: String), _ status: String, _ location: SourceLocation) throws {
            #expect(schema.problems(report.json) == [], sourceLocation: location)
            #expect(report.json["status"] == .string(status), sourceLocation: location)
            #expect(Page(report.page).faults == [], sourceLocation: location)
            let warnings = report.json["warnings"]?.array.compactMap(\.string) ?? []
            #expect(Set(warnings).count == warnings.count, "\(warnings)", sourceLocation: location)
            func note(_ value: JSONValue) {
                for (name, member) in value.members {
                    seen.insert(name)
                    note(member)
                }
                value.array.forEach(note)
            }
            note(report.json)
        }
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            try source.delete("customers", ["email": "customer3@example.org"])
            try source.insert([["_id": 1, "a": ["$": 1], "b": ["$oid": "x"]]], into: "odd")
            try source.create("view", ["viewOn": "odd", "pipeline": []])
            let file = folder.file("all.csv")
            func step(
                _ arguments: String, _ exit: Int32, _ status: String, location: SourceLocation = #_sourceLocation
            ) throws {
                let words = arguments.replacing("{file}", with: file).replacing("{dir}", with: folder.path)
                    .replacing("{source}", with: source.name).replacing("{copy}", with: copy.name)
                let report = try Self.run(
                    folder, words.split(separator: " ").map(String.init), exit, sourceLocation: location)
                try check(report, status, location)
            }
            try step("export --db {source} -o {file} --exclude auditlogs", 0, "done")
            try step(
                "export --db {source} -o {dir}/reproducible.csv --reproducible --consistency collection --json relaxed",
                0, "done")
            try step(#"export --db {source} -o {dir}/some.csv --query users={"_id":{"$exists":true}}"#, 0, "done")
            try step("export --db {source}x -o {dir}/none.csv", 1, "failed")
            try step("import {file} --db {copy} --dry-run", 0, "planned")
            try step("import {file} --db {copy}", 0, "done")
            try step("import {file} --db {copy} --mode insert", 0, "done")
            try step("import {file} --db {copy} --mode replace --yes", 0, "done")
            try step("import {file} --db {copy} --mode replace --yes --fail-on-dangling", 2, "refused")
            try step("verify {file}", 2, "problems")
            try step("verify --db {copy}", 2, "problems")
            try copy.delete("payments", [:])
            try copy.insert([["_id": "stranger"]], into: "policies")
            try step("verify {file} --db {copy}", 2, "problems")
            // With documents that the server refuses.
            try copy.run(["collMod": "users", "validator": ["nosuch": ["$exists": true]]])
            try copy.delete("users", [:])
            try step("import {file} --db {copy}", 2, "problems")
            // With a damaged file, and one of the old application.
            let text = try folder.text("all.csv")
            try folder.write(text.replacing("Amara", with: "Amaro"), to: "damaged.csv")
            try step("import {dir}/damaged.csv --db {copy}", 2, "refused")
            try step("verify {dir}/damaged.csv", 2, "problems")
            let id = "5c2aad8000c0ffee00000001"
            let legacy = LegacyFile.text(rows: [
                LegacyFile.row("users", json: "{\"_id\":\"\(id)\",\"seen\":\"2024-01-01T00:00:00.000Z\"}"),
                LegacyFile.row("notes", json: "{\"_id\":1,\"userId\":\"\(id)\",\"code\":\"abad1dea00c0ffee00000001\"}"),
                "users,oops",
            ])
            try folder.write(legacy, to: "legacy.csv")
            try step("import {dir}/legacy.csv --db {copy}", 2, "refused")
            try step("import {dir}/legacy.csv --db {copy} --max-rejects 1", 2, "problems")
        }
        let never: Set = ["when", "targetMissing", "optional", "unchecked", "conflicts", "snapshot", "problem"]
        let unseen = try Self.schema().names.subtracting(seen).subtracting(never)
        #expect(unseen.isEmpty, "fields that no step has shown: \(unseen)")
    }

    /// Exit status, status and advice agree, whichever part of the program finds the damage.
    @Test(arguments: ["cut", "cut.gz", "line ends", "byte-order mark", "more", "no seal", "cut row"])
    func aDamagedFileIsRefusedAndCheckedWithOneStatus(damage: String) throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<200).map { ["_id": .int32($0), "n": .int32($0 * 7919)] }, into: "c")
            try database.export(to: folder.file("all.csv"))
            try database.export(to: folder.file("all.csv.gz")) { $0.compression = .gzip }
            let text = try folder.text("all.csv")
            let gzip = try Data(contentsOf: URL(fileURLWithPath: folder.file("all.csv.gz")))
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let bytes: Data =
                switch damage {
                case "cut": Data(text.utf8.prefix(text.utf8.count / 2))
                case "cut.gz": gzip.prefix(gzip.count / 2)
                case "line ends": Data(text.replacing("\n", with: "\r\n").utf8)
                case "byte-order mark": Data([0xEF, 0xBB, 0xBF]) + Data(text.utf8)
                case "more": Data((text + "c,{}\n").utf8)
                case "no seal": Data(lines.dropLast(2).joined(separator: "\n").utf8) + Data("\n".utf8)
                default: Data("collection,data\nc,\"{\"\"_id\"\":1}\"\nc,\"{\"\"_id\"\":".utf8)
                }
            let file = folder.file("damaged")
            try bytes.write(to: URL(fileURLWithPath: file))
            let report = ["--report", folder.file("r.json")]
            for (command, status) in [("import", "refused"), ("verify", "problems")] {
                let outcome = try Program.run(
                    [command, file, "--db", database.name] + report, environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 2, "\(outcome.text)")
                let json = try JSONValue(folder.text("r.json"))
                #expect(json["status"] == .string(status))
                let steps = json["nextSteps"]?.array.compactMap(\.string) ?? []
                #expect(!steps.isEmpty && outcome.errors.hasSuffix("\n  \(steps.joined(separator: "\n  "))\n"))
                #expect(!outcome.errors.split(separator: "\n").contains { $0.hasPrefix(": ") }, "\(outcome.errors)")
                if command == "verify" {
                    #expect(outcome.errors.contains("problems were found: the file is damaged"), "\(outcome.errors)")
                } else {
                    let error = json["error"]?.string ?? ""
                    #expect(!error.isEmpty && steps.allSatisfy { !error.contains($0) }, "\(error)")
                }
            }
        }
    }

    @Test func theSchemaRefusesWhatIsNoReport() throws {
        let schema = try Self.schema()
        let good = try JSONValue(Report(operation: .import).json)
        #expect(schema.problems(good) == [])
        var members = good.members
        members["collections"] = nil
        #expect(schema.problems(.object(members)) == ["$.collections: missing"])
        members = good.members
        members["surprise"] = .null
        #expect(schema.problems(.object(members)) == ["$.surprise: unknown"])
        members = good.members
        members["dangling"] = .number(-1)
        #expect(schema.problems(.object(members)) == ["$.dangling: less than 0.0"])
        members["dangling"] = .bool(true)
        #expect(schema.problems(.object(members)).count == 1)
    }

    @Test func everyFieldIsDocumented() throws {
        let page = try Self.documentation("reports.md")
        for name in try Self.schema().names { #expect(page.contains("`\(name)`"), "\(name)") }
    }

    // MARK: Pages

    @Test func nothingInTheDataBecomesMarkup() throws {
        let hostile = [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</style><b>",
            "]]>--><svg onload=alert(1)>", "\u{202E}gpj.exe", "a&amp;b",
        ]
        try withTestDatabase { database, folder in
            for (index, name) in hostile.enumerated() {
                let text = hostile[(index + 1) % hostile.count]
                try database.insert([["_id": .string(name), "ref": .string(text)]], into: name)
            }
            // With references between them, one of which dangles.
            let lines = hostile.enumerated().map { index, name in
                "  \(Self.yaml(name)):\n    references: {ref: \(Self.yaml(hostile[(index + 1) % hostile.count]))}"
            }
            try folder.write("collections:\n" + lines.joined(separator: "\n") + "\n", to: "hostile.yaml")
            try database.insert([["_id": 1, "ref": "<script>alert(2)</script>"]], into: hostile[0])
            let file = folder.file("<b>all&.csv")
            let config = ["--config", folder.file("hostile.yaml")]
            let export = try Self.run(folder, ["export", "--db", database.name, "-o", file] + config, 0)
            let verify = try Self.run(folder, ["verify", "--db", database.name] + config, 2)
            let both = try Self.run(folder, ["import", file, "--db", database.name] + config, 0)
            for report in [export, verify, both] {
                let page = Page(report.page)
                #expect(page.faults == [])
                #expect(page.tags.isDisjoint(with: ["script", "img", "b onload"]))
                #expect(!report.page.contains("\u{202E}"))
                #expect(report.page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            }
            #expect(verify.page.contains("&lt;script&gt;alert(2)&lt;/script&gt;"), "the value that dangles")
        }
    }

    private static func yaml(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    @Test func thePageHasEverythingAndNeedsNothingElse() throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            try source.delete("customers", ["email": "customer3@example.org"])
            try source.export(to: folder.file("all.csv"))
            let (json, page) = try Self.run(folder, ["verify", folder.file("all.csv")], 2)
            let collections = try #require(json["collections"]?.array)
            #expect(!collections.isEmpty)
            for collection in collections {
                #expect(page.contains(">\(collection["name"]?.string ?? "?")</td>"))
            }
            #expect(page.contains("policies.vehicles[].drivers[].customerId"))
            #expect(page.contains("<svg ") && page.contains(" dangling</text>"), "the graph, with what dangles")
            #expect(page.contains("What to do next"))
            #expect(!page.contains("<script") && !page.contains("src=") && !page.contains("@import"))
            let addresses = page.matches(of: /https?:[^"'\s)]*/).map { String($0.output) }
            #expect(Set(addresses) == ["http://www.w3.org/2000/svg"])
            for match in page.matches(of: /url\(([^)]*)\)/) { #expect(match.1.hasPrefix("#")) }
            // In dark mode, the page replaces the picture's colours: each of them has a rule.
            let picture = try #require(page.firstMatch(of: /<svg .*?<\/svg>/.dotMatchesNewlines())).output
            for match in picture.matches(of: /(fill|stroke)="(#[0-9a-f]+)"/) {
                #expect(page.contains(".graph [\(match.1)=\"\(match.2)\"]"), "\(match.0)")
            }
        }
    }
}

/// A page, parsed as strictly as a browser is lenient.
struct Page {
    private(set) var tags: Set<String> = []
    private(set) var faults: [String] = []

    private static let known: Set = [
        "html", "head", "meta", "title", "style", "body", "main", "footer", "header", "section", "p", "h1", "h2", "ul",
        "li", "div", "span", "b", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd",
        "svg",
        "rect", "defs", "marker", "path", "text",
    ]
    private static let attributes: Set = [
        "lang", "charset", "name", "content", "http-equiv", "class", "scope", "data-head", "tabindex", "xmlns", "width",
        "height", "viewBox", "font-family", "font-size", "font-weight", "fill", "stroke", "stroke-width",
        "stroke-dasharray", "marker-end", "id", "refX", "refY", "markerWidth", "markerHeight", "orient", "d", "x", "y",
        "rx",
    ]

    init(_ text: String) {
        var open: [String] = []
        let body = text.replacing(/<style>.*?<\/style>/.dotMatchesNewlines(), with: "").dropFirst(
            "<!DOCTYPE html>".count)
        for match in body.matches(
            of: /<(\/?)([^\s>\/]*)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|<|&(?!(amp|lt|gt|quot|#39);)/)
        {
            guard let name = match.2.map(String.init) else {
                faults.append("not markup: \(body[match.range.lowerBound...].prefix(60))")
                continue
            }
            tags.insert(name)
            if !Self.known.contains(name) { faults.append("unknown: <\(name)>") }
            for attribute in (match.3 ?? "").matches(of: /([\w-]+)="/)
            where !Self.attributes.contains(String(attribute.1)) {
                faults.append("unknown: \(attribute.1)")
            }
            if match.1 == "/" {
                if open.popLast() != name { faults.append("</\(name)> closes nothing") }
            } else if match.4 != "/", name != "meta" {
                open.append(name)
            }
        }
        faults += open.map { "<\($0)> stays open" }
    }
}
