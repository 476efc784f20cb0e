import BSON
import BackupFile
import Foundation
import Synchronization
import Testing

@testable import MongoFerry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Pipes and descriptors that a shell or a program has opened, under the names that they have there.
@Suite struct OpenStreamTests {
    private func shell(_ script: String, _ interpreter: String = "/bin/sh") throws -> Program.Outcome {
        try Program(
            ["-c", script], executable: interpreter,
            environment: ["MONGODB_URI": try testURI(), "MONGOFERRY": try Program.path()]
        ).wait(seconds: 60)
    }

    private static func hasRoom(_ descriptor: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        #if canImport(Glibc)
            return Glibc.poll(&waiting, 1, 0) != 0
        #else
            return Darwin.poll(&waiting, 1, 0) != 0
        #endif
    }

    /// Those that this system has.
    private static let namesOfStandardOutput =
        ["-"] + ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].filter(FileManager.default.fileExists(atPath:))

    @Test(arguments: namesOfStandardOutput)
    func aConfigurationOnStandardOutputIsAllThatComesThere(name: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            let (piped, direct) = (folder.file("piped.yaml"), folder.file("direct.yaml"))
            for (end, file) in [("| cat > '\(piped)'", piped), ("> '\(direct)'", direct)] {
                let outcome = try shell("\"$MONGOFERRY\" discover --db \(database.name) -o \(name) \(end)")
                #expect(outcome.status == 0, "\(outcome.text)")
                let text = try String(contentsOfFile: file, encoding: .utf8)
                #expect(text.contains("  customers:"))
                _ = try Configuration.parse(yaml: text, file: file)
            }
        }
    }

    /// zsh gives its pipes such names.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fd")))
    func rowsOfAPipeByItsNumberAreSetAsideInTheCurrentFolder() throws {
        try withTestDatabase { database, folder in
            let bad = #"users,"{""name"":""no id""}""#
            try folder.write("collection,data\nusers,\"{\"\"_id\"\":1}\"\n\(bad)\n", to: "users.csv")
            let outcome = try shell(
                """
                cd '\(folder.path)'
                cat users.csv | "$MONGOFERRY" import /proc/self/fd/0 --db \(database.name) --max-rejects 1
                """)
            #expect(outcome.status == 2, "\(outcome.text)")
            #expect(try folder.text("stdin.rejects.csv").hasSuffix(bad + "\n"), "\(outcome.text)")
        }
    }

    /// Some output has been written by then.
    @Test func anExportIntoAPipeThatIsInterruptedIsSaidToBeCut() throws {
        try withTestDatabase { database, folder in
            let large = Value.string(String(repeating: "x", count: 1 << 20))
            try database.insert((0..<4).map { ["_id": .int32($0), "large": large] }, into: "large")
            let (pipe, report) = (folder.file("pipe"), folder.file("report.json"))
            try #require(mkfifo(pipe, 0o600) == 0)
            let program = try Program(
                ["export", "--db", database.name, "-o", pipe, "--report", report],
                environment: ["MONGODB_URI": try testURI()])
            let reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            var have = 0
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            try poll("the first bytes") {
                have += max(0, read(reader, &buffer, buffer.count))
                return have > 0
            }
            program.send(SIGINT)
            let outcome = try program.wait(seconds: 30)
            #expect(outcome.status == 130)
            #expect(
                outcome.errors.contains("the output so far is incomplete and is not a usable backup"), "\(outcome.text)"
            )
            #expect(try folder.text("report.json").contains("is not a usable backup"))
        }
    }

    /// The rest of what a stopped export was writing does not end up in a file that the program opens later.
    @Test func aStoppedExportWritesIntoNoOtherFile() throws {
        try withTestDatabase { database, folder in
            let large = Value.string(String(repeating: "x", count: 1 << 20))
            try database.insert((0..<2).map { ["_id": .int32($0), "large": large] }, into: "large")
            let ends = try OwnDescriptors.newPipe()
            defer { close(ends.reading) }
            // Non-blocking, like an event loop's: a writer waits in poll(2).
            _ = fcntl(ends.writing, F_SETFL, O_NONBLOCK)
            let cancellation = Cancellation()
            let export = Export(
                try database.target,
                ExportOptions(destination: .descriptor(OpenFile(borrowing: ends.writing, path: "socket"))))
            let hasEnded = Mutex(false)
            try SystemThread.start {
                #expect(throws: CancellationError.self) {
                    try export.runBlocking(MessageLog().makeContext(cancellation: cancellation))
                }
                hasEnded.withLock { $0 = true }
            }
            try poll("a full pipe") { !Self.hasRoom(ends.writing) }
            cancellation.cancel()
            try poll("the end of the export") { hasEnded.withLock { $0 } }
            let other = open(folder.file("other"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            try #require(other >= 0 && dup2(other, ends.writing) == ends.writing)
            close(other)
            defer { close(ends.writing) }
            // This makes room for the rest of what was being written.
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(ends.reading, &buffer, buffer.count)
            #expect(count > 0)
            usleep(300_000)
            #expect(try folder.text("other") == "")
        }
    }
}
