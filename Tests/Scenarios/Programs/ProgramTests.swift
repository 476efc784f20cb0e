import Foundation
import Testing

/// What the other tests' programs tell about themselves: a fault here would let them pass.
@Suite struct ProgramTests {
    @Test(.enabled("needs Linux's /proc") { FileManager.default.fileExists(atPath: "/proc/self/status") })
    func aLimitOfMemoryFailsWhereNothingWasMeasured() throws {
        let program = try Program(["-c", "exit 0"], executable: "/bin/sh", measuresMemory: true)
        try poll("its end") { program.isOver }
        let outcome = try program.wait()
        #expect(outcome.status == 0)
        #expect(outcome.peakMegabytes == .max)
    }

    @Test func thePeakOfAProgramThatIsMeasuredIsItsOwn() throws {
        let program = try Program(["-c", "sleep 0.3"], executable: "/bin/sh", measuresMemory: true)
        #expect(try program.wait().peakMegabytes < 100)
    }

    @Test func theEndOfAProgramInATerminalIsToldOnce() throws {
        let terminal = try PseudoTerminal(["--version"], environment: [:], columns: 80)
        #expect(try terminal.wait() == 0)
        #expect(throws: POSIXError.self) { try terminal.wait() }
    }

    @Test func aProgramInATerminalThatTakesTooLongIsKilledAndLeavesNoZombie() throws {
        let server = try FakeServer(.silent)
        let uri = "mongodb://127.0.0.1:\(server.port)/?serverSelectionTimeoutMS=30000"
        let terminal = try PseudoTerminal(["verify", "--uri", uri, "--db", "x"], environment: [:], columns: 80)
        #expect(throws: TooLate.self) { try terminal.wait(seconds: 0.3) }
        #expect(kill(terminal.process, 0) == -1 && errno == ESRCH)
    }

    @Test func aServerThatIsNoneTakesNoPortThatIsTaken() throws {
        let server = try FakeServer(.closing)
        let error = #expect(throws: POSIXError.self) { try FakeServer(.closing, port: server.port) }
        #expect(error?.code == .EADDRINUSE)
        #expect(try server.countConnections() == 0)
    }
}
