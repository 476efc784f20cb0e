import BackupFile
import Synchronization

/// The collections whose rows the threads of a survey keep apart. Each takes memory, and every row of a file may name
/// another.
final class SurveyedNames: Sendable {
    /// For a file without metadata: with this many, a survey takes some 130 MB.
    static let limit = 40_000

    private let path: String
    /// The collections that have rows according to the metadata; nil without metadata.
    private let stored: Set<String>?
    private let found = Mutex<Set<String>>([])

    init(of reader: BackupReader) {
        path = reader.path
        stored = reader.metadata.map { Set($0.collections.filter { $0.kind != .view }.map(\.name)) }
    }

    /// Whether rows of a collection are kept. If the metadata does not have the collection, they are a fault and not
    /// kept.
    /// - Throws: ``BackupError`` for one name too many.
    func include(_ name: String) throws -> Bool {
        if let stored { return stored.contains(name) }
        let isWithinLimit = found.withLock { $0.contains(name) || $0.count < Self.limit && $0.insert(name).inserted }
        guard isWithinLimit else { throw BackupError.tooManyCollections(path, limit: Self.limit) }
        return true
    }
}
