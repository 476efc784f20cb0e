import BSON
import MongoDriver

/// Writes documents of one collection in batches. Belongs to one thread.
final class DocumentWriter {
    enum Way: Sendable {
        /// Into a collection that nobody else writes to.
        case load
        /// Upsert: look up first, write what is missing or different.
        case merge(DocumentKey)
        /// Only what is missing.
        case insert
        /// As merge and insert, into a collection that was empty: what turns out to be there is replaced, or kept.
        case mergeIntoEmpty, insertIntoEmpty
        /// Into a time series; those that are there already are found by the time field. Nil for a new collection.
        case measurements(timeField: String?)
        /// Writes nothing: only says what a merge would find missing or different.
        case compare(DifferenceLog)
    }

    private struct Pending {
        let start: Int
        let count: Int
        let line: Int
    }

    private let client: Client
    private let namespace: Namespace
    private let way: Way
    private let name: String
    private let isDryRun: Bool
    private let rejections: RejectionLog
    private let bytes = ByteBuffer(capacity: 1 << 20)
    private var pending: [Pending] = []
    private(set) var outcome: CollectionOutcome
    /// Live documents that the file has too.
    private(set) var matched = 0
    /// Documents in whose way others were that a merge may move; ``SecondAttempt`` takes them when all are written.
    private(set) var postponed: [SecondAttempt.Postponed] = []
    private var postponedBytes = 0
    private let hasTransactions: Bool

    /// A message takes 48 MB; smaller batches overlap better and take less memory.
    private static let batchBytes = 8 << 20
    private static let batchCount = 10_000
    private static let hugeBytes = 1 << 20
    /// Looked-up documents come back whole, so their batches are smaller.
    private static let lookupCount = 5000

    init(
        client: Client, namespace: Namespace, way: Way, name: String, isDryRun: Bool = false,
        hasTransactions: Bool = false, rejections: RejectionLog
    ) {
        self.client = client
        self.namespace = namespace
        self.way = way
        self.name = name
        self.isDryRun = isDryRun
        self.hasTransactions = hasTransactions
        self.rejections = rejections
        outcome = CollectionOutcome(name: name)
    }

    /// Takes a document, and writes when there are enough. A huge one waits for ``flushIfFull()``: its row should not
    /// be held meanwhile.
    /// - Throws: ``MongoError`` for what is not a matter of single documents.
    func add(_ document: RawDocument, line: Int) throws {
        outcome.read += 1
        if bytes.count + document.bytes.count > Self.batchBytes { try flush() }
        pending.append(Pending(start: bytes.count, count: document.bytes.count, line: line))
        bytes.append(document.bytes)
        if document.bytes.count < Self.hugeBytes { try flushIfFull() }
    }

    /// Writes what is waiting where there is enough of it.
    func flushIfFull() throws {
        let limit =
            switch way {
            case .load, .mergeIntoEmpty, .insertIntoEmpty: Self.batchCount
            default: Self.lookupCount
            }
        if bytes.count >= Self.batchBytes / 2 || pending.count >= limit { try flush() }
    }

    /// Writes what is waiting.
    func flush() throws {
        guard !pending.isEmpty else { return }
        defer {
            pending.removeAll(keepingCapacity: true)
            bytes.reset(keeping: Self.batchBytes / 2)
        }
        switch way {
        case .load: try insert(Array(pending.indices), whereTaken: .reject)
        case .mergeIntoEmpty: try insert(Array(pending.indices), whereTaken: .replace)
        case .insertIntoEmpty: try insert(Array(pending.indices), whereTaken: .keep)
        case .merge(let key): try merge(key)
        case .insert:
            let missing = try lookUp(try DocumentKey(["_id"]), idOnly: true).missing
            outcome.unchanged += pending.count - missing.count
            try insert(missing, whereTaken: .keep)
        case .measurements(let timeField):
            let missing = try timeField.map(missingMeasurements) ?? Array(pending.indices)
            outcome.unchanged += pending.count - missing.count
            try insertMeasurements(missing)
        case .compare(let log):
            let lookup = try lookUp(try DocumentKey(["_id"]), idOnly: false) { log.noteDifferent($0, live: $1) }
            for index in lookup.missing { log.noteMissing(try document(index)) }
            outcome.inserted += lookup.missing.count
            outcome.updated += lookup.changed.count
        }
    }

    private func document(_ index: Int) throws -> RawDocument {
        let place = pending[index]
        return try RawDocument(UnsafeRawBufferPointer(rebasing: bytes.bytes[place.start..<place.start + place.count]))
    }

