import BSON
import BackupFile
import MongoDriver
import Relations

/// Creates collections, views and indexes as a file describes them.
struct CollectionBuilder {
    let client: Client
    let database: String
    /// Of creating collections and building indexes.
    var writeConcern = WriteConcern.majority
    /// Looked at before anything is sent: an import that has lost it changes nothing more.
    var lock: ImportLock?

    /// Creates a collection, time series or view under a name.
    /// - Throws: ``FerryError`` naming the options that the server refuses; ``MongoError``.
    func create(_ entry: BackupMetadata.Collection, as name: String) throws {
        if let key = entry.options.keys.first(where: Self.isNoOption) {
            throw FerryError("\(entry.databaseName): the file has an option '\(key)', which no collection can have")
        }
        let idIndex = entry.indexes.first { $0["name"]?.string == "_id_" && $0["clustered"] == nil }
        let command = Document { create in
            create.append("create", .string(name))
            for (key, value) in entry.options.elements where !Self.serverOnly.contains(key) {
                create.append(key, value)
            }
            // The _id index is made with its collection; one with a collation of its own must be said here.
            if entry.kind == .collection, let idIndex, let collation = idIndex["collation"],
                entry.options["collation"] == nil
            {
                create.append("idIndex", ["key": ["_id": 1], "name": "_id_", "collation": collation])
            }
        }
        do {
            try Repeating.run { isAgain in
                try lock?.check()
                do {
                    try client.runWrite(command, on: database, writeConcern: writeConcern)
                } catch let error as MongoError where isAgain && error.isNamespaceExists {
                    // The attempt whose outcome was unknown had been carried out; or another program's insert has made a
                    // plain collection.
                    guard try isMade(entry, name) else { throw error }
                }
            }
        } catch let error as MongoError
            where !error.isOfUnknownOutcome && !error.isNamespaceExists
            && !error.isServerTrouble && !error.isUnauthorized && !error.isDropPending
        {
            throw FerryError(
                "the server cannot create \(entry.databaseName) with the file's options: \(error.message)",
                details: ["Options: \(JSONText.document(entry.options).excerpt(300))"],
                advice: [Self.advice(entry)])
        }
        if entry.kind == .timeseries { try dropUnwantedIndexes(entry, name) }
    }

    /// From MongoDB 6.3 on servers make an index of a new time series' own fields: unless it is the file's, it goes, or it
    /// would stand in the way of one that is.
    private func dropUnwantedIndexes(_ entry: BackupMetadata.Collection, _ name: String) throws {
        let wanted = CollectionDifferences.byName(entry.indexes).mapValues(CollectionDifferences.normalized)
        for index in try client.listIndexes(of: Namespace(database, name), readPreference: .primary)
        where wanted[CollectionDifferences.name(of: index)] != CollectionDifferences.normalized(index) {
            guard let indexName = index["name"] else { continue }
            try Repeating.run { isAgain in
                try lock?.check()
                do {
                    try client.runWrite(
                        ["dropIndexes": .string(name), "index": indexName], on: database, writeConcern: writeConcern)
                } catch let error as MongoError where isAgain && error.isIndexNotFound {}
            }
        }
    }

    /// Whether what has the name is of the entry's kind, and has its options.
    private func isMade(_ entry: BackupMetadata.Collection, _ name: String) throws -> Bool {
        guard let info = try client.listCollections(in: database, named: [name], readPreference: .primary).first
        else { return false }
        let isOfKind =
            switch entry.kind {
            case .collection: info.kind == .collection
            case .view: info.kind == .view
            case .timeseries: info.kind == .timeseries
            }
        let wanted = entry.options.removing(Self.serverOnly)
        return isOfKind && (!info.hasDetails || Self.has(.document(info.options), .document(wanted)))
    }

    /// Whether a value is the same, but for what a server completes.
    private static func has(_ value: Value?, _ wanted: Value) -> Bool {
        guard let inner = wanted.document else { return value == wanted }
        return inner.elements.allSatisfy { key, wanted in has(value?.document?[key], wanted) }
    }

