import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// The state of a database, with details for the names that an import writes.
struct LiveCatalog: Sendable {
    struct Contents: Sendable {
        let count: Int
        /// Routers before 5.0 cannot rename a collection over a sharded one.
        let cannotBeRenamedOver: Bool
        /// The indexes, including those that are still being built.
        let indexes: [Document]
        /// The names of the indexes that are complete; the others may still fail.
        let builtIndexes: Set<ExactName>
    }

    /// How documents are counted.
    enum Counting: Sendable {
        /// By the server's metadata, unless that says none.
        case estimated
        /// To be compared with later counts: counts the documents of a sharded cluster one by one.
        case steady
        /// By counting all documents: after a crash, the metadata may lack the last minute's writes.
        case exact
    }

    /// All collections and views of the database.
    let collections: [CollectionInfo]
    /// The contents of the collections that are written, except views, by their names.
    let contents: [String: Contents]
    /// The options and indexes that imports kept of collections that they dropped.
    let kept: [ExactName: KeptDefinitions.Entry]
    /// The UUIDs, which tell the collections from others that had their names.
    let identities: CollectionIdentities
    let nameHints: NameHints
    /// Grouped by names that are equal to Swift.
    private let byName: [String: [CollectionInfo]]
    private let asked = ContinuousClock.now

    /// - Throws: ``MongoError``; ``FerryError`` if what an import has recorded cannot be read.
    init(_ connection: Connection, names: Set<String>, counting: Counting = .estimated) throws {
        let database = connection.database
        collections = try connection.withClient { try $0.listCollections(in: database, readPreference: .primary) }
        identities = CollectionIdentities(collections)
        nameHints = NameHints(collections.map(\.name))
        byName = Dictionary(grouping: collections, by: \.name)
        kept =
            byName[OwnNames.definitions] != nil
            ? try connection.withClient { try KeptDefinitions(client: $0, database: database).read() } : [:]
        let written = collections.filter { $0.kind != .view && names.contains($0.name) }.map(\.name)
        let answers = try connection.answers(for: written) { client, name in
            let namespace = Namespace(database, name)
            let count =
                switch counting {
                case .estimated: try client.likelyCount(namespace)
                case .steady: try client.steadyCount(namespace)
                case .exact: try client.countDocuments(namespace)
                }
            let (built, building) = try client.listIndexesAndBuilds(of: namespace, readPreference: .primary)
            return Contents(
                count: count, cannotBeRenamedOver: try Self.cannotBeRenamedOver(namespace, connection, client),
                indexes: built + building,
                builtIndexes: Set(built.map(CollectionDifferences.name)))
        }
        // The plan refuses names that only look the same.
        contents = Dictionary(zip(written, answers)) { first, _ in first }
    }

    private static func cannotBeRenamedOver(_ namespace: Namespace, _ connection: Connection, _ client: Client) throws
        -> Bool
    {
        guard connection.pool.leadsToRouter, !connection.server.isAtLeast(5) else { return false }
        let command: Document = ["collStats": .string(namespace.collection)]
        do {
            return try client.runRead(command, on: namespace.database, readPreference: .primary)["sharded"] == true
        } catch let error as MongoError where error.isUnauthorized {
            // The swap will report it.
            return false
        }
    }

    /// The collection or view of that name, as Swift compares names; see ``hasLookAlike(of:)``.
    subscript(name: String) -> CollectionInfo? { byName[name]?.first }

    /// Whether a collection has a name that looks the same but has other bytes, and so is another name to a server.
    func hasLookAlike(of name: String) -> Bool {
        byName[name]?.contains { !$0.name.hasSameBytes(as: name) } ?? false
    }

    /// After this time, other programs may have changed the database.
    private static let freshness = Duration.seconds(2)

    /// Queries the database while `body` runs, which saves waiting for a distant server; queries again if that took
    /// long.
    /// - Throws: what `body` throws; ``MongoError``.
    static func asked<Result>(
        _ connection: Connection, names: Set<String>, counting: Counting = .estimated, while body: () throws -> Result
    ) throws -> (Result, LiveCatalog) {
        let ask = { @Sendable in try LiveCatalog(connection, names: names, counting: counting) }
        guard connection.hasRoomForQueries else {
            let result = try body()
            return (result, try ask())
        }
        // While processors are busy, a near server would look distant, so this is measured first.
        _ = try connection.roundTrip()
        let (result, early) = try Threads.run(body, beside: ask)
        // Counting takes long, and a second count would be no fresher.
        let isFresh = counting == .exact || ContinuousClock.now - early.asked < freshness
        return (result, isFresh ? early : try ask())
    }
}
