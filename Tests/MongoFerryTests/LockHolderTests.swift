import BSON
import Foundation
import Testing

@testable import MongoFerry

/// What a lock's document tells about its holder.
@Suite struct LockHolderTests {
    private func holder(_ pid: Int, host: String? = nil, processes: String? = nil) throws -> LockHolder {
        let here = try #require(LockHolder.processes)
        return LockHolder(
            document: [
                "pid": .int32(Int32(pid)), "host": .string(host ?? ProcessInfo.processInfo.hostName),
                "processes": .string(processes ?? here),
            ])
    }

    #if os(Linux)
        @Test func aProcessThatHasEndedIsDeadAndOnlyHere() throws {
            var (process, words) = (pid_t(0), [strdup("true"), nil])
            defer { free(words[0]) }
            let code = posix_spawn(&process, "/bin/true", nil, nil, &words, nil)
            try #require(code == 0 && waitpid(process, nil, 0) == process)
            let pid = Int(process)
            #expect(try holder(pid).isDead)
            #expect(try !holder(pid, host: "another").isDead)
            #expect(try !holder(pid, processes: "another boot").isDead)
        }

        /// Process 1 is another user's, unless the tests run as root: no signal may be sent to it, and it lives.
        @Test func aProcessThatLivesIsNotDeadWhoeverItBelongsTo() throws {
            for pid in [1, Int(ProcessInfo.processInfo.processIdentifier)] { #expect(try !holder(pid).isDead) }
        }

        /// To `kill`, such numbers are groups of processes.
        @Test func aNumberThatIsNoProcessSaysNothing() throws {
            for pid in [0, -1, -4_000_000] { #expect(try !holder(pid).isDead) }
        }
    #endif

    @Test(
        arguments: [(0, false, 0), (61_000, false, 61), (-30_000, false, 0), (-3_600_000, true, 0)]
            as [(Int, Bool, Int)])
    func aSignOfLifeInTheFutureIsOneOfAClockThatWasSetBack(silence: Int, isOfTheFuture: Bool, seconds: Int) {
        let holder = LockHolder(document: ["silence": .int64(Int64(silence))])
        #expect(holder.isOfTheFuture == isOfTheFuture)
        #expect(holder.silentSeconds == seconds)
    }
}
