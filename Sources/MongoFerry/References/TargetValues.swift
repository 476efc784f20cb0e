import BSON
import MongoDriver
import Relations
import Synchronization

/// Hashes of all `_id`s, or of all values of another target field. They are read at once if so many were asked for that
/// looking up the rest would be more work.
///
/// Values that are not among them are still looked up: they may have been added since.
final class TargetValues: Sendable {
    private enum State {
        /// How many values were asked for, and from which number on to consider reading all.
        case asked(Int, until: Int)
        /// A thread is reading the values; the others look up theirs as before.
        case beingRead
        case known(RecordHashes)
        /// It is not a collection, too large, or the server refuses to list it.
        case unknown
    }

    private struct Field: Hashable {
        let collection: ExactName
        let path: FieldPath
    }

    /// Fewer than this are quickly looked up, whatever the collection's size.
    private static let few = 20_000
    /// How many values a server lists in the time in which it finds one.
    private static let listedWhileAsking = 3
    /// The most values to keep in total, at 9 bytes each.
    private static let most = 5_000_000

    private let states = Mutex<[Field: State]>([:])
    private let kept = Atomic<Int>(0)
    private let cancellation: Cancellation

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// - Parameters:
    ///   - path: the field with the values.
    ///   - namespace: the collection, always of the same database.
    ///   - count: how many values are about to be looked up.
    ///   - client: used if the values are read.
    /// - Returns: sorted hashes; nil if the values have to be looked up.
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
        var state = State.asked(asked, until: 2 * asked)
        // Also if this fails: otherwise it would be taken for being read for ever.
        defer { states.withLock { $0[name] = state } }
        state = try self.state(of: path, namespace, after: asked, client)
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
                // Arrays can make more values than there are documents, and after a crash a server's count may be
                // wrong.
                kept.subtract(total, ordering: .relaxed)
                return limit < Self.most ? .asked(asked, until: 2 * asked) : .unknown
            }
            kept.add(hashes.count - total, ordering: .relaxed)
            hashes.sort()
            return .known(hashes)
        } catch let error as MongoError where error.isRefusal {
            // A user who may not list the collection may still query it.
            return .unknown
        }
    }

    /// Documents per batch: other cursors are open at the same time, with batches of their own.
    private static let batchSize = 20_000

    /// Stops once there are more than `limit`.
    private func list(
        _ path: FieldPath, _ namespace: Namespace, atMost limit: Int, into hashes: inout RecordHashes, _ client: Client
    ) throws {
        // Sorting by `_id` makes the server read only the index, which has all that is needed: documents may be large.
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
