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
/// A value without state: any task may use it, and several may restore it at the same time, each into its own database.
/// The file is read and fully checked each time.
public struct Fixture: Sendable {
    /// The file's path; `.gz` and `.zst` are read as well.
    public let file: String
    /// References and types that the file does not contain itself.
    public let configuration: Configuration
    let server: FixtureServer

    /// - Parameters:
    ///   - file: the path; a relative one starts at the process's working directory.
    ///   - server: the server to restore on; by default the one of `$MONGODB_URI`.
    ///   - configuration: for files without metadata, as written by the old application or with `--plain`.
    public init(
        _ file: String, on server: FixtureServer = .shared, configuration: Configuration = Configuration()
    ) {
        self.file = file
        self.server = server
        self.configuration = configuration
    }

    /// Uses a file in the directory of a source file, wherever the tests are started.
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
    /// A collection takes about 10 milliseconds, the time that the server needs to create it; documents are written
    /// quickly, and a majority of the members has them when this method returns. For several tests on one database,
    /// ``ThrowawayDatabase/reset(_:)`` is faster still.
    ///
    /// Cancelling the task stops it cleanly. If anything goes wrong, the database is removed again.
    /// - Parameter operation: for progress and messages.
    /// - Throws: ``FerryError`` naming the rows that are faulty or that the server refused, or why the server cannot be
    ///   reached; ``ConfigurationError``, ``FileError``, ``BackupError``, ``MongoError``; `CancellationError`.
    public func restore(_ operation: OperationContext = OperationContext()) async throws -> ThrowawayDatabase {
        try await Threads.run(cancelling: operation.cancellation) {
            try restoreBlocking(to: ThrowawayName.make(for: file), operation)
        }
    }

    /// Restores the file into a new database, passes it to `body`, and drops it, even if `body` throws or the task is
    /// cancelled.
    ///
    ///     try await shop.withDatabase { database in … }
    ///
    /// - Parameter body: runs in the caller's context, so it may use the test's own state.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; otherwise the errors of ``restore(_:)`` and ``ThrowawayDatabase/drop()``.
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
            // The test's error matters more; dropLeftovers can remove a database that is left behind.
            try? await database.drop()
            throw error
        }
        try await database.drop()
        return result
    }

    /// Rewrites the file from a live database: rows in `_id` order, without times and hosts, so that its diff in
    /// version control shows only what has changed in the data.
    ///
    ///     try await shop.export(from: Target(uri: "mongodb://127.0.0.1:27117/?replicaSet=rs0", database: "shop"))
    ///
    /// As its source, the file names the database that the former file named, or one named after the file: equal data
    /// give equal files whatever the database is called. The file appears under its name only when it is complete.
    /// - Parameters:
    ///   - target: the server and the database.
    ///   - collections: names or globs, as for the command's `--collection`; empty for all.
    ///   - exclude: names or globs of collections to leave out.
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

    /// The database name in the existing file; nil if the file is missing or damaged, as it is about to be replaced.
    private var formerName: String? {
        guard let opened = try? OpenFile(rereading: file, for: "a fixture"), let reader = try? BackupReader(opened)
        else { return nil }
        return reader.metadata?.database
    }

    /// - Parameter name: a new database's.
    func restoreBlocking(to name: String, _ operation: OperationContext) throws -> ThrowawayDatabase {
        let load = try FixtureLoad(self, operation)
        return try server.withConnection(to: name, operation.cancellation) { connection in
            do {
                try operation.cancellation.check()
                let loaded = try load.run(into: connection, isNew: true)
                return ThrowawayDatabase(name: connection.database, fixture: self, loaded)
            } catch let taken as FixtureLoad.NameTaken {
                throw FerryError("\(taken.database) was to be a new database, and it is not empty")
            } catch {
                // The first error gives the reason; a server that is gone cannot be cleaned up.
                try? connection.dropAllCollections()
                throw error
            }
        }
    }
}