    private static func advice(_ entry: BackupMetadata.Collection) -> String {
        let leave = "--exclude \(entry.name.shellWord) leaves it out."
        // Of nothing else can a time series be made.
        if entry.kind == .timeseries { return leave }
        return leave
            + " Or create it yourself, with options that this server has: --mode merge and insert go on with what is there."
    }

    /// So often another program's insert may come between a drop and what is created then.
    private static let clearings = 50

    /// Creates it in the place of what was dropped or renamed. As soon as the name is free another program's insert may
    /// make a plain collection of it: that is dropped, unless the lock was lost and it is another import's.
    /// - Throws: ``FerryError`` naming the options that the server refuses; ``MongoError``; `CancellationError`.
    func create(
        _ entry: BackupMetadata.Collection, as name: String, clearing cancellation: Cancellation, _ lock: ImportLock
    ) throws {
        var attempt = 1
        while true {
            do {
                return try create(entry, as: name)
            } catch let error as MongoError where error.isNamespaceExists && attempt < Self.clearings {
                try cancellation.check()
                try lock.check()
                // What is created then waits for a majority: the shorter the moment in between, the better.
                try client.drop(Namespace(database, name), writeConcern: WriteConcern(.nodes(1))) {
                    try lock.settle(name, cancellation)
                }
                attempt += 1
            }
        }
    }

    /// What would not describe the collection but steer the command: another database, somebody's transaction.
    private static func isNoOption(_ key: String) -> Bool {
        key.hasScalarPrefix("$")
            || [
                "create", "lsid", "txnNumber", "autocommit", "startTransaction", "writeConcern", "readConcern",
                "maxTimeMS", "comment", "apiVersion", "bypassDocumentValidation",
            ].contains(key)
    }

    /// What `listCollections` shows and `create` does not take.
    static let serverOnly: Set<String> = ["uuid", "autoIndexId", "temp"]

    /// Whether no document can break an index: plain keys in ascending or descending order, not unique.
    ///
    /// Two arrays under keys of one index are still refused; that is then the index's fault, and is told.
    static func canRefuseNothing(_ index: Document) -> Bool {
        guard index["unique"]?.bool != true, let keys = index["key"]?.document else { return false }
        return keys.elements.allSatisfy { key, order in !key.contains("$**") && order.integer != nil }
    }

    /// An index that the server refused.
    struct RefusedIndex {
        let index: Document
        /// Which it is, and why.
        var text: String
        /// Documents that are there have the same value, which may change.
        let isForDuplicates: Bool
    }

    /// Builds indexes, each refusal by itself.
    /// - Parameters:
    ///   - name: of the collection.
    ///   - kind: what the collection is.
    /// - Returns: what the server refused; nothing else was left out.
    /// - Throws: ``MongoError`` where the server could not be asked, is itself to blame, or the user has not the right.
    func build(
        _ indexes: [Document], on name: String, _ kind: BackupMetadata.Collection.Kind, inheriting collation: Value?
    ) throws -> [RefusedIndex] {
        let wanted = indexes.filter { $0["name"]?.string != "_id_" && $0["clustered"] == nil }
            .map { Self.specification($0, of: kind, inheriting: collation) }
        guard !wanted.isEmpty else { return [] }
        // All in one command: the server scans the collection once for all of them.
        if try refusal(of: wanted, on: name) == nil { return [] }
        return try wanted.compactMap { index in
            guard let error = try refusal(of: [index], on: name) else { return nil }
            let text = "index \(index["name"]?.string ?? "?") on \(name): \(error.message)"
            guard error.isDuplicateKey else { return RefusedIndex(index: index, text: text, isForDuplicates: false) }
            var bare = index
            if bare["collation"] == nil, let collation { bare = bare.appending("collation", collation) }
            let keys = CollidingKeys(client: client, namespace: Namespace(database, name)).texts(bare)
            return RefusedIndex(
                index: index,
                text: keys.isEmpty ? text : text + "; the keys that collide: " + keys.joined(separator: "; "),
                isForDuplicates: true)
        }
    }

