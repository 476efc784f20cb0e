import ArgumentParser
import MongoFerry
import Relations

struct DiscoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Read a live database and write a configuration: collections, references, types.",
        usage: "mongoferry discover [<options>]",
        discussion: """
            Each reference stands there with its evidence; what was close but not sure is named in a comment.

            Example:
              mongoferry discover --db insurance -o mongoferry.yaml
            """)

    @OptionGroup(title: "Discover options") var choices: Choices

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    /// The options that only discover has.
    struct Choices: ParsableArguments {
        @Option(
            name: [.short, .customLong("output")],
            help: ArgumentHelp("File to write; - is standard output, as is the default.", valueName: "file"))
        var output: String?

        @Flag(help: "Overwrite the file if it exists.")
        var force = false
    }

    func run() throws {
        let (operation, display) = common.operation()
        defer { display.end() }
        let output = OutputPlace.isStandardOutput(choices.output) ? nil : choices.output
        if let output {
            // The configuration may be overwritten; the connection string's file may not.
            let isAddress = common.uriFile.map { WholeFile.isSame(output, $0) } ?? false
            try OutputPlace(path: output, overwrites: choices.force)
                .check(isOwn: isAddress ? "the connection string's file" : nil)
        }
        let found = try DiscoveredConfiguration(common.target(), configuration: common.configuration(), operation)
        display.end()
        guard let output else {
            Terminal.standardOutput.result(found.yaml.hasSuffix("\n") ? String(found.yaml.dropLast()) : found.yaml)
            return
        }
        do {
            try WholeFile.write(found.yaml, to: output, mode: WholeFile.sharedMode, overwriting: choices.force)
        } catch let error where !(error is CancellationError) {
            throw FerryError("\(output): cannot write: \(WholeFile.reason(error))")
        }
        if !common.quiet {
            Terminal.standardOutput.line(
                "\(output): \(found.references.count.counted("reference")), \(found.candidates.count.counted("uncertain candidate"))"
            )
        }
    }
}
