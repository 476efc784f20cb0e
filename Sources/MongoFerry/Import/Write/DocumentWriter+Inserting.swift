import BSON
import MongoDriver
import Relations

/// Inserts documents, and replaces those that others have inserted meanwhile.
extension DocumentWriter {
    /// What an insert does if the `_id` has been taken meanwhile.
    enum WhereTaken {
        case reject, replace, keep
        /// Rejects it with the collection's collation as the reason: no other document has the `_id` itself.
        case rejectAsEqual
    }

    func insert(_ indexes: [Int], whereTaken: WhereTaken) throws {
        guard !indexes.isEmpty else { return }
        // One after another, since a capped collection keeps the order. Each is one command, of which nothing is
        // written if the server refuses it as a whole.
        var (rest, byUpdate) = (indexes[...], false)
        while !rest.isEmpty {
            let end = try rest.firstIndex { try document($0).needsPipelineToInsert != byUpdate } ?? rest.endIndex
            try insert(Array(rest[..<end]), byUpdate: byUpdate, whereTaken: whereTaken)
            (rest, byUpdate) = (rest[end...], !byUpdate)
        }
    }

    /// - Parameter byUpdate: whether ordinary insertions would change these documents.
    private func insert(_ indexes: [Int], byUpdate: Bool, whereTaken: WhereTaken) throws {
        guard !indexes.isEmpty else { return }
        let bulk = try bulkWrite()
        for index in indexes { try add(document(index), to: bulk, byUpdate: byUpdate) }
        let isOneCommand = bulk.isOneCommand
        let result: BulkWriteResult
        do {
            result = try send(bulk)
        } catch let error as MongoError where error.isInvalidBSON && isOneCommand {
            return try findInvalid(among: indexes, error) {
                try insert($0, byUpdate: byUpdate, whereTaken: whereTaken)
            }
        }
        var taken: [(index: Int, error: WriteError)] = []
        try settle(result, of: indexes.count, as: .insertions) { errors in
            var errors = errors
            if whereTaken != .reject {
                taken += errors.filter(Self.isTakenID).map { (indexes[$0.index], $0) }
                errors.removeAll(where: Self.isTakenID)
            }
            if case .merge = way { errors = try postpone(errors, indexes) }
            try note(errors, indexes)
        } again: {
            try add(document(indexes[$0]), to: $1, byUpdate: byUpdate)
        }
        switch whereTaken {
        case .reject: break
        case .keep: try keep(taken)
        case .replace: try overwrite(taken.map(\.index))
        case .rejectAsEqual:
            for (index, error) in taken {
                try reject(
                    index, "the collection's collation takes its _id for that of another document: \(error.message)")
            }
        }
    }

    /// Replaces the documents of these `_id`s: other programs have inserted them meanwhile, or by a collation other
    /// `_id`s are equal. They are unknown, so no pipeline may be used.
    private func overwrite(_ taken: [Int]) throws {
        guard !taken.isEmpty else { return }
        let bulk = try bulkWrite()
        var sent: [Int] = []
        var dangerous: [SecondAttempt.Postponed] = []
        for index in taken {
            let document = try document(index)
            if document.needsPipelineToReplace {
                dangerous.append(postponing(document, index, Self.killsServers))
            } else if let id = document.first {
                try replace(in: bulk, id: id, with: document)
                sent.append(index)
            }
        }
        let isOneCommand = bulk.isOneCommand
        let result: BulkWriteResult
        do {
            result = try send(bulk)
        } catch let error as MongoError where error.isInvalidBSON && isOneCommand {
            return try findInvalid(among: taken, error, overwrite)
        }
        try settle(result, of: sent.count, as: .replacements) { errors in
            if case .merge = way { return try note(try postpone(errors, sent), sent) }
            try note(errors, sent)
        } again: { place, bulk in
            let document = try document(sent[place])
            if let id = document.first { try replace(in: bulk, id: id, with: document) }
        }
        try writeInTransactions(dangerous)
    }

    /// Writes the halves of a command, and their halves, and rejects the document for which the server refused the
    /// whole command without writing anything.
    /// - Throws: what `write` throws; `CancellationError`.
    func findInvalid(among indexes: [Int], _ error: MongoError, _ write: ([Int]) throws -> Void) throws {
        guard indexes.count > 1 else {
            for index in indexes { try reject(index, error.message) }
            return
        }
        try target.cancellation.check()
        let middle = indexes.count / 2
        try write(Array(indexes[..<middle]))
        try write(Array(indexes[middle...]))
    }

