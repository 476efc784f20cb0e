import ArgumentParser
import CGlibc
import Foundation
import MongoDriver
import MongoFerry
import Relations

@main
struct MongoFerryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mongoferry",
        abstract: "Carries MongoDB collections between live databases and reviewable CSV files, losing nothing.",
        discussion: """
            Every command says what it does with --help. Exit status: 0 done; 1 it could not be done; 2 problems in the \
            data were found; 64 wrong usage; 130 interrupted.

            Examples:
              export MONGODB_URI=mongodb://localhost:27017
              mongoferry export --db insurance -o insurance.csv.zst
              mongoferry import insurance.csv.zst --db insurance --dry-run
              mongoferry verify insurance.csv.zst --db insurance
            """,
        version:
            "mongoferry \(mongoFerryVersion) (libmongoc \(LibraryVersion.libmongoc), libbson \(LibraryVersion.libbson))",
        subcommands: [
            ExportCommand.self, ImportCommand.self, VerifyCommand.self, InspectCommand.self, PlanCommand.self,
            DiscoverCommand.self,
        ])

    static func main() {
        SharedCounters.remove()
        keepStandardStreamsApart()
        // A reader that goes away shall be an error with a text, not a signal.
        signal(SIGPIPE, SIG_IGN)
        #if canImport(Glibc)
            // Blocks of 5 MB and more go back to the system when they are freed: without this the allocator keeps up to
            // 32 MB of each thread's, and a few 16 MB documents are paid for to the end (270 MB instead of 210). Smaller
            // ones stay, up to three of the largest: libmongoc frees and takes two a batch, of up to 4 MB, while another
            // thread still has the one before, and fresh pages cost more than what is done with them.
            mallopt(M_MMAP_THRESHOLD, 5 << 20)
            mallopt(M_TRIM_THRESHOLD, 12 << 20)
        #endif
        // A limit on file sizes likewise.
        signal(SIGXFSZ, SIG_IGN)
        Surroundings.allowMoreFiles()
        Surroundings.checkArguments()
        nameUnknownCommand()
        var command: any ParsableCommand
        do {
            command = try parseAsRoot()
        } catch {
            ExitText.exit(error)
        }
        Interruption.listen()
        do {
            try MisplacedAddress.check(CommandLine.arguments)
            try command.run()
            try checkOutput(of: command)
        } catch {
            ExitText.exit(error)
        }
        ExitText.leave(0)
    }

    /// - Throws: ``FerryError`` where what the command was asked for could not be shown.
    private static func checkOutput(of command: any ParsableCommand) throws {
        do {
            try Terminal.standardOutput.checkEverythingIsWritten()
        } catch  where command is ExportCommand || command is ImportCommand {
            // What counts is in the file or in the database.
            Terminal.standardError.warning("\(error); all else is done")
        }
    }

    /// Whoever started the program may have closed standard output: the next file or connection would get its number,
    /// and what is printed would go there. Opened the wrong way round, so that each use of one still fails.
    private static func keepStandardStreamsApart() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Says that a command does not exist before the parser takes its options for the program's own.
    private static func nameUnknownCommand() {
        var words = CommandLine.arguments.dropFirst()
        let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        if words.first == "help" { words.removeFirst() }
        guard let word = words.first, !word.hasPrefix("-") else { return }
        guard !names.contains(word) else { return }
        ExitText.exit(
            FerryError(
                "there is no command '\(Secrets.hidden(in: word))'", kind: .usage,
                advice: [
                    NearestName.nearest(to: word, among: names).map { "Did you mean '\($0)'?" }
                        ?? "The commands are \(names.joined(separator: ", "))."
                ]))
    }
}
