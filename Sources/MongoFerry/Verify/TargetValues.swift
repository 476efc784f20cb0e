import BSON
import MongoDriver
import Relations
import Synchronization

/// Hashes of all `_id`s, or values of another field, that references lead to, read at once where so many were asked for that
/// asking for the rest would be more work.
///
/// What is not among them is asked for all the same: it may have come since.
final class TargetValues: Sendable {
    private enum State {
        /// So often, and from what number on reading is worth a look.
        case asked(Int, until: Int)
        /// By a thread; the others ask as before.
        case beingRead
        case known(RecordHashes)
        /// It is no collection, too large, or the server refuses it.
        case unknown
    }

    private struct Field: Hashable {
        let collection: ExactName
        let path: FieldPath
    }

    /// Fewer than these are soon asked for, whatever the collection's size.
    private static let few = 20_000
    /// A server finds one by its value in the time in which it lists so many.
    private static let listedWhileAsking = 3
    /// Kept in all, each with 9 bytes.
    private static let most = 5_000_000

    private let states = Mutex<[Field: State]>([:])
    private let kept = Atomic<Int>(0)
    private let cancellation: Cancellation

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// - Parameters:
    ///   - path: the field that they are in.
    ///   - namespace: of one database, always the same.
    ///   - count: how many are about to be asked for.
    ///   - client: to read over, where it comes to that.
    /// - Returns: sorted hashes; nil where it is for the server to say.
    /// - Throws: ``MongoError``; `CancellationError`.
    func hashes(
        of path: FieldPath, _ namespace: Namespace, askingFor count: Int, _ client: Client
    ) throws -> RecordHashes? {
        let name = Field(collection: ExactName(namespace.collection), path: path)
        let (known, asked): (RecordHashes?, Int?) = states.withLock { states in
            switch states[name, default: .asked(0, until: Self.few)] {
            case .asked(let before, let until):
                let asked = before + count
                states[name] = asked < until ? .asked(asked, until: until) : .beingRead
                return (nil, asked < until ? nil : asked)
            case .known(let hashes): return (hashes, nil)
            case .beingRead, .unknown: return (nil, nil)
            }
        }
        guard let asked else { return known }
        let state = try self.state(of: path, namespace, after: asked, client)
        states.withLock { $0[name] = state }
        guard case .known(let hashes) = state else { return nil }
        return hashes
    }

    private func state(
        of path: FieldPath, _ namespace: Namespace, after asked: Int, _ client: Client
    ) throws -> State {
        do {
            let listed = try client.listCollections(in: namespace.database, named: [namespace.collection])
            guard listed.first?.kind == .collection else { return .unknown }
            let total = try client.estimatedCount(namespace)
            let worthwhile = Self.listedWhileAsking * asked
            guard total <= worthwhile else { return .asked(asked, until: total / Self.listedWhileAsking) }
            guard kept.add(total, ordering: .relaxed).newValue <= Self.most else {
                kept.subtract(total, ordering: .relaxed)
                return .unknown
            }
            var hashes = RecordHashes()
            let limit = min(worthwhile, Self.most)
            do {
                try list(path, namespace, atMost: limit, into: &hashes, client)
            } catch {
                kept.subtract(total, ordering: .relaxed)
                throw error
            }
            guard hashes.count <= limit else {
                // Arrays have more values than there are documents, and after a crash a server may be wrong about these.
                kept.subtract(total, ordering: .relaxed)
                return limit < Self.most ? .asked(asked, until: 2 * asked) : .unknown
            }
            kept.add(hashes.count - total, ordering: .relaxed)
            hashes.sort()
            return .known(hashes)
        } catch let error as MongoError where error.domain == .server && !error.isRetryable {
            // Whoever may not list may ask.
            return .unknown
        }
    }

    /// Documents a batch: other cursors are open meanwhile, with batches of their own.
    private static let batchSize = 20_000

    /// Stops where there are more than `limit`.
    private func list(
        _ path: FieldPath, _ namespace: Namespace, atMost limit: Int, into hashes: inout RecordHashes, _ client: Client
    ) throws {
        // `_id`s mostly along their index, which has all that is wanted: documents may be large.
        let options = FindOptions(
            projection: FieldPath.projection(of: [path]), sort: path == .id ? ["_id": 1] : nil,
            batchSize: Self.batchSize)
        let cursor = try client.find(namespace, [:], options: options)
        defer { cursor.close() }
        var count = 0
        while hashes.count <= limit,
            try cursor.next({ document in
                if count % 10_000 == 0 { try cancellation.check() }
                count += 1
                try path.forEachValue(in: document) { hashes.append(IDHash.hash($0), document: nil) }
            })
        {}
    }
}
