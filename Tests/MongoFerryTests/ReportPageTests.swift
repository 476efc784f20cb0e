import BSON
import Testing

@testable import MongoFerry
@testable import Relations

/// What the page of a report says, and in which order.
@Suite struct ReportPageTests {
    private static func outcome(
        _ path: String, _ target: String, condition: String? = nil, dangling: Int = 0, isMissing: Bool = false
    ) -> ReferenceOutcome {
        var outcome = ReferenceOutcome(
            collection: "notes", path: path, target: target, targetNames: [target], condition: condition)
        outcome.dangling = dangling
        outcome.isTargetMissing = isMissing
        return outcome
    }

    @Test func whatIsWrongStandsFirstAndIsNamed() throws {
        var report = Report(operation: .verify)
        report.status = .problems
        report.file = "all.csv"
        report.source = "shop on MongoDB 7.0.5"
        report.seconds = 1999.87
        report.collections = [CollectionOutcome(name: "notes")]
        report.references = [Self.outcome("agentId", "agents"), Self.outcome("ownerId", "users", dangling: 1)]
        report.rejections = [.init(collection: "notes", line: 2, id: nil, reason: "not a JSON document")]
        report.rejectionCount = 1200
        report.differences = [.init(collection: "", kind: .file, detail: "its seal does not fit")]
        let page = report.html
        let places = ["notes.ownerId", "notes.agentId"].map { page.firstRange(of: $0)?.lowerBound }
        #expect(try #require(places[0]) < #require(places[1]))
        #expect(page.contains("The first 1 of 1,200."))
        #expect(page.contains("data-head=\"collection\">all.csv</td>"), "the fault is the whole file's")
        #expect(page.contains("<b>1,999.9</b><span>seconds</span>"))
        report.rejectionCount = 1
        #expect(!report.html.contains("The first 1 of"))
    }

    /// A file may be called by letters that the title has.
    @Test(arguments: [
        (Report.Operation.export, "all.csv", "Export of copy", "from shop on MongoDB 7.0.5"),
        (.import, "all.csv", "Import into copy", "all.csv, from shop on MongoDB 7.0.5"),
        (.import, "in", "Import into copy", "in, from shop on MongoDB 7.0.5"),
        (.verify, "all.csv", "all.csv against copy", "from shop on MongoDB 7.0.5"),
    ])
    func theTitleIsNotRepeatedBelowIt(operation: Report.Operation, file: String, title: String, below: String) {
        var report = Report(operation: operation)
        report.file = file
        report.database = "copy"
        report.source = "shop on MongoDB 7.0.5"
        #expect(report.html.contains("<h1>\(title)</h1>"))
        #expect(report.html.contains("<p class=\"quiet\">\(below)</p>\n</header>"), "\(report.html)")
    }

    /// Names may have the marks of commands in them.
    @Test(arguments: [
        ("Run `mongoferry verify a.csv`.", "Run <code>mongoferry verify a.csv</code>."),
        ("`tr -d x` (`head -1 a`)", "<code>tr -d x</code> (<code>head -1 a</code>)"),
        ("--exclude '`rhi` q' matches nothing", "--exclude '`rhi` q' matches nothing"),
        ("`rho`: shows nothing of `a`", "`rho`: shows nothing of `a`"),
        (
            "Mend b`x.csv: `mongoferry import 'b`x y.csv' --no-legacy`.",
            "Mend b`x.csv: <code>mongoferry import 'b`x y.csv' --no-legacy</code>."
        ),
        (#"`mongoferry verify 'it'\''s.csv'`."#, #"<code>mongoferry verify 'it'\''s.csv'</code>."#),
        ("a ` b", "a ` b"), ("`mongoferry verify 'a`", "`mongoferry verify 'a`"), ("", ""),
    ])
    func onlyCommandsAreDrawnAsSuch(text: String, page: String) {
        #expect(HTML(prose: text).text == page.replacing("'", with: "'".escapedForPages))
    }

    @Test func aDryRunThatFindsProblemsHasWrittenNothing() {
        var report = Report(operation: .import)
        report.status = .problems
        report.rejectionCount = 1
        #expect(report.html.contains("\"verdict\">Problems were found: 1 rejected row.</p>"))
        report.isDryRun = true
        #expect(report.html.contains("\"verdict\">Nothing was written. Problems were found: 1 rejected row.</p>"))
    }

    @Test(arguments: [(nil, nil), (0, nil), (1200, "1,200")] as [(Int?, String?)])
    func rowsThatCarryTheirDocumentsWholeAreToldIfThereAreAny(count: Int?, text: String?) {
        var report = Report(operation: .export)
        report.escaped = count
        #expect(report.html.contains("$rawBSON") == (text != nil))
        if let text { #expect(report.html.contains("<dt>rows as $rawBSON</dt><dd>\(text)</dd>")) }
    }

    // MARK: The drawing

    /// Several references may start at one path.
    @Test func whatDanglesIsDrawnAtItsOwnReference() throws {
        func reference(_ path: String, _ target: String, when type: String? = nil) throws -> Reference {
            Reference(
                collection: "notes", path: try FieldPath(parsing: path), target: target,
                condition: type.map { ReferenceCondition(field: "type", equals: .string($0)) })
        }
        var report = Report(operation: .verify)
        report.collections = ["customers", "notes"].map { CollectionOutcome(name: $0) }
        // A file may name several targets for one case, and one target for several. Alternatives share an outcome.
        report.references = [
            Self.outcome("owner", "companies", condition: #"type = "company""#, dangling: 1),
            Self.outcome("owner", "customers", condition: #"type = "customer""#, dangling: 2),
            Self.outcome("owner", "customers", condition: #"type = "person""#, dangling: 3),
            Self.outcome("owner", "people", condition: #"type = "person""#, dangling: 4),
            Self.outcome("agent", "gone", dangling: 5, isMissing: true),
            Self.outcome("by", "agents or users", dangling: 6),
        ]
        let references = [
            try reference("owner", "companies", when: "company"), try reference("owner", "customers", when: "customer"),
            try reference("owner", "customers", when: "person"), try reference("owner", "people", when: "person"),
            try reference("agent", "gone"), try reference("by", "agents"), try reference("by", "users"),
        ]
        let drawing = report.drawing(references)
        #expect(references.map { drawing.danglingCount(of: $0) } == [1, 2, 3, 4, 5, 6, 6])
        #expect(references.filter { drawing.absence(of: $0) != nil }.map(\.target) == ["gone"])
    }
}
