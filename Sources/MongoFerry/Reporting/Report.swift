import BSON
import BackupFile
import Relations

/// The outcome of an operation, for people and for programs.
public struct Report: Sendable {
    /// What was to be done.
    public enum Operation: String, Sendable {
        case export
        case `import`
        case verify
    }

    /// What has come of it.
    public enum Status: String, Sendable {
        case done
        /// It was done, or looked at, and something is wrong with the data.
        case problems
        /// The data are such that nothing was written.
        case refused
        case failed
        case interrupted
        /// A dry run, with nothing to object to.
        case planned
    }

    /// A row or a document that was not taken.
    public struct Rejection: Sendable {
        /// Its name in the file; nil where it could not be read.
        public var collection: String?
        /// Its line in the file; nil where it is not from a file.
        public var line: Int?
        /// Its `_id` as Extended JSON, where known.
        public var id: String?
        /// What is wrong with it, or why the server refused it, in words.
        public var reason: String
    }

    /// Something that differs between what was expected and what is there.
    public struct Difference: Sendable {
        /// What it is about.
        public enum Kind: String, Sendable {
            /// What is wrong with the file as a whole.
            case file
            /// Documents of the file that the database does not have.
            case missing
            /// Documents that are another in the database.
            case different
            /// Documents that only the database has.
            case extra
            /// Options, indexes and views of the file that the database lacks or has otherwise.
            case definition
            /// Options and indexes that the plan of an import shows.
            case target

            /// Whether it is told as a fault. Documents that only the database has do not contradict the file.
            public var isProblem: Bool { self != .target && self != .extra }
        }

        /// Its name in the file; empty where it is about the file as a whole.
        public var collection: String
        public var kind: Kind
        /// What differs, in words.
        public var detail: String
    }

    /// Why no more of a file could be read.
    struct Unreadable {
        var isDamaged: Bool
        /// What to do instead; nil where there is nothing to say.
        var advice: String?
    }

    public var operation: Operation
    public var status = Status.done
    /// Of an import.
    public var mode: ImportOptions.Mode?
    /// Of an import that writes nothing: it says and counts what it would do.
    public var isDryRun = false
    /// The path of what was read or written, or `standard input`; nil of an export to a stream, and without a file.
    public var file: String?
    /// The name; nil where none is known, as of a check of a file alone.
    public var database: String?
    /// Its hosts and kind, `db1:27017, replica set rs0`; nil where none was asked.
    public var server: String?
    /// Of a verify of a database alone: its references are those that its data show, and one whose values lead nowhere, all or
    /// most, is not among them; not in the JSON.
    package var hasDiscoveredReferences = false
    /// What a command must be told to reach the same server; not in the JSON.
    var targetOptions: [String] = []
    /// What a command must be told to go by the same configuration; not in the JSON.
    var configurationOptions: [String] = []
    /// Options that another command with the same file and the same collections needs; not in the JSON.
    var choiceOptions: [String] = []
    /// Where the file's data are from: `insurance on MongoDB 6.0.5, replica set rs0`; nil where no file says it.
    public var source: String?
    /// What made the report: `mongoferry 0.1.0`.
    public var program = "mongoferry \(mongoFerryVersion)"
    /// When it began, in UTC: `2026-11-23T20:04:45.123Z`.
    public var started = Clock.now
    /// Seconds from beginning to end, to the millisecond.
    public var seconds = 0.0
    /// Of an export.
    public var consistency: ExportOptions.Consistency?
    /// Of an export, the moment of its snapshot in UTC, `2026-11-23T20:04:44Z`; nil where it had none.
    public var snapshot: String?
    /// Of an export, bytes of the whole file before compression.
    public var bytes: Int?
    /// SHA-256 in hexadecimal of the file before compression, without its seal. Of an export that is not plain, and of
    /// a check that could read its file to the end; else nil.
    public var sha256: String?
    /// Rows that Extended JSON could not carry.
    public var escaped: Int?
    /// In import order, views aside; empty where the file itself was refused.
    public var collections: [CollectionOutcome] = []
    /// What a check of references found, also at the end of an import; empty of exports and dry runs.
    public var references: [ReferenceOutcome] = []
    /// What was left out: of a database by an export or its check, of a file by an import or a comparison.
    public var excluded: [Exclusion] = []
    /// Filters of an export: of each collection named, only what matches is in the file.
    public var queries: [(name: String, query: String)] = []
    /// The first rows and documents that were not taken, the preflight's before the server's, each in the file's order.
    public var rejections: [Rejection] = []
    /// All rejections, of which ``rejections`` holds the first.
    public var rejectionCount = 0
    /// Between file and database, of checks and of an import's plan; and what is wrong with the file as a whole.
    public var differences: [Difference] = []
    /// What an import of legacy rows converted, with the reasons; nil where the file had none.
    public var conversions: ConversionReport?
    /// What is to be known of what was done. Those of an import that has written make it ``Status/problems``.
    public var warnings: [String] = []
    /// What was warned of while the operation ran and is not among ``warnings``: about what it found, the connection
    /// string and the configuration.
    public var warningsTold: [String] = []
    /// The database that a file was held against is not there, or is empty.
    var isDatabaseMissing = false
    /// An import of the database that was looked at is running, or was not ended.
    var isImportUnfinished = false
    /// Of which collections the file that was looked at has only what an export's filter matches.
    var namesInPart: [String] = []
    /// Of the file that was looked at: whose documents a server removes by itself when they are old.
    var namesOfExpiring: [String] = []
    /// Indexes that the server refused; each is among the warnings.
    var refusedIndexCount = 0
    /// Those among them that are unique, and in which documents collide.
    var collidingIndexCount = 0
    /// Other programs have removed what an import had written: nothing else is to be done before it is run again.
    var mustBeRepeated = false
    /// Reading the file could not go on, and no import can take a part of it.
    var unreadable: Unreadable?
    /// What to do about ``error``, where the operation was stopped by one.
    var advice: [String] = []
    /// Why it was not done as wanted, on one line or more; nil where it was.
    public var error: String?
    /// The file of rows that were set aside, to be mended and imported; nil where there are none.
    public var rejectsFile: String?
    /// Where a dry run's rows would be set aside; nil where there are none.
    var rejectsPlace: String?
    /// What imports that file once its rows are mended.
    var rejectsCommand: String?
    /// The reference graph with what dangles, for a picture; nil where no references were looked at.
    public var graph: GraphDrawing?

