import Foundation
import MongoFerry
import Testing

extension FaultServerTests {
    /// What makes a fixture's end fast, on a server where nobody else drops anything.
    @Suite(.serialized) struct FixtureDropTests {
        /// `dropDatabase` waits for a majority, a tenth of a second.
        @Test func aFixturesCollectionsAreDroppedAndNotItsDatabase() async throws {
            let server = try FaultServerTests.server.get()
            let path = NSTemporaryDirectory() + "drop_\(UInt64.random(in: 0 ... .max)).csv"
            defer { try? FileManager.default.removeItem(atPath: path) }
            try LegacyFile.text().write(toFile: path, atomically: true, encoding: .utf8)
            let database = try await Fixture(path, on: FixtureServer(uri: server.uri())).restore()
            let drops = try FailPoint(server, ["drop"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1])
            try await database.drop()
            try drops.end(times: database.collections.count)
            let names = try server.pool().withClient { try $0.listDatabaseNames() }
            #expect(!names.contains(database.name))
        }
    }
}
