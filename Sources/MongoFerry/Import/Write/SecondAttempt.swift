import BSON
import MongoDriver

/// Writes documents of a merge that no single update can write, by deleting and inserting them in a transaction.
///
/// There are three kinds: documents with repeated names whose only possible update could crash the server (see
/// ``BSON/RawDocument/hasRepeatedNames``); documents that exchange values of a unique index, where each blocks the
/// next; and, before MongoDB 5.0, those with names that begin with `$` below the top level. Belongs to one thread.
struct SecondAttempt {
    /// Why one of them was refused.
    struct Failure {
        let postponed: Postponed
        let index: Int
        let reason: RefusalReason
        let error: WriteError?
        /// Whether another attempt is of no use: another writer has held it, or one of its group, for longer than an
        /// update would have waited, or has changed or deleted what it was to replace.
        var isFinal = false
    }

    struct Outcome {
        var inserted = 0
        var updated = 0
        var refused: [(postponed: Postponed, reason: RefusalReason)] = []
    }

    let client: Client
    let namespace: Namespace
    /// See ``RowLoader/unvalidated``.
    let bypassesValidation: Bool
    let cancellation: Cancellation
    /// See ``LoadTarget/lock``.
    var lock: ImportLock?

    /// Tries each document by itself, and then together those that block only each other.
    /// - Parameter outcome: what was done, also if this throws.
    /// - Throws: ``MongoError`` if the server could not be asked; `CancellationError`.
    func run(_ postponed: [Postponed], _ outcome: inout Outcome) throws {
        var waiting = postponed
        var failures: [Failure] = []
        // A value may become free as soon as another document has been written: forward, backward, forward.
        for _ in 0..<3 {
            failures = try waiting.compactMap { entry in
                try cancellation.check()
                guard let failure = try write([entry], &outcome) else { return nil }
                guard failure.isFinal else { return failure }
                // This has waited long enough.
                outcome.refused.append((entry, failure.reason))
                return nil
            }
            if failures.isEmpty { return }
            let isStuck = failures.count == waiting.count
            waiting = failures.map(\.postponed).reversed()
            if isStuck { break }
        }
        let (cycle, outsiders) = try cycle(failures)
        outcome.refused += outsiders.map { ($0.postponed, $0.reason) }
        waiting = cycle.map(\.postponed)
        // A document that is refused for something else, such as a validator, breaks the cycle.
        for _ in 0..<Self.breakers where waiting.count > 1 {
            try cancellation.check()
            guard let failure = try write(waiting, &outcome) else { return }
            if failure.isFinal {
                outcome.refused += waiting.map { ($0, failure.reason) }
                return
            }
            outcome.refused.append((waiting.remove(at: failure.index), failure.reason))
        }
        let reasons = Dictionary(cycle.map { ($0.postponed.line, $0.reason) }) { first, _ in first }
        outcome.refused += waiting.map { ($0, reasons[$0.line] ?? $0.reason) }
    }

    /// How many may be refused for something else before the others are given up.
    private static let breakers = 100

    /// Writes documents as a unit: all of them, or none.
    /// - Returns: the one that was refused and why; nil if all were written.
    func write(_ group: [Postponed], _ outcome: inout Outcome) throws -> Failure? {
        let session = try client.startSession()
        do {
            try lock?.check()
            let replaced = try session.withTransaction(beforeAgain: cancellation.check) {
                let replaced = try replace(group, in: session)
                // The commit comes next.
                try lock?.check()
                return replaced
            }
            outcome.updated += replaced
            outcome.inserted += group.count - replaced
            return nil
        } catch is Gone {
            return Self.gone(group[0])
        } catch let refusal as Refusal where refusal.error.isOfTransaction {
            return try writeAlone(group, after: refusal.error.message, &outcome)
        } catch let refusal as Refusal {
            return Failure(
                postponed: group[refusal.index], index: refusal.index, reason: RefusalReason(refusal.error),
                error: refusal.error)
        } catch let error as MongoError where error.isUnknownCommit {
            throw error
        } catch let error as MongoError where error.isHeldUp || error.isTransactionGone || error.isForLackOfCache {
            let reason =
                error.isHeldUp
                ? "another writer holds it"
                : error.isTransactionGone ? "the server ended its transaction" : "the server's cache has no room for it"
            return Failure(
                postponed: group[0], index: 0, reason: RefusalReason("\(reason): \(error.message)"), error: nil,
                isFinal: true)
        } catch let error as MongoError where error.isOfTransaction {
            return try writeAlone(group, after: error.message, &outcome)
        } catch let error as MongoError where error.mayBeAboutDocuments {
            return Failure(postponed: group[0], index: 0, reason: RefusalReason(error.message), error: nil)
        }
    }

