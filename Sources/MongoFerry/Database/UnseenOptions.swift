/// What a user whose rights are on single collections cannot see.
enum UnseenOptions {
    /// A validator or a collation that is not seen would be taken for none, in a file as in a collection that is replaced.
    static func error(_ collection: String, in database: String) -> FerryError {
        FerryError(
            "the options of '\(collection)' in \(database) cannot be seen: the user may not list the database's collections",
            details: [
                "Nothing was written. Give the user the action listCollections on \(database); the role read has it."
            ])
    }
}
