import BSON
import MongoDriver
import Relations

/// What tells collections from others of their names: the servers' uuids. That of a time series is its storage's.
///
/// Goes by the names' bytes, as servers do.
struct CollectionIdentities: Sendable {
    private let identities: [ExactName: Value]

    /// - Parameter found: collections as a server has listed them, the storage of time series among them.
    init(_ found: [CollectionInfo]) {
        let exact = found.filter(\.hasExactName)
        let own = Dictionary(exact.map { (ExactName($0.name), $0.info["uuid"] ?? .null) }) { first, _ in first }
        var identities = own
        for series in exact where series.kind == .timeseries && own[ExactName(series.name)] == .null {
            identities[ExactName(series.name)] = own[ExactName(Self.storage(of: series.name))] ?? .null
        }
        self.identities = identities
    }

    /// Null where the server tells none, as of views and to users who may not see it; nil where no collection has the
    /// name.
    subscript(name: String) -> Value? { identities[ExactName(name)] }

    /// Nil where the server tells none too.
    func uuid(of name: String) -> Value? { self[name].flatMap { $0 == .null ? nil : $0 } }

    /// Asks for a single collection's, which costs the same however many there are.
    /// - Throws: ``MongoError``.
    static func uuid(of name: String, in database: String, _ client: Client) throws -> Value? {
        let found = try client.listCollections(
            in: database, named: [name, storage(of: name)], readPreference: .primary)
        return CollectionIdentities(found).uuid(of: name)
    }

    /// Of what is behind a name: of the collection, and of a time series' storage, which may be there without its series
    /// where a server was lost in the middle of a drop. A time series that is created then takes it over.
    /// - Throws: ``MongoError``.
    static func all(behind name: String, in database: String, _ client: Client) throws -> [Value] {
        try client.listCollections(in: database, named: [name, storage(of: name)], readPreference: .primary)
            .compactMap { $0.info["uuid"] }
    }

    /// Whether there is a time series' storage that goes by the name.
    func hasStorage(of name: String) -> Bool { self[Self.storage(of: name)] != nil }

    /// The same of a single collection.
    /// - Throws: ``MongoError``.
    static func hasStorage(of name: String, in database: String, _ client: Client) throws -> Bool {
        try !client.listCollections(in: database, named: [storage(of: name)], readPreference: .primary).isEmpty
    }

    static func storage(of series: String) -> String { "system.buckets." + series }
}

extension Connection {
    /// The uuid of a collection of the database; nil where there is none, or the user may not see it.
    /// - Throws: ``MongoError``.
    func uuid(of name: String) throws -> Value? {
        try withClient { try CollectionIdentities.uuid(of: name, in: database, $0) }
    }
}
