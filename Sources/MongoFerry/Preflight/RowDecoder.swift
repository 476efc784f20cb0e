import BSON
import BackupFile
import ExtendedJSON
import Relations

/// Turns rows into documents. Belongs to one thread.
struct RowDecoder {
    /// The buffer into which documents are decoded.
    let buffer = ByteBuffer(capacity: 64 << 10, blocks: .documents)
    private let reordered = ByteBuffer(capacity: 4096, blocks: .documents)
    /// The size of the largest document that servers accept, in bytes.
    private let maximumDocument: Int
    /// The size of the largest document that is read, in bytes.
    private let maximumRow: Int
    private let legacyRows: FileSurvey.LegacyRows
    /// The time series: their documents need no `_id`, and may share one.
    let measurements: [ExactName: TimeField]

    private var lastName: [UInt8] = []
    private var lastCollection = ""

    /// - Parameters:
    ///   - legacyRows: which rows are the old application's. In these, `{"$regex":"^A"}` is not a regular expression,
    ///     which JSON.stringify turns into `{}`, but a query that somebody stored.
    init(
        maximumDocument: Int, maximumRow: Int, measurements: [ExactName: TimeField] = [:],
        legacyRows: FileSurvey.LegacyRows = .none
    ) {
        self.maximumDocument = maximumDocument
        self.maximumRow = maximumRow
        self.measurements = measurements
        self.legacyRows = legacyRows
    }

    init(_ survey: FileSurvey) {
        self.init(
            maximumDocument: survey.maximumDocument, maximumRow: survey.maximumRow, measurements: survey.measurements,
            legacyRows: survey.legacyRows)
    }

    /// Returns the collection's name in a row, and the fields, without decoding the document.
    /// - Throws: ``RowProblem``.
    mutating func fields(of row: borrowing RecordBatch.Row) throws(RowProblem) -> (String, RowFields) {
        switch RowFields.parse(row) {
        case .failure(let fault):
            throw RowProblem(
                line: row.line, collection: fault.collection, reason: fault.reason, isUnreadable: true)
        case .success(let fields):
            guard !fields.isColumnHeader else {
                throw RowProblem(
                    line: row.line, reason: "the column header stands here once more: files were put together",
                    isUnreadable: true)
            }
            // Rows of one collection are adjacent, so the name is nearly always the last one's. None is empty.
            if !fields.nameIsQuoted, !fields.name.isEmpty, lastName.withUnsafeBytes({ sameBytes(fields.name, $0) }) {
                return (lastCollection, fields)
            }
            guard let name = fields.collection else {
                throw RowProblem(line: row.line, reason: "the collection's name is not UTF-8", isUnreadable: true)
            }
            guard !name.isEmpty else {
                throw RowProblem(line: row.line, reason: "the collection's name is empty", isUnreadable: true)
            }
            if !fields.nameIsQuoted {
                lastName = Array(fields.name)
                lastCollection = name
            }
            return (name, fields)
        }
    }

    /// Calls `body` with a row's document, with its `_id` first, as servers store it.
    ///
    /// The document is valid only inside `body`.
    /// - Throws: ``RowProblem``; what `body` throws.
    func withDocument<Result>(
        _ fields: RowFields, line: Int, collection: String,
        _ body: (RawDocument, ExtendedJSONDecoder.Traits) throws -> Result
    ) throws -> Result {
        buffer.reset()
        // The memory of a huge document is released at once: other threads have their own.
        defer { buffer.reset(keeping: 1 << 20) }
        let traits: ExtendedJSONDecoder.Traits
        let document: RawDocument
        do {
            (document, traits) = try decoded(fields)
        } catch let fault as JSONFault where fault.isTooLarge {
            // It is not binary data yet: each byte of a Buffer is an element of an array.
            let buffers =
                maximumRow > maximumDocument ? "; a byte of a Buffer takes some 13 while the row is read" : ""
            throw RowProblem(
                line: line, collection: collection, id: IDText.found(in: fields),
                reason:
                    "the document takes more than \(maximumRow) bytes, servers take at most \(maximumDocument)\(buffers)"
            )
        } catch {
            throw RowProblem(
                line: line, collection: collection, id: IDText.found(in: fields),
                reason: fields.textOfWrongField ?? Self.text(error, in: fields, line),
                isUnreadable: true)
        }
        let sound = try sound(document, line: line, collection: collection)
        if try traits.contains(.secondID) || traits.contains(.rawBSON) && Self.hasSecondID(sound),
            measurements[ExactName(collection)] == nil
        {
            throw RowProblem(
                line: line, collection: collection, id: sound.first.map(IDText.text),
                reason: "the document has two fields _id")
        }
        return try body(sound, traits)
    }

    private static func text(_ error: any Error, in fields: RowFields, _ line: Int) -> String {
        guard let fault = error as? JSONFault else { return "\(error)" }
        return fault.text(at: fields.place(of: fault.offset, line: line))
    }