    private func add(_ document: RawDocument, to bulk: BulkWrite, byUpdate: Bool) throws {
        if byUpdate {
            try bulk.insertByUpdate(document)
        } else {
            try bulk.insert(document)
        }
    }

    /// Counts what a command has written, and sends again, one by one, the statements for which the server's cache had
    /// no room. What a majority has acknowledged before this throws is counted.
    /// - Parameters:
    ///   - count: the number of the command's statements.
    ///   - refuse: takes the errors that are final, once or more; a document for which there is no room even alone is
    ///     refused like others.
    ///   - add: adds the statement with that index to a bulk write again.
    /// - Throws: ``MongoError``, also if a majority has not acknowledged the writes; `CancellationError`.
    func settle(
        _ result: BulkWriteResult, of count: Int, as kind: Statements,
        refuse: ([WriteError]) throws -> Void, again add: (_ statement: Int, BulkWrite) throws -> Void
    ) throws {
        try refuse(result.writeErrors.filter { !$0.isForLackOfCache })
        try result.requireConfirmed()
        note(result, of: count, kind)
        var last = result
        try CacheWait(cancellation: target.cancellation).run(result.writeErrors.filter(\.isForLackOfCache)) {
            let bulk = try bulkWrite()
            try add($0, bulk)
            last = try send(bulk)
            return last
        } settled: { error in
            if let error { try refuse([error]) } else { note(last, of: 1, kind) }
        }
    }

    /// What a command's statements do.
    enum Statements {
        case insertions
        /// Those with `upsert` insert what is no longer there; others write nothing then.
        case replacements
    }

    private func note(_ result: BulkWriteResult, of count: Int, _ kind: Statements) {
        switch kind {
        // Some are sent as upserts, which insert just the same.
        case .insertions: outcome.inserted += count - result.writeErrors.count
        case .replacements:
            outcome.updated += result.matched
            outcome.inserted += result.upserted
        }
    }

    /// Separates documents that exist from those that do not: another program has deleted them again, or the `_id`
    /// differs from one that is equal by the collection's collation.
    private func keep(_ taken: [(index: Int, error: WriteError)]) throws {
        guard !taken.isEmpty else { return }
        var live: [UInt64: [Document]] = [:]
        try client.forEachFound(
            by: taken[...], in: namespace, options: FindOptions(projection: ["_id": 1], readPreference: .primary)
        ) { part in
            let ids = try Document { list in
                for (place, entry) in part.enumerated() {
                    _ = try withID(entry.index) { list.append(String(place), copying: $0) }
                }
            }
            return [["_id": ["$in": .array(ids)]]]
        } _: { found in
            guard let id = found.first else { return }
            live[IDHash.hash(id), default: []].append(Document { $0.append(copying: id) })
        }
        let missing = try taken.map(\.index).filter { index in
            let isThere = try withID(index) { id in
                live[IDHash.hash(id)]?.contains {
                    $0.withRaw { $0.first.map { ServerEquality.areEqual($0, id) } ?? false }
                }
            }
            return isThere != true
        }
        outcome.unchanged += taken.count - missing.count
        try insert(missing, whereTaken: .rejectAsEqual)
    }

    static func isTakenID(_ error: WriteError) -> Bool {
        guard error.isDuplicateKey else { return false }
        // The message contains values as well, which may look like anything.
        return error.keyPattern.map { $0.keys == ["_id"] } ?? error.message.contains("index: _id_ ")
    }

    /// Replaces the document of that `_id`; inserts it where another program has deleted that one meanwhile.
    func replace(in bulk: BulkWrite, id: RawElement, with document: RawDocument) throws {
        try bulk.replaceOne(filter: Self.filter(id), with: document, upsert: true)
    }

    static func filter(_ id: RawElement) -> Document {
        Document { $0.append("_id", .document(Document { $0.append("$eq", copying: id) })) }
    }

    /// Seen on MongoDB 6.0.5: a pipeline update of a document with repeated names can crash the server.
    static let killsServers = RefusalReason(
        "it can only be replaced by a pipeline update, and with repeated names in it that can crash the server, which has no transactions to do without; --mode replace can take it"
    )
}
