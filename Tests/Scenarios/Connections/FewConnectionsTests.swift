import BSON
import BackupFile
import MongoDriver
import Relations
import Testing

@testable import MongoFerry

/// No thread takes a second connection if the connection string does not allow for two.
@Suite struct FewConnectionsTests {
    /// Returns a connection with a pool of exactly this size, without the spare connections of an operation.
    private func connection(_ count: Int, to database: TestDatabase) throws -> Connection {
        let uri = try testURI()
        let pool = try ClientPool(
            try ConnectionString(uri + (uri.contains("?") ? "&" : "/?") + "maxPoolSize=\(count)"),
            applicationName: "mongoferry tests")
        return Connection(
            pool: pool, server: try pool.withClient { try $0.serverInfo() }, database: database.name)
    }

    /// Provides policies, and a file of payments and receipts whose references to them must be looked up.
    private func withFile(_ body: (TestDatabase, BackupReader, ImportOptions) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<500).map { ["_id": .int32($0)] }, into: "policies")
            for name in ["payments", "receipts"] {
                // More than are looked up at once.
                try database.insert((0..<25_000).map { ["_id": .int32($0), "policyId": .int32($0)] }, into: name)
            }
            var options = ImportOptions()
            options.jobs = 2
            options.configuration = try Configuration.parse(
                yaml: """
                    collections:
                      policies: {}
                      payments: {references: {policyId: policies}}
                      receipts: {references: {policyId: policies}}
                    """, file: "test.yaml")
            let file = folder.file("payments.csv")
            try database.export(to: file) {
                $0.collections = [Glob("payments"), Glob("receipts")]
                $0.configuration = options.configuration
            }
            try body(database, try BackupReader(try OpenFile(reading: file)), options)
        }
    }

    private func expectDangling(_ outcomes: [ReferenceOutcome]) {
        #expect(outcomes.map(\.checked) == [25_000, 25_000])
        #expect(outcomes.map(\.dangling) == [24_500, 24_500])
    }

    @Test func anImportAsksForReferencesOverTheConnectionThatItWritesWith() throws {
        try withFile { database, reader, options in
            for name in ["payments", "receipts"] { try database.drop(name) }
            var run = try ImportRun(
                options: options, connection: try connection(1, to: database), reader: reader,
                operation: OperationContext())
            let report = try run.run()
            #expect(report.totals.inserted == 50_000)
            expectDangling(report.references)
        }
    }

    @Test func aComparisonReadsFewerCollectionsAtOnceWhereItAsksForReferencesBeside() throws {
        try withFile { database, reader, options in
            var run = try ImportRun(
                options: options, connection: try connection(2, to: database), reader: reader,
                operation: OperationContext())
            let report = try run.run()
            #expect(report.totals.unchanged == 50_000)
            expectDangling(report.references)
        }
    }

    @Test func aCheckAsksOverTheConnectionThatItReadsWith() throws {
        try withFile { database, _, options in
            let check = ReferenceCheck(
                connection: try connection(1, to: database), operation: OperationContext(), databaseName: { $0 })
            expectDangling(try check.run(options.configuration.references))
        }
    }
}
