import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// What a collection of a file is called in the database: the configuration says it, or the file does.
@Suite struct ConfiguredNameTests {
    private static func configuration(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml: yaml, file: "mongoferry.yaml")
    }

    /// A file whose `coverageTypes` is `kinds` in the database, as only the file says, and a database that has other kinds.
    private func withFile(_ body: (_ copy: TestDatabase, _ file: String) throws -> Void) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "l": "liability"]], into: "kinds")
            try source.insert([["_id": 1, "coverageTypeId": 1]], into: "policies")
            let file = folder.file("all.csv")
            try source.export(to: file) {
                $0.configuration = try Self.configuration("collections: {coverageTypes: {collection: kinds}}\n")
            }
            try copy.insert([["_id": 1, "l": "live"], ["_id": 2, "l": "live too"]], into: "kinds")
            try body(copy, file)
        }
    }

    @Test(arguments: ImportOptions.Mode.allCases) func whatIsExcludedByTheDatabasesNameStays(
        mode: ImportOptions.Mode
    ) throws {
        try withFile { copy, file in
            let before = try copy.documents(in: "kinds")
            let configuration = try Self.configuration("exclude: [kinds]\n")
            let report = try copy.load(file, mode) { $0.configuration = configuration }
            #expect(report.excluded.map(\.name) == ["coverageTypes"])
            #expect(try copy.documents(in: "kinds") == before)
            #expect(try copy.names() == ["kinds", "policies"])
            let verified = try Verify(file: file, target: copy.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(verified.excluded.map(\.name) == ["coverageTypes"] && verified.differences.isEmpty)
            let graph = try PlanGraph(file: file, configuration: configuration, OperationContext())
            #expect(!graph.drawing.drawn(as: .text).contains("coverageTypes"))
        }
    }

    /// It must be listed to be a reference's target.
    @Test func anEntryThatSaysNoNameLeavesTheFiles() throws {
        try withFile { copy, file in
            let configuration = try Self.configuration(
                "collections: {policies: {references: {coverageTypeId: coverageTypes}}, coverageTypes: }\n")
            let report = try copy.load(file, .replace) { $0.configuration = configuration }
            #expect(report.status == .done && report.danglingCount == 0)
            #expect(try copy.names() == ["kinds", "policies"])
            #expect(try copy.documents(in: "kinds") == [["_id": 1, "l": "liability"]])
            // Said, it counts, be it the same as the file's.
            let said = try Self.configuration("collections: {coverageTypes: {collection: coverageTypes}}\n")
            try copy.load(file, .replace) { $0.configuration = said }
            #expect(try copy.names() == ["coverageTypes", "kinds", "policies"])
        }
    }

    @Test func whatIsSaidToHaveNoReferencesIsNotLookedAtForThem() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<20).map { ["_id": .int32($0)] }, into: "customers")
            try database.insert((0..<21).map { ["_id": .int32(100 + $0), "customerId": .int32($0)] }, into: "policies")
            let configuration = try Self.configuration(
                "collections: {policies: {references: {}}, customers: {references: {}}}\n")
            let report = try Verify(file: nil, target: database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(report.status == .done && report.references.isEmpty, "\(report.references)")
            try database.export(to: folder.file("all.csv")) { $0.configuration = configuration }
            let file = try Verify(file: folder.file("all.csv"), target: nil).runBlocking(OperationContext())
            #expect(file.status == .done && file.references.isEmpty)
            // Without it there is one.
            let open = try Verify(file: nil, target: database.target).runBlocking(OperationContext())
            #expect(open.references.map(\.dangling) == [1])
        }
    }
}
