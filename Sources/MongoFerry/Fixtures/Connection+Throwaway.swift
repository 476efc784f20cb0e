import BSON
import MongoDriver

extension Connection {
    /// Removes everything in a throwaway database, and with it the database.
    ///
    /// Drops one collection at a time: that takes a millisecond each, whereas `dropDatabase` waits a tenth of a second
    /// for a majority. `dropDatabase` is used for what only it can remove: the server's own collections, and what a
    /// sharded cluster keeps of an empty database.
    /// - Throws: ``MongoError`` naming what the server refused.
    func dropAllCollections() throws {
        try withClient { client in
            let found = try client.listCollections(in: database, readPreference: .primary).map(\.name)
            let isSimple = if case .sharded = server.topology { false } else { true }
            guard isSimple, !found.contains(where: Self.isTheServersOwn) else {
                try client.runWrite(["dropDatabase": 1], on: database)
                return
            }
            for name in found where ServerNames.series(ofBuckets: name) == nil {
                try client.drop(namespace(name), writeConcern: WriteConcern(.nodes(1)))
            }
        }
    }

    /// The buckets of a time series are dropped with it.
    private static func isTheServersOwn(_ name: String) -> Bool {
        ServerNames.contains(name) && ServerNames.series(ofBuckets: name) == nil
    }
}
