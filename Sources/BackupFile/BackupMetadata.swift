import BSON

/// What a file of format 1 says about itself.
public struct BackupMetadata: Sendable {
    public static let format = 1

    /// One collection, view or time series.
    public struct Collection: Sendable {
        public enum Kind: String, Sendable {
            case collection, view, timeseries
        }

        /// The name in the file.
        public var name: String
        /// The name in the database.
        public var databaseName: String
        public var kind: Kind
        /// As `listCollections` gives them: validator, collation, capped, time series, view definition.
        public var options: Document
        /// As `listIndexes` gives them, byte for byte.
        public var indexes: [Document]
        public var records: Int

        /// Whether it is capped: it keeps its documents in insertion order, up to a limit.
        public var isCapped: Bool { options["capped"]?.isOn == true }
        /// The indexes that are built: without that of `_id` and a clustered one, which collections have from the start.
        public var secondaryIndexes: [Document] { indexes.filter(\.isSecondaryIndex) }
        /// Whether the server deletes its documents by itself when they are old.
        public var expires: Bool {
            options["expireAfterSeconds"] != nil || indexes.contains { $0["expireAfterSeconds"] != nil }
        }

        public init(
            name: String, databaseName: String? = nil, kind: Kind = .collection, options: Document = [:],
            indexes: [Document] = [], records: Int = 0
        ) {
            self.name = name
            self.databaseName = databaseName ?? name
            self.kind = kind
            self.options = options
            self.indexes = indexes
            self.records = records
        }
    }

    /// Something that the export left out, and why.
    public struct Exclusion: Sendable, Hashable {
        public var name: String
        public var reason: String

        public init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// `2026-11-23T20:04:45.123Z`; nil in a reproducible file.
    public var created: String?
    /// `mongoferry 0.1.0`
    public var program: String
    public var database: String
    /// `6.0.5`; nil in a reproducible file, like the other facts about the server.
    public var serverVersion: String?
    /// `replica set rs0`, `standalone`, `sharded cluster`.
    public var topology: String?
    public var hosts: [String]
    /// How far the rows belong to one moment: `snapshot`, `collection` or `none`. Nil in a reproducible file, since it
    /// depends on the kind of server.
    public var consistency: String?
    /// The time of the snapshot, such as `2026-11-23T20:04:44Z`.
    public var snapshot: String?
    /// `compact`, `canonical` or `relaxed`.
    public var json: String
    /// In the order of the rows, which is the import order.
    public var collections: [Collection]
    /// In the form that the Relations module uses.
    public var references: [Document]
    public var excluded: [Exclusion]
    /// The queries that selected documents.
    public var queries: [CollectionQuery]
    /// False if the file was written to a pipe, whose beginning cannot be rewritten: then the seal has the counts.
    public var countsAreExact: Bool

    public init(
        created: String?, program: String, database: String, serverVersion: String? = nil, topology: String? = nil,
        hosts: [String] = [], consistency: String? = "none", snapshot: String? = nil, json: String = "compact",
        collections: [Collection] = [], references: [Document] = [], excluded: [Exclusion] = [],
        queries: [CollectionQuery] = [], countsAreExact: Bool = true
    ) {
        self.created = created
        self.program = program
        self.database = database
        self.serverVersion = serverVersion
        self.topology = topology
        self.hosts = hosts
        self.consistency = consistency
        self.snapshot = snapshot
        self.json = json
        self.collections = collections
        self.references = references
        self.excluded = excluded
        self.queries = queries
        self.countsAreExact = countsAreExact
    }

    /// The valid record counts of a collection. The sum over as many as memory can hold does not overflow.
    static let counts = 0...999_999_999_999

    public var records: Int { collections.reduce(0) { $0 + $1.records } }

    public func collection(named name: String) -> Collection? { collections.first { $0.name == name } }

    /// The filter that selected a collection's documents; nil if the file has all of them. A file may list it under the
    /// collection's database name, unless another collection in the file has that name.
    public func query(of collection: Collection) -> String? {
        func query(_ name: String) -> String? { queries.first { $0.name == name }?.query }
        if let own = query(collection.name) { return own }
        return self.collection(named: collection.databaseName) == nil ? query(collection.databaseName) : nil
    }
}

extension Document {
    /// Whether this specification is of an index that is built; see ``BackupMetadata/Collection/secondaryIndexes``.
    package var isSecondaryIndex: Bool { self["name"]?.string != "_id_" && self["clustered"] == nil }

    /// The field that holds the time of a time series, of whose collection these are the options; nil for another.
    package var timeField: String? { self["timeseries"]?.document?["timeField"]?.string }
}
