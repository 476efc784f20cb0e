/// Which server reads.
public enum ReadPreference: Sendable {
    /// What the connection string says; the primary where it says nothing.
    case connectionString
    /// The primary whatever the connection string says: for what a restore compares with, a secondary is too old.
    case primary
}
