import BSON
import MongoDriver
import Relations

/// Collections that are renamed to make room for views, and kept until the server has accepted these.
///
/// A cycle of views is found only when the last of them gets its name. Until then, a collection has a name of this
/// run's own, which nothing else has, and a record holds its former name and the view that gets it. The record exists
/// from before the collection is displaced until the collection is gone or has its name back.
struct DisplacedCollections {
    /// What happened to the collections that an interrupted import had displaced.
    struct Recovery {
        /// The names that collections got back, since nothing had taken them.
        var restored: [String] = []
        /// The number of collections that were removed, since the views with their names exist.
        var removed = 0
        /// The collections that stay displaced, since something else has their names.
        var kept: [(name: String, place: String)] = []
    }

    struct Record {
        /// The collection's former name.
        let name: String
        /// The view that gets the name; nil if something else has it, so that the collection is never removed.
        let view: Document?
        /// The import that displaced it; nil for one of an older version.
        let owner: String?
    }

    let connection: Connection
    let lock: ImportLock
    let cancellation: Cancellation

    /// Gives a collection a name of this run's own.
    /// - Parameters:
    ///   - number: distinguishes it from this run's others.
    ///   - whereUnknown: called if it is unknown whether the rename succeeded; the record then stays for the next
    ///     import.
    /// - Returns: the collection's name until it is restored or removed.
    /// - Throws: ``FerryError``, ``MongoError``, `CancellationError`: the collection then still has its name, unless
    ///   that is unknown.
    func displace(
        _ collection: CollectionInfo, for view: Document, number: Int, whereUnknown: () -> Void
    ) throws -> String {
        let place = OwnNames.displacedPrefix + "\(lock.mark).\(number)"
        try write(
            [
                "_id": .string(place), "name": .string(collection.name),
                // Stored as bytes: servers before 5.0 store no field names with `$`, which pipelines have.
                "view": .binary(subtype: 0, Self.comparable(view).bytes),
            ])
        var isUnknown = false
        do {
            try rename(
                collection.name, place, dropTarget: false, cancellation, whereUnknown: { isUnknown = true })
        } catch let error as MongoError where error.isNamespaceExists {
            // Nothing else has that name: an earlier attempt whose outcome was unknown succeeded, and another program's
            // insert has then created a collection of the former name.
            try lock.confirm()
        } catch {
            isUnknown = isUnknown || (error as? MongoError)?.isOfUnknownOutcome == true
            guard isUnknown else {
                // The rename was refused. If the record cannot be removed, the next import removes it.
                try? forget(place)
                throw error
            }
            whereUnknown()
            var fault = FerryError(explaining: error)
            fault.details.append(
                "If the collection \(collection.name) has no name any more, its documents are in \(place); the next import gives them their name back, unless something has it by then."
            )
            throw fault
        }
        return place
    }

    /// Gives a collection its name back, replacing whatever has got it meanwhile. An interruption waits for this.
    /// - Returns: the number of other programs' documents that went with what had the name.
    /// - Throws: ``MongoError``.
    func restore(_ name: String, from place: String) throws -> Int {
        var strangers: [Int] = [0]
        try rename(
            place, name, dropTarget: true, Cancellation(),
            beforeEach: {
                strangers.append(try connection.withClient { try $0.countStored(in: connection.namespace(name)) })
            },
            // What was counted last was the collection itself.
            whereDoneBefore: { strangers.removeLast() })
        try forget(place)
        return strangers.last ?? 0
    }

    /// Removes a displaced collection.
    /// - Throws: ``MongoError``.
    func remove(_ place: String) throws {
        try connection.withClient { try $0.drop(connection.namespace(place)) }
        try forget(place)
    }

    private func rename(
        _ from: String, _ to: String, dropTarget: Bool, _ cancellation: Cancellation,
        beforeEach: () throws -> Void = {}, whereUnknown: () -> Void = {}, whereDoneBefore: () -> Void = {}
    ) throws {
        try connection.withClient { client in
            try CollectionBuilder(client: client, database: connection.database, cancellation: cancellation, lock: lock)
                .rename(
                    from, to: to, dropTarget: dropTarget, lock, beforeEach: beforeEach, whereUnknown: whereUnknown,
                    whereDoneBefore: whereDoneBefore)
        }
    }

    // MARK: Recovery

