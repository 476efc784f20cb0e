import ArgumentParser
import MongoFerry
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verify", abstract: "x")
    @OptionGroup var common: CommonOptions
    func run() throws {}
}
