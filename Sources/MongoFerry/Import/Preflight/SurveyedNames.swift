import BackupFile
import Synchronization

/// Which collections' rows the threads of a survey keep apart: each takes memory, and every row of a file may name another.
final class SurveyedNames: Sendable {
    /// Of a file without metadata: with them a survey takes some 130 MB.
    static let limit = 40_000

    private let path: String
    /// Those that have rows by the metadata; nil where there are none.
    private let stored: Set<String>?
    private let found = Mutex<Set<String>>([])

    init(of reader: BackupReader) {
        path = reader.path
        stored = reader.metadata.map { Set($0.collections.filter { $0.kind != .view }.map(\.name)) }
    }

    /// Whether rows of a name are kept: not those that the metadata do not know, which are a fault.
    /// - Throws: ``BackupError`` for one name too many.
    func include(_ name: String) throws -> Bool {
        if let stored { return stored.contains(name) }
        let isWithinLimit = found.withLock { $0.contains(name) || $0.count < Self.limit && $0.insert(name).inserted }
        guard isWithinLimit else { throw BackupError.tooManyCollections(path, limit: Self.limit) }
        return true
    }
}
