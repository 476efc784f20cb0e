import ArgumentParser
import BackupFile
import MongoFerry
import Relations

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a file, a database, or one against the other.",
        discussion: """
            A file alone: seal, counts, every row, duplicate ids, references. A database alone (--db): references. Both: is \
            everything in the file in the database, equal: documents, options, indexes, views? --uri alone names no \
            database, unless its address does; beside a FILE, $MONGODB_URI names none.

            Examples:
              mongoferry verify insurance.csv.zst
              mongoferry verify --db insurance --graph insurance.svg
              mongoferry verify insurance.csv.zst --db insurance --report verify.html
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "file"))
    var file: String?

    @OptionGroup(title: "Verify options") var choices: Choices

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    /// The options that only verify has.
    struct Choices: ParsableArguments {
        @Option(
            name: .shortAndLong,
            help: ArgumentHelp(
                "File against database: only this collection of the file; may be repeated, may have * and ?.",
                valueName: "name"))
        var collection: [String] = []

        @Option(
            help: ArgumentHelp(
                "File against database: not this collection of the file; may be repeated, may have * and ?.",
                valueName: "name"))
        var exclude: [String] = []

        @Option(
            help: ArgumentHelp(
                "File against database: collection A of the file is B there; may be repeated.", valueName: "a=b"))
        var rename: [String] = []

        @Flag(help: "A file without metadata: infer no types and references; only _ids and the configuration count.")
        var noInfer = false

        @Flag(help: "A file without metadata: its rows are Extended JSON, and nothing in them is converted.")
        var noLegacy = false

        @OptionGroup var report: ReportOption

        @Option(help: ArgumentHelp("Draw the reference graph, dangling references in red.", valueName: "file.svg"))
        var graph: String?
    }

    func validate() throws {
        if file == nil {
            let flags = [(choices.noInfer, "--no-infer"), (choices.noLegacy, "--no-legacy")]
            if let flag = flags.first(where: \.0)?.1 {
                throw ValidationError("\(flag) is about a file, and none is named")
            }
        }
        guard !(choices.collection + choices.exclude + choices.rename).isEmpty else { return }
        if file == nil {
            throw ValidationError("--collection, --exclude and --rename choose from a file, and none is named")
        }
        if !asksForDatabase {
            throw ValidationError("\(Self.choiceWithoutDatabase): use --db")
        }
    }

    private static let choiceWithoutDatabase =
        "--collection, --exclude and --rename choose what is held against a database, and none is named"

    /// Whether the command line names a database or a server. Otherwise a file is checked by itself: the default
    /// connection is not a request to compare.
    private var asksForDatabase: Bool { common.db != nil || common.uri != nil || common.uriFile != nil }

    func run() throws {
        let reports = try ReportFiles(choices.report.files, picture: choices.graph, backup: file, common)
        var known = Report(operation: .verify)
        known.database = common.db
        known.file = file
        try ReportedRun.run(known, common, reports) { operation, known in
            let target = try target(operation)
            known.database = target?.database
            var verify = Verify(file: file, target: target, configuration: try common.configuration())
            verify.collections = choices.collection.map { Glob($0) }
            verify.exclude = choices.exclude.map { Glob($0) }
            verify.infers = !choices.noInfer
            verify.takesLegacyRows = !choices.noLegacy
            verify.renames = try Renames.parse(choices.rename)
            return try verify.runBlocking(operation)
        } tell: {
            try tell($0)
        }
    }

    /// - Returns: nil if only the file is checked.
    private func target(_ operation: OperationContext) throws -> Target? {
        guard file != nil else { return try common.target() }
        guard asksForDatabase else {
            // A user with the database in mind would take "sound" to mean both.
            if let named = (try? common.target())?.database {
                operation.info(
                    "only the file is looked at: --db \(named.shellWord) compares it with the database that $MONGODB_URI names"
                )
            }
            return nil
        }
        let target = try common.target()
        guard target.database == nil else { return target }
        if !(choices.collection + choices.exclude + choices.rename).isEmpty {
            throw FerryError(
                Self.choiceWithoutDatabase, kind: .usage, advice: ["Name it with --db, or in the connection string."])
        }
        operation.warning("no database is named: only the file is looked at. --db compares it with a database")
        return nil
    }

    private func tell(_ result: Report) throws {
        let out = Terminal.standardOutput
        if !common.quiet {
            for reference in result.references where reference.dangling == 0 { out.line(Summary.sound(reference)) }
            if let left = Summary.leftOut(result) {
                out.line("\(file == nil ? "left out" : "not compared"): \(left)")
            }
        }
        try ReportPrinter.tell(result, quiet: common.quiet)
        if !common.quiet { out.line(verdict(result)) }
    }

    /// What is known to be true if no problem was found.
    private func verdict(_ result: Report) -> String {
        let note =
            switch result.allWarnings.count {
            case 0: ""
            case 1: "; see the warning"
            default: "; see the warnings"
            }
        guard let file else {
            let database = result.database ?? ""
            if !note.isEmpty { return "\(database): no fault found\(note)" }
            if result.references.isEmpty { return "\(database): no references were found, so nothing was checked" }
            if result.hasLookedAtNothing {
                return "\(database): no document has a value at the references' paths, so nothing was checked"
            }
            return "\(database): sound"
                + (result.hasDiscoveredReferences ? ", by the references that its data show" : "")
        }
        let unchecked = result.uncheckedCount
        let limits = unchecked == 0 ? "" : ", except that \(unchecked.counted("reference")) could not be checked"
        guard let database = result.database else {
            return result.source == nil
                ? "\(file): each row is sound\(limits); nothing in the file says whether it has all of them\(note)"
                : "\(file): sound\(limits)\(note)"
        }
        let records = result.excluded.isEmpty ? "all of its records" : "the chosen collections' records"
        return "\(file): sound\(limits); \(records) are in \(database), equal\(note)"
    }
}
