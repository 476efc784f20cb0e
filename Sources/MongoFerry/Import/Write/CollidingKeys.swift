import BSON
import BackupFile
import MongoDriver
import Relations

/// Finds the values that prevent a unique index; servers name only the first.
struct CollidingKeys {
    let client: Client
    let namespace: Namespace

    /// The most keys to report, with their documents.
    private static let limit = 5
    /// In milliseconds. The keys only add to a refusal that is reported in any case, and the whole collection must be
    /// scanned.
    private static let patience = 30_000

    /// Values that several documents have, each with two of their `_id`s; empty if they cannot be found.
    func texts(_ index: Document) -> [String] {
        let paths = index["key"]?.document?.keys ?? []
        guard !paths.isEmpty, !paths.contains(where: { $0.contains("$") }) else { return [] }
        let options = AggregateOptions(
            allowDiskUse: true, collation: index["collation"]?.document, readPreference: .primary,
            maximumTime: Self.patience)
        var texts: [String] = []
        do {
            try client.aggregate(namespace, pipeline: pipeline(index, paths), options: options).forEach { found in
                texts.append(Self.text(Document(copying: found), paths))
            }
        } catch {
            // The index was refused, and that is reported; this only says more about it.
            return []
        }
        if texts.count > Self.limit { texts[Self.limit] = "…" }
        return texts
    }

    private func pipeline(_ index: Document, _ paths: [String]) -> [Document] {
        var stages: [Document] = []
        if let filter = index["partialFilterExpression"]?.document { stages.append(["$match": .document(filter)]) }
        if index["sparse"]?.isOn == true {
            stages.append([
                "$match": ["$or": .array(paths.map { .document([$0: ["$exists": true]]) })]
            ])
        }
        // Arrays are indexed element by element, at any level of the path.
        var unwound: Set<String> = []
        for path in paths {
            var prefix = ""
            for part in path.parts(between: ".") {
                prefix += (prefix.isEmpty ? "" : ".") + part
                guard unwound.insert(prefix).inserted else { continue }
                stages.append(["$unwind": ["path": .string("$" + prefix), "preserveNullAndEmptyArrays": true]])
            }
        }
        // A missing field counts as null.
        let key = Document {
            for (place, path) in paths.enumerated() {
                $0.append("k\(place)", ["$ifNull": [.string("$" + path), .null]])
            }
        }
        stages.append([
            "$group": [
                "_id": .document(key), "first": ["$first": "$_id"], "last": ["$last": "$_id"], "n": ["$sum": 1],
            ]
        ])
        // A value may occur twice within one document.
        stages.append(["$match": ["$expr": ["$ne": ["$first", "$last"]]]])
        stages.append(["$limit": .int32(Int32(Self.limit + 1))])
        return stages
    }

    private static func text(_ found: Document, _ paths: [String]) -> String {
        let values = found["_id"]?.document?.elements.map(\.value) ?? []
        let key = Document { for (path, value) in zip(paths, values) { $0.append(path, value) } }
        let ids = ["first", "last"].compactMap { found[$0].map(JSONText.value) }.joined(separator: " and ")
        let count = found["n"]?.integer ?? 2
        return "\(JSONText.document(key).excerpt(300)) in _id \(ids)" + (count > 2 ? " and \(count - 2) more" : "")
    }
}
