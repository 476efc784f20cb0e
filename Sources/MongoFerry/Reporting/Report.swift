import BSON
import BackupFile
import ExtendedJSON
import Relations

/// The outcome of an operation, for people and for programs.
public struct Report: Sendable {
    /// A row or a document that was not taken.
    public struct Rejection: Sendable {
        public var collection: String?
        /// Its line in the file; nil where it is not from a file.
        public var line: Int?
        /// Its `_id` as Extended JSON, where known.
        public var id: String?
        public var reason: String
    }

    /// Something that differs between what was expected and what is there.
    public struct Difference: Sendable {
        public var collection: String
        /// `file`: what is wrong with the file as a whole. `missing`, `different`, `extra`: documents of the database,
        /// against the file's. `target`: options and indexes that the plan of an import shows.
        public var kind: String
        public var detail: String

        /// Whether it is told as a fault. Documents that only the database has do not contradict the file.
        public var isProblem: Bool { kind != "target" && kind != "extra" }
    }

    /// Why no more of a file could be read.
    struct Unreadable {
        var isDamaged: Bool
        /// What to do instead; nil where there is nothing to say.
        var advice: String?
    }

    public var operation: String
    /// `done`, `problems`, `refused`, `failed`, `interrupted`, `planned`.
    public var status = "done"
    public var mode: String?
    public var isDryRun = false
    public var file: String?
    public var database: String?
    public var source: String?
    public var program = "mongoferry \(mongoFerryVersion)"
    public var started = Clock.now
    public var seconds = 0.0
    public var consistency: String?
    public var snapshot: String?
    public var bytes: Int?
    public var sha256: String?
    /// Rows that Extended JSON could not carry.
    public var escaped: Int?
    public var collections: [CollectionOutcome] = []
    public var references: [ReferenceOutcome] = []
    /// What was left out: of a database by an export or its check, of a file by an import or a comparison.
    public var excluded: [BackupMetadata.Exclusion] = []
    /// Filters of an export: of each collection named, only what matches is in the file.
    public var queries: [(name: String, query: String)] = []
    public var rejections: [Rejection] = []
    /// All rejections, of which ``rejections`` holds the first.
    public var rejectionCount = 0
    public var differences: [Difference] = []
    public var conversions: [Document] = []
    public var warnings: [String] = []
    /// What the connection string said in vain. It was said when the operation began, and is no problem of the data.
    public var connectionWarnings: [String] = []
    /// The database that a file was held against is not there, or is empty.
    var isDatabaseMissing = false
    /// Indexes that the server refused; each is among the warnings.
    var refusedIndexCount = 0
    /// Those among them that are unique, and in which documents collide.
    var collidingIndexCount = 0
    /// Reading the file could not go on, and no import can take a part of it.
    var unreadable: Unreadable?
    /// What to do about ``error``, where the operation was stopped by one.
    var advice: [String] = []
    public var error: String?
    /// The file of rows that were set aside, to be mended and imported; nil where there are none.
    public var rejectsFile: String?
    /// Where a dry run's rows would be set aside; nil where there are none.
    var rejectsPlace: String?
    /// What imports that file once its rows are mended.
    var rejectsCommand: String?
    /// The reference graph with what dangles, for a picture; nil where no references were looked at.
    public var graph: GraphDrawing?

    package init(operation: String) { self.operation = operation }

    /// Values that lead nowhere and start in a collection; optional references do not count.
    public func dangling(in collection: String) -> Int {
        references.reduce(0) { $0 + ($1.collection == collection && !$1.isOptional ? $1.dangling : 0) }
    }

    public var danglingCount: Int { references.reduce(0) { $0 + ($1.isOptional ? 0 : $1.dangling) } }

    public var totals: CollectionOutcome {
        collections.reduce(into: CollectionOutcome(name: "total")) { $0 += $1 }
    }

    /// The report as one JSON document, its line end included.
    public var json: String { JSONText.document(document) + "\n" }

    /// The report as one page for people, which needs nothing else.
    public var html: String { HTMLReport(report: self).text }

    var document: Document {
        Document { report in
            func add(_ key: String, _ text: String?) {
                if let text { report.append(key, .string(text)) }
            }
            add("operation", operation)
            add("status", status)
            add("mode", mode)
            if isDryRun { report.append("dryRun", true) }
            add("file", file)
            add("database", database)
            add("source", source)
            add("program", program)
            add("started", started)
            report.append("seconds", .double(seconds))
            add("consistency", consistency)
            add("snapshot", snapshot)
            if let bytes { report.append("bytes", .number(bytes)) }
            add("sha256", sha256)
            if let escaped { report.append("escaped", .number(escaped)) }
            report.append("collections", .array(collections.map { .document($0.document) }))
            report.append("totals", .document(totals.document.removing(["name", "seconds"])))
            report.append("references", .array(references.map { .document($0.document) }))
            report.append("dangling", .number(danglingCount))
            report.append(
                "excluded",
                .array(excluded.map { .document(["name": .string($0.name), "reason": .string($0.reason)]) }))
            if !queries.isEmpty {
                report.append(
                    "queries",
                    .array(queries.map { .document(["name": .string($0.name), "query": .string($0.query)]) }))
            }
            report.append("rejectedRows", .array(rejections.map { .document($0.document) }))
            report.append("rejected", .number(rejectionCount))
            report.append("differences", .array(differences.map { .document($0.document) }))
            report.append("conversions", .array(conversions.map { .document($0) }))
            report.append("warnings", .array((connectionWarnings + warnings).map { .string($0) }))
            add("rejectsFile", rejectsFile)
            add("error", error)
            report.append("nextSteps", .array(nextSteps.map { .string($0) }))
        }
    }
}

extension Value {
    /// The smallest integer type that holds it, so that it stands bare in Extended JSON.
    static func number(_ number: Int) -> Value { Int32(exactly: number).map { .int32($0) } ?? .int64(Int64(number)) }
}

extension Value {
    /// Itself, or its text where Extended JSON cannot carry it: it would make one text of the whole report.
    fileprivate var reportable: Value {
        let text = JSONText.value(self)
        return text.hasPrefix("{\"$rawBSON\":") ? .string(text) : self
    }
}

extension CollectionOutcome {
    var document: Document {
        [
            "name": .string(name), "read": .number(read), "inserted": .number(inserted), "updated": .number(updated),
            "unchanged": .number(unchanged), "deleted": .number(deleted), "rejected": .number(rejected),
            "seconds": .double(seconds),
        ]
    }
}

extension ReferenceOutcome {
    var document: Document {
        Document {
            $0.append("collection", .string(collection))
            $0.append("path", .string(path))
            $0.append("target", .string(target))
            $0.append("checked", .number(checked))
            $0.append("dangling", .number(dangling))
            $0.append(
                "examples",
                .array(examples.map { .document(["value": $0.value.reportable, "_id": $0.documentID.reportable]) }))
            if let condition { $0.append("when", .string(condition)) }
            if unchecked > 0 { $0.append("unchecked", .number(unchecked)) }
            if isTargetMissing { $0.append("targetMissing", true) }
            if isOptional { $0.append("optional", true) }
        }
    }
}

extension Report.Rejection {
    var document: Document {
        Document {
            if let collection { $0.append("collection", .string(collection)) }
            if let line { $0.append("line", .number(line)) }
            if let id { $0.append("_id", .string(id)) }
            $0.append("reason", .string(reason))
        }
    }
}

extension Report.Difference {
    var document: Document {
        ["collection": .string(collection), "kind": .string(kind), "detail": .string(detail)]
    }
}
