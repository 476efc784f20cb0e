import BSON
import Foundation
import InsuranceLedger
import MongoFerry
import Relations
import Testing

/// A file written with `--plain` does not declare its references: they are found in its rows.
@Suite struct BareReferenceTests {
    /// Runs `body` with a database that holds the ledger and two files exported from it.
    private func withFiles(
        _ body: (TestDatabase, _ sealed: String, _ bare: String, TemporaryFolder) throws -> Void
    ) throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            let (sealed, bare) = (folder.file("sealed.csv"), folder.file("bare.csv"))
            try database.export(to: sealed)
            try database.export(to: bare) { $0.plain = true }
            try body(database, sealed, bare, folder)
        }
    }

    @Test func aPlanOfABareFileHasTheReferencesOfASealedOne() throws {
        try withFiles { _, sealed, bare, _ in
            let graphs = try [sealed, bare].map { file in
                try PlanGraph(file: file, configuration: Configuration(), OperationContext()).drawing.graph
            }
            let references = graphs.map { graph in
                graph.references.map { "\($0.collection).\($0.path) → \($0.target)" }
            }
            #expect(references[0].count == 10)
            #expect(references[1] == references[0])
            #expect(graphs[1].order == graphs[0].order)
        }
    }

    @Test(arguments: ImportOptions.Mode.allCases)
    func aBareFileIsImportedInTheOrderOfItsReferences(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            try source.export(to: folder.file("bare.csv")) { $0.plain = true }
            let report = try copy.load(folder.file("bare.csv"), mode)
            #expect(report.status == .done, "\(report.warnings)")
            let chain = ["users", "customers", "policies", "payments", "receipts"]
            #expect(report.collections.map(\.name).filter(chain.contains) == chain)
            #expect(report.references.count == 10)
            #expect(report.references.allSatisfy { $0.dangling == 0 && $0.checked > 0 })
        }
    }

    @Test func whatLeadsNowhereInABareFileIsNamed() throws {
        try withFiles { _, _, bare, folder in
            let sound = try Program.run(["verify", bare])
            #expect(sound.status == 0, "\(sound.text)")
            let policy = try #require(LedgerTests.ledger.collection("policies")).document(0)
            let customer = try #require(policy["customerId"]?.objectID)
            let start = "customers,\"{\"\"_id\"\":{\"\"$oid\"\":\"\"\(customer)\"\"}"
            let lines = try folder.text("bare.csv").split(separator: "\n")
            let kept = lines.filter { !$0.hasPrefix(start) }
            try #require(kept.count == lines.count - 1)
            try folder.write(kept.joined(separator: "\n") + "\n", to: "less.csv")
            let less = try Program.run(["verify", folder.file("less.csv")])
            #expect(less.status == 2, "\(less.text)")
            #expect(less.text.contains("policies.customerId → customers"), "\(less.text)")
            #expect(less.text.contains("\(customer)"), "\(less.text)")
            let report = try Verify(file: folder.file("less.csv"), target: nil).runBlocking(OperationContext())
            let dangling = report.references.filter { $0.collection == "policies" && $0.path == "customerId" }
            #expect(dangling.map(\.target) == ["customers"])
            #expect(dangling.flatMap(\.examples).map(\.value).allSatisfy { $0 == .objectID(customer) })
            #expect(dangling.allSatisfy { $0.dangling > 0 })
        }
    }
}
