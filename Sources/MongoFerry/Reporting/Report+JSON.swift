import BSON
import BackupFile

extension Report {
    var document: Document {
        Document { report in
            func add(_ key: String, _ text: String?) {
                if let text { report.append(key, .string(text)) }
            }
            add("operation", operation.rawValue)
            add("status", status.rawValue)
            add("mode", mode?.rawValue)
            if isDryRun { report.append("dryRun", true) }
            add("file", file)
            add("database", database)
            add("server", server)
            add("source", source)
            add("program", program)
            add("started", started)
            report.append("seconds", .double(seconds))
            add("consistency", consistency?.rawValue)
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
            report.append("conversions", .array(conversions.map { [.document($0.document)] } ?? []))
            report.append("warnings", .array(allWarnings.map { .string($0) }))
            add("rejectsFile", rejectsFile)
            add("error", error)
            report.append("nextSteps", .array(nextSteps.map { .string($0) }))
        }
    }
}

extension Value {
    /// The value, or its text if Extended JSON cannot represent it: otherwise the whole report would become `$rawBSON`.
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
        ["collection": .string(collection), "kind": .string(kind.rawValue), "detail": .string(detail)]
    }
}
