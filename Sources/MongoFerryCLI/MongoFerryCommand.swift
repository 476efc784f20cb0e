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
        // A reader that goes away must lead to an error message, not to a signal.
        signal(SIGPIPE, SIG_IGN)
        #if canImport(Glibc)
            // Blocks of 5 MB and more return to the system when they are freed. Otherwise the allocator keeps up to 32
            // MB per thread, and a few 16 MB documents take memory until the end (270 MB instead of 210). Smaller
            // blocks stay, up to three of the largest: libmongoc frees and allocates two per batch, of up to 4 MB,
            // while another thread still holds the one before, and fresh pages cost more than the work done in them.
            mallopt(M_MMAP_THRESHOLD, 5 << 20)
            mallopt(M_TRIM_THRESHOLD, 12 << 20)
        #endif
        // The same for a limit on file sizes.
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
            try RepeatedOptions.check(CommandLine.arguments)
            try command.run()
            try checkOutput(of: command)
        } catch {
            ExitText.exit(error)
        }
        ExitText.leave(0)
    }

    /// - Throws: ``FerryError`` if the command's result could not be printed.
    private static func checkOutput(of command: any ParsableCommand) throws {
        do {
            try Terminal.standardOutput.checkEverythingIsWritten()
        } catch  where command is ExportCommand || command is ImportCommand {
            // What counts is in the file or in the database.
            Terminal.standardError.warning("\(error); all else is done")
        }
    }

    /// Reopens standard streams that are closed: the next file or connection would get the number of standard output,
    /// and what is printed would go there. They are opened for the wrong direction, so that each use of one still
    /// fails.
    private static func keepStandardStreamsApart() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Reports an unknown command before the parser takes its options for the program's own.
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