    package init(operation: Operation) { self.operation = operation }

    /// Values that lead nowhere and start in a collection; optional references do not count.
    public func dangling(in collection: String) -> Int {
        references.reduce(0) { $0 + ($1.collection == collection && !$1.isOptional ? $1.dangling : 0) }
    }

    /// Collections that are counted of which no row can be read: any text may stand in the place of a name.
    private static let mostUnreadable = 100

    /// Counts rows that could not be read: of collections of which no other row can be, too.
    /// - Parameter addsCollections: false to count those of others only.
    mutating func note(unreadable counts: [ExactName: Int], addsCollections: Bool = true) {
        var places = Dictionary(collections.enumerated().map { (ExactName($1.name), $0) }) { first, _ in first }
        var added = 0
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            if places[name] == nil {
                guard addsCollections, added < Self.mostUnreadable else { continue }
                added += 1
                places[name] = collections.count
                collections.append(CollectionOutcome(name: name.text))
            }
            guard let place = places[name] else { continue }
            collections[place].read += count
            collections[place].rejected += count
        }
    }

    /// Those that were said while the operation ran, then those of what was done.
    public var allWarnings: [String] { warningsTold + warnings }

    /// Takes what was warned of while the operation ran.
    package mutating func note(_ told: WarningsTold) {
        let known = Set(warnings)
        warningsTold = told.texts.filter { !known.contains($0) }
    }

    /// Values that lead nowhere, of all references; optional ones do not count.
    public var danglingCount: Int { references.reduce(0) { $0 + ($1.isOptional ? 0 : $1.dangling) } }

    /// The sums of ``collections``, called `total`. Its seconds are 0: ``seconds`` has what all took.
    public var totals: CollectionOutcome {
        collections.reduce(into: CollectionOutcome(name: "total")) { $0 += $1 }
    }

    /// The report as one JSON document, its line end included.
    public var json: String { JSONText.document(document) + "\n" }

    /// The report as one page for people, which needs nothing else.
    public var html: String { HTMLReport(report: self).text }
}
