import BSON
import BackupFile

/// Finds what a server may refuse or interpret differently in a file's options and indexes, so that the plan shows it
/// before anything is written.
///
/// Nothing is changed or left out because of it: the server is asked, and what it refuses is reported. The known names
/// are those of MongoDB's manual up to 8.0; a server cannot be asked for its own list.
enum CatalogDoubts {
    private static let collectionOptions: Set<String> = [
        "capped", "size", "max", "validator", "validationLevel", "validationAction", "viewOn", "pipeline", "collation",
        "timeseries", "expireAfterSeconds", "clusteredIndex", "changeStreamPreAndPostImages", "encryptedFields",
        "storageEngine", "indexOptionDefaults", "autoIndexId", "idIndex", "uuid", "temp", "flags", "recordPreImages",
    ]

    private static let indexOptions: Set<String> = [
        "v", "key", "name", "ns", "unique", "background", "sparse", "expireAfterSeconds", "partialFilterExpression",
        "hidden", "collation", "storageEngine", "weights", "default_language", "language_override",
        "textIndexVersion", "2dsphereIndexVersion", "bits", "min", "max", "wildcardProjection", "clustered",
        "prepareUnique",
    ]

    private static let indexTypes: Set<String> = ["text", "2d", "2dsphere", "hashed"]

    /// One line for each.
    static func texts(_ entry: BackupMetadata.Collection) -> [String] {
        var result = entry.options.keys.filter { !collectionOptions.contains($0) }.map {
            "option \($0) of the file is not known to this program: a server that does not know it refuses the collection"
        }
        if entry.options["recordPreImages"] != nil {
            result.append(
                "option recordPreImages: servers from 6.2 have changeStreamPreAndPostImages instead, and refuse the collection"
            )
        }
        for index in entry.indexes {
            let name = BackupMetadata.shown(index["name"]?.string ?? "without a name")
            result += index.keys.filter { !indexOptions.contains($0) }.map {
                "index \(name): option \($0) is not known to this program; a server that does not know it refuses the index"
            }
            if case .double(let seconds)? = index["expireAfterSeconds"], seconds != seconds.rounded() {
                result.append(
                    "index \(name): expireAfterSeconds is \(JSONText.value(.double(seconds))); servers from 5.0 keep whole seconds, and of NaN so many that nothing expires"
                )
            }
            result += keyDoubts(index, of: entry.kind).map { "index \(name): \($0)" }
        }
        return result
    }

    private static func keyDoubts(_ index: Document, of kind: BackupMetadata.Collection.Kind) -> [String] {
        var result: [String] = []
        if let version = index["v"], version.integer != 1, version.integer != 2 {
            result.append("v is \(JSONText.value(version)); servers of today build version 1 and 2")
        }
        for (field, value) in index["key"]?.document?.elements ?? [] {
            let shown = "\(BackupMetadata.shown(field)): \(JSONText.value(value))"
            switch value {
            case .int32(let number) where number != 0: continue
            case .int64(let number) where number != 0: continue
            case .decimal128(let number) where (number.finiteParts?.coefficient ?? 1) != 0 && !number.isNaN: continue
            case .double(let number) where number.magnitude >= 1:
                continue
            case .double(let number) where number != 0 && !number.isNaN:
                result.append("the key \(shown) has a direction that servers have read in different ways")
            case .string("2dsphere") where CollectionBuilder.isUnversionedSphere(index, of: kind):
                result.append("no 2dsphereIndexVersion, which means 1; it is built as that")
            case .string(let type) where indexTypes.contains(type): continue
            case .string(let type) where !type.isEmpty:
                result.append("the key \(shown) is of a type that many servers do not have")
            default: result.append("the key \(shown) is one that only old servers took")
            }
        }
        return result
    }
}
