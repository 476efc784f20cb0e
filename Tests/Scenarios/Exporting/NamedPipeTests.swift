import BSON
import Foundation
import MongoFerry
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Exports into named pipes that have no reader at first.
@Suite struct NamedPipeTests {
    /// Exports on a thread of its own.
    private final class Running: Sendable {
        let cancellation = Cancellation()
        private let result = Mutex<Result<Int, any Error>?>(nil)

        init(_ database: TestDatabase, to path: String) throws {
            let options = ExportOptions(destination: .file(path: path, overwriting: false))
            let export = Export(try database.target, options)
            Thread.detachNewThread { [self] in
                let outcome = Result {
                    try export.runBlocking(MessageLog().makeContext(cancellation: cancellation)).totals.read
                }
                result.withLock { $0 = outcome }
            }
        }

        /// Waits for the end and returns the number of records.
        func wait() throws -> Int {
            try poll("the end of an export", seconds: 20) { result.withLock { $0 != nil } }
            return try result.withLock { try $0?.get() ?? -1 }
        }
    }

    private func withPipe(_ body: (TestDatabase, _ path: String, TemporaryFolder) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try #require(mkfifo(folder.file("pipe"), 0o600) == 0)
            try body(database, folder.file("pipe"), folder)
        }
    }

    @Test func anExportThatNobodyReadsCanBeStopped() throws {
        try withPipe { database, path, folder in
            let export = try Running(database, to: path)
            usleep(300_000)
            export.cancellation.cancel()
            #expect(throws: CancellationError.self) { try export.wait() }
            #expect(try folder.names() == ["pipe"])
        }
    }

    /// Otherwise the snapshot would age while nobody reads.
    @Test func whatIsThereWhenAReaderComesIsExported() throws {
        try withPipe { database, path, folder in
            let export = try Running(database, to: path)
            usleep(500_000)
            try database.insert([["_id": 2]], into: "customers")
            try database.insert([["_id": 1]], into: "policies")
            let reader = try #require(FileHandle(forReadingAtPath: path))
            let content = try reader.readToEnd() ?? Data()
            #expect(try export.wait() == 3)
            try content.write(to: URL(fileURLWithPath: folder.file("all.csv")))
            let report = try Verify(file: folder.file("all.csv"), target: try database.target)
                .runBlocking(OperationContext())
            #expect(report.status == .done, "\(report.differences)")
        }
    }

    /// The system's own waiting for a writer would continue.
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func anImportThatNobodyWritesToCanBeStopped(signal: Int32) throws {
        try withPipe { database, path, _ in
            for words in [
                ["import", path, "--db", database.name], ["verify", "--uri-file", path, "--db", database.name],
            ] {
                let program = try Program(words, environment: ["MONGODB_URI": try testURI()])
                // Once the handlers are installed, it waits for a writer.
                try poll("a handler of signals") { program.catchesSignals }
                usleep(200_000)
                program.send(signal)
                let outcome = try program.wait(seconds: 10)
                #expect(outcome.status == 130 && outcome.errors.contains("interrupted"), "\(outcome.text)")
            }
        }
    }

    @Test func anImportWaitsForTheWriterOfItsPipe() throws {
        try withPipe { database, path, folder in
            try database.export(to: folder.file("all.csv"))
            try database.delete("customers", [:])
            let program = try Program(
                ["import", path, "--db", database.name], environment: ["MONGODB_URI": try testURI()])
            usleep(500_000)
            let writer = try #require(FileHandle(forWritingAtPath: path))
            usleep(300_000)
            try writer.write(contentsOf: try Data(contentsOf: URL(fileURLWithPath: folder.file("all.csv"))))
            try writer.close()
            let outcome = try program.wait()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.count("customers") == 1)
        }
    }

    @Test func aMistakeIsToldBeforeAReaderIsWaitedFor() throws {
        try withPipe { database, path, _ in
            let outcome = try Program.run(
                ["export", "--db", database.name, "-o", path, "--collection", "customer"],
                environment: ["MONGODB_URI": try testURI()])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("Did you mean 'customers'?"), "\(outcome.errors)")
        }
    }

    /// These commands read a file more than once, or from its end, and do not wait for somebody to write into it.
    @Test(arguments: ["verify", "inspect", "plan"]) func whatReadsAFileTakesNoPipe(command: String) throws {
        try withPipe { _, path, _ in
            let outcome = try Program([command, path]).wait(seconds: 10)
            #expect(outcome.status == 64, "\(outcome.text)")
            #expect(
                outcome.errors.contains("\(command) reads a file, not a pipe or a device"), "\(outcome.errors)")
        }
    }

    /// An endless stream must not fill the disk first.
    @Test func aStreamThatIsNoBackupIsRefusedBeforeItsEnd() throws {
        try withTestDatabase { database, _ in
            let outcome = try Program.run(["import", "/dev/zero", "--uri", testURI(), "--db", database.name])
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("a line of over 32 MB before the rows"), "\(outcome.errors)")
            #expect(outcome.errors.contains("Nothing was written."), "\(outcome.errors)")
        }
    }
}
