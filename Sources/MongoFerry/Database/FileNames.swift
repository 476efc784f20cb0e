import BackupFile
import Relations

/// What the collections of a file are called in the database.
struct FileNames: Sendable {
    let metadata: BackupMetadata?
    let configuration: Configuration
    let renames: [String: String]

    /// By authority: what was said for this run, the configuration, the file.
    func databaseName(of name: String) -> String {
        renames[name] ?? configuration.collection(name)?.databaseName
            ?? metadata?.collection(named: name)?.databaseName ?? name
    }

    /// - Parameter what: what would happen to two collections under one name.
    /// - Throws: ``FerryError`` where two collections of the file get the same name.
    static func check(_ names: [(name: String, databaseName: String)], _ what: String) throws {
        var seen: [String: String] = [:]
        for (name, databaseName) in names {
            guard let other = seen.updateValue(name, forKey: databaseName) else { continue }
            throw FerryError("\(other) and \(name) \(what) '\(databaseName)'")
        }
    }

    /// The old application lower-cased some names: says so where the database has a collection of nearly that name.
    static func hint(_ name: String, among live: [String]) -> String? {
        guard let other = live.first(where: { $0 != name && $0.lowercased() == name.lowercased() }) else { return nil }
        return "the database has '\(other)': if that is meant, say `collection: \(other)` in the configuration"
    }
}
