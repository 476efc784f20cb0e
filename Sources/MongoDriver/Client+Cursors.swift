import BSON
import CLibMongoC

extension Client {
    /// Opens a query.
    ///
    ///     let cursor = try client.find(Namespace("insurance", "policies"), [:], options: FindOptions())
    ///     try cursor.forEach { print($0["_id"] as Any) }
    ///
    /// Cursors with a read concern of ``ReadConcern/snapshot(at:)`` and one time see the same point in time. Opening is tried once more where it failed for the network or an election; reading on is not, since
    /// the cursor is gone then.
    /// - Throws: ``MongoError`` naming the namespace.
    public func find(
        _ namespace: Namespace, _ filter: Document, options: FindOptions = FindOptions()
    ) throws -> Cursor {
        try namespace.validate()
        var options = options
        options.readConcern = options.readConcern ?? inheritedReadConcern
        return try openCursor(
            options.command(collection: namespace.collection, filter: filter), on: namespace.database,
            batchSize: options.batchSize, readPreference: options.readPreference)
    }

    /// Opens a query for documents that have certain values, whatever the values are.
    ///
    /// No index with a collation holds symbols, and a server refuses a question that would look for one there
    /// (CannotBuildIndexKeys, seen on MongoDB 6.0.5): it is asked again to look at all documents.
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

    /// Calls `body` with every document that one of some items finds.
    ///
    /// A value that a server takes for no BSON (`NonConformantBSON`, seen on MongoDB 7.0.28) may stand in no question, and
    /// the others would not be found with it: they are asked for without it, and it finds nothing.
    /// - Parameters:
    ///   - filters: what asks for these items. Where it is several questions, or one is asked in halves, some documents may
    ///     come twice.
    ///   - body: gets a document that is valid only inside it.
    /// - Throws: ``MongoError`` naming the namespace; what `filters` and `body` throw.
    public func forEachFound<Item>(
        by items: ArraySlice<Item>, in namespace: Namespace, options: FindOptions,
        filters: (ArraySlice<Item>) throws -> [Document], _ body: (RawDocument) throws -> Void
    ) throws {
        for filter in try filters(items) {
            let cursor: Cursor
            do {
                cursor = try findByValues(namespace, filter, options: options)
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

    /// Opens an aggregation of a collection, which must only read: no `$out`, no `$merge`.
    /// - Throws: ``MongoError`` naming the namespace.
    public func aggregate(
        _ namespace: Namespace, pipeline: [Document], options: AggregateOptions = AggregateOptions()
    ) throws -> Cursor {
        try namespace.validate()
        return try aggregate(target: .string(namespace.collection), on: namespace.database, pipeline, options)
    }

    /// Opens an aggregation that starts from the database itself, such as `$currentOp` on `admin`.
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
        options.readConcern = options.readConcern ?? inheritedReadConcern
        return try openCursor(
            options.command(target: target, pipeline: pipeline), on: database, batchSize: options.batchSize,
            readPreference: options.readPreference)
    }

    private var inheritedReadConcern: Document? {
        pool.readConcernLevel.map(ReadConcern.level)
    }

    /// Runs a command that answers with a cursor.
    func openCursor(
        _ command: Document, on database: String, batchSize: Int? = nil, readPreference: ReadPreference
    ) throws -> Cursor {
        let context = try Self.context(command, database)
        func open() throws -> Cursor {
            let serverID = try selectServer(readPreference, context)
            // Without a session of its own the next batch could go out under another, which the server refuses.
            let options = CommandOptions(session: try sessionWhereSupported(), serverID: serverID)
            return try Cursor(
                client: self, options: options, readPreference: readPreference, batchSize: batchSize, context: context,
                reply: try runForReply(command, on: database, options, readPreference))
        }
        do {
            return try open()
        } catch let error as MongoError
            where (error.isNetworkError || error.isNotPrimary) && pool.connectionString.retriesReads
        {
            return try open()
        }
    }

    private func sessionWhereSupported() throws -> Session? {
        do {
            return try startSession()
        } catch let error as MongoError where error.isSessionUnsupported {
            return nil
        }
    }

    /// The server that this client would read from; waits for one as long as the connection string allows.
    func selectServer(_ readPreference: ReadPreference, _ context: String) throws -> UInt32 {
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
