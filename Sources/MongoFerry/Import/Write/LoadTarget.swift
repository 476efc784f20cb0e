import MongoDriver

/// The collection that a file's rows go to, or are compared with, and what all threads that do so share.
struct LoadTarget: Sendable {
    let connection: Connection
    let namespace: Namespace
    /// Its name in the file.
    let name: String
    /// See ``RowLoader/unvalidated``.
    let bypassesValidation: Bool
    /// How much is written at once.
    let limit: BatchLimit
    /// What all threads have found about equal measurements; nil if none are looked up.
    let repeated: RepeatedMeasurements?
    let rejections: RejectionLog
    /// Checked while waiting for another writer.
    let cancellation: Cancellation
    /// Checked before anything is sent: an import that has lost the lock writes nothing more. Nil for a database that
    /// nobody else knows.
    let lock: ImportLock?
    /// The room for postponed documents.
    let room = SecondAttempt.Room()

    var hasTransactions: Bool { connection.server.supportsTransactions }
}
