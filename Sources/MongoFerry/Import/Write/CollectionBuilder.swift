import BSON
import BackupFile
import MongoDriver
import Relations

/// Creates collections, views and indexes as a file describes them.
struct CollectionBuilder {
    let client: Client
    let database: String
    /// Ends the waiting for other clients' operations that are in the way.
    let cancellation: Cancellation
    /// The write concern for creating collections and building indexes.
    var writeConcern = WriteConcern.majority
    /// Checked before anything is sent: an import that has lost the lock changes nothing more.
    var lock: ImportLock?

    /// Creates a collection, time series or view under a name.
    /// - Throws: ``FerryError`` with the options that the server refuses; ``MongoError``.
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
            // The index on `_id` is created with its collection; if it has its own collation, that must be given here.
            if entry.kind == .collection, let idIndex, let collation = idIndex["collation"],
                entry.options["collation"] == nil
            {
                create.append("idIndex", ["key": ["_id": 1], "name": "_id_", "collation": collation])
            }
        }
        do {
            try Repeating.run { isAgain in
                if isAgain { lock?.noteRepeated() }
                do {
                    try send(command)
                } catch let error as MongoError where isAgain && error.isNamespaceExists {
                    // The attempt with the unknown outcome succeeded, or another program's insert has created a plain
                    // collection.
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

    /// Drops indexes that are not the file's: from MongoDB 6.3 on, servers create one on a new time series' own fields,
    /// and it would prevent one of the file's.
    private func dropUnwantedIndexes(_ entry: BackupMetadata.Collection, _ name: String) throws {
        let wanted = CollectionDifferences.byName(entry.indexes).mapValues(CollectionDifferences.normalized)
        for index in try client.listIndexes(of: Namespace(database, name), readPreference: .primary)
        where wanted[CollectionDifferences.name(of: index)] != CollectionDifferences.normalized(index) {
            guard let indexName = index["name"] else { continue }
            try Repeating.run { isAgain in
                do {
                    try send(["dropIndexes": .string(name), "index": indexName])
                } catch let error as MongoError where isAgain && error.isIndexNotFound {}
            }
        }
    }

    /// Sends a command once nothing of other clients' is in its way.
    private func send(_ command: Document) throws {
        try Repeating.whileHeldUp(cancellation) {
            try lock?.check()
            try client.runWrite(command, on: database, writeConcern: writeConcern)
        }
    }

    /// Whether what has the name is of the entry's kind and has its options.
    private func isMade(_ entry: BackupMetadata.Collection, _ name: String) throws -> Bool {
        guard let info = try client.listCollections(in: database, named: [name], readPreference: .primary).first
        else { return false }
        let isOfKind = BackupMetadata.Collection.Kind(info.kind) == entry.kind
        let wanted = entry.options.removing(Self.serverOnly)
        return isOfKind && (!info.hasDetails || Self.has(.document(info.options), .document(wanted)))
    }

    /// Whether a value is the same, except for what a server adds.
    private static func has(_ value: Value?, _ wanted: Value) -> Bool {
        guard let inner = wanted.document else { return value == wanted }
        return inner.elements.allSatisfy { key, wanted in has(value?.document?[key], wanted) }
    }

    private static func advice(_ entry: BackupMetadata.Collection) -> String {
        let leave = "--exclude \(entry.name.shellWord) leaves it out."
        // Without these options, it would not be a time series.
        if entry.kind == .timeseries { return leave }
        return leave
            + " Or create it yourself, with options that this server has: --mode merge and insert go on with what is there."
    }

    /// How often another program's insert may come between a drop and the creation that follows.
    private static let clearings = 50

    /// Creates it in the place of what was dropped or renamed. As soon as the name is free, another program's insert
    /// may create a plain collection; that is dropped, unless the lock was lost and it is another import's.
    /// - Parameter strangers: receives the number of documents that are dropped with such collections.
    /// - Throws: ``FerryError`` with the options that the server refuses; ``MongoError``; `CancellationError`.
    func create(
        _ entry: BackupMetadata.Collection, as name: String, clearingFor lock: ImportLock, _ strangers: inout Int
    ) throws {
        var attempt = 1
        while true {
            do {
                return try create(entry, as: name)
            } catch let error as MongoError where error.isNamespaceExists && attempt < Self.clearings {
                try cancellation.check()
                strangers += try client.countStored(in: Namespace(database, name))
                // The creation that follows waits for a majority: the shorter the moment in between, the better.
                try client.drop(Namespace(database, name), writeConcern: WriteConcern(.nodes(1)), cancellation) {
                    try lock.settle(name, cancellation)
                } beforeEach: {
                    try lock.check()
                }
                attempt += 1
            }
        }
    }

    /// Whether a key would not describe the collection but control the command, such as a database or a transaction.
    private static func isNoOption(_ key: String) -> Bool {
        key.hasScalarPrefix("$")
            || [
                "create", "lsid", "txnNumber", "autocommit", "startTransaction", "writeConcern", "readConcern",
                "maxTimeMS", "comment", "apiVersion", "bypassDocumentValidation",
            ].contains(key)
    }

    /// Options that `listCollections` shows and `create` does not accept.
    static let serverOnly: Set<String> = ["uuid", "autoIndexId", "temp"]

    /// Whether no document can violate an index: plain keys in ascending or descending order, not unique.
    ///
    /// Two arrays in a document under keys of one index are still refused; this is reported as the index's fault.
    static func canRefuseNothing(_ index: Document) -> Bool {
        guard index["unique"]?.isOn != true, let keys = index["key"]?.document else { return false }
        return keys.elements.allSatisfy { key, order in !key.contains("$**") && order.integer != nil }
    }

    /// An index that the server refused.
    struct RefusedIndex {
        let index: Document
        /// Which index it is, and why it was refused.
        var text: String
        /// Whether it was refused because existing documents have the same value, which may change.
        let isForDuplicates: Bool

        /// The warning about it where the collection goes without the index.
        var warning: String { "the server refuses \(text)" }
    }

    /// Builds indexes; a refusal affects only the index itself.
    /// - Parameters:
    ///   - name: the collection's name.
    ///   - kind: the collection's kind.
    /// - Returns: the indexes that the server refused; all others exist.
    /// - Throws: ``MongoError`` if the server could not be asked or is itself at fault, or if the user lacks the
    ///   privilege.
    func build(
        _ indexes: [Document], on name: String, _ kind: BackupMetadata.Collection.Kind, inheriting collation: Value?
    ) throws -> [RefusedIndex] {
        let wanted = indexes.filter(\.isSecondaryIndex)
            .map { Self.specification($0, of: kind, inheriting: collation) }
        guard !wanted.isEmpty else { return [] }
        // All in one command, for which the server scans the collection once.
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
            // An index that exists already is no error, so this may be repeated.
            try Repeating.run { isAgain in
                if isAgain { lock?.noteRepeated() }
                try Repeating.whileHeldUp(cancellation) {
                    try lock?.check()
                    try client.createIndexes(indexes, on: Namespace(database, name), writeConcern: writeConcern)
                }
            }
            return nil
        } catch let error as MongoError
            where !error.isOfUnknownOutcome && !error.isServerTrouble
            && !error.isUnauthorized
        {
            return error
        }
    }

    /// An index in the form that `createIndexes` accepts.
    ///
    /// `listIndexes` shows no collation for the simple one; in a collection with a default, it must be specified, even
    /// for text and 2d indexes, which support no other. For a time series it shows the inherited collation, with which
    /// servers refuse partial indexes.
    static func specification(
        _ index: Document, of kind: BackupMetadata.Collection.Kind, inheriting collation: Value?
    ) -> Document {
        // Every server builds version 2 by default, and the shared tiers of Atlas do not let anybody specify it.
        var bare = index.removing(index["v"]?.integer == 2 ? ["ns", "v"] : ["ns"])
        // An index from before there were versions is of version 1; without this, it would be built as the newest.
        if isUnversionedSphere(bare, of: kind) { bare = bare.appending("2dsphereIndexVersion", 1) }
        guard let collation else { return bare }
        // Indexes of version 1 support no collation: a collection that has a default cannot have them.
        if index["v"]?.integer == 1 { return bare }
        if bare["collation"] == nil { return bare.appending("collation", ["locale": "simple"]) }
        return kind == .timeseries && bare["collation"] == collation ? bare.removing(["collation"]) : bare
    }

    /// Whether it is a 2dsphere index from before there were versions of them. Time series are newer: they show no
    /// version for an index on a measurement's field, for which they accept only the newest.
    static func isUnversionedSphere(_ index: Document, of kind: BackupMetadata.Collection.Kind) -> Bool {
        guard kind != .timeseries, index["2dsphereIndexVersion"] == nil else { return false }
        return index["key"]?.document?.elements.contains { $0.value == "2dsphere" } ?? false
    }

    /// Renames a collection atomically.
    ///
    /// If the outcome of an attempt is unknown, it succeeded exactly if the old name is gone and nothing can bring it
    /// back: a primary that is cut off from its set may have renamed alone, which is rolled back when it returns. While
    /// another client builds an index on either collection, servers refuse the rename; this waits for that.
    /// - Parameters:
    ///   - dropTarget: whether it replaces what has that name; otherwise the server then refuses it.
    ///   - lock: the lock whose heartbeat a majority must acknowledge before a look at the names can be trusted.
    ///   - beforeEach: called before each attempt.
    ///   - whereUnknown: called if it is unknown whether an attempt succeeded, before this is checked; not for errors
    ///     before the command was sent.
    ///   - whereDoneBefore: called if an attempt finds that the one before it succeeded: what `beforeEach` has seen
    ///     under the new name was the renamed collection.
    /// - Throws: ``FerryError`` if the lock was lost; ``MongoError``; `CancellationError`.
    func rename(
        _ from: String, to: String, dropTarget: Bool, _ lock: ImportLock, beforeEach: () throws -> Void = {},
        whereUnknown: () -> Void = {}, whereDoneBefore: () -> Void = {}
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
            if isAgain, try isDone() { return }
            do {
                _ = try Repeating.whileHeldUp(cancellation) {
                    try lock.check()
                    try beforeEach()
                    do {
                        return try client.runWrite(command, on: "admin")
                    } catch let error as MongoError where error.isOfUnknownOutcome {
                        whereUnknown()
                        throw error
                    }
                }
            } catch let error as MongoError where isAgain && error.isNamespaceNotFound {
                // The first attempt was still in progress.
                guard try isDone() else { throw error }
                whereDoneBefore()
            }
        }
    }
}
