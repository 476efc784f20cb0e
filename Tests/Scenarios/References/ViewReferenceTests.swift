import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// References to a view, whose documents only a database has.
@Suite struct ViewReferenceTests {
    private static let config = "collections: {act: , orders: {references: {customerId: act}}}"

    /// Provides ten customers, of whom the view shows the first six, and `count` orders.
    private func withOrders(
        of count: Int32, _ body: (_ source: TestDatabase, _ copy: TestDatabase, TemporaryFolder) throws -> Void
    ) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<10).map { ["_id": .int32($0), "active": .bool($0 < 6)] }, into: "customers")
            try source.create("act", ["viewOn": "customers", "pipeline": [["$match": ["active": true]]]])
            try source.insert((0..<count).map { ["_id": .int32($0), "customerId": .int32($0)] }, into: "orders")
            try source.export(to: folder.file("all.csv")) {
                $0.configuration = try Configuration.parse(yaml: Self.config, file: "mongoferry.yaml")
            }
            try body(source, copy, folder)
        }
    }

    private static func verify(_ file: String, _ database: TestDatabase?) throws -> ReferenceOutcome {
        let report = try Verify(file: file, target: try database?.target).runBlocking(OperationContext())
        return try #require(report.references.first)
    }

    @Test func aFileAloneDoesNotJudgeThemAndADatabaseDoes() throws {
        try withOrders(of: 8) { source, _, folder in
            let alone = try Self.verify(folder.file("all.csv"), nil)
            #expect(alone.unchecked == 8 && alone.dangling == 0 && !alone.isTargetMissing)
            let both = try Self.verify(folder.file("all.csv"), source)
            #expect(both.unchecked == 0 && both.checked == 8 && both.dangling == 2 && !both.isTargetMissing)
            let outcome = try Program.run(["verify", folder.file("all.csv")])
            #expect(
                outcome.output.hasPrefix(
                    "orders.customerId → act: 8 values not checked, since the file does not have all of act\n"),
                "\(outcome.output)")
        }
    }

    @Test func aReplaceChecksThemAgainstTheViewThatItMakes() throws {
        try withOrders(of: 6) { _, copy, folder in
            let report = try copy.load(folder.file("all.csv"), .replace) { $0.failsOnDangling = true }
            #expect(report.status == .done, "\(report.error ?? "")")
            #expect(report.references.map(\.checked) == [6] && report.danglingCount == 0)
        }
        try withOrders(of: 8) { _, copy, folder in
            let report = try copy.load(folder.file("all.csv"), .replace) { $0.failsOnDangling = true }
            #expect(report.status == .problems && report.danglingCount == 2)
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aViewThatIsLeftAloneIsAskedWhenItShowsWhatWasWritten(mode: ImportOptions.Mode) throws {
        try withOrders(of: 6) { _, copy, folder in
            try copy.insert((0..<10).map { ["_id": .int32($0), "active": false] }, into: "customers")
            try copy.create("act", ["viewOn": "customers", "pipeline": [["$match": ["active": true]]]])
            let report = try copy.load(folder.file("all.csv"), mode) {
                $0.exclude = [Glob("act")]
                $0.failsOnDangling = true
            }
            #expect(report.status == .done, "\(report.error ?? "")")
            #expect(report.references.map(\.checked) == [6] && report.danglingCount == 0)
        }
    }

    @Test func aPlanShowsTheViewAndDoesNotMissIt() throws {
        try withOrders(of: 6) { source, _, folder in
            try folder.write(Self.config, to: "c.yaml")
            for arguments in [[folder.file("all.csv")], ["--db", source.name, "--config", folder.file("c.yaml")]] {
                let outcome = try Program.run(
                    ["plan"] + arguments, environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.output.contains("customerId → act\n"), "\(outcome.text)")
                #expect(!outcome.output.lowercased().contains("missing"), "\(outcome.text)")
            }
        }
    }
}
