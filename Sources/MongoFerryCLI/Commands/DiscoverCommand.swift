import ArgumentParser
import MongoFerry
struct DiscoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "discover", abstract: "x")
    @OptionGroup var common: CommonOptions
    func run() throws {}
}
