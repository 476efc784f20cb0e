import Testing

/// The exit status of commands that are given a file which is no sound backup. The documentation says why they differ.
@Suite struct ExitStatusTests {
    static let commands = ["verify", "import", "inspect", "plan"]

    @Test(
        arguments: [
            // No backup at all: only `verify` has an answer to give.
            ("hello\n", [2, 1, 1, 1]), ("", [2, 1, 1, 1]), ("a,b\n1,2\n", [2, 1, 1, 1]),
            // Faulty rows: the others do not look at all of them.
            ("collection,data\nx,nonsense\n", [2, 2, 0, 0]),
            // A file of format 1 that was cut.
            ("# mongoferry backup, format 1\n", [2, 2, 2, 2]),
        ] as [(String, [Int32])])
    func aFileThatIsNoSoundBackupHasTheStatusOfItsFault(text: String, statuses: [Int32]) throws {
        try withTestDatabase { database, folder in
            try folder.write(text, to: "broken.csv")
            for (command, status) in zip(Self.commands, statuses) {
                let target = command == "import" ? ["--uri", try testURI(), "--db", database.name] : []
                let outcome = try Program.run([command, folder.file("broken.csv")] + target)
                #expect(outcome.status == status, "\(command): \(outcome.text)")
            }
            #expect(try database.names() == [])
        }
    }

    @Test func aFileThatIsNotThereCannotBeVerifiedEither() throws {
        try withTestDatabase { _, folder in
            for command in Self.commands {
                let outcome = try Program.run([command, folder.file("none.csv")])
                #expect(outcome.status == 1, "\(command): \(outcome.text)")
            }
        }
    }
}
