import Foundation
import MongoFerry
import Shop
import Testing

/// A file without metadata says nothing of references: those that a test relies on are stated in code.
@Suite struct PlainFixtureTests {
    static func configuration() throws -> Configuration {
        let customer: FieldPath = try FieldPath(parsing: "customer")
        let types: [FieldPath: FieldType] = [try FieldPath(parsing: "placedAt"): .date]
        let reference = Reference(collection: "orders", path: customer, target: "customers")
        return Configuration(collections: [
            Configuration.Collection(name: "customers"),
            Configuration.Collection(name: "orders", references: [reference], types: types),
        ])
    }

    @Test func anOrderWithoutItsCustomerIsFoundInAPlainFile() async throws {
        let file = NSTemporaryDirectory() + "shop_\(UUID().uuidString).csv"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await ShopTests.fixture.withDatabase { database in
            var options = ExportOptions(destination: .file(path: file, overwriting: false))
            options.plain = true
            _ = try await Export(database.target, options).run()
        }
        let metadata: BackupMetadata? = try Inspection(file).metadata
        #expect(metadata == nil)
        try await Fixture(file, configuration: try Self.configuration()).withDatabase { database in
            try await database.verifyReferences()
            try Shop(uri: database.uri).removeCustomer(ShopTests.amara, keepingOrders: true)
            await #expect(throws: DanglingReferences.self) { try await database.verifyReferences() }
        }
    }
}
