import BSON
import BackupFile
import Relations

/// A backup file that tests start from.
///
///     let shop = Fixture("Fixtures/shop.csv")
///
///     @Test func aCustomerHasTwoOrders() async throws {
///         try await shop.withDatabase { database in
///             let store = try await Store(uri: database.uri)
///             #expect(try await store.orders(of: "Amara").count == 2)
///         }
///     }
///
/// A value without state: any task may use it, and several may restore it at the same time, each into a database of
/// its own. The file is read, and checked whole, each time.
public struct Fixture: Sendable {
    /// The file's path; `.gz` and `.zst` are read as well.
    public let file: String
    /// References and types where the file does not say them itself.
    public let configuration: Configuration
    let server: FixtureServer

    /// - Parameters:
    ///   - file: a path; a relative one starts at the process's working folder.
    ///   - server: where it is restored; the one of `$MONGODB_URI` unless said otherwise.
    ///   - configuration: for files without metadata, as the old application or `--plain` wrote them.
    public init(
        _ file: String, on server: FixtureServer = .shared, configuration: Configuration = Configuration()
    ) {
        self.file = file
        self.server = server
        self.configuration = configuration
    }

    /// A file in the folder of a source file, wherever the tests are started from.
    ///
    ///     let shop = Fixture("shop.csv", beside: #filePath)
    public init(
        _ file: String, beside source: String, on server: FixtureServer = .shared,
        configuration: Configuration = Configuration()
    ) {
        let folder = source[..<source.placeBehindLast("/")]
        self.init("\(folder)\(file)", on: server, configuration: configuration)
    }

    /// Restores the file into a new database, in one line before a test.
    ///
    ///     let database = try await shop.restore()
    ///     …
    ///     try await database.drop()
    ///
    /// A collection takes the server some 10 milliseconds, which is how long it needs to create one; documents are
    /// written at once, and a majority of the members has them when this returns. With several tests on one database,
    /// ``ThrowawayDatabase/reset(_:)`` is quicker still.
    ///
    /// Cancelling the task stops it cleanly. Whatever goes wrong, the database is removed again.
    /// - Parameter operation: for progress and messages.
    /// - Throws: ``FerryError`` naming the rows that are wrong or that the server refused, or why it cannot be reached;
    ///   ``ConfigurationError``, ``FileError``, ``BackupError``, ``MongoError``; `CancellationError`.
    public func restore(_ operation: OperationContext = OperationContext()) async throws -> ThrowawayDatabase {
        try await Threads.run(cancelling: operation.cancellation) { try restoreBlocking(operation) }
    }

    /// Restores the file into a new database, lends it, and drops it, also when `body` throws or the task is cancelled.
    ///
    ///     try await shop.withDatabase { database in … }
    ///
    /// - Parameter body: runs where the caller runs, so it may use the test's own state.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; else as ``restore(_:)`` and ``ThrowawayDatabase/drop()`` do.
    @discardableResult
    public nonisolated(nonsending) func withDatabase<Result>(
        _ operation: OperationContext = OperationContext(),
        _ body: nonisolated(nonsending) (ThrowawayDatabase) async throws -> Result
    ) async throws -> Result {
        let database = try await restore(operation)
        let result: Result
        do {
            result = try await body(database)
        } catch {
            // What the test found matters more; a database that is left over can be removed with dropLeftovers.
            try? await database.drop()
            throw error
        }
        try await database.drop()
        return result
    }

    /// Writes the file anew from a live database: rows in `_id` order, without times and hosts, so that its difference
    /// in version control shows only what has changed in the data.
    ///
    ///     try await shop.export(from: Target(uri: "mongodb://127.0.0.1:27117/?replicaSet=rs0", database: "shop"))
    ///
    /// The file says that it is from the database that the former file was from, or from one that is called like the
    /// file: equal data give equal files whatever the database is called. It appears under its name when it is complete.
    /// - Parameters:
    ///   - target: the server and the database.
    ///   - collections: names or globs, as the `--collection` of the command takes them; empty for all.
    ///   - exclude: names or globs of what is left out.
    ///   - operation: for progress and messages.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``, ``FileError``; `CancellationError`.
    @discardableResult
    public func export(
        from target: Target, collections: [String] = [], exclude: [String] = [],
        _ operation: OperationContext = OperationContext()
    ) async throws -> Report {
        var options = ExportOptions(destination: .file(path: file, overwriting: true))
        options.collections = collections.map { Glob($0) }
        options.exclude = exclude.map { Glob($0) }
        options.reproducible = true
        options.configuration = configuration
        let formerName = try await Threads.run(cancelling: operation.cancellation) { self.formerName }
        let baseName = ThrowawayName.baseName(of: file)
        options.sourceName = formerName ?? (baseName.isEmpty ? nil : baseName)
        return try await Export(target, options).run(operation)
    }

    /// What the file that is there now says of its database; a missing or damaged file is about to be replaced.
    private var formerName: String? {
        guard let opened = try? OpenFile(rereading: file, for: "a fixture"), let reader = try? BackupReader(opened)
        else { return nil }
        return reader.metadata?.database
    }

    private func restoreBlocking(_ operation: OperationContext) throws -> ThrowawayDatabase {
        let load = try FixtureLoad(self, operation)
        return try server.withConnection(to: ThrowawayName.make(for: file), operation.cancellation) { connection in
            var database = ThrowawayDatabase(name: connection.database, fixture: self)
            do {
                try operation.cancellation.check()
                let loaded = try load.run(into: connection, isNew: true)
                database.references = loaded.references
                database.names = loaded.names
                database.collections = loaded.outcomes
                return database
            } catch {
                // The first error says why; a server that is gone cannot be cleaned up.
                try? connection.dropAllCollections()
                throw error
            }
        }
    }
}
