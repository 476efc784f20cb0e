import BSON
import ExtendedJSON

extension BackupMetadata {
    /// Reads the JSON of a metadata line.
    /// - Throws: ``BackupError`` saying which part is missing or wrong.
    init(json text: String, path: String, line: Int) throws {
        func damaged(_ reason: String) -> BackupError { .damaged(path, line: line, "the metadata line \(reason)") }
        func restored(_ part: Document, _ name: String) throws(BackupError) -> Document {
            do {
                return try JSONText.restored(part)
            } catch { throw damaged("has \(name) that cannot be read: \(error)") }
        }
        let document: Document
        do throws(JSONFault) {
            document = try ExtendedJSONDecoder.document(text)
        } catch { throw damaged("is \(error)") }
        guard let format = document["format"]?.integer else { throw damaged("names no format") }
        guard format == Self.format else {
            throw BackupError(
                .newerFormat, path, line: line, "the file has format \(format), and this program reads format 1",
                advice: "Use a newer mongoferry.")
        }
        guard let database = document["database"]?.string else { throw damaged("names no database") }
        guard let entries = document["collections"]?.array else { throw damaged("lists no collections") }
        self.init(
            created: document["created"]?.string, program: document["program"]?.string ?? "an unknown program",
            database: database)
        serverVersion = document["serverVersion"]?.string
        topology = document["topology"]?.string
        hosts = document["hosts"]?.array?.compactMap(\.string) ?? []
        consistency = document["consistency"]?.string ?? "none"
        snapshot = document["snapshot"]?.string
        json = document["json"]?.string ?? "compact"
        countsAreExact = document["countsAreExact"]?.bool ?? true
        var names: Set<String> = []
        for entry in entries {
            guard let fields = entry.document, let name = fields["name"]?.string else {
                throw damaged("has a collection without a name")
            }
            let kind = fields["type"]?.string ?? "collection"
            guard let kind = Collection.Kind(rawValue: kind) else {
                throw damaged("says that \(Self.shown(name)) is a '\(kind)', which this program does not know")
            }
            guard names.insert(name).inserted else { throw damaged("lists \(Self.shown(name)) twice") }
            let records = fields["records"]?.integer ?? 0
            guard Self.counts.contains(records) else {
                throw damaged("gives \(Self.shown(name)) \(records) records")
            }
            collections.append(
                Collection(
                    name: name, databaseName: fields["collection"]?.string, kind: kind,
                    options: try restored(fields["options"]?.document ?? [:], "the options of \(Self.shown(name))"),
                    indexes: try (fields["indexes"]?.array ?? []).compactMap(\.document).map {
                        try restored($0, "an index of \(Self.shown(name))")
                    },
                    records: records))
        }
        references = try (document["references"]?.array ?? []).compactMap(\.document).map {
            try restored($0, "a reference")
        }
        for entry in document["excluded"]?.array ?? [] {
            guard let fields = entry.document, let name = fields["name"]?.string else { continue }
            excluded.append(Exclusion(name: name, reason: fields["reason"]?.string ?? ""))
        }
        for entry in document["queries"]?.array ?? [] {
            guard let fields = entry.document, let name = fields["name"]?.string else { continue }
            queries.append((name, fields["query"]?.string ?? ""))
        }
    }
}
