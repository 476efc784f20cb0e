import BSON
import MongoDriver

/// Names that servers use in a database for themselves.
enum ServerNames {
    private static let prefix = "system."
    private static let bucketsPrefix = "system.buckets."
    /// A collection of functions, which users store.
    static let functions = "system.js"

    static func contains(_ name: String) -> Bool { name.hasScalarPrefix(prefix) }

    /// The name of the collection in which a server stores a time series.
    static func buckets(of series: String) -> String { bucketsPrefix + series }

    /// The name of the time series whose storage this is; nil for anything else.
    static func series(ofBuckets name: String) -> String? { name.behindScalarPrefix(bucketsPrefix) }
}
