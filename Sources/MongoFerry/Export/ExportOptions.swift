import BSON
import BackupFile
import ExtendedJSON
import Relations

/// What to export, and how.
public struct ExportOptions: Sendable {
    /// To what extent the rows are of one moment.
    public enum Consistency: String, Sendable, CaseIterable {
        /// All collections at one cluster time.
        case snapshot
        /// Each collection at a cluster time of its own.
        case collection
        /// Each document as a cursor finds it.
        case unprotected = "none"
    }

    /// Where to write. A file appears under its name when it is complete; any other output gets the bytes as they come.
    public var destination: Destination
    /// Unless set, what the extension of the destination's name says, `.gz` or `.zst`; none for a stream.
    public var compression: Compression {
        get { chosenCompression ?? usualCompression }
        set { chosenCompression = newValue }
    }
    /// What to export: names or globs, of the file or the database; empty for all.
    public var collections: [Glob] = []
    /// What to leave out besides what the configuration excludes: names or globs, of the file or the database.
    public var exclude: [Glob] = []
    /// Filters that choose the documents to export, at most one for a collection.
    public var queries: [CollectionQuery] = []
    /// How documents are written. A `relaxed` file does not restore exactly.
    public var json: ExtendedJSONMode = .compact
    /// Whether to write only the column header and the rows, without metadata and seal.
    public var plain = false
    /// Whether to write rows in `_id` order and no times and hosts: equal data, except time series, gives equal files.
    public var reproducible = false
    /// The database's name in the file; nil for its own name.
    public var sourceName: String?
    /// Nil for the best that the server supports.
    public var consistency: Consistency?
    /// Names in the file, exclusions and references. Without references, the data is searched for them.
    public var configuration = Configuration()
    /// The number of threads that read and of those that encode; nil for one per core, at least 2 and at most 4.
    public var jobs: Int?

    private var chosenCompression: Compression?

    public init(destination: Destination) { self.destination = destination }

    private var usualCompression: Compression {
        switch destination {
        case .file(let path, _): Compression(fileName: path)
        case .descriptor, .stream: .none
        }
    }
}
