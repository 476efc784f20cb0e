import BSON
import MongoDriver
import Relations
import Synchronization

/// Hashes of all `_id`s of collections that references lead to, read at once where so many were asked for that asking for
/// the rest would be more work.
///
/// What is not among them is asked for all the same: it may have come since.
final class TargetIDs: Sendable {
    private enum State {
        /// So often, and from what number on reading is worth a look.
        case asked(Int, until: Int)
        /// By a thread; the others ask as before.
        case beingRead
        case known(RecordHashes)
        /// It is no collection, too large, or the server refuses it.
        case unknown
    }

    /// Fewer than these are soon asked for, whatever the collection's size.
    private static let few = 20_000
    /// A server finds one by its value in the time in which it lists so many.
    private static let listedWhileAsking = 3
    /// Kept in all, each with 9 bytes.
    private static let most = 5_000_000

    private let states = Mutex<[ExactName: State]>([:])
    private let kept = Atomic<Int>(0)
    private let cancellation: Cancellation

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// - Parameters:
    ///   - namespace: of one database, always the same.
    ///   - count: how many are about to be asked for.
    ///   - client: to read over, where it comes to that.
    /// - Returns: sorted hashes; nil where it is for the server to say.
    /// - Throws: ``MongoError``; `CancellationError`.
    func hashes(_ namespace: Namespace, askingFor count: Int, _ client: Client) throws -> RecordHashes? {
        let name = ExactName(namespace.collection)
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
        let state = try self.state(of: namespace, after: asked, client)
        states.withLock { $0[name] = state }
        guard case .known(let hashes) = state else { return nil }
        return hashes
    }

    private func state(of namespace: Namespace, after asked: Int, _ client: Client) throws -> State {
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
            do {
                try list(namespace, atMost: min(worthwhile, Self.most) + 1, into: &hashes, client)
            } catch {
                kept.subtract(total, ordering: .relaxed)
                throw error
            }
            guard hashes.count <= min(worthwhile, Self.most) else {
                // After a crash a server may be wrong about the count.
                kept.subtract(total, ordering: .relaxed)
                return worthwhile < Self.most ? .asked(asked, until: 2 * asked) : .unknown
            }
            kept.add(hashes.count - total, ordering: .relaxed)
            hashes.sort()
            return .known(hashes)
        } catch let error as MongoError where error.domain == .server && !error.isRetryable {
            // Whoever may not list may ask.
            return .unknown
        }
    }

    /// Ids a batch: other cursors are open meanwhile, with batches of their own.
    private static let batchSize = 20_000

    private func list(
        _ namespace: Namespace, atMost limit: Int, into hashes: inout RecordHashes, _ client: Client
    ) throws {
        // Mostly along the index, which has all that is wanted: documents may be large.
        let options = FindOptions(
            projection: ["_id": 1], sort: ["_id": 1], limit: limit, batchSize: Self.batchSize)
        try client.find(namespace, [:], options: options).forEach { document in
            if hashes.count % 10_000 == 0 { try cancellation.check() }
            if let id = document.first { hashes.append(IDHash.hash(id), document: nil) }
        }
    }
}
