import ArgumentParser
import MongoFerry
import Relations

extension GraphDrawing.Format: ExpressibleByArgument {}

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "The reference graph and the import order, cycles named.",
        discussion: """
            Examples:
              mongoferry plan insurance.csv
              mongoferry plan --db insurance --format svg > insurance.svg
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: ArgumentHelp("The backup; without one, the database is looked at.", valueName: "file"))
    var file: String?

    @Option(help: ArgumentHelp("text, json, mermaid, dot or svg.", valueName: "format"))
    var format: GraphDrawing.Format = .text

    func validate() throws {
        if file != nil, common.db != nil || common.uri != nil || common.uriFile != nil {
            throw ValidationError("plan looks at a file or at a database: leave out the file, or --db and --uri")
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
        let text = plan.drawing.drawn(as: format)
        Terminal.standardOutput.line(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
