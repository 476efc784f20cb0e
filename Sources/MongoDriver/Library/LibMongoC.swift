import CLibMongoC

/// The C library as a whole: initialised once, before any other use.
enum LibMongoC {
    /// Read this to make sure that the library is initialised.
    ///
    /// It is never cleaned up: `mongoc_cleanup` must follow the end of the last client, which only the end of the
    /// process guarantees.
    static let started: Void = {
        // Set first, so that not even messages from the initialisation reach the terminal.
        mongoc_log_set_handler({ level, _, text, _ in DriverLog.receive(level, text) }, nil)
        mongoc_init()
        // The driver's name in the server's log: "mongoc / mongoferry".
        _ = mongoc_handshake_data_append("mongoferry", nil, nil)
    }()
}
