import BSON
import BackupFile
import Foundation
import Relations

/// The results of one pass over a whole file, without its rows.
struct FileSurvey: Sendable {
    /// Rows of one collection.
    struct Rows: Sendable {
        var name: String
        var count = 0
        /// Where the first row starts and the last one ends, in decompressed bytes; in a legacy file, rows of other
        /// collections may stand between them.
        var first = RowPlace.nowhere
        var end = 0
        /// A hash of each `_id` as it will be in the database, sorted, and of each document if the import compares
        /// them.
        var ids = RecordHashes()
        /// The number of rows whose documents were stored as `$rawBSON`.
        var escaped = 0
        /// The size of the documents in bytes.
        var bytes = 0
        /// The size of the largest document in bytes.
        var largestDocument = 0

        init(name: String) { self.name = name }
    }

    /// In the order of their first rows.
    private(set) var rows: [Rows] = []
    /// The index of each collection in `rows`.
    private var places: [ExactName: Int] = [:]
    /// The time series among them, whose `_id`s identify nothing.
    var measurements: [ExactName: TimeField] = [:]
    var problems: ProblemList
    /// The number of rows of each collection that could not be read; they are not among its rows.
    var unreadable: [ExactName: Int] = [:]
    /// The size of the largest document that the server accepts, in bytes.
    var maximumDocument: Int
    /// Whether there are documents of more than a third of ``maximumDocument``: conversion may make legacy ones too
    /// large, or small enough.
    var hasLargeLegacyRows = false
    /// Lines of rows that can be read but must not be written: those whose `_id`, or the key of a merge, is also on an
    /// earlier line, and measurements without a time.
    var linesSetAside = LineSet()
    /// What is wrong with the file as a whole.
    var fileProblems: [String] = []
    /// Whether the rest could not be read: the last of ``fileProblems`` says why. Only the faults are meaningful then.
    var isCutShort = false
    var inference = LegacyInference()
    /// Which rows are the old application's `JSON.stringify` output.
    var legacyRows = LegacyRows.none
    /// The number of rows without wrappers, by collection, that are read as Extended JSON since others of the file are.
    var unmarkedRows: [ExactName: Int] = [:]
    /// What in these rows would be ids or dates if they were the old application's.
    var unmarkedLookAlikes: [(collection: String, path: FieldPath, ids: Int, dates: Int)] = []
    /// How many rows of a file without metadata are read as which kind.
    var kinds = RowKinds()

    init(problems: ProblemList, maximumDocument: Int) {
        self.problems = problems
        self.maximumDocument = maximumDocument
    }

    struct RowKinds: Sendable {
        var legacy = 0
        var extended = 0
        /// The number of rows with a wrapper whose `_id` is a string of 24 hexadecimal digits, as the old application
        /// wrote it.
        var extendedWithTextID = 0
        /// The line of the first row with a wrapper.
        var firstWrapped = Int.max

        var isMixed: Bool { legacy > 0 && extended > 0 }

        /// What an import of a file that has no row of Extended JSON says; nil for any other.
        var textOfLegacy: String? {
            guard legacy > 0, extended == 0 else { return nil }
            return
                "no row has a wrapper such as {\"$oid\": …}: \(legacy == 1 ? "it is" : "all \(legacy.grouped) are") read as the old application's, and --no-legacy reads \(legacy == 1 ? "it" : "them") as Extended JSON"
        }

        /// The warning about a file that has both.
        var text: String {
            let kinds =
                "rows are of two kinds: \(legacy.grouped) the old application's, \(extended.grouped) Extended JSON"
            let since =
                "\(kinds), since line \(firstWrapped) has a wrapper such as {\"$oid\": …} (--no-legacy reads all as Extended JSON)"
            guard extendedWithTextID > 0 else { return since }
            return
                "\(since); in \(extendedWithTextID.counted("row", "rows")) with one the _id is a string of 24 hex digits: what the old application has written of these should be put right in a copy of the file first, for their ids and dates stay strings"
        }
    }

    enum LegacyRows: Sendable {
        case none
        /// All rows: none has a wrapper of Extended JSON.
        case all
        /// Some rows are Extended JSON: those without wrappers whose `_id` is 24 hexadecimal digits are legacy rows.
        /// The kind of others without wrappers cannot be determined; they are read as Extended JSON, and stay as they
        /// are.
        case withHexadecimalID

        /// Whether a row is converted by type rules.
        func includes(_ document: RawDocument, hasWrapper: Bool) -> Bool {
            switch self {
            case .none: return false
            case _ where hasWrapper: return false
            case .all: return true
            case .withHexadecimalID: return LegacyRows.hasHexadecimalID(document)
            }
        }

        static func hasHexadecimalID(_ document: RawDocument) -> Bool {
            guard let id = document["_id"], id.type == .string, let text = id.stringBytes else { return false }
            return ObjectID(hex: text) != nil
        }
    }

    /// The size in bytes of the largest document that is read from a row: as text, an ObjectId or a date takes up to
    /// four times as much.
    var maximumRow: Int { Self.maximumRow(maximumDocument, isLegacy: legacyRows != .none) }

    static func maximumRow(_ maximumDocument: Int, isLegacy: Bool) -> Int {
        isLegacy ? maximumDocument * 4 : maximumDocument
    }

    func rows(of name: String) -> Rows? { places[ExactName(name)].map { rows[$0] } }

    mutating func setRows(_ rows: [Rows]) {
        self.rows = rows
        places = Dictionary(rows.enumerated().map { (ExactName($1.name), $0) }) { first, _ in first }
    }

    mutating func setIDs(_ ids: RecordHashes, at place: Int) { rows[place].ids = ids }

    /// The number of a collection's rows that could be read but have problems: these may be set aside, and the others
    /// are taken.
    func problemCount(amongRowsOf name: String) -> Int {
        problems.count(of: name) - unreadable[ExactName(name), default: 0]
    }

    var count: Int { rows.reduce(0) { $0 + $1.count } }
}