    /// Restores or removes the collections that an interrupted import had displaced.
    /// - Parameter collections: all collections of the database, listed after the lock was taken.
    func recover(among collections: [CollectionInfo]) throws -> Recovery {
        var recovery = Recovery()
        let hasRecords = collections.contains { $0.name == OwnNames.displaced }
        var recorded = hasRecords ? try ownRecords() : [:]
        // An import that was stopped between two records may have left their collection empty.
        if hasRecords, recorded.isEmpty, !lock.tookOver { try withRecords { try $0.dropIfEmpty() } }
        for info in collections where info.name.hasScalarPrefix(OwnNames.displacedPrefix) {
            let record = recorded.removeValue(forKey: info.name)
            // An older version used the collection's own name there, and stored no record.
            let name = record?.name ?? info.name.behindScalarPrefix(OwnNames.displacedPrefix) ?? ""
            let successor = collections.first { $0.name.hasSameBytes(as: name) }
            if successor == nil, try giveBack(name, from: info.name) {
                recovery.restored.append(name)
            } else if let view = record?.view, let successor, successor.kind == .view,
                Self.comparable(successor.options) == view
            {
                try remove(info.name)
                recovery.removed += 1
            } else {
                if record?.view != nil { try write(["_id": .string(info.name), "name": .string(name)]) }
                recovery.kept.append((name, info.name))
            }
        }
        // The rename of an import that was killed just now may still be in progress, and needs its record.
        if !lock.tookOver { for place in recorded.keys { try forget(place) } }
        return recovery
    }

    /// Removes the records of collections that are not displaced, once no rename of a killed program can follow.
    /// - Parameter collections: all of the database's.
    /// - Throws: ``FerryError``, ``MongoError``.
    func forgetUnused(among collections: [CollectionInfo]) throws {
        guard collections.contains(where: { $0.name == OwnNames.displaced }) else { return }
        let names = Set(collections.map { ExactName($0.name) })
        // Records of an import that has taken the lock over since are not unused.
        let recorded = try ownRecords()
        for place in recorded.keys where !names.contains(ExactName(place)) { try forget(place) }
        if recorded.isEmpty { try withRecords { try $0.dropIfEmpty() } }
    }

    /// - Returns: false if something has the name by now.
    private func giveBack(_ name: String, from place: String) throws -> Bool {
        do {
            try rename(place, name, dropTarget: false, Cancellation())
        } catch let error as MongoError where error.isNamespaceExists {
            return false
        }
        try forget(place)
        return true
    }

    /// The view without its collation, to which a server adds the missing fields and the version.
    private static func comparable(_ view: Document) -> Document { view.removing(["collation"]) }

    // MARK: Records

    private func write(_ record: Document) throws { try withRecords { try $0.keep(record) } }

    private func forget(_ place: String) throws { try withRecords { try $0.forget(place) } }

    private func withRecords(_ body: (OwnRecordWriter) throws -> Void) throws {
        try connection.withClient {
            try body(OwnRecordWriter(records: Self.records(connection, $0), lock: lock))
        }
    }

    private static func records(_ connection: Connection, _ client: Client) -> OwnRecords {
        OwnRecords(client: client, namespace: connection.namespace(OwnNames.displaced))
    }

    /// The records that this import may change.
    /// - Throws: ``FerryError`` if the lock is another import's by now, and perhaps the records; ``MongoError``.
    private func ownRecords() throws -> [String: Record] {
        let recorded = try Self.records(connection)
        try lock.confirm()
        lock.note(predecessors: recorded.values.map(\.owner))
        return recorded
    }

    private static let adviceIfUnreadable =
        "If the collection that it names is there, give it its former name in mongosh, or drop it; then delete the record."

    /// The records, by the collections' temporary names.
    /// - Throws: ``FerryError`` for one that cannot be read; ``MongoError``.
    static func records(_ connection: Connection) throws -> [String: Record] {
        var result: [String: Record] = [:]
        try connection.withClient { client in
            let records = records(connection, client)
            try records.forEach { record in
                guard let place = record["_id"]?.string, let name = record["name"]?.string else {
                    throw records.unreadable(record, advice: adviceIfUnreadable)
                }
                var view: Document?
                if let kept = record["view"]?.copy, kept != .null {
                    guard case .binary(_, let bytes) = kept, let document = try? Document(validating: bytes) else {
                        throw records.unreadable(record, advice: adviceIfUnreadable)
                    }
                    view = document
                }
                result[place] = Record(name: name, view: view, owner: record["owner"]?.string)
            }
        }
        return result
    }
}
