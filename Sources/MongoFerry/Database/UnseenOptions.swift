import MongoDriver

/// What a user whose rights are on single collections cannot see.
enum UnseenOptions {
    /// A validator or a collation that is not seen would be taken for none, in a file as in a collection that is replaced.
    static func error(_ collection: String, in database: String) -> FerryError {
        FerryError(
            "the options of '\(collection)' in \(database) cannot be seen: the user may not list the database's collections",
            details: ["Nothing was written."],
            advice: ["Give the user the action listCollections on \(database); the role read has it."])
    }

    /// Says that there may be more than the user sees.
    /// - Parameter found: all that the server has listed.
    static func warn(_ found: [CollectionInfo], in database: String, _ operation: OperationContext) {
        guard found.contains(where: { !$0.hasDetails }) else { return }
        operation.warning(
            "only what the user has rights on was looked at: the user may not list the collections of \(database), and references to others were not found"
        )
    }
}