    /// - Throws: `JSONFault`, `BSONError`.
    private func decoded(_ fields: RowFields) throws -> (RawDocument, ExtendedJSONDecoder.Traits) {
        func decoded(readsLegacyRegularExpressions: Bool) throws -> (RawDocument, ExtendedJSONDecoder.Traits) {
            buffer.reset()
            let decoder = ExtendedJSONDecoder(
                quotes: fields.dataIsQuoted ? .doubled : .plain,
                readsLegacyRegularExpressions: readsLegacyRegularExpressions,
                maximumDocument: maximumRow)
            let traits = try decoder.decode(fields.data, into: buffer)
            return (try RawDocument(buffer.bytes), traits)
        }
        let (document, traits) = try decoded(readsLegacyRegularExpressions: true)
        guard traits.contains(.legacyRegularExpression),
            legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
        else {
            return (document, traits)
        }
        return try decoded(readsLegacyRegularExpressions: false)
    }

    /// Checks for what every server refuses, and moves `_id` to the front. The document itself is then no longer valid.
    /// - Throws: ``RowProblem``.
    private func sound(_ document: RawDocument, line: Int, collection: String) throws -> RawDocument {
        func problem(_ reason: String, id: RawElement?) -> RowProblem {
            RowProblem(line: line, collection: collection, id: id.map(IDText.text), reason: reason)
        }
        if !measurements.isEmpty, let time = measurements[ExactName(collection)] {
            if case .checked(let name) = time, document[name]?.type != .date {
                throw problem(TimeField.textOfMissing(name), id: nil)
            }
            return document
        }
        guard let first = document.first else { throw problem("the document has no _id", id: nil) }
        let id = first.keyEquals("_id") ? first : document["_id"]
        guard let id else { throw problem("the document has no _id", id: nil) }
        if document.bytes.count > maximumRow {
            try Self.checkSize(document, maximumDocument, line: line, collection: collection)
        }
        switch id.type {
        case .array, .regularExpression, .undefined:
            throw problem("servers take no _id of type \(id.type.name)", id: id)
        case .document:
            guard let inner = id.document, try !Self.hasOperator(inner) else {
                throw problem("servers take no _id with a field that starts with '$', a DBRef's aside", id: id)
            }
        default: break
        }
        return first.keyEquals("_id") ? document : try withIDInFront(document, id)
    }

    /// Whether a document has two fields `_id`, which servers refuse (code 2), though they accept any other repeated
    /// name.
    /// - Throws: `BSONError` if it is damaged.
    private static func hasSecondID(_ document: RawDocument) throws -> Bool {
        var walker = document.makeWalker()
        var isFirst = true
        while let field = try walker.next() {
            guard field.keyEquals("_id") else { continue }
            guard isFirst else { return true }
            isFirst = false
        }
        return false
    }

    /// Whether servers refuse a document as an `_id` for a field that starts with `$` (code 52), at whatever depth: they
    /// accept `$ref` and `$id` at the beginning of a document, with anything in `$id`, and a `$db` after them (measured
    /// on MongoDB 6.0.5).
    /// - Throws: `BSONError` if it is damaged.
    private static func hasOperator(_ id: RawDocument, depth: Int = 1) throws -> Bool {
        guard depth <= BSONValidator.maximumDepth else { return false }
        var walker = id.makeWalker()
        var place = 0
        var isReference = false
        while let field = try walker.next() {
            defer { place += 1 }
            guard field.key.first == 0x24 else {
                if [.document, .array].contains(field.type),
                    try hasOperator(RawDocument(field.value), depth: depth + 1)
                {
                    return true
                }
                continue
            }
            switch place {
            case 0 where field.keyEquals("$ref") && field.type == .string: isReference = true
            case 1 where isReference && field.keyEquals("$id"): break
            case 2 where isReference && field.keyEquals("$db") && field.type == .string: break
            default: return true
            }
        }
        return isReference && place < 2
    }

    /// - Throws: ``RowProblem`` for a document of more than `maximum` bytes.
    static func checkSize(_ document: RawDocument, _ maximum: Int, line: Int, collection: String) throws(RowProblem) {
        guard document.bytes.count > maximum else { return }
        throw RowProblem(
            line: line, collection: collection, id: document["_id"].map(IDText.text),
            reason: "the document takes \(document.bytes.count) bytes, servers take at most \(maximum)")
    }

    private func withIDInFront(_ document: RawDocument, _ id: RawElement) throws -> RawDocument {
        reordered.reset()
        reordered.reserve(document.bytes.count)
        var writer = reordered.makeWriter()
        writer.put(littleEndian: Int32(document.bytes.count))
        func append(_ element: RawElement, _ writer: inout ByteWriter) {
            writer.put(element.type.rawValue)
            if let key = element.key.baseAddress { writer.put(copying: key, count: element.key.count) }
            writer.put(0)
            if let value = element.value.baseAddress { writer.put(copying: value, count: element.value.count) }
        }
        append(id, &writer)
        var isTaken = false
        var walker = document.makeWalker()
        while let element = try walker.next() {
            if !isTaken, element.keyEquals("_id") {
                isTaken = true
                continue
            }
            append(element, &writer)
        }
        writer.put(0)
        writer.finish()
        // As where a document is decoded, so that a huge one need not be copied; the memory of the first is released at
        // once, for both are of the same size.
        buffer.exchange(with: reordered)
        reordered.reset(keeping: 1 << 20)
        return try RawDocument(buffer.bytes)
    }
}
