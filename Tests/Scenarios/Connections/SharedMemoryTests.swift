import Foundation
import Testing

#if os(Linux)
    /// libmongoc keeps counters in shared memory, which stays until the machine restarts unless somebody removes it.
    @Suite struct SharedMemoryTests {
        private static func place(of program: Program) -> String { "/dev/shm/mongoc-\(program.process)" }

        /// Starts the program with libmongoc's counters, which the tests otherwise disable.
        private static func start(_ arguments: [String]) throws -> Program {
            try Program(["-u", "MONGOC_DISABLE_SHM", try Program.path()] + arguments, executable: "/usr/bin/env")
        }

        @Test(
            arguments: [(["--version"], 0), (["inspect", "/nosuch.csv"], 1), (["bogus"], 64)] as [([String], Int32)])
        func nothingIsLeftOfAnEnd(_ arguments: [String], _ status: Int32) throws {
            let program = try Self.start(arguments)
            let outcome = try program.wait()
            #expect(outcome.status == status, "\(outcome.text)")
            #expect(!FileManager.default.fileExists(atPath: Self.place(of: program)))
        }

        @Test(arguments: [SIGINT, SIGKILL]) func nothingIsLeftOfAnInterruption(_ signal: Int32) throws {
            let program = try Self.start([
                "verify", "--uri", "mongodb://127.0.0.1:1/?connectTimeoutMS=500", "--db", "x",
            ])
            try poll("a handler of signals") { program.catchesSignals }
            // The memory is mapped, but has no name any more.
            let maps = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/\(program.process)/maps")).readToEnd()
            let isMapped = String(decoding: maps ?? Data(), as: UTF8.self).contains(
                "\(Self.place(of: program)) (deleted)")
            #expect(isMapped)
            program.send(signal)
            let outcome = try program.wait(seconds: 60)
            #expect(outcome.status == (signal == SIGKILL ? nil : 130), "\(outcome.text)")
            #expect(!FileManager.default.fileExists(atPath: Self.place(of: program)))
        }
    }
#endif
