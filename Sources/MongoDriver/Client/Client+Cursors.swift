import BSON
import CLibMongoC

extension Client {
    /// Opens a query.
    ///
    ///     let cursor = try client.find(Namespace("insurance", "policies"), [:], options: FindOptions())
    ///     try cursor.forEach { print($0["_id"] as Any) }
    ///
    /// Cursors whose read concern is ``ReadConcern/snapshot(at:)`` with the same time see the same point in time.
    /// Opening is retried once after a network error or an election, unless the connection string says
    /// `retryReads=false`; reading on is not retried, since the cursor is gone then.
    /// - Throws: ``MongoError`` naming the namespace.
    public func find(
        _ namespace: Namespace, _ filter: Document, options: FindOptions = FindOptions()
    ) throws -> Cursor {
        try namespace.validate()
        var options = options
        options.readConcern = options.readConcern ?? pool.readConcern
        return try openCursor(
            options.command(collection: namespace.collection, filter: filter), on: namespace.database,
            batchSize: options.batchSize, readPreference: options.readPreference)
    }

    /// Opens a query for documents that have certain values, of any type.
    ///
    /// An index with a collation cannot hold symbols, and the server refuses a query that would look one up there
    /// (CannotBuildIndexKeys, seen on MongoDB 6.0.5): it is then repeated as a scan of the whole collection.
    /// - Throws: ``MongoError`` naming the namespace.
    private func findByValues(
        _ namespace: Namespace, _ filter: Document, options: FindOptions = FindOptions()
    ) throws -> Cursor {
        do {
            return try find(namespace, filter, options: options)
        } catch let error as MongoError where error.isUnfitForIndex {
            var options = options
            options.hint = ["$natural": 1]
            return try find(namespace, filter, options: options)
        }
    }

    /// Calls `body` with every document that matches any of the items.
    ///
    /// The server refuses a whole query because of one value that it does not consider valid BSON (`NonConformantBSON`,
    /// seen on MongoDB 7.0.28). The items are then halved until such a value is alone; it counts as finding nothing,
    /// and the other items are still found.
    /// - Parameters:
    ///   - options: without a batch size, that is one more than there are items: if each is found once, the first batch
    ///     is the last.
    ///   - filters: returns the filters that find the given items. If there are several, or if items are halved, a
    ///     document may come twice.
    ///   - body: gets a document that is valid only inside it.
    /// - Throws: ``MongoError`` naming the namespace; whatever `filters` and `body` throw.
    public func forEachFound<Item>(
        by items: ArraySlice<Item>, in namespace: Namespace, options: FindOptions,
        filters: (ArraySlice<Item>) throws -> [Document], _ body: (RawDocument) throws -> Void
    ) throws {
        var found = options
        found.batchSize = options.batchSize ?? items.count + 1
        for filter in try filters(items) {
            let cursor: Cursor
            do {
                cursor = try findByValues(namespace, filter, options: found)
            } catch let error as MongoError where error.isInvalidBSON {
                guard items.count > 1 else { continue }
                let middle = items.startIndex + items.count / 2
                for half in [items[..<middle], items[middle...]] {
                    try forEachFound(by: half, in: namespace, options: options, filters: filters, body)
                }
                return
            }
            try cursor.forEach(body)
        }
    }

    /// Opens an aggregation of a collection. The pipeline must only read: no `$out`, no `$merge`.
    /// - Throws: ``MongoError`` naming the namespace.
    public func aggregate(
        _ namespace: Namespace, pipeline: [Document], options: AggregateOptions = AggregateOptions()
    ) throws -> Cursor {
        try namespace.validate()
        return try aggregate(target: .string(namespace.collection), on: namespace.database, pipeline, options)
    }

    /// Opens an aggregation of the database itself, such as `$currentOp` on `admin`.
    /// - Throws: ``MongoError`` naming the database.
    public func aggregate(
        database: String, pipeline: [Document], options: AggregateOptions = AggregateOptions()
    ) throws -> Cursor {
        try aggregate(target: 1, on: database, pipeline, options)
    }

    private func aggregate(
        target: Value, on database: String, _ pipeline: [Document], _ options: AggregateOptions
    ) throws -> Cursor {
        var options = options
        options.readConcern = options.readConcern ?? pool.readConcern
        return try openCursor(
            options.command(target: target, pipeline: pipeline), on: database, batchSize: options.batchSize,
            readPreference: options.readPreference)
    }

    /// Runs a command that returns a cursor.
    func openCursor(
        _ command: Document, on database: String, batchSize: Int? = nil, readPreference: ReadPreference
    ) throws -> Cursor {
        let context = try Self.context(command, database)
        func open() throws -> Cursor {
            let serverID = try selectServer(readPreference, context)
            // Without an explicit session, the next batch could go out under another one, which the server refuses.
            let options = CommandOptions(session: try sessionWhereSupported(), serverID: serverID)
            return try Cursor(
                client: self, options: options, readPreference: readPreference, batchSize: batchSize, context: context,
                reply: try runForReply(command, on: database, options, readPreference))
        }
        return try retryingRead(open)
    }

    /// Repeats a read once after a network error or an election, unless the connection string says `retryReads=false`.
    func retryingRead<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as MongoError
            where (error.isNetworkError || error.isNotPrimary) && pool.connectionString.retriesReads
        {
            return try body()
        }
    }

    private func sessionWhereSupported() throws -> Session? {
        do {
            return try startSession()
        } catch let error as MongoError where error.isSessionUnsupported {
            return nil
        }
    }

    /// Selects the server that this client would read from; waits for one as long as the connection string allows.
    func selectServer(_ readPreference: ReadPreference, _ context: MongoError.Context) throws -> UInt32 {
        if readPreference == .connectionString, let server = pool.serverID { return server }
        var error = bson_error_t()
        let server = try withPreference(readPreference) { preference in
            mongoc_client_select_server(handle, false, preference, &error)
        }
        guard let server else { throw MongoError(error, context: context) }
        defer { mongoc_server_description_destroy(server) }
        return mongoc_server_description_id(server)
    }
}

extension MongoError {
    fileprivate var isSessionUnsupported: Bool {
        domain == .client && code == Int(MONGOC_ERROR_CLIENT_SESSION_FAILURE.rawValue)
    }
}
