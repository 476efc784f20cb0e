import Foundation
import Testing

#if os(Linux)
    /// libmongoc counts in shared memory, which stays until the machine is started again where nobody removes it.
    @Suite struct SharedMemoryTests {
        private static func place(of program: Program) -> String { "/dev/shm/mongoc-\(program.process)" }

        /// Runs it with libmongoc's counters, which the tests have switched off else.
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

        /// The second signal ends it at once, and the last one at any time.
        @Test(arguments: [[SIGINT], [SIGINT, SIGTERM], [SIGKILL]])
        func nothingIsLeftOfAnInterruption(_ signals: [Int32]) throws {
            let program = try Self.start([
                "verify", "--uri", "mongodb://127.0.0.1:1/?connectTimeoutMS=500", "--db", "x",
            ])
            try poll("a handler of signals") { program.catchesSignals }
            // It is there, without a name.
            let maps = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/\(program.process)/maps")).readToEnd()
            let isMapped = String(decoding: maps ?? Data(), as: UTF8.self).contains(
                "\(Self.place(of: program)) (deleted)")
            #expect(isMapped)
            // Both before it can do anything about the first.
            program.send(SIGSTOP)
            for signal in signals { program.send(signal) }
            program.send(SIGCONT)
            let outcome = try program.wait(seconds: 60)
            #expect(outcome.status == (signals == [SIGKILL] ? nil : 130), "\(outcome.text)")
            #expect(outcome.errors.contains("stopped at once") == (signals.count > 1), "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: Self.place(of: program)))
        }
    }
#endif
