import BSON
import BackupFile
import ExtendedJSON
import InsuranceLedger
import MongoFerry
import Relations
import Testing

/// The insurance database of the old backup screen, whose faults must be gone for good.
@Suite struct LedgerTests {
    static let ledger = Ledger(scale: 0.02)

    static func fill(_ database: TestDatabase) throws {
        for collection in ledger.collections {
            try database.create(collection.name, collection.options, indexes: collection.indexes)
            try database.insert((0..<collection.count).map(collection.document), into: collection.name)
        }
    }

    @Test func everyCollectionIsInTheFileAndComesBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let report = try source.export(to: folder.file("all.csv"))
            #expect(Set(report.collections.map(\.name)) == Set(Self.ledger.collections.map(\.name)))
            #expect(report.excluded.isEmpty)
            try copy.load(folder.file("all.csv"))
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }
}
