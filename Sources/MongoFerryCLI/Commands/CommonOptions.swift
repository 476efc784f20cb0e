import ArgumentParser
import BSON
import Foundation
import MongoDriver
import MongoFerry
import Relations

/// The options of every command.
struct CommonOptions: ParsableArguments {
    /// Their heading in `--help`.
    static let title = "Connection and common options"

    @Option(
        help: ArgumentHelp(
            "Connection string. Default: $MONGODB_URI, else mongodb://localhost:27017.", valueName: "uri"))
    var uri: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the connection string, so that its password stays out of the process list.",
            valueName: "file"))
    var uriFile: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The database. Default: the connection string's; for import, else the one the file is from.",
            valueName: "name"))
    var db: String?

    @Option(
        help: ArgumentHelp(
            "Configuration file. Default: mongoferry.yaml in this folder, if present.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Which messages are shown.", valueName: "level"))
    var logLevel: LogLevel = .info

    @Flag(help: "No progress and no messages but warnings and errors.")
    var quiet = false

    @Flag(help: "No colours. They are never used where output is no terminal, or NO_COLOR is set and not empty.")
    var noColor = false

    enum LogLevel: String, CaseIterable {
        case debug, info, warning
    }

    /// The connection string, wherever it comes from; nil if none is given.
    private func connectionText() throws -> String? {
        if uri != nil, uriFile != nil { throw FerryError("use --uri or --uri-file, not both", kind: .usage) }
        if let uri { return uri }
        if let uriFile {
            let text = try TextFile.read(uriFile, limit: 1 << 20)
            let line = text.split(whereSeparator: \.isNewline).first.map { $0.trimmingCharacters(in: .whitespaces) }
            guard let line, !line.isEmpty else {
                throw FerryError("\(uriFile): there is no connection string on the first line", kind: .usage)
            }
            guard String.connectionStringSchemes.contains(where: line.hasScalarPrefix) else {
                throw FerryError(
                    "\(uriFile): the first line is no connection string", kind: .usage,
                    advice: ["It begins with mongodb:// or mongodb+srv://, without quotes or the name of a variable."])
            }
            return line
        }
        guard let variable = StandardAddress.ofEnvironment else { return nil }
        guard !variable.isEmpty else {
            let advice = StandardAddress.adviceWhereEmpty
            throw FerryError(
                "MONGODB_URI is set, and empty", kind: .usage,
                advice: [advice.prefix(1).uppercased() + advice.dropFirst()])
        }
        return variable
    }

    func target() throws -> Target {
        guard let text = try connectionText() else {
            var target = try Target(uri: StandardAddress.text, database: db)
            target.remark = "Neither --uri, --uri-file nor $MONGODB_URI was given: this is the default."
            return target
        }
        // An address that was typed on the command line needs no explanation.
        let origin =
            uri == nil ? "The connection string is \(uriFile.map { "that of \($0)" } ?? "$MONGODB_URI's")." : nil
        do {
            var target = try Target(uri: text, database: db)
            target.remark = origin
            // Commands that are suggested need no option for an address from the environment.
            if let uriFile { target.options = ["--uri-file", uriFile] }
            if let uri { target.options = ["--uri", ConnectionString.redact(uri)] }
            return target
        } catch var error as FerryError {
            // If the address is valid by itself, the database's name is at fault, not the address.
            if let origin, (try? Target(uri: text)) == nil { error.details.insert(origin, at: 0) }
            throw error
        }
    }

    /// What the file is to this command, if it is one that the command reads for its options; otherwise nil.
    func nameOfFile(at path: String) -> String? {
        let files = [(config, "the configuration"), (uriFile, "the connection string's file")]
        return files.first { file, _ in file.map { WholeFile.isSame(path, $0) } ?? false }?.1
    }

    /// The configuration that was named, or the one in this folder, or an empty one.
    func configuration() throws -> Configuration {
        let path = config ?? Configuration.usualFile
        // A dangling link counts as a file, too: the configuration must not be missing silently.
        let isThere = (try? FileManager.default.attributesOfItem(atPath: path)) != nil
        guard config != nil || isThere else { return Configuration() }
        let text = try TextFile.read(path, limit: 16 << 20)
        // A YAML parser takes minutes for a backup, which to it is one long text.
        if ["# mongoferry backup", "collection,data"].contains(where: text.hasPrefix) {
            throw FerryError(
                "\(path) is a backup, and no configuration", kind: .usage,
                advice: ["A backup is named without --config."])
        }
        return try Configuration.parse(yaml: text, file: path)
    }

    /// An operation whose messages and progress go to standard error.
    func operation() -> (OperationContext, ProgressDisplay) {
        let display = ProgressDisplay(isQuiet: quiet)
        let least: Message.Level = quiet ? .warning : logLevel == .debug ? .debug : logLevel == .info ? .info : .warning
        let operation = OperationContext(
            cancellation: Interruption.cancellation, onProgress: display.update,
            onMessage: { message in
                guard message.level >= least else { return }
                message.level == .warning
                    ? Terminal.standardError.warning(message.text) : Terminal.standardError.line(message.text)
            })
        return (operation, display)
    }
}
