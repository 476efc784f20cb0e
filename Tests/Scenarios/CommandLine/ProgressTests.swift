import BSON
import Foundation
import MongoFerry
import Testing

/// What users see while they wait, on terminals and elsewhere.
@Suite(.serialized, .onThreadOfItsOwn("progress")) struct ProgressTests {
    /// Inserts enough documents for an export and an import to be seen at work.
    private static func fill(_ database: TestDatabase, count: Int = 20_000) throws {
        let padding = String(repeating: "x", count: 400)
        for start in stride(from: 0, to: count, by: 5000) {
            try database.insert(
                (start..<start + 5000).map { ["_id": .int32(Int32($0)), "text": .string(padding)] }, into: "policies")
        }
        try database.insert([["_id": 1, "policyId": 7]], into: "payments")
    }

    private static func environment(_ more: [String: String] = [:]) throws -> [String: String] {
        ["MONGODB_URI": try testURI()].merging(more) { $1 }
    }

    @Test(arguments: [100, 80, 40, 20])
    func theProgressLineStaysOnItsLineAndLeavesTheLogWhole(columns: Int) throws {
        try withTwoTestDatabases { source, copy, folder in
            // The line is drawn five times a second: each phase must last longer than that, even on a fast machine.
            try Self.fill(source, count: 80_000)
            let file = folder.file("all.csv")
            for step in [
                ["export", "--db", source.name, "-o", file],
                ["import", file, "--db", copy.name, "--mode", "replace", "--yes"],
            ] {
                let terminal = try PseudoTerminal(step, environment: try Self.environment(), columns: columns)
                #expect(try terminal.wait() == 0, "\(terminal.text)")
                let raw = terminal.text
                // Nothing of the progress line remains, and it has not broken other output.
                let screen = Screen(raw, columns: columns)
                #expect(!screen.text.contains(" left") && !screen.text.contains("preflight"), "\(screen.text)")
                #expect(screen.text.contains("total"), "\(screen.text)")
                // An export of this size may be over before its phase is drawn.
                if step[0] == "import" {
                    for phase in ["preflight", "load"] {
                        // It is bold if there is room for more than the phase.
                        #expect(raw.contains(columns > 20 ? "\u{1B}[1m\(phase)" : "\u{1B}[?7l\(phase)"), "\(phase)")
                    }
                    #expect(screen.text.hasPrefix("import into"), "\(screen.text)")
                    #expect(screen.text.contains("1. policies"), "\(screen.text)")
                }
            }
        }
    }

    @Test func inANarrowerWindowTheOldLineIsTakenAwayWhole() throws {
        try withTestDatabase { database, folder in
            try withOpenPipe(in: folder) { pipe in
                let terminal = try PseudoTerminal(
                    ["import", pipe, "--db", database.name], environment: try Self.environment(), columns: 120)
                try poll("a progress line") { terminal.text.contains("\u{1B}[1mread") }
                terminal.resize(columns: 30)
                // The line that fitted now takes several: the cursor moves up before it is erased.
                try poll("the old line's end") { terminal.text.contains(/\r\u{1B}\[\d+A\u{1B}\[J/) }
                kill(terminal.process, SIGINT)
                #expect(try terminal.wait() == 130)
            }
        }
    }

    @Test func anImportOfNothingOnATerminalAsksForAFile() throws {
        let terminal = try PseudoTerminal(
            ["import", "--db", "insurance"], environment: try Self.environment(), columns: 80)
        #expect(try terminal.wait() == 64)
        #expect(terminal.text.contains("which file?"), "\(terminal.text)")
    }

    @Test(arguments: [["NO_COLOR": "1"], ["TERM": "dumb"], ["flag": "--no-color"]])
    func coloursAreLeftOutWhereTheyAreNotWanted(setting: [String: String]) throws {
        try withTestDatabase { database, folder in
            var environment = try Self.environment(setting)
            let flags = environment.removeValue(forKey: "flag").map { [$0] } ?? []
            try withOpenPipe(in: folder) { pipe in
                let terminal = try PseudoTerminal(
                    ["import", pipe, "--db", database.name] + flags, environment: environment, columns: 80)
                // A dumb terminal gets no control sequences at all; without colours, the line still stays in place.
                let isSteady = setting["TERM"] != "dumb"
                try poll("a line of progress", seconds: 20) {
                    terminal.text.contains("16 bytes") && terminal.text.contains("\u{1B}") == isSteady
                }
                kill(terminal.process, SIGINT)
                #expect(try terminal.wait() == 130)
                let raw = terminal.text
                #expect(!raw.contains(/\u{1B}\[[0-9;]*m/), "\(raw)")
                #expect(raw.contains("\u{1B}") == isSteady, "\(raw)")
            }
        }
    }

    @Test func withQuietNothingIsDrawnOnATerminalEither() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let terminal = try PseudoTerminal(
                ["export", "--db", database.name, "-o", folder.file("all.csv"), "--quiet"],
                environment: try Self.environment(), columns: 80)
            #expect(try terminal.wait() == 0)
            #expect(terminal.text == "")
        }
    }

    @Test func elsewhereThereAreNoControlSequencesAtAll() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            for step in [
                ["export", "--db", source.name, "-o", folder.file("all.csv")],
                ["import", folder.file("all.csv"), "--db", copy.name],
                ["verify", folder.file("all.csv"), "--db", copy.name],
            ] {
                let outcome = try Program.run(step, environment: try Self.environment())
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(!outcome.text.contains("\u{1B}") && !outcome.text.contains("\r"), "\(outcome.text)")
            }
        }
    }

    @Test func elsewhereALineEveryFewSecondsTellsThatItIsStillAtWork() throws {
        try withTestDatabase { database, folder in
            try withWaitingImport(into: database, folder, environment: try Self.environment()) { program in
                let began = ContinuousClock.now
                program.send(SIGINT)
                let outcome = try program.wait()
                #expect(outcome.status == 130)
                #expect(outcome.errors.hasSuffix("mongoferry: interrupted; nothing was changed\n"), "\(outcome.errors)")
                #expect(ContinuousClock.now - began < .seconds(3), "though nothing more came")
            }
        }
    }

    // MARK: Ctrl-C

    @Test func anExportOnATerminalIsStoppedCleanly() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, count: 80_000)
            // The export may be complete before it can be stopped.
            let wasStopped = try (0..<5).contains { _ in try Self.isStopped(database, folder) }
            #expect(wasStopped)
        }
    }

    /// - Returns: whether the export was stopped before it was complete.
    private static func isStopped(_ database: TestDatabase, _ folder: TemporaryFolder) throws -> Bool {
        let file = folder.file("all.csv")
        let terminal = try PseudoTerminal(
            ["export", "--db", database.name, "-o", file, "--jobs", "1"], environment: try environment(), columns: 80)
        try poll("a progress line, or the end") {
            terminal.text.contains("\u{1B}[1m") || terminal.text.contains("total")
        }
        kill(terminal.process, SIGINT)
        let status = try terminal.wait()
        guard status != 0 else {
            try FileManager.default.removeItem(atPath: file)
            return false
        }
        #expect(status == 130)
        #expect(terminal.text.contains("interrupted; no file was written"), "\(terminal.text)")
        #expect(try folder.names() == [])
        return true
    }

    // MARK: The question

    @Test(arguments: [("yes\n", Int32(0)), ("no\n", 1), ("\n", 1)])
    func replaceAsksOnATerminalAndWritesOnlyAfterYes(answer: String, status: Int32) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "policies")
            try database.export(to: folder.file("all.csv"))
            try database.insert([["_id": 2]], into: "policies")
            let terminal = try PseudoTerminal(
                ["import", folder.file("all.csv"), "--db", database.name, "--mode", "replace"],
                environment: try Self.environment(), columns: 80)
            try poll("the question") { terminal.text.contains("Type yes: ") }
            terminal.type(answer)
            #expect(try terminal.wait() == status, "\(terminal.text)")
            #expect(try database.count("policies") == (status == 0 ? 1 : 2))
        }
    }
}
