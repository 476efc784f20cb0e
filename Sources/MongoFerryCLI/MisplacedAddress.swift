import BSON
import MongoFerry

/// Detects a connection string in the place of something else: its password would get into the names of files and into
/// reports.
enum MisplacedAddress {
    /// - Parameter arguments: all arguments of the program, its own name first.
    /// - Throws: ``FerryError`` of wrong usage, which does not quote the connection string.
    static func check(_ arguments: [String]) throws {
        for (option, argument) in zip(arguments, arguments.dropFirst()) where isAddress(argument, after: option) {
            throw FerryError(
                "a connection string stands where a name is expected", kind: .usage,
                advice: ["Use --uri, or --uri-file with a file that holds it; files are named by themselves."])
        }
    }

    private static func isAddress(_ argument: String, after option: String) -> Bool {
        if argument.hasScalarPrefix("--"), let (option, value) = argument.cut(at: "=") {
            return option != "--uri" && isAddress(value)
        }
        return option != "--uri" && isAddress(argument[...])
    }

    private static func isAddress(_ text: Substring) -> Bool {
        String.connectionStringSchemes.contains(where: text.hasScalarPrefix)
    }
}
