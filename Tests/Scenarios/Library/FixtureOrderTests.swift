import Foundation
import Synchronization
import Testing

@testable import MongoFerry

/// Fixtures that wait for others, and invalid ones.
@Suite struct FixtureOrderTests {
    @Test func whoWaitsForAnotherFixtureCanBeStopped() throws {
        let uri = try testURI()
        let server = FixtureServer(uri: uri + (uri.contains("?") ? "&" : "/?") + "maxPoolSize=1")
        let (isLent, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        try SystemThread.start {
            try? server.withConnection(to: "a") { _ in
                isLent.signal()
                mayEnd.wait()
            }
        }
        defer { mayEnd.signal() }
        try #require(isLent.wait(timeout: .now() + 30) == .success)
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: CancellationError.self) { try server.withConnection(to: "b", cancellation) { _ in } }
    }

    /// Two programs may choose the same name: nothing of the other's is dropped.
    @Test func aNewDatabaseWhoseNameIsTakenIsLeftAlone() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "others")
            try folder.write(LegacyFile.text(rows: [LegacyFile.row("a", json: #"{"_id":1}"#)]), to: "a.csv")
            let fixture = Fixture(folder.file("a.csv"), on: FixtureServer(uri: try testURI()))
            let error = try #require(throws: FerryError.self) {
                try fixture.restoreBlocking(to: database.name, OperationContext())
            }
            #expect(error.text == "\(database.name) was to be a new database, and it is not empty")
            #expect(try database.documents(in: "others") == [["_id": 1]])
            #expect(try database.names() == ["others"])
        }
    }

    @Test func aTargetThatIsNowhereIsAnErrorOfTheConfiguration() async throws {
        let path = NSTemporaryDirectory() + "wrong_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try LegacyFile.text(rows: [LegacyFile.row("users", json: #"{"_id":1,"agent":1}"#)])
            .write(toFile: path, atomically: true, encoding: .utf8)
        let configuration = try Configuration.parse(
            yaml: "collections: {users: {references: {agent: usr}}}", file: "mongoferry.yaml")
        let error = await #expect(throws: ConfigurationError.self) {
            try await Fixture(path, on: FixtureServer(uri: testURI()), configuration: configuration).restore()
        }
        #expect(error.map { "\($0)".contains("usr") } == true)
    }
}
