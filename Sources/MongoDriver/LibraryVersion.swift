import CLibMongoC

/// Which C libraries this program runs with.
public enum LibraryVersion {
    /// `1.23.1`
    public static var libmongoc: String { String(cString: mongoc_get_version()) }

    /// `1.23.1`
    public static var libbson: String { String(cString: bson_get_version()) }
}
