import ArgumentParser
import MongoFerry
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plan", abstract: "x")
    @OptionGroup var common: CommonOptions
    func run() throws {}
}
