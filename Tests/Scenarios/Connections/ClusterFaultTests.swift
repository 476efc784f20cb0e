import BSON
import MongoDriver
import Testing

extension FaultServerTests {
    /// The answers of a sharded cluster's routers, simulated by a server that is none.
    @Suite(.serialized) struct ClusterFaultTests {
        let server: OwnServer

        init() throws { server = try FaultServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ more: [String]) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", "replace", "--yes"] + more
        }

        /// LockBusy and ConflictingOperationInProgress: a chunk is being migrated.
        @Test(arguments: [46, 117] as [Int32]) func whatPassesInAClusterIsWaitedFor(code: Int32) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try FaultData.fill(database, generation: "old", count: 207)
                let failure = try FailPoint(
                    server, ["drop"], mode: .times(2),
                    ["errorCode": .int32(code), "namespace": .string("\(database.name).policies")])
                let outcome = try Program.run(importing(database, file, ["--in-place"]))
                try #expect(failure.off() > 0)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        /// MovePrimaryInProgress is not a fault of the documents.
        @Test func documentsAreNotSetAsideWhileTheirCollectionMoves() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                _ = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(server, ["insert"], mode: .alwaysOn, ["errorCode": 319])
                let outcome = try Program.run(importing(database, file, ["--max-rejects", "100000"]))
                try #expect(failure.off() > 0)
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(try folder.names() == ["new.csv"])
            }
        }

        /// Running the same import again would fail at the same point.
        @Test func aRenameThatAClusterNeverDoesIsToldWithTheWayOut() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try FaultData.fill(database, generation: "old", count: 207)
                let failure = try FailPoint(server, ["renameCollection"], mode: .alwaysOn, ["errorCode": 13139])
                let outcome = try Program.run(importing(database, file, []))
                try #expect(failure.off() > 0)
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("Run the import again with --in-place"), "\(outcome.errors)")
                #expect(!outcome.errors.contains("it finishes the job."), "\(outcome.errors)")
                let again = try Program.run(importing(database, file, ["--in-place"]))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }
    }
}
