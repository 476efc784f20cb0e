import BSON
import MongoDriver

/// Collections that have given their names to views and are kept until the server has taken those.
///
/// A circle of views shows only when the last of them gets its name. Until then a collection waits under a name of this
/// run's own, which nothing else has, and a record says which name it had and for which view it gave it. The record is
/// there before the collection is displaced, and until it is gone.
struct DisplacedCollections {
    /// What became of those that an interrupted import had left.
    struct Recovery {
        /// Names that collections have got back, since nothing has come in their place.
        var restored: [String] = []
        /// How many were removed, since the views that they gave their names to are there.
        var removed = 0
        /// Those that stay, since something else has their names.
        var kept: [(name: String, place: String)] = []
    }

    struct Record {
        /// The name that the collection had.
        let name: String
        /// What the name was given to; nil where something else has come there, so that the collection is never removed.
        let view: Document?
    }

    let connection: Connection
    let lock: ImportLock
    let cancellation: Cancellation

    /// Takes a collection's name away.
    /// - Parameters:
    ///   - number: tells it from this run's others.
    ///   - whereUnknown: called where nobody knows whether it was done; then the record stays for the next import.
    /// - Returns: its name until it is restored or removed.
    /// - Throws: ``FerryError``, ``MongoError``, `CancellationError`: then it has its name still, unless that is unknown.
    func displace(
        _ collection: CollectionInfo, for view: Document, number: Int, whereUnknown: () -> Void
    ) throws -> String {
        let place = OwnNames.displacedPrefix + "\(lock.mark).\(number)"
        try write(
            [
                "_id": .string(place), "name": .string(collection.name),
                // As bytes: servers before 5.0 store no `$` names, which pipelines have.
                "view": .binary(subtype: 0, Self.comparable(view).bytes),
            ])
        var isUnknown = false
        do {
            try rename(collection.name, place, dropTarget: false, cancellation) { isUnknown = true }
        } catch let error as MongoError where error.isNamespaceExists {
            // Nobody else has that name: an attempt whose outcome was unknown had been carried out, and another program's
            // insert has taken the collection's.
            try lock.confirm()
        } catch {
            isUnknown = isUnknown || (error as? MongoError)?.isOfUnknownOutcome == true
            guard isUnknown else {
                // Refused. Where the record cannot be removed, the next import does it.
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

    /// Gives a collection its name back, over what may have got it meanwhile. Who wants to stop waits for that.
    /// - Throws: ``MongoError``.
    func restore(_ name: String, from place: String) throws {
        try rename(place, name, dropTarget: true, Cancellation())
        try forget(place)
    }

    /// Removes a displaced collection.
    /// - Throws: ``MongoError``.
    func remove(_ place: String) throws {
        try connection.withClient { try $0.drop(connection.namespace(place)) }
        try forget(place)
    }

    private func rename(
        _ from: String, _ to: String, dropTarget: Bool, _ cancellation: Cancellation, whereUnknown: () -> Void = {}
    ) throws {
        try connection.withClient { client in
            try CollectionBuilder(client: client, database: connection.database)
                .rename(from, to: to, dropTarget: dropTarget, lock, cancellation, whereUnknown: whereUnknown)
        }
    }

    // MARK: Recovery

    /// Looks after what an interrupted import has left.
    /// - Parameter collections: all of the database's, listed after the lock was taken.
    func recover(among collections: [CollectionInfo]) throws -> Recovery {
        var recovery = Recovery()
        let hasRecords = collections.contains { $0.name == OwnNames.displaced }
        var recorded = hasRecords ? try Self.records(connection) : [:]
        // An import that was stopped between two records may have left nothing in it.
        if hasRecords, recorded.isEmpty, !lock.tookOver { try Self.withRecords(connection) { try $0.dropIfEmpty() } }
        for info in collections where info.name.hasScalarPrefix(OwnNames.displacedPrefix) {
            let record = recorded.removeValue(forKey: info.name)
            // An older version put the collection's name there, and recorded nothing.
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
        // The rename of a program that was killed just now may still be under way, and needs its record.
        if !lock.tookOver { for place in recorded.keys { try forget(place) } }
        return recovery
    }

    /// Removes the records of collections that are not displaced, when no rename of a killed program can come any more.
    /// - Parameter collections: all of the database's.
    /// - Throws: ``MongoError``.
    func forgetUnused(among collections: [CollectionInfo]) throws {
        guard collections.contains(where: { $0.name == OwnNames.displaced }) else { return }
        let names = Set(collections.map { ExactName($0.name) })
        let recorded = try Self.records(connection)
        for place in recorded.keys where !names.contains(ExactName(place)) { try forget(place) }
        if recorded.isEmpty { try Self.withRecords(connection) { try $0.dropIfEmpty() } }
    }

    /// - Returns: false where something has the name by now.
    private func giveBack(_ name: String, from place: String) throws -> Bool {
        do {
            try rename(place, name, dropTarget: false, Cancellation())
        } catch let error as MongoError where error.isNamespaceExists {
            return false
        }
        try forget(place)
        return true
    }

    /// Without what a server completes: a collation, which gets its other fields and its version.
    private static func comparable(_ view: Document) -> Document { view.removing(["collation"]) }

    // MARK: Records

    private func write(_ record: Document) throws {
        try Self.withRecords(connection) { try $0.keep(record) }
    }

    private func forget(_ place: String) throws {
        try Self.withRecords(connection) { try $0.forget(place) }
    }

    private static func withRecords(_ connection: Connection, _ body: (OwnRecords) throws -> Void) throws {
        try connection.withClient {
            try body(OwnRecords(client: $0, namespace: connection.namespace(OwnNames.displaced)))
        }
    }

    /// By the names that the collections have meanwhile.
    /// - Throws: ``MongoError``.
    static func records(_ connection: Connection) throws -> [String: Record] {
        var result: [String: Record] = [:]
        try withRecords(connection) { records in
            try records.forEach { record in
                guard let place = record["_id"]?.string, let name = record["name"]?.string else { return }
                var view: Document?
                if case .binary(_, let bytes) = record["view"]?.copy { view = try? Document(validating: bytes) }
                result[place] = Record(name: name, view: view)
            }
        }
        return result
    }
}
