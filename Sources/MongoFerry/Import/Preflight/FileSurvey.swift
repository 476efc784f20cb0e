import BSON
import BackupFile
import Foundation
import Relations

/// What one pass over a whole file found, without keeping its rows.
struct FileSurvey: Sendable {
    /// Rows of one collection.
    struct Rows: Sendable {
        var name: String
        var count = 0
        /// Where its first row starts and its last one ends, in decompressed bytes; other collections' rows may stand
        /// between them in a legacy file.
        var first = RowPlace.nowhere
        var end = 0
        /// A hash of each `_id` as it will be in the database, sorted, and of each document where the import wants to compare them.
        var ids = RecordHashes()
        /// Rows whose document was carried as `$rawBSON`.
        var escaped = 0
        /// Bytes of the documents.
        var bytes = 0

        init(name: String) { self.name = name }
    }

    /// In the order of their first rows.
    private(set) var rows: [Rows] = []
    /// Where in `rows` each collection stands.
    private var places: [ExactName: Int] = [:]
    /// Names of the time series among them, whose `_id`s say nothing.
    var measurements: [ExactName: TimeField] = [:]
    var problems: ProblemList
    /// How many rows of each collection could not be read, and are not among its rows.
    var unreadable: [ExactName: Int] = [:]
    /// Bytes of the largest document that the server takes.
    var maximumDocument: Int
    /// Whether there are legacy rows whose documents are larger, and may become small enough by conversion.
    var hasLargeLegacyRows = false
    /// Lines of rows whose `_id` stands on an earlier line: an import that sets them aside must not write them.
    var repeatedLines: Set<Int> = []
    /// What is wrong with the file as a whole.
    var fileProblems: [String] = []
    /// Whether more could not be read: the last of ``fileProblems`` says why. Nothing but the faults counts then.
    var isCutShort = false
    var inference = LegacyInference()
    /// Whether the rows are the old application's `JSON.stringify` output, at least in part.
    var legacyRows = LegacyRows.none
    /// Rows without wrappers, by collection, that are taken for Extended JSON since others of the file are.
    var unmarkedRows: [ExactName: Int] = [:]
    /// How many rows of a bare CSV are read as what.
    var kinds = RowKinds()

    init(problems: ProblemList, maximumDocument: Int) {
        self.problems = problems
        self.maximumDocument = maximumDocument
    }

    struct RowKinds: Sendable {
        var legacy = 0
        var extended = 0
        /// Of the latter, those whose `_id` is a text of 24 hexadecimal digits, as the old application has written it.
        var extendedWithTextID = 0
        /// The line of the first row with a wrapper.
        var firstWrapped = Int.max

        var isMixed: Bool { legacy > 0 && extended > 0 }

        /// What is said of a file that has both.
        var text: String {
            let kinds =
                "rows are of two kinds: \(legacy.grouped) the old application's, \(extended.grouped) Extended JSON"
            let since = "\(kinds), since line \(firstWrapped) has a wrapper such as {\"$oid\": …}"
            guard extendedWithTextID > 0 else { return since }
            return
                "\(since); in \(extendedWithTextID.counted("row", "rows")) with one the _id is a text of 24 hex digits: what the old application has written of these should be put right in a copy of the file first, for their ids and dates stay texts"
        }
    }

    enum LegacyRows: Sendable {
        case none
        /// No row has a wrapper of Extended JSON: all are.
        case all
        /// Some rows are Extended JSON: those without wrappers whose `_id` is 24 hexadecimal digits are not. Of the others
        /// without wrappers nobody can tell, and what is taken for Extended JSON stays as it is.
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

    /// Bytes of the largest document that is read from a row: an ObjectId or a date takes four times as much as a text.
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

    /// How many of a collection's rows are problems: those may be set aside, and the others are taken.
    func problemCount(amongRowsOf name: String) -> Int {
        problems.count(of: name) - unreadable[ExactName(name), default: 0]
    }

    var count: Int { rows.reduce(0) { $0 + $1.count } }
}
