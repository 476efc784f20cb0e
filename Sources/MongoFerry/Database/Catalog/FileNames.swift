import BackupFile
import Relations

/// The database's names of a file's collections.
struct FileNames: Sendable {
    let configuration: Configuration
    let renames: [String: String]
    /// The database names that the file gives, by its own names.
    private let told: [ExactName: String]

    init(metadata: BackupMetadata?, configuration: Configuration, renames: [String: String]) {
        self.configuration = configuration
        self.renames = renames
        told = Dictionary((metadata?.collections ?? []).map { (ExactName($0.name), $0.databaseName) }) { first, _ in
            first
        }
    }

    /// The name by priority: this run's renames, the configuration, the file.
    func databaseName(of name: String) -> String {
        renames[name] ?? said(of: name) ?? told[ExactName(name)] ?? name
    }

    private func said(of name: String) -> String? {
        configuration.collection(name).flatMap { $0.saysDatabaseName ? $0.databaseName : nil }
    }

    /// - Parameter what: what would happen to two collections under one name.
    /// - Throws: ``FerryError`` if two collections of the file get the same name.
    static func check(_ names: [(name: String, databaseName: String)], _ what: String) throws {
        var seen: [String: String] = [:]
        for (name, databaseName) in names {
            guard let other = seen.updateValue(name, forKey: databaseName) else { continue }
            // Only this run's options and a configuration can cause that.
            throw FerryError(
                "\(BackupMetadata.shown(other)) and \(BackupMetadata.shown(name)) \(what) '\(databaseName.oneLine)'",
                kind: .usage)
        }
    }
}