    /// Writes a document by a single statement, where the transaction itself was refused: a capped collection supports
    /// none. What it waited for may have been written meanwhile. Several could not be written as a unit.
    private func writeAlone(
        _ group: [Postponed], after refusal: String, _ outcome: inout Outcome
    ) throws -> Failure? {
        let postponed = group[0]
        guard group.count == 1 else {
            return Failure(postponed: postponed, index: 0, reason: postponed.reason, error: nil)
        }
        let bulk = try client.bulkWrite(to: namespace, bypassDocumentValidation: bypassesValidation)
        let isPossible = try postponed.document.withRaw { document in
            guard postponed.replaces else {
                try document.needsPipelineToInsert ? bulk.insertByUpdate(document) : bulk.insert(document)
                return true
            }
            guard !document.needsPipelineToReplace, let id = document.first else { return false }
            try bulk.replaceOne(
                filter: DocumentWriter.filter(id).joined(postponed.condition), with: document,
                upsert: postponed.condition.isEmpty)
            return true
        }
        guard isPossible else {
            let reason = "only a transaction can write it, and the server takes none here: \(refusal)"
            return Failure(postponed: postponed, index: 0, reason: RefusalReason(reason), error: nil)
        }
        try lock?.check()
        let result = try bulk.execute()
        if let error = result.writeErrors.first {
            return Failure(postponed: postponed, index: 0, reason: RefusalReason(error), error: error)
        }
        try result.requireConfirmed()
        if postponed.replaces, result.matched + result.upserted == 0 { return Self.gone(postponed) }
        let isNew = !postponed.replaces || result.upserted > 0
        if isNew { outcome.inserted += 1 } else { outcome.updated += 1 }
        return nil
    }

    /// A document was no longer there, or no longer had the key by which it was found.
    private struct Gone: Error {}

    private static func gone(_ postponed: Postponed) -> Failure {
        let reason =
            "another program has changed or deleted the document that had its key; a rerun finds what is there now"
        return Failure(postponed: postponed, index: 0, reason: RefusalReason(reason), error: nil, isFinal: true)
    }

    private struct Refusal: Error {
        let index: Int
        let error: WriteError
    }

    /// - Returns: the number of documents that existed before.
    private func replace(_ group: [Postponed], in session: Session) throws -> Int {
        // By the simple collation: by the collection's own, another _id may be equal.
        let deletions = group.enumerated().compactMap { index, postponed -> Statement? in
            guard postponed.replaces, let id = postponed.id else { return nil }
            let filter = (["_id": ["$eq": id]] as Document).joined(postponed.condition)
            return (index, ["q": .document(filter), "limit": 1, "collation": ["locale": "simple"]])
        }
        let replaced = try run("delete", "deletes", deletions, session)
        // Without a condition, what is gone is inserted.
        if replaced < deletions.count, group.contains(where: { !$0.condition.isEmpty }) { throw Gone() }
        let (byUpdate, inserted) = group.indices.reduce(into: ([Statement](), [Statement]())) { parts, index in
            let document = group[index].document
            document.withRaw { raw in
                if raw.hasEmptyTimestamp {
                    parts.0.append((index, BulkWrite.insertion(byUpdate: raw)))
                } else {
                    parts.1.append((index, document))
                }
            }
        }
        _ = try run("insert", "documents", inserted, session)
        _ = try run("update", "updates", byUpdate, session)
        return replaced
    }

    /// A statement with the index of its document in the group.
    private typealias Statement = (index: Int, document: Document)

    /// Sends all at once: servers end a transaction that takes longer than a minute, which is some thousand round trips
    /// to a distant one.
    private func run(_ command: String, _ list: String, _ statements: [Statement], _ session: Session) throws -> Int {
        var count = 0
        var rest = statements[...]
        while !rest.isEmpty {
            var bytes = 0
            let end = rest.firstIndex { statement in
                bytes += statement.document.bytes.count
                return bytes > PendingBatch.mostBytes
            }
            // A huge one is sent alone.
            let part = rest[..<max(end ?? rest.endIndex, rest.startIndex + 1)]
            count += try send(command, list, Array(part), session)
            rest = rest[part.endIndex...]
        }
        return count
    }

    private func send(_ command: String, _ list: String, _ statements: [Statement], _ session: Session) throws -> Int {
        var message: Document = [
            command: .string(namespace.collection), list: .array(statements.map { .document($0.document) }),
        ]
        if bypassesValidation, command != "delete" { message = message.appending("bypassDocumentValidation", true) }
        let reply = try client.run(message, on: namespace.database, session: session)
        if let error = reply["writeErrors"]?.array?.first?.document {
            let refusal = error.withRaw { WriteError($0) }
            guard refusal.isAboutOneDocument, statements.indices.contains(refusal.index) else {
                throw refusal.failure(of: "writing to \(namespace)")
            }
            throw Refusal(index: statements[refusal.index].index, error: refusal)
        }
        return Int(reply["n"]?.integer ?? 0)
    }
}
