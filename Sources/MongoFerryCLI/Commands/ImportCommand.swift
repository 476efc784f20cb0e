import BSON
import ArgumentParser
import Foundation
import MongoFerry
import Relations

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import a backup file into a database.",
        discussion: """
            Nothing is written before the whole file has been read and found sound. Collections are written in the order of \
            their references.

            Examples:
              mongoferry import insurance.csv.zst --db insurance --dry-run
              mongoferry import insurance.csv.zst --db insurance --mode replace --yes
              mongoferry import insurance.csv.zst --db insurance --report import.html
              mongoferry import insurance.csv --db staging --rename customers=clients
              ssh backup cat insurance.csv | mongoferry import - --db insurance
            """)

    @Argument(help: ArgumentHelp("The backup; - or nothing is standard input.", valueName: "file"))
    var file: String = "-"

    @OptionGroup(title: "Import options") var choices: Choices

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    /// The options that only import has.
    struct Choices: ParsableArguments {
        @Option(help: ArgumentHelp("What becomes of the documents that are there.", valueName: "mode"))
        var mode: ImportOptions.Mode = .merge

        @Flag(help: "With replace: drop and insert without staging, for disks that cannot hold both.")
        var inPlace = false

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp(
                "Only this collection of the file; may be repeated, may have * and ?.", valueName: "name"))
        var collection: [String] = []

        @Option(help: ArgumentHelp("Not this collection; may be repeated, may have * and ?.", valueName: "name"))
        var exclude: [String] = []

        @Option(help: ArgumentHelp("Write collection A of the file to B; may be repeated.", valueName: "a=b"))
        var rename: [String] = []

        @Option(
            help: ArgumentHelp(
                "With merge: the fields by which a document is found, separated by commas.", valueName: "a,b"))
        var upsertKeys: String?

        @Option(help: ArgumentHelp("Bad rows that may be set aside in FILE.rejects.csv.", valueName: "n"))
        var maxRejects = 0

        @Flag(help: "Write documents that a collection's validator refuses, too: data may be older than it.")
        var bypassValidation = false

        @Flag(help: "A file without metadata: infer no types and references; only _ids and the configuration count.")
        var noInfer = false

        @Flag(help: "A file without metadata: its rows are Extended JSON, and nothing in them is converted.")
        var noLegacy = false

        @Flag(
            help: """
                References that lead nowhere: exit status 2, and with replace the live data stay as they are, but what \
                is replaced in place; what leads there or to views is checked afterwards.
                """)
        var failOnDangling = false

        @Flag(help: "Say what would happen, count it against the database, and write nothing.")
        var dryRun = false

        @Flag(help: "Do not ask.")
        var yes = false

        @Option(
            help: ArgumentHelp(
                "Threads that decode and write, up to 256. Default: the machine's cores, 2 to 4.", valueName: "n"))
        var jobs: Int?

        @OptionGroup var report: ReportOption
    }

    func validate() throws {
        try Jobs.check(choices.jobs)
        if choices.maxRejects < 0 { throw ValidationError("--max-rejects must be 0 or more") }
        if choices.inPlace, choices.mode != .replace { throw ValidationError("--in-place goes with --mode replace") }
        if choices.upsertKeys != nil, choices.mode != .merge {
            throw ValidationError("--upsert-keys goes with --mode merge")
        }
    }

    func run() throws {
        let reports = try ReportFiles(choices.report.files, backup: file, common)
        var known = Report(operation: .import)
        known.database = common.db
        known.file = file == "-" ? Import.standardInput : file
        known.mode = choices.mode
        known.isDryRun = choices.dryRun
        try ReportedRun.run(known, common, reports) { operation, known in
            let options = try options()
            try checkStandardInput()
            let target = try common.target()
            known.database = target.database
            let importing =
                file == "-" ? Import(spooling: 0, into: target, options) : Import(file, into: target, options)
            return try importing.runBlocking(operation)
        } tell: { report in
            try ReportPrinter.tell(report, quiet: common.quiet)
            guard !common.quiet, report.status == .done, let database = report.database else { return }
            Terminal.standardOutput.line("\(database): \(report.file ?? file) is imported")
        }
    }

    private func options() throws -> ImportOptions {
        var options = ImportOptions()
        options.usesDatabaseOfFile = true
        options.mode = choices.mode
        options.inPlace = choices.inPlace
        options.collections = choices.collection.map { Glob($0) }
        options.exclude = choices.exclude.map { Glob($0) }
        options.renames = try Renames.parse(choices.rename)
        if let keys = choices.upsertKeys {
            options.upsertKeys = keys.parts(between: ",").filter { !$0.isEmpty }.map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        options.maximumRejects = choices.maxRejects
        options.bypassesValidation = choices.bypassValidation
        options.infers = !choices.noInfer
        options.takesLegacyRows = !choices.noLegacy
        options.failsOnDangling = choices.failOnDangling
        options.isDryRun = choices.dryRun
        options.jobs = choices.jobs
        options.configuration = try common.configuration()
        let answersYes = choices.yes
        let showsPlan = !common.quiet && common.logLevel != .warning
        options.confirm = { plan in
            guard plan.mode == .replace, !answersYes else { return true }
            // The plan must have been shown before the question.
            if !showsPlan { for line in plan.lines { Terminal.standardError.line(line) } }
            let question = "Replace these collections in \(plan.database) on \(plan.server)? Type yes: "
            return try Terminal.standardError.ask(question, Interruption.cancellation)?.lowercased() == "yes"
        }
        return options
    }

    /// - Throws: ``FerryError`` if the backup would be read from the keyboard, or if the user must confirm and standard
    ///   input is not the keyboard or standard error is not a terminal.
    private func checkStandardInput() throws {
        let readsStandardInput = file == "-"
        if readsStandardInput, isatty(0) == 1 {
            throw FerryError(
                "which file? None is named, and standard input is the keyboard", kind: .usage,
                advice: ["mongoferry import FILE, or: … | mongoferry import -"])
        }
        guard choices.mode == .replace, !choices.yes, !choices.dryRun else { return }
        let isKeyboard = !readsStandardInput && isatty(0) == 1
        // The question is printed on standard error.
        if !isKeyboard || !Terminal.standardError.isTerminal {
            throw FerryError(
                "--mode replace asks for confirmation, but standard \(isKeyboard ? "error" : "input") is not a terminal: pass --yes",
                kind: .usage,
                details: ["Nothing was written. --dry-run shows what would happen."])
        }
    }
}
