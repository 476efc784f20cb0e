import BSON
import MongoDriver

extension Connection {
    /// Removes everything in a database that was made to be thrown away, and with it the database.
    ///
    /// A collection at a time: that takes a millisecond each, where `dropDatabase` waits a tenth of a second for a
    /// majority. What only that can remove is left to it: the server's own collections, and what a sharded cluster
    /// keeps of an empty database.
    /// - Throws: ``MongoError`` naming what the server refused.
    func dropAllCollections() throws {
        try withClient { client in
            let found = try client.listCollections(in: database, readPreference: .primary).map(\.name)
            let isSimple = if case .sharded = server.topology { false } else { true }
            guard isSimple, !found.contains(where: Self.isTheServersOwn) else {
                try client.runWrite(["dropDatabase": 1], on: database)
                return
            }
            for name in found where !name.hasScalarPrefix("system.buckets.") {
                try client.drop(namespace(name), writeConcern: WriteConcern(.nodes(1)))
            }
        }
    }

    /// The buckets of a time series go with it.
    private static func isTheServersOwn(_ name: String) -> Bool {
        name.hasScalarPrefix("system.") && !name.hasScalarPrefix("system.buckets.")
    }
}