    // MARK: Looking up

    private struct Lookup {
        /// A document of the batch that is there in another form. Of that one only what its replacement needs is
        /// kept: both could be 16 MB.
        struct Changed {
            let index: Int
            /// `{_id: …}`, by its bytes.
            let liveID: Document
            let liveHasRepeatedNames: Bool
        }

        var missing: [Int] = []
        var changed: [Changed] = []
    }

    /// Asks the server which of the batch's documents it has.
    ///
    /// By other keys than `_id`, which a live document keeps since nothing can change it, the rest of both is compared.
    /// - Parameter onDifferent: called with a document of the batch and what is there in its place.
    private func lookUp(
        _ key: DocumentKey, idOnly: Bool, onDifferent: (RawDocument, _ live: RawDocument) throws -> Void = { _, _ in }
    ) throws -> Lookup {
        var byHash: [UInt64: [Int]] = [:]
        var result = Lookup()
        var asked: [RawDocument] = []
        for index in pending.indices {
            let document = try document(index)
            guard let hash = key.hash(document) else {
                try reject(
                    index, "it has no value for \(key.names.joined(separator: ", ")), by which the merge finds it")
                continue
            }
            byHash[hash, default: []].append(index)
            asked.append(document)
        }
        guard !asked.isEmpty else { return result }
        // One more than can come: then the server knows with the first reply that it is the last.
        let options = FindOptions(
            projection: idOnly ? ["_id": 1] : nil, batchSize: asked.count + 1, readPreference: .primary)
        let cursor = try client.find(namespace, try key.filter(asked), options: options)
        try cursor.forEach { live in
            guard let hash = key.hash(live), let indexes = byHash.removeValue(forKey: hash) else { return }
            matched += indexes.count
            for index in indexes where !idOnly {
                let document = try document(index)
                if try sameBytes(document.bytes, live.bytes)
                    || !key.isID && Self.withoutID(document) == Self.withoutID(live)
                {
                    outcome.unchanged += 1
                } else {
                    try onDifferent(document, live)
                    guard let id = live.first else { continue }
                    result.changed.append(
                        Lookup.Changed(
                            index: index, liveID: Document { $0.append(copying: id) },
                            liveHasRepeatedNames: live.hasRepeatedNames))
                }
            }
        }
        result.missing += byHash.values.joined()
        result.missing.sort()
        return result
    }

    /// Measurements have no `_id` to be known by: one is there if all its fields are, in whatever order, since the
    /// server's buckets keep none.
    private func missingMeasurements(_ timeField: String) throws -> [Int] {
        var byFields: [Document: [Int]] = [:]
        var times: [Value] = []
        for index in pending.indices {
            let document = try document(index)
            byFields[Self.sorted(document), default: []].append(index)
            if let time = document[timeField]?.copy { times.append(time) }
        }
        let filter = Document { $0.append(timeField, ["$in": .array(times)]) }
        let cursor = try client.find(namespace, filter, options: FindOptions(readPreference: .primary))
        try cursor.forEach { live in
            if let indexes = byFields.removeValue(forKey: Self.sorted(live)) { matched += indexes.count }
        }
        return byFields.values.joined().sorted()
    }

    /// By a command of our own: libmongoc's bulk insert would give an `_id` to measurements that have none.
    private func insertMeasurements(_ indexes: [Int]) throws {
        guard !indexes.isEmpty else { return }
        outcome.inserted += indexes.count
        if isDryRun { return }
        let documents = try Document { list in
            for (place, index) in indexes.enumerated() { list.append(String(place), copying: try document(index)) }
        }
        let reply = try client.runWrite(
            ["insert": .string(namespace.collection), "ordered": false, "documents": .array(documents)],
            on: namespace.database)
        for error in reply["writeErrors"]?.array ?? [] {
            guard let fields = error.document, let place = fields["index"]?.integer else { continue }
            outcome.inserted -= 1
            try reject(indexes[place], fields["errmsg"]?.string ?? "the server refuses it")
        }
    }

    private static func sorted(_ document: RawDocument) -> Document {
        let elements = Document(copying: document).elements.sorted { $0.key < $1.key }
        return Document { for (key, value) in elements { $0.append(key, value) } }
    }

