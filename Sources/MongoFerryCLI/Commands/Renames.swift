import BackupFile
import MongoFerry

/// Parses names in the file and their replacements in the database: `customers=clients`.
enum Renames {
    /// - Throws: ``FerryError`` of wrong usage.
    static func parse(_ texts: [String]) throws -> [String: String] {
        var renames: [String: String] = [:]
        for text in texts {
            guard let (before, behind) = text.cut(at: "="), !before.isEmpty, !behind.isEmpty else {
                throw FerryError("--rename must look like A=B: \(text)", kind: .usage)
            }
            let name = String(before)
            guard !behind.contains("=") else {
                throw FerryError(
                    "--rename has more than one '=', and a name may have it, too: \(text)", kind: .usage,
                    advice: ["The configuration can say it: collections: {NAME: {collection: NAME}}."])
            }
            guard renames.updateValue(String(behind), forKey: name) == nil else {
                throw FerryError("--rename names '\(name)' twice", kind: .usage)
            }
        }
        return renames
    }
}
