import BSON

extension Client {
    /// Builds indexes with one scan of the collection; indexes that exist already are no error.
    ///
    /// Where the server supports a commit quorum, waits for a majority of the members, as other writes do. By default,
    /// servers wait for all members: for ever, if one is down.
    ///
    /// Source: MongoDB manual, `createIndexes`.
    /// - Parameter indexes: the specifications as the command takes them, each with its name.
    /// - Throws: ``MongoError``.
    public func createIndexes(_ indexes: [Document], on namespace: Namespace, writeConcern: WriteConcern) throws {
        var command: Document = [
            "createIndexes": .string(namespace.collection), "indexes": .array(indexes.map { .document($0) }),
        ]
        if try knowsCommitQuorum() { command = command.appending("commitQuorum", "majority") }
        try runWrite(command, on: namespace.database, writeConcern: writeConcern)
    }

    /// Lists every collection, view and time series collection of a database, including system collections.
    ///
    /// A user whose rights are limited to single collections gets only the names and types of those;
    /// ``CollectionInfo/hasDetails`` is false then.
    /// - Parameter names: the names to list, compared byte by byte, which the server finds without looking at other
    ///   collections; nil for all.
    /// - Throws: ``MongoError`` naming the database.
    public func listCollections(
        in database: String, named names: [String]? = nil, readPreference: ReadPreference = .connectionString
    ) throws -> [CollectionInfo] {
        func list(_ command: Document, hasDetails: Bool) throws -> [CollectionInfo] {
            let filter = names.map { Value.document(["name": ["$in": .array($0.map { .string($0) })]]) }
            return try listCollections(
                in: database, filter.map { command.appending("filter", $0) } ?? command, hasDetails: hasDetails,
                readPreference)
        }
        do {
            return try list(["listCollections": 1], hasDetails: true)
        } catch let error as MongoError where error.isUnauthorized {
            // Not the first choice: it would hide collections from a user who may list but not read them.
            return try list(
                ["listCollections": 1, "nameOnly": true, "authorizedCollections": true], hasDetails: false)
        }
    }

    private func listCollections(
        in database: String, _ command: Document, hasDetails: Bool, _ readPreference: ReadPreference
    ) throws -> [CollectionInfo] {
        var collections: [CollectionInfo] = []
        try openCursor(command, on: database, readPreference: readPreference).forEach {
            collections.append(try CollectionInfo($0, hasDetails: hasDetails))
        }
        return collections
    }

    /// Lists the specifications of a collection's indexes, byte for byte; empty if there is no such collection.
    /// - Throws: ``MongoError`` naming the namespace, also for a view.
    public func listIndexes(
        of namespace: Namespace, readPreference: ReadPreference = .connectionString
    ) throws -> [Document] {
        try listIndexesIfExists(of: namespace, readPreference: readPreference) ?? []
    }

    /// Lists the specifications of a collection's indexes, byte for byte; nil if there is no such collection.
    /// - Throws: ``MongoError`` naming the namespace, also for a view.
    public func listIndexesIfExists(
        of namespace: Namespace, readPreference: ReadPreference = .connectionString
    ) throws -> [Document]? {
        try listIndexes(["listIndexes": .string(namespace.collection)], namespace, readPreference)
    }

    /// Lists the specifications of a collection's indexes, apart from those still being built, since a build may yet
    /// fail; both lists are empty if there is no such collection. If the server does not tell them apart, all count as
    /// built.
    ///
    /// Source: the server's `list_indexes.idl`, `includeBuildUUIDs`: an index being built is listed as `spec`, with a
    /// `buildUUID`.
    /// - Throws: ``MongoError`` naming the namespace, also for a view.
    public func listIndexesAndBuilds(
        of namespace: Namespace, readPreference: ReadPreference = .connectionString
    ) throws -> (built: [Document], building: [Document]) {
        try listIndexesAndBuildsIfExists(of: namespace, readPreference: readPreference) ?? ([], [])
    }

    /// Like ``listIndexesAndBuilds(of:readPreference:)``, but nil if there is no such collection.
    /// - Throws: ``MongoError`` naming the namespace, also for a view.
    public func listIndexesAndBuildsIfExists(
        of namespace: Namespace, readPreference: ReadPreference = .connectionString
    ) throws -> (built: [Document], building: [Document])? {
        let command: Document = ["listIndexes": .string(namespace.collection), "includeBuildUUIDs": true]
        let found: [Document]
        do {
            guard let all = try listIndexes(command, namespace, readPreference) else { return nil }
            found = all
        } catch let error as MongoError where error.isRefusal {
            return try listIndexesIfExists(of: namespace, readPreference: readPreference).map { ($0, []) }
        }
        let building = found.filter { $0["buildUUID"] != nil }.compactMap { $0["spec"]?.document }
        return (found.filter { $0["buildUUID"] == nil }, building)
    }

    private func listIndexes(
        _ command: Document, _ namespace: Namespace, _ readPreference: ReadPreference
    ) throws -> [Document]? {
        try namespace.validate()
        var indexes: [Document] = []
        do {
            try openCursor(command, on: namespace.database, readPreference: readPreference).forEach {
                indexes.append(Document(copying: $0))
            }
        } catch let error as MongoError where error.isNamespaceNotFound {
            return nil
        }
        return indexes
    }

    /// Lists the names of the databases that the user may see.
    /// - Throws: ``MongoError``.
    public func listDatabaseNames(readPreference: ReadPreference = .connectionString) throws -> [String] {
        let reply = try run(["listDatabases": 1, "nameOnly": true], on: "admin", readPreference: readPreference)
        return reply["databases"]?.array?.compactMap { $0.document?["name"]?.string } ?? []
    }
}
