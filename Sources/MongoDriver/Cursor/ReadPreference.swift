/// Which server handles a read.
public enum ReadPreference: Sendable {
    /// What the connection string says, or the primary if it says nothing.
    case connectionString
    /// The primary, whatever the connection string says: a secondary may be too stale for what a restore compares with.
    case primary
}