    private func merge(_ key: DocumentKey) throws {
        let lookup = try lookUp(key, idOnly: false)
        if isDryRun {
            outcome.inserted += lookup.missing.count
            outcome.updated += lookup.changed.count
            return
        }
        // By other keys than _id: what has the same _id is another document, which must not be lost.
        try insert(lookup.missing, whereTaken: key.isID ? .replace : .reject)
        guard !lookup.changed.isEmpty else { return }
        let bulk = try client.bulkWrite(to: namespace)
        var indexes: [Int] = []
        var dangerous: [SecondAttempt.Postponed] = []
        for change in lookup.changed {
            try withReplacement(of: change.liveID, by: try document(change.index), key) { changed in
                if needsPipeline(changed), changed.hasRepeatedNames || change.liveHasRepeatedNames {
                    dangerous.append(postponing(changed, change.index, Self.killsServers))
                } else if let id = changed.first {
                    try replace(in: bulk, id: id, with: changed)
                    indexes.append(change.index)
                }
            }
        }
        let result = try bulk.execute()
        let errors = try postpone(result.writeErrors, indexes, lookup, key)
        try note(errors, indexes)
        outcome.updated += indexes.count - result.writeErrors.count
        try Self.check(result)
        try writeInTransactions(dangerous)
    }

    /// Calls `body` with the file's document; by other keys than `_id`, with the live one's `_id`.
    /// - Parameter liveID: `{_id: …}`.
    private func withReplacement(
        of liveID: Document, by document: RawDocument, _ key: DocumentKey, _ body: (RawDocument) throws -> Void
    ) throws {
        if key.isID { return try body(document) }
        try liveID.joined(try Self.withoutID(document)).withRaw(body)
    }

    private static func withoutID(_ document: RawDocument) throws -> Document {
        var builder = DocumentBuilder()
        try document.forEach { if !$0.keyEquals("_id") { builder.append(copying: $0) } }
        return builder.finish()
    }

    // MARK: What no single update can write

    private func postponing(
        _ document: RawDocument, _ index: Int, replaces: Bool = true, _ reason: String
    ) -> SecondAttempt.Postponed {
        SecondAttempt.Postponed(
            Document(copying: document), line: pending[index].line, replaces: replaces, reason: reason)
    }

    /// Keeps for later what was refused for a value of a unique index that another document may give up.
    /// - Returns: the other errors.
    private func postpone(
        _ errors: [WriteError], _ indexes: [Int], _ lookup: Lookup? = nil, _ key: DocumentKey? = nil
    ) throws -> [WriteError] {
        guard hasTransactions, !errors.isEmpty else { return errors }
        let liveIDs = Dictionary(uniqueKeysWithValues: (lookup?.changed ?? []).map { ($0.index, $0.liveID) })
        return try errors.filter { error in
            guard error.isDuplicateKey, !Self.isTakenID(error), postponed.count < SecondAttempt.countLimit else {
                return true
            }
            let index = indexes[error.index]
            var changed = Document(copying: try document(index))
            if let key, let liveID = liveIDs[index] {
                try withReplacement(of: liveID, by: try document(index), key) { changed = Document(copying: $0) }
            }
            guard postponedBytes + changed.bytes.count <= SecondAttempt.byteLimit else { return true }
            postponedBytes += changed.bytes.count
            let replaces = lookup != nil || isMergeByID
            changed.withRaw {
                postponed.append(postponing($0, index, replaces: replaces, WriteErrorText.text(error)))
            }
            return false
        }
    }

    private var isMergeByID: Bool {
        switch way {
        case .merge(let key): key.isID
        case .mergeIntoEmpty: true
        default: false
        }
    }

    private func writeInTransactions(_ dangerous: [SecondAttempt.Postponed]) throws {
        guard !dangerous.isEmpty else { return }
        var result = SecondAttempt.Outcome()
        let attempt = SecondAttempt(client: client, namespace: namespace)
        for entry in dangerous {
            guard hasTransactions else {
                result.refused.append((entry, entry.reason))
                continue
            }
            if let failure = try attempt.write([entry], &result) { result.refused.append((entry, failure.reason)) }
        }
        note(result)
    }

    /// Adds what became of postponed documents.
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

    // MARK: Writing

    /// What an insert does where the `_id` has been taken meanwhile.
    private enum WhereTaken {
        case reject, replace, keep
    }

