import BSON
import ExtendedJSON

extension BackupMetadata {
    /// Reads the JSON of a metadata line.
    /// - Throws: ``BackupError`` saying which part is missing or wrong.
    init(json text: String, path: String, line: Int) throws {
        let reading = MetadataReading(path: path, line: line)
        let document: Document
        do throws(JSONFault) {
            document = try ExtendedJSONDecoder.document(text)
        } catch { throw reading.damaged("is \(error)") }
        guard let format = document["format"]?.integer else { throw reading.damaged("names no format") }
        guard format == Self.format else {
            throw BackupError(
                .newerFormat, path, line: line, "the file has format \(format), and this program reads format 1",
                advice: "Use a newer mongoferry.")
        }
        guard let database = document["database"]?.string else { throw reading.damaged("names no database") }
        guard let entries = document["collections"]?.array else { throw reading.damaged("lists no collections") }
        try reading.checkTexts(
            document, ["created", "program", "serverVersion", "topology", "consistency", "snapshot", "json"])
        self.init(
            created: document["created"]?.string, program: document["program"]?.string ?? "an unknown program",
            database: database)
        serverVersion = document["serverVersion"]?.string
        topology = document["topology"]?.string
        hosts = try reading.list(document, "hosts", "a string", \.string)
        consistency = document["consistency"]?.string
        snapshot = document["snapshot"]?.string
        json = document["json"]?.string ?? "compact"
        countsAreExact = try reading.part(document, "countsAreExact", "true or false", \.bool) ?? true
        // By their looks: an export refuses names that differ only in how a character is composed.
        var names: Set<String> = []
        for entry in entries {
            let collection = try reading.collection(entry)
            guard names.insert(collection.name).inserted else {
                throw reading.damaged("lists \(Self.shown(collection.name)), or a name that looks the same, twice")
            }
            collections.append(collection)
        }
        if let all = try reading.part(document, "records", "a whole number", \.integer) {
            let sum = collections.reduce(0) { $0 + $1.records }
            guard all == sum else { throw reading.damaged("says \(all) records in all, and \(sum) by collections") }
        }
        references = try reading.list(document, "references", "a document", \.ownFields).map {
            try reading.restored($0, "a reference")
        }
        excluded = try reading.named(document, "excluded", "something excluded without a name", text: "reason").map {
            Exclusion(name: $0, reason: $1)
        }
        queries = try reading.named(document, "queries", "a query without a collection's name", text: "query").map {
            CollectionQuery(name: $0, query: $1)
        }
    }
}

/// Reads the parts of a metadata line; its errors name a part that is not what it should be.
private struct MetadataReading {
    let path: String
    let line: Int

    func damaged(_ reason: String) -> BackupError { .damaged(path, line: line, "the metadata line \(reason)") }

    /// Restores a document that the line may hold as `{"$rawBSON":"…"}`.
    func restored(_ part: Document, _ name: String) throws(BackupError) -> Document {
        do {
            return try JSONText.restored(part)
        } catch { throw damaged("has \(name) that cannot be read: \(error)") }
    }

    /// The value of a key; nil if there is none. A value of another type is an error, not taken for missing.
    func part<Part>(
        _ fields: Document, _ key: String, of owner: String? = nil, _ kind: String, _ read: (Value) -> Part?
    ) throws(BackupError) -> Part? {
        guard let value = fields[key] else { return nil }
        guard let part = read(value) else {
            throw damaged("has '\(key)'\(owner.map { " of \($0)" } ?? "") that is not \(kind)")
        }
        return part
    }

    func checkTexts(_ fields: Document, _ keys: [String], of owner: String? = nil) throws(BackupError) {
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

    /// A list of names, each with an optional text.
    func named(
        _ document: Document, _ key: String, _ nameless: String, text: String
    ) throws(BackupError) -> [(name: String, text: String)] {
        var parts: [(name: String, text: String)] = []
        for fields in try list(document, key, "a document", \.ownFields) {
            guard let name = fields["name"]?.string else { throw damaged("has \(nameless)") }
            try checkTexts(fields, [text], of: BackupMetadata.shown(name))
            parts.append((name, fields[text]?.string ?? ""))
        }
        return parts
    }

    func collection(_ entry: Value) throws(BackupError) -> BackupMetadata.Collection {
        guard let fields = entry.ownFields, let name = fields["name"]?.string else {
            throw damaged("has a collection without a name")
        }
        let owner = BackupMetadata.shown(name)
        try checkTexts(fields, ["collection", "type"], of: owner)
        guard let type = fields["type"]?.string else { throw damaged("does not say what \(owner) is") }
        guard let kind = BackupMetadata.Collection.Kind(rawValue: type) else {
            throw damaged("says that \(owner) is a '\(type)', which this program does not know")
        }
        let records = try part(fields, "records", of: owner, "a whole number", \.integer) ?? 0
        guard BackupMetadata.counts.contains(records) else {
            throw damaged("gives \(owner) \(records) records")
        }
        let options = try restored(
            try part(fields, "options", of: owner, "a document", \.ownFields) ?? [:], "the options of \(owner)")
        guard kind == BackupMetadata.Collection.Kind(of: options) else {
            throw damaged("contradicts itself: \(owner) is a '\(type)', and its options are those of something else")
        }
        var indexes: [Document] = []
        var indexNames: Set<[UInt8]> = []
        for index in try list(fields, "indexes", of: owner, "a document", \.ownFields) {
            let index = try restored(index, "an index of \(owner)")
            let indexName = index["name"]?.string ?? ""
            guard indexNames.insert(Array(indexName.utf8)).inserted else {
                throw damaged("lists the index \(BackupMetadata.shown(indexName)) of \(owner) twice")
            }
            indexes.append(index)
        }
        return BackupMetadata.Collection(
            name: name, databaseName: fields["collection"]?.string, kind: kind,
            options: options, indexes: indexes, records: records)
    }
}

extension BackupMetadata.Collection.Kind {
    /// What a server makes of these options; nil if it would refuse them.
    fileprivate init?(of options: Document) {
        switch (options["viewOn"], options["timeseries"]) {
        case (nil, nil): self = .collection
        case (.string, nil) where options["pipeline"]?.array != nil: self = .view
        case (nil, .document): self = .timeseries
        default: return nil
        }
    }
}

extension Value {
    /// The fields of a document; unlike ``document``, nil for an array.
    fileprivate var ownFields: Document? { if case .document(let fields) = self { fields } else { nil } }
}
