import CLibMongoC

/// Which libmongoc this program runs with.
public enum LibraryVersion {
    /// `1.23.1`
    public static var libmongoc: String { String(cString: mongoc_get_version()) }
}
