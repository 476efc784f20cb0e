import ArgumentParser
import MongoFerry

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "What a file says about itself, in a second, however large it is.",
        usage: "mongoferry inspect [<options>] <file>",
        discussion: """
            Exit status 2: the seal at the end of the file is missing, or contradicts the metadata at the top. In a file \
            that another program has compressed it is not looked for. Whether everything else is sound, `verify` says.

            Example:
              mongoferry inspect insurance.csv.zst
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "file"))
    var file: String

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    func run() throws {
        let inspection = try Inspection(file)
        for line in inspection.lines { Terminal.standardOutput.line(line) }
        if inspection.isDamaged { throw ExitCode(2) }
    }
}
