import ArgumentParser
import MongoFerry
import Relations

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "The reference graph and the import order, cycles named.",
        usage: "mongoferry plan [<options>] [<file>]",
        discussion: """
            Examples:
              mongoferry plan insurance.csv
              mongoferry plan --db insurance --format svg > insurance.svg
            """)

    @Argument(help: ArgumentHelp("The backup; without one, the database is looked at.", valueName: "file"))
    var file: String?

    @OptionGroup(title: "Plan options") var choices: Choices

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    /// The options that only plan has.
    struct Choices: ParsableArguments {
        @Option(help: ArgumentHelp("How the graph is drawn.", valueName: "format"))
        var format: GraphDrawing.Format = .text
    }

    func validate() throws {
        if file != nil, common.db != nil {
            throw ValidationError("plan looks at a file or at a database: leave out the file, or --db")
        }
    }

    func run() throws {
        let (operation, display) = common.operation()
        defer { display.end() }
        let configuration = try common.configuration()
        let plan =
            try file.map { try PlanGraph(file: $0, configuration: configuration, operation) }
            ?? PlanGraph(common.target(), configuration: configuration, operation)
        display.end()
        if plan.drawing.graph.collections.isEmpty {
            Terminal.standardError.warning("there is nothing to draw: no collection is there, or all are left out")
        }
        let text = plan.drawing.drawn(as: choices.format)
        Terminal.standardOutput.result(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
