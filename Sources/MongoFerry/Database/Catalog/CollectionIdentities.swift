import BSON
import MongoDriver
import Relations

/// The servers' UUIDs, which tell a collection from others that had its name. A time series has the UUID of its
/// storage.
///
/// Names are compared by their bytes, as servers do.
struct CollectionIdentities: Sendable {
    private let identities: [ExactName: Value]

    /// - Parameter found: collections as a server listed them, including the storage of time series.
    init(_ found: [CollectionInfo]) {
        let exact = found.filter(\.hasExactName)
        let own = Dictionary(exact.map { (ExactName($0.name), $0.info["uuid"] ?? .null) }) { first, _ in first }
        var identities = own
        for series in exact where series.kind == .timeseries && own[ExactName(series.name)] == .null {
            identities[ExactName(series.name)] = own[ExactName(ServerNames.buckets(of: series.name))] ?? .null
        }
        self.identities = identities
    }

    /// `.null` if the server reports no UUID, as for views and for users who may not see it; nil if no collection has
    /// the name.
    subscript(name: String) -> Value? { identities[ExactName(name)] }

    /// The UUID of a collection; nil also if the server reports none.
    func uuid(of name: String) -> Value? { self[name].flatMap { $0 == .null ? nil : $0 } }

    /// Asks for the UUID of a single collection that has just been created or listed.
    /// - Throws: ``FerryError`` if it does not exist any more; ``MongoError``.
    static func uuid(ofExisting name: String, in database: String, _ client: Client) throws -> Value? {
        let identities = try CollectionIdentities(of: name, in: database, client)
        guard identities[name] != nil else {
            throw FerryError(
                "\(name) was dropped by another program during the import", advice: ["Run the import again."])
        }
        return identities.uuid(of: name)
    }

    /// Asks for the UUID of a single collection, at a cost that does not depend on how many there are.
    /// - Throws: ``MongoError``.
    static func uuid(of name: String, in database: String, _ client: Client) throws -> Value? {
        try CollectionIdentities(of: name, in: database, client).uuid(of: name)
    }

    private init(of name: String, in database: String, _ client: Client) throws {
        self.init(
            try client.listCollections(
                in: database, named: [name, ServerNames.buckets(of: name)], readPreference: .primary))
    }

    /// The UUIDs of everything behind a name: of the collection, and of a time series' storage. The storage may exist
    /// without its series if a server failed in the middle of a drop; a time series that is created then takes it over.
    /// - Throws: ``MongoError``.
    static func all(behind name: String, in database: String, _ client: Client) throws -> [Value] {
        try client.listCollections(
            in: database, named: [name, ServerNames.buckets(of: name)], readPreference: .primary
        )
        .compactMap { $0.info["uuid"] }
    }

    /// Whether the storage of a time series of this name exists.
    func hasStorage(of name: String) -> Bool { self[ServerNames.buckets(of: name)] != nil }

    /// Asks whether the storage of a single time series exists.
    /// - Throws: ``MongoError``.
    static func hasStorage(of name: String, in database: String, _ client: Client) throws -> Bool {
        try !client.listCollections(in: database, named: [ServerNames.buckets(of: name)], readPreference: .primary)
            .isEmpty
    }
}

extension Connection {
    /// The UUID of a collection that has just been created or listed; nil if the user may not see it.
    /// - Throws: ``FerryError`` if it does not exist any more; ``MongoError``.
    func uuid(ofExisting name: String) throws -> Value? {
        try withClient { try CollectionIdentities.uuid(ofExisting: name, in: database, $0) }
    }

    /// The UUID of a collection of the database; nil if there is none or the user may not see it.
    /// - Throws: ``MongoError``.
    func uuid(of name: String) throws -> Value? {
        try withClient { try CollectionIdentities.uuid(of: name, in: database, $0) }
    }
}
