import BackupFile
import MongoDriver
import Relations

/// What discover and plan first need to know about a live database: its collections and their sizes.
struct LiveOverview {
    let connection: Connection
    /// Everything in the database.
    let found: [CollectionInfo]
    /// The collections to examine.
    let catalog: Catalog
    let sizes: CollectionSizes

    /// Connects, and warns of circumstances that make the result doubtful.
    /// - Parameter orFile: whether a file would do as well as a database, for the error's advice.
    /// - Throws: ``FerryError`` if there is no database to look at, or nothing in it; ``ConfigurationError``;
    ///   ``MongoError``; `CancellationError`.
    init(
        _ target: Target, orFile: Bool = false, _ configuration: Configuration, _ operation: OperationContext
    ) throws {
        let database = try target.namedDatabase(orFile: orFile)
        operation.warnOfIgnoredOptions(target)
        (connection, found) = try Connection.listing(target, database: database, operation.cancellation)
        catalog = try Catalog(database, found, configuration: configuration)
        try catalog.requireSomething(of: connection)
        try configuration.checkTargets(inDatabase: found)
        if let unseen = UnseenOptions.warning(found, in: database) { operation.warning(unseen) }
        if let unfinished = try UnfinishedImport.warning(found, connection) { operation.warning(unfinished) }
        sizes = try connection.sizes(of: catalog.entries)
    }
}