    private func refusal(of indexes: [Document], on name: String) throws -> MongoError? {
        do {
            // An index that is there already is no error, so this may be done twice.
            try Repeating.run { _ in
                try lock?.check()
                try client.createIndexes(indexes, on: Namespace(database, name), writeConcern: writeConcern)
            }
            return nil
        } catch let error as MongoError
            where !error.isOfUnknownOutcome && !error.isServerTrouble
            && !error.isUnauthorized
        {
            return error
        }
    }

    /// An index as `createIndexes` wants it.
    ///
    /// `listIndexes` shows no collation for the simple one; in a collection with a default it has to be said. Of text and
    /// 2d indexes, too, which know no other. Of a time series it shows the one that is inherited, with which servers take
    /// no partial index.
    static func specification(
        _ index: Document, of kind: BackupMetadata.Collection.Kind, inheriting collation: Value?
    ) -> Document {
        // Every server builds version 2 where none is said, and the shared tiers of Atlas let nobody say it.
        var bare = index.removing(index["v"]?.integer == 2 ? ["ns", "v"] : ["ns"])
        // An index from before the versions is one of version 1: left out, it would be built as the newest.
        if isUnversionedSphere(bare, of: kind) { bare = bare.appending("2dsphereIndexVersion", 1) }
        guard let collation else { return bare }
        // Which know no collation, as a collection with one has none.
        if index["v"]?.integer == 1 { return bare }
        if bare["collation"] == nil { return bare.appending("collation", ["locale": "simple"]) }
        return kind == .timeseries && bare["collation"] == collation ? bare.removing(["collation"]) : bare
    }

    /// Whether it is a 2dsphere index that was built before there were versions of them. Time series are younger, and show
    /// none for an index of a measurement's field, where they take none but the newest.
    static func isUnversionedSphere(_ index: Document, of kind: BackupMetadata.Collection.Kind) -> Bool {
        guard kind != .timeseries, index["2dsphereIndexVersion"] == nil else { return false }
        return index["key"]?.document?.elements.contains { $0.value == "2dsphere" } ?? false
    }

    /// Renames a collection in one step.
    ///
    /// Where the outcome of an attempt is unknown, it has been carried out exactly if the old name is gone, and nothing can
    /// bring that back: a primary that is cut off from its set may have renamed alone, and takes it back when it returns.
    /// While another client builds an index on either, servers refuse it: that is waited for.
    /// - Parameters:
    ///   - dropTarget: whether it takes the place of what has that name; else the server refuses it.
    ///   - lock: whose heartbeat a majority has to have before a look at the names is worth something.
    ///   - beforeEach: called before each attempt.
    ///   - whereUnknown: called where nobody knows whether an attempt was carried out, before that is looked at.
    /// - Throws: ``FerryError`` where the lock was lost; ``MongoError``; `CancellationError`.
    func rename(
        _ from: String, to: String, dropTarget: Bool, _ lock: ImportLock, _ cancellation: Cancellation,
        beforeEach: () throws -> Void = {}, whereUnknown: () -> Void = {}
    ) throws {
        let command: Document = [
            "renameCollection": .string("\(database).\(from)"), "to": .string("\(database).\(to)"),
            "dropTarget": .bool(dropTarget),
        ]
        func isDone() throws -> Bool {
            try lock.confirm()
            return try client.listCollections(in: database, named: [from], readPreference: .primary).isEmpty
        }
        try Repeating.run { isAgain in
            if isAgain {
                whereUnknown()
                if try isDone() { return }
            }
            do {
                _ = try Repeating.whileHeldUp(cancellation) {
                    try lock.check()
                    try beforeEach()
                    return try client.runWrite(command, on: "admin")
                }
            } catch let error as MongoError where isAgain && error.isNamespaceNotFound {
                // The first attempt was still under way.
                guard try isDone() else { throw error }
            }
        }
    }
}
