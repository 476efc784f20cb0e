import BSON
import BackupFile
import Relations

/// The outcome of an operation, for people and for programs.
public struct Report: Sendable {
    /// The kind of operation.
    public enum Operation: String, Sendable {
        case export
        case `import`
        case verify
    }

    /// The overall result of an operation.
    public enum Status: String, Sendable {
        case done
        /// The operation was completed, but something is wrong with the data.
        case problems
        /// Nothing was written because of the data.
        case refused
        /// An error stopped the operation; ``Report/error`` says which, and what was done until then.
        case failed
        /// The operation was cancelled, or a signal stopped the program.
        case interrupted
        /// A dry run without problems.
        case planned
    }

    /// A row or document that was not taken.
    public struct Rejection: Sendable {
        /// The collection's name in the file; nil if it could not be read.
        public var collection: String?
        /// The line in the file; nil if the document is not from a file.
        public var line: Int?
        /// The `_id` as Extended JSON, if known.
        public var id: String?
        /// What is wrong with the row, or why the server refused the document, in words.
        public var reason: String
        /// Whether the collection's validator refused the document.
        var isOfValidator = false
    }

    /// A difference between what was expected and what was found.
    public struct Difference: Sendable {
        /// The subject of a difference.
        public enum Kind: String, Sendable {
            /// A fault of the file as a whole.
            case file
            /// Documents of the file that the database does not have.
            case missing
            /// Documents whose content differs in the database.
            case different
            /// Documents that only the database has.
            case extra
            /// Options, indexes and views of the file that the database lacks or that differ there.
            case definition
            /// Options and indexes in an import's plan.
            case target

            /// Whether the difference is reported as a fault. Documents that only the database has do not contradict
            /// the file.
            public var isProblem: Bool { self != .target && self != .extra }
        }

        /// The collection's name in the file; empty if the difference concerns the file as a whole.
        public var collection: String
        public var kind: Kind
        /// What differs, in words.
        public var detail: String
    }

    public var operation: Operation
    public var status = Status.done
    /// The mode of an import.
    public var mode: ImportOptions.Mode?
    /// Whether an import writes nothing, and only counts what it would do.
    public var isDryRun = false
    /// The path of the file read or written, or `standard input`; nil for an export to a stream, and if there is no
    /// file.
    public var file: String?
    /// The database's name; nil if none is known, as in a check of a file alone.
    public var database: String?
    /// The server's hosts and topology, `db1:27017, replica set rs0`; nil if no server was contacted.
    public var server: String?
    /// Whether the references of a verified database were discovered from its data: a reference of which all or most
    /// values dangle is then not among them. Not in the JSON.
    package var hasDiscoveredReferences = false
    /// The origin of the file's data: `insurance on MongoDB 6.0.5, replica set rs0`; nil if the file does not say it.
    public var source: String?
    /// The program that made the report: `mongoferry 0.1.0`.
    public var program = "mongoferry \(mongoFerryVersion)"
    /// When the operation began, in UTC: `2026-11-23T20:04:45.123Z`.
    public var started = Clock.now
    /// The duration in seconds, to the millisecond.
    public var seconds = 0.0
    /// How long the user took to confirm an import, which does not count.
    var secondsAsked = 0.0
    /// The consistency of an export.
    public var consistency: ExportOptions.Consistency?
    /// The time of an export's snapshot in UTC, `2026-11-23T20:04:44Z`; nil if it had none.
    public var snapshot: String?
    /// The size of an exported file in bytes, before compression.
    public var bytes: Int?
    /// The SHA-256 in hexadecimal of the file before compression, without its seal. Set by an export that is not plain,
    /// and by a check that could read its file to the end; otherwise nil.
    public var sha256: String?
    /// The number of exported rows that Extended JSON could not represent.
    public var escaped: Int?
    /// The outcome of each collection in import order, without views; empty if the file itself was refused.
    public var collections: [CollectionOutcome] = []
    /// The results of a reference check, also at the end of an import; empty for exports and dry runs.
    public var references: [ReferenceOutcome] = []
    /// What was left out: of a database by its export or check, of a file by an import or a comparison.
    public var excluded: [Exclusion] = []
    /// The filters of an export: of each collection named, the file has only the matching documents.
    public var queries: [CollectionQuery] = []
    /// The first rows and documents that were not taken: those of the preflight, then those of the server, each in the
    /// file's order.
    public var rejections: [Rejection] = []
    /// The number of all rejections, of which ``rejections`` has the first.
    public var rejectionCount = 0
    /// Differences between file and database, from a check or an import's plan; and faults of the file as a whole.
    public var differences: [Difference] = []
    /// What an import of legacy rows converted and why; nil if the file had none.
    public var conversions: ConversionReport?
    /// Warnings about what was done. If an import has written, they make its status ``Status/problems``.
    public var warnings: [String] = []
    /// Warnings issued while the operation ran that are not among ``warnings``: about what it found, the connection
    /// string and the configuration.
    public var warningsTold: [String] = []
    /// What to do about ``error``; empty if no error stopped the operation.
    var advice: [String] = []
    /// What ``nextSteps`` needs to know beside the outcome.
    var circumstances = Circumstances()
    /// Why the operation was not completed as requested, on one or more lines; nil if it was.
    public var error: String?
    /// The file with the rows that were set aside, to be corrected and imported; nil if there are none.
    public var rejectsFile: String?
    /// The reference graph with dangling values, for drawing; nil if no references were checked.
    public var graph: GraphDrawing?

    package init(operation: Operation) { self.operation = operation }

    /// The number of dangling values in a collection; optional references do not count.
    public func dangling(in collection: String) -> Int {
        references.reduce(0) { $0 + ($1.collection == collection && !$1.isOptional ? $1.dangling : 0) }
    }

    /// The most collections to list of which no row can be read: any text may be in the place of a name.
    private static let mostUnreadable = 100

    /// Counts rows that could not be read, also for collections that have no other rows.
    /// - Parameter addsCollections: whether to add collections that are not in the report yet.
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

    /// All warnings: those issued while the operation ran, then those about what was done.
    public var allWarnings: [String] { warningsTold + warnings }

    /// Records the warnings that were issued while the operation ran.
    package mutating func note(_ told: WarningsTold) {
        let known = Set(warnings)
        warningsTold = told.texts.filter { !known.contains($0) }
    }

    /// The number of values in all references that could not be checked.
    package var uncheckedCount: Int { references.reduce(0) { $0 + $1.unchecked } }

    /// Whether there are references, and no document has a value at their paths.
    package var hasLookedAtNothing: Bool {
        !references.isEmpty && references.allSatisfy { $0.checked == 0 && $0.unchecked == 0 && $0.valuesAtPath == 0 }
    }

    /// The number of dangling values of all references; optional ones do not count.
    public var danglingCount: Int { references.reduce(0) { $0 + ($1.isOptional ? 0 : $1.dangling) } }

    /// The sums of ``collections`` and the rejected rows that name no collection, named `total`. Its
    /// seconds are 0: ``seconds`` has the duration of the whole operation.
    public var totals: CollectionOutcome {
        var total = collections.reduce(into: CollectionOutcome(name: "total")) { $0 += $1 }
        total.read += circumstances.namelessCount
        total.rejected += circumstances.namelessCount
        return total
    }

    /// The report as one JSON document, with a final newline.
    public var json: String { JSONText.document(document) + "\n" }

    /// The report as one self-contained HTML page for people.
    public var html: String { HTMLReport(report: self).text }
}
