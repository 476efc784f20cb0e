@testable import MongoFerry
import Relations
import Testing

@testable import MongoFerryCLI

/// Text for terminals: widths, wrapping and tables.
@Suite struct TerminalTextTests {
    @Test(arguments: [("policies", 8), ("é", 1), ("e\u{301}", 1), ("保険", 4), ("한국", 4), ("→", 1), ("🚢", 2)])
    func columnsAreCountedAsTerminalsDrawThem(text: String, columns: Int) {
        #expect(TextWidth.columns(text) == columns)
    }

    @Test(arguments: [("DEBUG", "debug"), ("trace", "debug"), ("Info", "info"), ("error", "warning"), ("loud", nil)])
    func levelsOfOtherProgramsAreUnderstood(name: String, level: String?) {
        #expect(CommonOptions.LogLevel(argument: name)?.rawValue == level)
    }

    @Test func cuttingNeverSplitsACharacterNorExceedsTheLimit() {
        #expect(TextWidth.cut("保険証券", to: 6) == "保険…")
        #expect(TextWidth.cut("policies", to: 8) == "policies")
        #expect(TextWidth.cut("policies", to: 5) == "poli…")
    }

    @Test func nothingInANameCanSteerTheTerminal() {
        let hostile = "a\u{1B}]0;owned\u{7}\u{9B}2J\u{202E}txt.exe\u{FEFF}\u{FFFE}\r\nb"
        for text in [hostile.harmless, hostile.oneLine] {
            let hidden: Set<UInt32> = [0x1B, 0x07, 0x9B, 0x202E, 0xFEFF, 0xFFFE, 0x0D]
            #expect(!text.unicodeScalars.contains { hidden.contains($0.value) }, "\(text)")
        }
        #expect(!hostile.oneLine.contains("\n"))
        #expect("Ελλάδα, 日本, naïve".oneLine == "Ελλάδα, 日本, naïve")
    }

    @Test func longLinesBreakBetweenWordsAndKeepTheirIndent() {
        let text = "mongoferry: it failed\n  Run `mongoferry verify a.csv --db b` again and see what it finds in there."
        let lines = Wrapping.wrapped(StyledText(text), to: 36).plain.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "mongoferry: it failed", "  Run", "    `mongoferry verify a.csv --db b`",
                "    again and see what it finds in", "    there.",
            ])
        #expect(Wrapping.wrapped(StyledText(text), to: 100).plain == text)
    }

    // MARK: Tables

    private static func report() -> Report {
        var report = Report(operation: .import)
        var customers = CollectionOutcome(name: "customers")
        (customers.read, customers.unchanged, customers.updated, customers.seconds) = (40_000, 39_999, 1, 2)
        var policies = CollectionOutcome(name: "a_collection_with_a_rather_long_name")
        (policies.read, policies.inserted, policies.seconds) = (60_000, 60_000, 3)
        report.collections = [customers, policies]
        report.references = [
            ReferenceOutcome(collection: customers.name, path: "agent", target: "users", targetNames: ["users"])
        ]
        report.references[0].dangling = 3
        report.seconds = 6
        return report
    }

    private static func lines(_ width: Int?) throws -> [String] {
        try #require(Summary.table(report())).lines(width: width).map(\.plain)
    }

    @Test func theSummaryHasAColumnForEachNumber() throws {
        #expect(
            try Self.lines(nil) == [
                "collection                               read  inserted  updated  unchanged  deleted  rejected  dangling  seconds      rate",
                "customers                              40,000         0        1     39,999        0         0         3      2.0  20,000/s",
                "a_collection_with_a_rather_long_name   60,000    60,000        0          0        0         0         0      3.0  20,000/s",
                "total                                 100,000    60,000        1     39,999        0         0         3      6.0  16,666/s",
            ])
    }

    @Test func inLessRoomTheSummaryLeavesOutWhatIsNothingAndCutsNames() throws {
        let lines = try Self.lines(80)
        #expect(
            lines.first == "collection                 read  inserted  updated  unchanged  dangling  seconds")
        #expect(lines.allSatisfy { TextWidth.columns($0) <= 80 })
        #expect(lines[2].hasPrefix("a_collection_with_a_r…"), "\(lines[2])")
    }

    @Test func inVeryLittleRoomTheSummaryIsAList() throws {
        let lines = try Self.lines(40)
        #expect(
            lines.prefix(4) == [
                "customers", "  read 40,000 updated 1 unchanged 39,999", "  dangling 3 seconds 2.0 rate 20,000/s",
                "a_collection_with_a_rather_long_name",
            ])
        for width in 10...140 {
            #expect(try Self.lines(width).allSatisfy { TextWidth.columns($0) <= max(width, 20) }, "\(width)")
        }
    }
}
