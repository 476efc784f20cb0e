import BSON
import MongoDriver
import Relations

/// Replaces documents that exist with other contents.
extension DocumentWriter {
    func merge(_ key: DocumentKey) throws {
        let lookup = try lookUp(key, idOnly: false)
        if isDryRun {
            let taken = key.isID ? [] : try whoseIDsAreTaken(lookup.missing)
            for index in taken { try reject(index, "another document in the database has that _id") }
            outcome.inserted += lookup.missing.count - taken.count
            outcome.updated += lookup.changed.count
            return
        }
        // With other keys than _id, an existing document with the same _id is another one, which must not be lost.
        try insert(lookup.missing, whereTaken: key.isID ? .replace : .reject)
        try replace(lookup.changed.map(\.index), lookup, key)
    }

    /// Those that the server would refuse because of their `_id`s, whatever their keys are.
    private func whoseIDsAreTaken(_ indexes: [Int]) throws -> [Int] {
        guard !indexes.isEmpty else { return [] }
        let ids = try indexes.compactMap { try document($0)["_id"]?.copy }
        var taken: Set<UInt64> = []
        let options = FindOptions(projection: ["_id": 1], batchSize: ids.count + 1)
        try client.forEachFound(by: ids[...], in: namespace, options: options) {
            QueryFilter.filters($0, .id)
        } _: { found in
            if let id = found.first { taken.insert(IDHash.hash(id)) }
        }
        return try indexes.filter { try document($0)["_id"].map { taken.contains(IDHash.hash($0)) } ?? false }
    }

    /// - Parameter changed: the changed documents of the lookup to write now.
    private func replace(_ changed: [Int], _ lookup: Lookup, _ key: DocumentKey) throws {
        guard !changed.isEmpty else { return }
        // In a command of their own, as with insertions.
        let special = try changed.filter { try document($0).needsPipelineToReplace }
        if !special.isEmpty, special.count < changed.count {
            let parted = Set(special)
            try replace(changed.filter { !parted.contains($0) }, lookup, key)
            return try replace(special, lookup, key)
        }
        let bulk = try bulkWrite()
        var indexes: [Int] = []
        var dangerous: [SecondAttempt.Postponed] = []
        let wanted = Set(changed)
        for change in lookup.changed where wanted.contains(change.index) {
            try withReplacement(of: change.liveID, by: try document(change.index), key) { changed in
                // A server logs such an update as a whole document if much differs; its other members, and itself after
                // a crash, then write the current time in place of an empty timestamp (seen on 6.0.5).
                let isDangerous =
                    changed.hasRepeatedNames || change.liveHasRepeatedNames
                    || hasTransactions && changed.hasEmptyTimestamp
                if changed.needsPipelineToReplace, isDangerous {
                    dangerous.append(postponing(changed, change.index, Self.killsServers))
                } else if let id = changed.first {
                    try replace(in: bulk, id: id, with: changed)
                    indexes.append(change.index)
                }
            }
        }
        let result: BulkWriteResult
        do {
            result = try send(bulk)
        } catch let error as MongoError where error.isInvalidBSON {
            return try findInvalid(among: changed, error) { try replace($0, lookup, key) }
        }
        let writeErrors = try waitForCache(result.writeErrors) { place, bulk in
            let index = indexes[place]
            guard let liveID = lookup.changed.first(where: { $0.index == index })?.liveID else { return }
            try withReplacement(of: liveID, by: try document(index), key) { changed in
                if let id = changed.first { try replace(in: bulk, id: id, with: changed) }
            }
        }
        let errors = try postpone(writeErrors, indexes, lookup, key)
        try note(errors, indexes)
        try Self.check(result)
        outcome.updated += indexes.count - writeErrors.count
        try writeInTransactions(dangerous)
    }

    /// Calls `body` with the file's document; with other keys than `_id`, with the live one's `_id` in it.
    /// - Parameter liveID: `{_id: …}`.
    func withReplacement(
        of liveID: Document, by document: RawDocument, _ key: DocumentKey, _ body: (RawDocument) throws -> Void
    ) throws {
        if key.isID { return try body(document) }
        try liveID.joined(try Self.withoutID(document)).withRaw(body)
    }

    static func withoutID(_ document: RawDocument) throws -> Document {
        var builder = DocumentBuilder()
        try document.forEach { if !$0.keyEquals("_id") { builder.append(copying: $0) } }
        return builder.finish()
    }

    // MARK: What no single update can write

    func postponing(
        _ document: RawDocument, _ index: Int, replaces: Bool = true, _ reason: String
    ) -> SecondAttempt.Postponed {
        SecondAttempt.Postponed(
            Document(copying: document), line: batch.line(of: index), replaces: replaces, reason: reason)
    }

    /// Postpones documents that were refused for a value of a unique index that another document may give up, and those
    /// that servers insert but do not accept as a replacement.
    /// - Returns: the other errors.
    func postpone(
        _ errors: [WriteError], _ indexes: [Int], _ lookup: Lookup? = nil, _ key: DocumentKey? = nil
    ) throws -> [WriteError] {
        guard hasTransactions, !errors.isEmpty else { return errors }
        let liveIDs = Dictionary(uniqueKeysWithValues: (lookup?.changed ?? []).map { ($0.index, $0.liveID) })
        return try errors.filter { error in
            let isWorthIt =
                error.isDuplicateKey && !Self.isTakenID(error) || error.isDollarName && lookup != nil
            // Checked first: otherwise very many documents would be copied in vain.
            guard isWorthIt, !room.isExceeded else { return true }
            let index = indexes[error.index]
            var changed = Document(copying: try document(index))
            if let key, let liveID = liveIDs[index] {
                try withReplacement(of: liveID, by: try document(index), key) { changed = Document(copying: $0) }
            }
            guard room.take(changed.bytes.count) else { return true }
            let replaces = lookup != nil || isMergeByID
            changed.withRaw {
                postponed.append(postponing($0, index, replaces: replaces, WriteErrorText.text(error)))
            }
            return false
        }
    }

    var isMergeByID: Bool {
        switch way {
        case .merge(let key): key.isID
        case .mergeIntoEmpty: true
        default: false
        }
    }

    func writeInTransactions(_ dangerous: [SecondAttempt.Postponed]) throws {
        guard !dangerous.isEmpty else { return }
        var result = SecondAttempt.Outcome()
        try checkMayWrite()
        let attempt = secondAttempt
        for entry in dangerous {
            guard hasTransactions else {
                result.refused.append((entry, entry.reason))
                continue
            }
            if let failure = try attempt.write([entry], &result) { result.refused.append((entry, failure.reason)) }
        }
        note(result)
    }

    /// Adds the outcome of postponed documents.
    func note(_ result: SecondAttempt.Outcome) {
        outcome.inserted += result.inserted
        outcome.updated += result.updated
        for (entry, reason) in result.refused {
            outcome.rejected += 1
            rejections.add(
                RowProblem(
                    line: entry.line, collection: name,
                    id: entry.document.withRaw { $0.first.map(IDText.text) }, reason: reason))
        }
    }
}
