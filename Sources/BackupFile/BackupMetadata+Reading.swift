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
        /// What stands under a key, where anything does; not left out because it is something else.
        func part<Part>(
            _ fields: Document, _ key: String, of owner: String? = nil, _ kind: String, _ read: (Value) -> Part?
        ) throws(BackupError) -> Part? {
            guard let value = fields[key] else { return nil }
            guard let part = read(value) else {
                throw damaged("has '\(key)'\(owner.map { " of \($0)" } ?? "") that is not \(kind)")
            }
            return part
        }
        func texts(_ fields: Document, _ keys: [String], of owner: String? = nil) throws(BackupError) {
            for key in keys { _ = try part(fields, key, of: owner, "a string", \.string) }
        }
        func list<Part>(
            _ fields: Document, _ key: String, of owner: String? = nil, _ kind: String, _ read: (Value) -> Part?
        ) throws(BackupError) -> [Part] {
            var parts: [Part] = []
            for (place, value) in (try part(fields, key, of: owner, "a list", \.array) ?? []).enumerated() {
                guard let part = read(value) else {
                    throw damaged("has '\(key)[\(place)]'\(owner.map { " of \($0)" } ?? "") that is not \(kind)")
                }
                parts.append(part)
            }
            return parts
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
        try texts(document, ["created", "program", "serverVersion", "topology", "consistency", "snapshot", "json"])
        self.init(
            created: document["created"]?.string, program: document["program"]?.string ?? "an unknown program",
            database: database)
        serverVersion = document["serverVersion"]?.string
        topology = document["topology"]?.string
        hosts = try list(document, "hosts", "a string", \.string)
        consistency = document["consistency"]?.string ?? "none"
        snapshot = document["snapshot"]?.string
        json = document["json"]?.string ?? "compact"
        countsAreExact = try part(document, "countsAreExact", "true or false", \.bool) ?? true
        var names: Set<String> = []
        for entry in entries {
            guard let fields = entry.ownFields, let name = fields["name"]?.string else {
                throw damaged("has a collection without a name")
            }
            let owner = Self.shown(name)
            try texts(fields, ["collection", "type"], of: owner)
            let kind = fields["type"]?.string ?? "collection"
            guard let kind = Collection.Kind(rawValue: kind) else {
                throw damaged("says that \(owner) is a '\(kind)', which this program does not know")
            }
            guard names.insert(name).inserted else { throw damaged("lists \(owner) twice") }
            let records = try part(fields, "records", of: owner, "a whole number", \.integer) ?? 0
            guard Self.counts.contains(records) else {
                throw damaged("gives \(owner) \(records) records")
            }
            collections.append(
                Collection(
                    name: name, databaseName: fields["collection"]?.string, kind: kind,
                    options: try restored(
                        try part(fields, "options", of: owner, "a document", \.ownFields) ?? [:],
                        "the options of \(owner)"),
                    indexes: try list(fields, "indexes", of: owner, "a document", \.ownFields).map {
                        try restored($0, "an index of \(owner)")
                    },
                    records: records))
        }
        references = try list(document, "references", "a document", \.ownFields).map {
            try restored($0, "a reference")
        }
        for fields in try list(document, "excluded", "a document", \.ownFields) {
            guard let name = fields["name"]?.string else { throw damaged("has something excluded without a name") }
            try texts(fields, ["reason"], of: Self.shown(name))
            excluded.append(Exclusion(name: name, reason: fields["reason"]?.string ?? ""))
        }
        for fields in try list(document, "queries", "a document", \.ownFields) {
            guard let name = fields["name"]?.string else { throw damaged("has a query without a collection's name") }
            try texts(fields, ["query"], of: Self.shown(name))
            queries.append((name, fields["query"]?.string ?? ""))
        }
    }
}

extension Value {
    /// The fields of a document; ``document`` takes a list for one, too.
    fileprivate var ownFields: Document? { if case .document(let fields) = self { fields } else { nil } }
}
