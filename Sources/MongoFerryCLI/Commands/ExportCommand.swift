import BSON
import ArgumentParser
import BackupFile
import ExtendedJSON
import Foundation
import MongoFerry
import Relations

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export a database to a backup file.",
        discussion: """
            Everything in the database is exported unless it is excluded by name, and what was left out is printed. On a \
            replica set all collections come from one snapshot.

            Examples:
              mongoferry export --db insurance -o insurance.csv.zst --report export.html
              mongoferry export --db insurance -o - | ssh backup 'cat > insurance.csv'
              mongoferry export --db insurance --collection 'polic*' -o policies.csv
              mongoferry export --db insurance -q 'policies={"open":true}' -o open.csv
              mongoferry export --db fixtures --reproducible -o Tests/fixtures.csv
            """)

    @OptionGroup(title: "Export options") var choices: Choices

    @OptionGroup(title: CommonOptions.title) var common: CommonOptions

    /// The options that only export has.
    struct Choices: ParsableArguments {
        @Option(
            // mongodump and mongoexport call it --out.
            name: [.short, .customLong("output"), .customLong("out")],
            help: ArgumentHelp(
                "File to write; .gz and .zst compress; - is standard output. Default: the database's name and .csv.",
                valueName: "file"))
        var output: String?

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("Only this collection; may be repeated, may have * and ?.", valueName: "name"))
        var collection: [String] = []

        @Option(help: ArgumentHelp("Not this collection; may be repeated, may have * and ?.", valueName: "name"))
        var exclude: [String] = []

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp(
                "Only the documents that a filter matches: policies={\"status\":\"active\"}; may be repeated.",
                valueName: "name={…}"))
        var query: [String] = []

        @Option(help: ArgumentHelp("How documents are written, as Extended JSON.", valueName: "mode"))
        var json: ExtendedJSONMode = .compact

        @Flag(help: "Rows only, without metadata and seal.")
        var plain = false

        @Flag(
            help: """
                Rows in _id order, capped collections and time series aside, no times and hosts: equal data in a \
                database of the same name give equal files.
                """)
        var reproducible = false

        @Option(
            help: ArgumentHelp(
                "How far all rows are of one moment. Default: the best that the server has.", valueName: "kind"))
        var consistency: ExportOptions.Consistency?

        @Flag(help: "Overwrite the file if it exists.")
        var force = false

        @Option(
            help: ArgumentHelp(
                "Threads that read and encode, up to 256. Default: the machine's cores, 2 to 4.", valueName: "n"))
        var jobs: Int?

        @OptionGroup var report: ReportOption
    }

    func validate() throws {
        try Jobs.check(choices.jobs)
    }

    func run() throws {
        let isOutput = OutputPlace.isStandardOutput(choices.output)
        let reports = try ReportFiles(choices.report.files, backup: isOutput ? "-" : choices.output, common)
        var path = isOutput ? "-" : choices.output ?? ""
        var known = Report(operation: .export)
        known.database = common.db
        known.file = isOutput ? nil : choices.output
        try ReportedRun.run(known, common, reports) { operation, known in
            let target = try common.target()
            let database = try target.namedDatabase()
            known.database = database
            if choices.output == nil { path = "\(database).csv" }
            if !isOutput {
                known.file = path
                try ExportPlace(place: OutputPlace(path: path, overwrites: choices.force)).check(common)
            }
            return try Export(target, options(path)).runBlocking(operation)
        } tell: {
            tell($0, path)
        }
    }

    private func options(_ path: String) throws -> ExportOptions {
        var options = ExportOptions(
            destination: path == "-"
                ? .descriptor(OpenFile(borrowing: 1, path: "standard output"))
                : .file(path: path, overwriting: choices.force))
        options.collections = choices.collection.map { Glob($0) }
        options.exclude = choices.exclude.map { Glob($0) }
        options.queries = try choices.query.map { text in
            // A collection's name may contain '=', too.
            let place = text.range(of: "={")?.lowerBound ?? text.firstIndex(of: "=")
            guard let place, place > text.startIndex else {
                throw FerryError("--query must look like name={…}: \(text)", kind: .usage)
            }
            return CollectionQuery(
                name: String(text[..<place]), query: String(text[text.index(after: place)...]))
        }
        options.json = choices.json
        options.plain = choices.plain
        options.reproducible = choices.reproducible
        options.consistency = choices.consistency
        options.configuration = try common.configuration()
        options.jobs = choices.jobs
        return options
    }

    private func tell(_ report: Report, _ path: String) {
        // Results go to standard output, unless the file itself does.
        let out = path == "-" ? Terminal.standardError : Terminal.standardOutput
        if common.quiet { return }
        out.show(Summary.table(report))
        out.line("left out: \(Summary.leftOut(report) ?? "nothing")")
        if let escaped = report.escaped, escaped > 0 {
            out.line(
                choices.plain
                    ? "\(escaped.counted("document stands", "documents stand")) in the file as $rawBSON: Extended JSON cannot carry them, or in a bare CSV nothing else would show that their strings are strings"
                    : "\(escaped.counted("document that Extended JSON cannot carry stands", "documents that Extended JSON cannot carry stand")) in the file as $rawBSON"
            )
        }
        if path != "-", let bytes = report.bytes {
            var status = stat()
            // A pipe or a device has no size.
            let isFile = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            let size = isFile ? Int(status.st_size) : bytes
            let text = ByteText.text(bytes) + (size == bytes ? "" : " in \(ByteText.text(size))")
            out.line(
                "\(path): \(report.totals.read.counted("record")), \(text), from \(report.source ?? "")"
            )
        }
    }
}
