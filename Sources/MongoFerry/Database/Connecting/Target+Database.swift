import BackupFile

extension Target {
    /// The database's name.
    /// - Parameter orFile: whether a file would do as well, for the error's advice.
    /// - Throws: ``FerryError`` if no name was given.
    package func namedDatabase(orFile: Bool = false) throws -> String {
        guard let database else {
            throw Self.noDatabase(
                "Neither --db nor the connection string names one",
                advice: orFile ? "Use --db NAME, or a FILE." : "Use --db NAME.")
        }
        return database
    }

    /// The database's name; otherwise the name in the file's metadata.
    func namedDatabase(else metadata: BackupMetadata?) throws -> String {
        guard let database = database ?? metadata?.database else {
            throw Self.noDatabase(
                "Neither --db nor the connection string nor the file names one", advice: "Use --db NAME.")
        }
        return database
    }

    private static func noDatabase(_ reason: String, advice: String) -> FerryError {
        FerryError("which database? \(reason)", kind: .usage, advice: [advice])
    }
}
