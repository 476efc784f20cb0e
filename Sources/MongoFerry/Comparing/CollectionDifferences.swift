import BSON
import BackupFile
import Relations

/// One difference between the database and the file.
struct TargetDifference: Sendable {
    /// The text for the plan.
    let text: String
    /// The text for the report, which has the whole of what the plan only mentions.
    let detail: String
    /// Whether the import removes the difference.
    let isMended: Bool

    init(_ text: String, detail: String? = nil, isMended: Bool = false) {
        self.text = text
        self.detail = detail ?? text
        self.isMended = isMended
    }
}

/// Compares the options and indexes of a file with those of an existing collection.
enum CollectionDifferences {
    enum Difference {
        case option(String, file: Value?, live: Value?)
        /// The database has a different index of that name.
        case index(String)
        /// The database has the same index under another name.
        case renamedIndex(String, live: String)
        /// The database has an index of another name beside which the server builds no such one.
        case rivalIndex(String, live: String)
        /// Only the file has it.
        case missingIndex(String)
        /// Only the database has it.
        case extraIndex(String)
    }

    static func found(
        _ entry: BackupMetadata.Collection, options: Document, indexes: [Document]
    ) -> [Difference] {
        var result: [Difference] = []
        let names = entry.options.keys + options.keys.filter { !entry.options.keys.contains($0) }
        for name in names
        where !CollectionBuilder.serverOnly.contains(name)
            && meaning(of: name, in: entry.options) != meaning(of: name, in: options)
        {
            result.append(.option(name, file: entry.options[name], live: options[name]))
        }
        // The index of a clustered collection is defined by its option and never built.
        let fileIndexes = byName(entry.indexes.filter { $0["clustered"] == nil })
        let liveIndexes = byName(indexes.filter { $0["clustered"] == nil })
        let isClustered = options["clusteredIndex"] != nil
        // Every collection has the index on `_id`, even if the file does not list it.
        var known: Set = [ExactName("_id_")]
        for (name, index) in fileIndexes.sorted(by: { $0.key < $1.key }) {
            if let existing = liveIndexes[name] {
                if normalized(existing) != normalized(index) { result.append(.index(name.text)) }
            } else if let other = otherName(of: index, in: indexes) {
                known.insert(other)
                result.append(.renamedIndex(name.text, live: other.text))
            } else if let rival = rivalName(of: index, in: indexes) {
                known.insert(rival)
                result.append(.rivalIndex(name.text, live: rival.text))
            } else if !(isClustered && name == ExactName("_id_")) {
                result.append(.missingIndex(name.text))
            }
        }
        for name in liveIndexes.keys.sorted() where fileIndexes[name] == nil && !known.contains(name) {
            result.append(.extraIndex(name.text))
        }
        return result
    }

    /// The option's value, or the server's default: `collMod` stores defaults explicitly.
    ///
    /// Source: MongoDB manual, `create`.
    private static func meaning(of option: String, in options: Document) -> Value? {
        let defaults: [String: Value] = ["validationLevel": "strict", "validationAction": "error"]
        return options[option] ?? defaults[option]
    }

    /// The differences, each with which side prevails.
    static func told(
        _ entry: BackupMetadata.Collection, options: Document, indexes: [Document], mode: ImportOptions.Mode
    ) -> [TargetDifference] {
        let isReplace = mode == .replace
        let ending = isReplace ? "the file's counts" : "it stays as it is"
        return found(entry, options: options, indexes: indexes).map { difference in
            switch difference {
            case .option(let name, let file, let live):
                TargetDifference("\(optionText(name, file, live)); \(ending)", isMended: isReplace)
            case .index(let name):
                TargetDifference("\(indexText(name, entry.indexes, indexes)); \(ending)", isMended: isReplace)
            case .renamedIndex(let name, let live):
                TargetDifference(
                    "index \(shown(name)) is \(shown(live)) in the database; \(ending)", isMended: isReplace)
            case .rivalIndex(let name, let live):
                TargetDifference(
                    "index \(shown(name)) is like \(shown(live)) in the database, with other options: "
                        + optionsText(name, entry.indexes, live, indexes) + "; "
                        + (isReplace ? ending : "it stays as it is, and the server takes no second one"),
                    isMended: isReplace)
            case .missingIndex(let name):
                TargetDifference(
                    "index \(shown(name)) will be created", detail: "the database has no index \(shown(name))",
                    isMended: true)
            case .extraIndex(let name):
                TargetDifference(
                    "index \(shown(name)) is not in the file; " + (isReplace ? "it will be gone" : "it stays"),
                    isMended: isReplace)
            }
        }
    }

