import BSON
import MongoDriver
import Relations

/// Replaces documents that exist with other contents.
extension DocumentWriter {
    func merge(_ key: DocumentKey) throws {
        try write(try lookUp(key, idOnly: false), key, attempt: 1)
    }

    /// - Parameter attempt: counts the lookups of these documents.
    private func write(_ lookup: BatchLookup, _ key: DocumentKey, attempt: Int) throws {
        // With other keys than _id, an existing document with the same _id is another one, which must not be lost.
        try insert(lookup.missing, whereTaken: key.isID ? .replace : .reject)
        try replace(lookup.changed.map(\.index), lookup, key, attempt)
    }

    /// - Parameter changed: the changed documents of the lookup to write now.
    private func replace(_ changed: [Int], _ lookup: BatchLookup, _ key: DocumentKey, _ attempt: Int) throws {
        guard !changed.isEmpty else { return }
        // In a command of their own, as with insertions.
        let special = try changed.filter { try document($0).needsPipelineToReplace }
        if !special.isEmpty, special.count < changed.count {
            let parted = Set(special)
            try replace(changed.filter { !parted.contains($0) }, lookup, key, attempt)
            return try replace(special, lookup, key, attempt)
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
                    || target.hasTransactions && changed.hasEmptyTimestamp
                if changed.needsPipelineToReplace, isDangerous {
                    dangerous.append(
                        postponing(
                            changed, change.index, where: Self.condition(key, changed), Self.killsServers))
                } else {
                    try add(changed, inPlaceOf: change.liveID, key, to: bulk)
                    indexes.append(change.index)
                }
            }
        }
        let result: BulkWriteResult
        do {
            result = try send(bulk)
        } catch let error as MongoError where error.isInvalidBSON {
            return try findInvalid(among: changed, error) { try replace($0, lookup, key, attempt) }
        }
        var refused: Set<Int> = []
        let writtenBefore = outcome.updated
        try settle(result, of: indexes.count, as: .replacements) { errors in
            refused.formUnion(errors.map { indexes[$0.index] })
            try note(try postpone(errors, indexes, lookup, key), indexes)
        } again: { place, bulk in
            let index = indexes[place]
            guard let liveID = lookup.changed.first(where: { $0.index == index })?.liveID else { return }
            try withReplacement(of: liveID, by: try document(index), key) {
                try add($0, inPlaceOf: liveID, key, to: bulk)
            }
        }
        if !key.isID {
            try replaceMissed(
                indexes.filter { !refused.contains($0) }, written: outcome.updated - writtenBefore, key, attempt)
        }
        try writeInTransactions(dangerous)
    }

    /// Adds the replacement of a live document. With other keys than `_id`, it must still have the key: another program
    /// may have deleted it since it was looked up, or have given the key to another one, and a second document with the
    /// key must not come of that.
    private func add(
        _ document: RawDocument, inPlaceOf liveID: Document, _ key: DocumentKey, to bulk: BulkWrite
    ) throws {
        guard !key.isID else {
            if let id = document.first { try replace(in: bulk, id: id, with: document) }
            return
        }
        let id = liveID.withRaw { $0.first.map(Self.filter) } ?? [:]
        try bulk.replaceOne(filter: id.joined(Self.condition(key, document)), with: document, upsert: false)
    }

    /// What the live document must still have, besides its `_id`. Of a key that is there twice, a server sees one value.
    private static func condition(_ key: DocumentKey, _ document: RawDocument) -> Document {
        key.isID || key.isRepeated(in: document) ? [:] : key.filter(of: document)
    }

    /// Looks up once more where some live documents were not found any more, and writes what is not there now.
    /// - Parameters:
    ///   - indexes: the documents that were sent and not refused.
    ///   - written: the number of those that were written.
    private func replaceMissed(_ indexes: [Int], written: Int, _ key: DocumentKey, _ attempt: Int) throws {
        guard written < indexes.count else { return }
        guard attempt < Self.lookups else {
            throw FerryError(
                "\(target.name): documents whose \(key.names.joined(separator: ", ")) the file has are there when they are looked for and not when they are replaced, again and again: other programs may change or delete them",
                advice: ["Run the import again when nothing else writes there."])
        }
        let (unchangedBefore, matchedBefore) = (outcome.unchanged, matched)
        let lookup = try lookUp(key, idOnly: false, of: indexes)
        // Each has one outcome: those that were just written are equal now, unless they have been changed since, and
        // are written once more.
        let equal = outcome.unchanged - unchangedBefore
        let own = min(written, equal)
        outcome.updated += own - written
        outcome.unchanged = unchangedBefore + equal - own
        matched = matchedBefore
        try write(lookup, key, attempt: attempt + 1)
    }

    /// How often documents are looked up while other programs change them.
    private static let lookups = 5

    /// Calls `body` with the file's document; with other keys than `_id`, with the live one's `_id` in it.
    /// - Parameter liveID: `{_id: …}`.
    func withReplacement(
        of liveID: Document, by document: RawDocument, _ key: DocumentKey, _ body: (RawDocument) throws -> Void
    ) throws {
        if key.isID { return try body(document) }
        try liveID.joined(try document.withoutID()).withRaw(body)
    }

    // MARK: What no single update can write

    func postponing(
        _ document: RawDocument, _ index: Int, replaces: Bool = true, where condition: Document = [:],
        _ reason: RefusalReason
    ) -> SecondAttempt.Postponed {
        SecondAttempt.Postponed(
            Document(copying: document), line: batch.line(of: index), replaces: replaces, where: condition,
            reason: reason)
    }

    /// Postpones documents that were refused for a value of a unique index that another document may give up, and those
    /// that servers insert but do not accept as a replacement.
    /// - Returns: the other errors.
    func postpone(
        _ errors: [WriteError], _ indexes: [Int], _ lookup: BatchLookup? = nil, _ key: DocumentKey? = nil
    ) throws -> [WriteError] {
        guard target.hasTransactions, !errors.isEmpty else { return errors }
        let liveIDs = Dictionary(uniqueKeysWithValues: (lookup?.changed ?? []).map { ($0.index, $0.liveID) })
        return try errors.filter { error in
            let isWorthIt =
                error.isDuplicateKey && !Self.isTakenID(error) || error.isDollarName && lookup != nil
            // Checked first: otherwise very many documents would be copied in vain.
            guard isWorthIt, !target.room.isExceeded else { return true }
            let index = indexes[error.index]
            var changed = Document(copying: try document(index))
            var condition: Document = [:]
            if let key, let liveID = liveIDs[index] {
                try withReplacement(of: liveID, by: try document(index), key) { changed = Document(copying: $0) }
                condition = Self.condition(key, try document(index))
            }
            guard target.room.take(changed.bytes.count) else { return true }
            let replaces = lookup != nil || isMergeByID
            changed.withRaw {
                postponed.append(
                    postponing($0, index, replaces: replaces, where: condition, RefusalReason(error)))
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
        // What is written before an error is counted.
        defer { note(result) }
        try target.lock?.check()
        let attempt = secondAttempt
        for entry in dangerous {
            guard target.hasTransactions else {
                result.refused.append((entry, entry.reason))
                continue
            }
            guard let failure = try attempt.write([entry], &result) else { continue }
            // Another document, which may come later, may give up the value.
            if case .merge = way, let error = failure.error, error.isDuplicateKey, !Self.isTakenID(error),
                target.room.take(entry.document.bytes.count)
            {
                postponed.append(entry)
            } else {
                result.refused.append((entry, failure.reason))
            }
        }
    }

    /// Adds the outcome of postponed documents.
    func note(_ result: SecondAttempt.Outcome) {
        outcome.inserted += result.inserted
        outcome.updated += result.updated
        for (entry, reason) in result.refused {
            entry.document.withRaw { reject(line: entry.line, id: $0.first, reason) }
        }
    }
}
