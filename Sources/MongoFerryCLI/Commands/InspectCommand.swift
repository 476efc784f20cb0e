import ArgumentParser
import MongoFerry

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "What a file says about itself, in a second, however large it is.",
        usage: "mongoferry inspect [<options>] <file>",
        discussion: """
            Example:
              mongoferry inspect insurance.csv.zst
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "file"))
    var file: String

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    func run() throws {
        for line in try Inspection(file).lines { Terminal.standardOutput.line(line) }
    }
}
