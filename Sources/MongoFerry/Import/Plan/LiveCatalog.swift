import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// What a database has under the names that an import writes.
struct LiveCatalog: Sendable {
    struct Contents: Sendable {
        let count: Int
        /// Routers before 5.0 rename nothing over a sharded collection.
        let cannotBeRenamedOver: Bool
        /// With those that are still being built.
        let indexes: [Document]
        /// The names of those that are there, whatever becomes of the others.
        let builtIndexes: Set<ExactName>
    }

    /// How documents are counted.
    enum Counting: Sendable {
        /// As the server keeps account of them.
        case estimated
        /// To be compared with later counts: costs the reading of a sharded cluster's documents.
        case steady
        /// By reading all of them: after a crash the server's account can lack what came in the last minute before it.
        case exact
    }

    /// All collections and views of the database.
    let collections: [CollectionInfo]
    /// Of the collections that are written, views aside, by their names.
    let contents: [String: Contents]
    /// Options and indexes that imports have kept of collections that they dropped.
    let kept: [String: KeptDefinitions.Entry]
    /// What tells the collections from others of their names.
    let identities: CollectionIdentities
    let nameHints: NameHints
    /// As Swift takes names for equal.
    private let byName: [String: [CollectionInfo]]
    private let asked = ContinuousClock.now

    /// - Throws: ``MongoError``.
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
                case .estimated: try client.estimatedCount(namespace, readPreference: .primary)
                case .steady: try client.steadyCount(namespace)
                case .exact: try client.countDocuments(namespace)
                }
            let (built, building) = try client.listIndexesAndBuilds(of: namespace, readPreference: .primary)
            return Contents(
                count: count, cannotBeRenamedOver: try Self.cannotBeRenamedOver(namespace, connection, client),
                indexes: built + building,
                builtIndexes: Set(built.map(CollectionDifferences.name)))
        }
        // Names that only look the same are the plan's to refuse.
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
            // Then it is found out where the swap is refused.
            return false
        }
    }

    /// The collection or view of that name, as Swift compares names; see ``hasLookAlike(of:)``.
    subscript(name: String) -> CollectionInfo? { byName[name]?.first }

    /// Whether there is a name that looks the same and has other bytes: to a server another name.
    func hasLookAlike(of name: String) -> Bool {
        byName[name]?.contains { !$0.name.hasSameBytes(as: name) } ?? false
    }

    /// After so long others may have changed what was there.
    private static let freshness = Duration.seconds(2)

    /// Asks while `body` works, which saves waiting for a distant server; once more where that took long.
    /// - Throws: what `body` throws; ``MongoError``.
    static func asked<Result>(
        _ connection: Connection, names: Set<String>, counting: Counting = .estimated, while body: () throws -> Result
    ) throws -> (Result, LiveCatalog) {
        let ask = { @Sendable in try LiveCatalog(connection, names: names, counting: counting) }
        guard connection.hasRoomForQuestions else {
            let result = try body()
            return (result, try ask())
        }
        // Measured while processors are busy, a near server would look like a distant one.
        _ = try connection.roundTrip()
        let (result, early) = try Threads.run(body, beside: ask)
        // Counting takes its time, and is no fresher afterwards.
        let isFresh = counting == .exact || ContinuousClock.now - early.asked < freshness
        return (result, isFresh ? early : try ask())
    }
}
