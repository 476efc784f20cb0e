import BackupFile
import MongoDriver
import Relations

/// A live database as discover and plan begin with it: what it holds, and how much.
struct LiveOverview {
    let connection: Connection
    /// Everything in the database.
    let found: [CollectionInfo]
    /// What is looked at.
    let catalog: Catalog
    let sizes: CollectionSizes

    /// Connects, and warns of what makes the picture doubtful.
    /// - Parameter orFile: a file would do as well as a database.
    /// - Throws: ``FerryError`` where there is no database to look at, or nothing in it; ``MongoError``;
    ///   `CancellationError`.
    init(
        _ target: Target, orFile: Bool = false, _ configuration: Configuration, _ operation: OperationContext
    ) throws {
        let database = try target.namedDatabase(orFile: orFile)
        operation.warnOfIgnoredOptions(target)
        (connection, found) = try Connection.listing(target, database: database, operation.cancellation)
        catalog = try Catalog(database, found, configuration: configuration)
        try catalog.requireSomething(of: connection)
        try configuration.checkTargets { [found] in found.map(\.name) }
        if let unseen = UnseenOptions.warning(found, in: database) { operation.warning(unseen) }
        if let unfinished = try UnfinishedImport.warning(found, connection) { operation.warning(unfinished) }
        sizes = try connection.sizes(of: catalog.entries)
    }
}
