import BSON
import BackupFile
import Relations

/// Compares the options and indexes of a file with those of an existing collection.
enum CollectionDifferences {
    /// One line for each difference, saying which of the two stays.
    static func texts(
        _ entry: BackupMetadata.Collection, options: Document, indexes: [Document], mode: ImportOptions.Mode
    ) -> [String] {
        let isReplace = mode == .replace
        var result: [String] = []
        let names = entry.options.keys + options.keys.filter { !entry.options.keys.contains($0) }
        for name in names where entry.options[name] != options[name] {
            let file = entry.options[name].map(JSONText.value) ?? "none"
            let live = options[name].map(JSONText.value) ?? "none"
            result.append(
                "option \(name): \(file.excerpt(120)) in the file, \(live.excerpt(120)) in the database; "
                    + (isReplace ? "the file's counts" : "it stays as it is"))
        }
        let fileIndexes = byName(entry.indexes)
        let liveIndexes = byName(indexes)
        for (name, index) in fileIndexes.sorted(by: { $0.key < $1.key }) {
            if let existing = liveIndexes[name] {
                if normalized(existing) != normalized(index) {
                    result.append(
                        "index \(name) differs from the file's; "
                            + (isReplace ? "the file's counts" : "it stays as it is"))
                }
            } else if !isReplace {
                result.append("index \(name)\(willBeCreated)")
            }
        }
        // Every collection has the index of its `_id`s, whether a file names it or not.
        for name in liveIndexes.keys.sorted() where fileIndexes[name] == nil && name != "_id_" {
            result.append(
                "index \(name) is not in the file; " + (isReplace ? "it will be gone" : "it stays"))
        }
        return result
    }

    /// How a difference ends that the import does away with.
    static let willBeCreated = " will be created"

    static func byName(_ indexes: [Document]) -> [String: Document] {
        var result: [String: Document] = [:]
        for index in indexes { if let name = index["name"]?.string { result[name] = index } }
        return result
    }

    /// Without what says nothing about the index: old servers name the namespace, versions differ between servers.
    static func normalized(_ index: Document) -> Document { index.removing(["ns", "v"]) }
}
