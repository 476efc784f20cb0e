import BSON
import BackupFile
import ExtendedJSON
import Relations

/// What to export, and how.
public struct ExportOptions: Sendable {
    /// How far the rows belong to one moment.
    public enum Consistency: String, Sendable, CaseIterable {
        /// All collections at one cluster time.
        case snapshot
        /// Each collection at a time of its own.
        case collection
        /// As the cursors come upon the documents.
        case unprotected = "none"
    }

    /// A file appears under its name when it is complete; anything else gets the bytes as they come.
    public var destination: Destination
    /// By the ending of the destination's name, `.gz` or `.zst`, unless it is set; none for a stream.
    public var compression: Compression
    /// Names or globs, of the file or the database; empty for all.
    public var collections: [Glob] = []
    /// Names or globs, of the file or the database, of what is left out beside what the configuration excludes.
    public var exclude: [Glob] = []
    /// Filters by collection, in Extended JSON.
    public var queries: [(name: String, query: String)] = []
    /// How documents are written; a file in `relaxed` does not restore exactly.
    public var json: ExtendedJSONMode = .compact
    /// Rows under their column header only, without metadata and seal.
    public var plain = false
    /// Rows in `_id` order, no times and hosts: equal data, time series aside, give equal files.
    public var reproducible = false
    /// What the file says that its database is called; nil for the database's own name.
    public var sourceName: String?
    /// Nil takes the best that the server has.
    public var consistency: Consistency?
    /// Names in the file, exclusions and references; where it has no references, the data are searched for them.
    public var configuration = Configuration()
    /// Threads that read and encode; nil takes the machine's cores, 2 to 4.
    public var jobs: Int?

    /// Takes the compression from the destination's name, and all else as it is by default.
    public init(destination: Destination) {
        self.destination = destination
        compression =
            switch destination {
            case .file(let path, _): Compression(fileName: path)
            case .descriptor, .stream: .none
            }
    }
}
