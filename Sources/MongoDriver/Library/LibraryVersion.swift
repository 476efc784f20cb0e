import CLibMongoC

/// The versions of the C libraries that this program runs with.
public enum LibraryVersion {
    /// For example `1.23.1`.
    public static var libmongoc: String { String(cString: mongoc_get_version()) }

    /// For example `1.23.1`.
    public static var libbson: String { String(cString: bson_get_version()) }
}