    /// The values of an option; of two that are long, the first place at which they differ.
    static func optionText(_ name: String, _ file: Value?, _ live: Value?) -> String {
        let texts = (file.map(JSONText.value) ?? "none", live.map(JSONText.value) ?? "none")
        let cut = (texts.0.excerpt(longest), texts.1.excerpt(longest))
        let isWhole = texts.0.count <= longest && texts.1.count <= longest
        let isClear = cut.0 != cut.1 && (isWhole || file == nil || live == nil)
        return "option \(shown(name)): "
            + (isClear
                ? "\(cut.0) in the file, \(cut.1) in the database" : FirstDifference(file: file, live: live).text)
    }

    private static let longest = 120

    /// What differs in an index that both have under one name.
    static func indexText(_ name: String, _ file: [Document], _ live: [Document]) -> String {
        "index \(shown(name)) differs from the file's in \(optionsText(name, file, name, live))"
    }

    /// The options of an index in which the database's differs, whatever its name:
    /// `unique (true in the file, none in the database)`.
    static func optionsText(_ name: String, _ file: [Document], _ liveName: String, _ live: [Document]) -> String {
        let mine = normalized(byName(file)[ExactName(name)] ?? [:]).removing(["name"])
        let others = normalized(byName(live)[ExactName(liveName)] ?? [:]).removing(["name"])
        let options = mine.keys + others.keys.filter { !mine.keys.contains($0) }
        return options.filter { mine[$0] != others[$0] }
            .map { "\(shown($0)) (\(FirstDifference(file: mine[$0], live: others[$0]).text))" }.listed("and")
    }

    private static func shown(_ name: String) -> String { BackupMetadata.shown(name) }

    static func byName(_ indexes: [Document]) -> [ExactName: Document] {
        Dictionary(indexes.map { (name(of: $0), $0) }) { $1 }
    }

    /// Servers distinguish index names that look the same.
    static func name(of index: Document) -> ExactName { ExactName(index["name"]?.string ?? "") }

    /// The name of the same index if it has another name: a server builds no second one beside it.
    static func otherName(of index: Document, in indexes: [Document]) -> ExactName? {
        let wanted = normalized(index).removing(["name"])
        return indexes.first { normalized($0).removing(["name"]) == wanted }.map(name)
    }

    /// The name of an index that is the same to a server, though it has other options: the server refuses a second one.
    /// Of text indexes, a collection has only one.
    ///
    /// Source: MongoDB 6.0.5, `IndexCatalogImpl::_doesSpecConflictWithExisting`.
    private static func rivalName(of index: Document, in indexes: [Document]) -> ExactName? {
        let wanted = identity(index)
        return indexes.first { identity($0) == wanted || isText(index) && isText($0) }.map(name)
    }

    private static func isText(_ index: Document) -> Bool {
        index["key"]?.document?.elements.contains { $0.value == .string("text") } ?? false
    }

    private static func identity(_ index: Document) -> Document {
        let parts: Set = ["key", "collation", "partialFilterExpression", "unique", "sparse", "wildcardProjection"]
        let whole = normalized(index)
        return whole.removing(Set(whole.keys).subtracting(parts))
    }

    /// Brings an index into a form that does not depend on the server that lists it: old servers include the namespace,
    /// list the fields in another order, and keep numbers and flags in the types in which they came; versions differ
    /// between servers. From 7.0, a clustered index shows `expireAfterSeconds`, which is an option of its collection.
    ///
    /// Source: MongoDB 4.4.2, 6.0.5 and 7.0.28, `listIndexes`.
    static func normalized(_ index: Document) -> Document {
        let others = ["ns", "v", "background"] + (index["clustered"] == nil ? [] : ["expireAfterSeconds"])
        return Document { result in
            let fields = index.removing(Set(others)).elements.sorted {
                $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars)
            }
            for (name, value) in fields {
                let value = normalized(value, of: name)
                // A flag that is off equals one that is absent.
                if value != .bool(false) { result.append(name, value) }
            }
        }
    }

    private static func normalized(_ value: Value, of field: String) -> Value {
        switch field {
        case "key", "weights":
            // The order is kept: that of keys is the index's, and that of weights the server's.
            guard let inner = value.document else { return value }
            return .document(
                Document { copy in for (name, value) in inner.elements { copy.append(name, whole(value)) } })
        case "unique", "sparse", "hidden": return value.integer == nil ? value : .bool(value.isOn)
        case "expireAfterSeconds", "bits", "2dsphereIndexVersion", "textIndexVersion", "min", "max": return whole(value)
        default: return value
        }
    }

    /// Converts whole numbers of any type to Int64.
    private static func whole(_ value: Value) -> Value { value.integer.map { .int64(Int64($0)) } ?? value }
}
