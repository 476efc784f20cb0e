import CLibMongoC

/// The C library as a whole: started once, before anything else of it is used.
enum LibMongoC {
    /// Read it to be sure that the library is started.
    ///
    /// It is never cleaned up again: `mongoc_cleanup` must come after the last client is gone, which only the end
    /// of the process can promise.
    static let started: Void = {
        // First, so that not even a message from starting reaches the terminal.
        mongoc_log_set_handler({ level, _, text, _ in DriverLog.receive(level, text) }, nil)
        mongoc_init()
        // What the server's log calls the driver: "mongoc / mongoferry".
        _ = mongoc_handshake_data_append("mongoferry", nil, nil)
    }()
}
