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
        case none
    }

    public var destination: BackupWriter.Destination
    public var compression: Compression
    /// Names or globs, of the file or the database; empty for all.
    public var collections: [Glob] = []
    public var exclude: [Glob] = []
    /// Filters by collection, in Extended JSON.
    public var queries: [(name: String, query: String)] = []
    public var json: ExtendedJSONMode = .compact
    public var plain = false
    public var reproducible = false
    /// What the file says that its database is called; nil for the database's own name.
    public var sourceName: String?
    /// Nil takes the best that the server has.
    public var consistency: Consistency?
    public var configuration = Configuration()
    /// Threads that read and encode; nil takes the machine's cores, 2 to 4.
    public var jobs: Int?

    public init(destination: BackupWriter.Destination) {
        self.destination = destination
        compression =
            switch destination {
            case .file(let path, _): Compression(fileName: path)
            case .descriptor, .stream: .none
            }
    }
}