    private func insert(_ indexes: [Int], whereTaken: WhereTaken) throws {
        guard !indexes.isEmpty else { return }
        if isDryRun {
            outcome.inserted += indexes.count
            return
        }
        let bulk = try client.bulkWrite(to: namespace)
        for index in indexes {
            let document = try document(index)
            if EmptyTimestamp.isAtTop(of: document) {
                try bulk.insertKeepingTimestamps(document)
            } else {
                try bulk.insert(document)
            }
        }
        let result = try bulk.execute()
        var errors = result.writeErrors
        var taken: [Int] = []
        if whereTaken != .reject {
            taken = errors.filter(Self.isTakenID).map { indexes[$0.index] }
            errors.removeAll(where: Self.isTakenID)
        }
        outcome.inserted += indexes.count - result.writeErrors.count
        if case .merge = way { errors = try postpone(errors, indexes) }
        try note(errors, indexes)
        try Self.check(result)
        guard !taken.isEmpty else { return }
        if whereTaken == .keep {
            outcome.unchanged += taken.count
            return
        }
        // Somebody inserted it meanwhile, or a collation takes it for another. What is there now is not known, so that
        // no pipeline may be used.
        let again = try client.bulkWrite(to: namespace)
        var sent: [Int] = []
        var dangerous: [SecondAttempt.Postponed] = []
        for index in taken {
            let document = try document(index)
            if needsPipeline(document) {
                dangerous.append(postponing(document, index, Self.killsServers))
            } else if let id = document.first {
                try replace(in: again, id: id, with: document)
                sent.append(index)
            }
        }
        let second = try again.execute()
        try note(second.writeErrors, sent)
        outcome.updated += sent.count - second.writeErrors.count
        try Self.check(second)
        try writeInTransactions(dangerous)
    }

    private static func isTakenID(_ error: WriteError) -> Bool {
        error.isDuplicateKey && (error.keyPattern?.keys == ["_id"] || error.message.contains("index: _id_ "))
    }

    private func replace(in bulk: BulkWrite, id: RawElement, with document: RawDocument) throws {
        try bulk.replaceOne(filter: Self.filter(id), with: document, upsert: true)
    }

    private static func filter(_ id: RawElement) -> Document {
        Document { $0.append("_id", .document(Document { $0.append("$eq", copying: id) })) }
    }

    /// Where a replacement has to go as a pipeline update: servers refuse some names at the top of a replacement, and
    /// put the current time in the place of an empty timestamp there.
    private func needsPipeline(_ document: RawDocument) -> Bool {
        if EmptyTimestamp.isAtTop(of: document) { return true }
        var walker = document.makeWalker()
        while let element = try? walker.next() { if element.key.first == 0x24 { return true } }
        return false
    }

    /// Seen on MongoDB 6.0.5: a pipeline update of a document with repeated names can end the server's process.
    private static let killsServers =
        "it can only be replaced by a pipeline update, and with repeated names in it that can crash the server, which has no transactions to do without; --mode replace can take it"

    private func reject(_ index: Int, _ reason: String) throws {
        outcome.rejected += 1
        rejections.add(
            RowProblem(
                line: pending[index].line, collection: name, id: try document(index).first.map(IDText.text),
                reason: reason))
    }

    private func note(_ errors: [WriteError], _ indexes: [Int]) throws {
        for error in errors {
            let index = indexes[error.index]
            try reject(index, WriteErrorText.text(error))
        }
    }

    /// - Throws: ``FerryError`` where the server could not promise that a majority has the writes.
    private static func check(_ result: BulkWriteResult) throws {
        guard let failure = result.writeConcernErrors.first else { return }
        throw FerryError("the server wrote, but could not confirm it with write concern majority: \(failure.message)")
    }
}

/// Servers put the current time in the place of `Timestamp(0, 0)` at the top level of a document.
enum EmptyTimestamp {
    static func isAtTop(of document: RawDocument) -> Bool {
        var walker = document.makeWalker()
        while let element = try? walker.next() {
            if element.type == .timestamp, element.timestamp?.rawValue == 0, !element.keyEquals("_id") { return true }
        }
        return false
    }
}

/// Why a server refused a document.
enum WriteErrorText {
    static func text(_ error: WriteError) -> String {
        if error.isDuplicateKey { return "the value is taken in a unique index: \(error.message)" }
        if error.isDocumentValidationFailure {
            let details = error.details.map { ": \(JSONDetail.short($0))" } ?? ""
            return "the collection's validator refuses it\(details)"
        }
        // Code 0: it was not sent at all.
        return error.code == 0 ? error.message : "\(error.message) (code \(error.code))"
    }
}

enum JSONDetail {
    static func short(_ document: Document) -> String {
        let text = IDText.text(.document(document))
        return text.count <= 300 ? text : text.prefix(299) + "…"
    }
}

extension Document {
    /// This document's elements, then the other's.
    func joined(_ other: Document) -> Document {
        var builder = DocumentBuilder(copying: self)
        other.withRaw { raw in
            var walker = raw.makeWalker()
            while let element = try? walker.next() { builder.append(copying: element) }
        }
        return builder.finish()
    }
}
