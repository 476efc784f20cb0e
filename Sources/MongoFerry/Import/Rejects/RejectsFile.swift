import BSON
import BackupFile
import ExtendedJSON
import Foundation

/// Rows that were set aside, as a CSV file that can be corrected and imported by itself.
struct RejectsFile {
    let path: String
    private(set) var count = 0
    /// The names of the rows' collections in the database, by their names in this file.
    private(set) var names: [String: String] = [:]
    /// Whether there are rows whose strings must be converted when they are imported again.
    private(set) var hasLegacyRows = false

    private let writer: BackupWriter
    private let collections: RejectsNames
    private let survey: FileSurvey
    private var decoder: RowDecoder
    private let marking = RowMarking()

    /// Writes rows into `PATH.rejects.csv`; if that exists, into `PATH.rejects.2.csv` and so on, since somebody may
    /// have corrected its rows.
    /// - Parameters:
    ///   - lines: the lines where the rows start, in the order of the file; one may be there twice.
    ///   - path: the file from which they come.
    ///   - check: called now and then; if it throws, the writing stops and nothing is left behind.
    /// - Throws: ``FileError``; ``BackupError``; what `check` throws.
    init(
        _ lines: [Int], of reader: BackupReader, _ survey: FileSurvey, named collections: RejectsNames,
        beside path: String, check: () throws -> Void
    ) throws {
        (writer, self.path) = try Self.create(beside: path)
        self.collections = collections
        self.survey = survey
        decoder = RowDecoder(
            maximumDocument: .max, maximumRow: .max, measurements: survey.measurements, legacyRows: survey.legacyRows)
        do {
            var open = lines[...]
            try reader.seek(to: reader.firstRow)
            let batch = RecordBatch()
            while !open.isEmpty, try reader.nextBatch(into: batch) {
                try check()
                try batch.forEachRow { row in
                    open = open.drop { $0 < row.line }
                    guard open.first == row.line else { return }
                    try write(row)
                }
            }
            try writer.finish(counts: [:])
        } catch {
            writer.abandon()
            throw error
        }
    }

    /// A warning that the file may be lost in a power failure; nil if nothing is known of that.
    var folderWarning: String? { writer.folderWarning }

    /// The path that a new rejects file would have now.
    static func freePath(beside path: String) -> String {
        var number = 1
        var status = stat()
        while lstat(name(number, beside: path), &status) == 0 { number += 1 }
        return name(number, beside: path)
    }

    /// Checks that a rejects file can be written.
    /// - Throws: ``FileError``; ``BackupError``.
    static func check(beside path: String) throws { try create(beside: path).0.abandon() }

    private static func name(_ number: Int, beside path: String) -> String {
        "\(path).rejects\(number == 1 ? "" : ".\(number)").csv"
    }

    /// Whether a path is that of a rejects file.
    static func isName(_ path: String) -> Bool {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false).suffix(3)
        guard parts.last == "csv" else { return false }
        let middle = parts.dropLast()
        return middle.last == "rejects" || middle.first == "rejects" && middle.last.flatMap { Int($0) } != nil
    }

    private static func create(beside path: String) throws -> (BackupWriter, String) {
        var number = 1
        while true {
            let name = name(number, beside: path)
            do {
                let writer = try BackupWriter(
                    .file(path: name, overwriting: false), compression: .none, plain: true,
                    metadata: BackupMetadata(created: nil, program: "", database: ""))
                return (writer, name)
            } catch let error as BackupError where error.kind == .exists || error.kind == .busy {
                // Another import of the file may be writing its own rejects now.
                number += 1
            }
        }
    }

    private mutating func write(_ row: borrowing RecordBatch.Row) throws {
        count += 1
        guard let (name, fields) = try? decoder.fields(of: row) else { return try writeUnreadable(row) }
        let newName = newName(of: name)
        let isLegacy: Bool?
        var marked: ByteBuffer?
        do {
            isLegacy = try decoder.withDocument(fields, line: row.line, collection: name) { document, traits in
                guard !survey.legacyRows.includes(document, hasWrapper: traits.contains(.wrapper)) else { return true }
                // Without the metadata or the other rows, it would look like a row of a legacy file.
                if !traits.contains(.wrapper) { marked = try marking.field(document).field }
                return false
            }
        } catch is RowProblem {
            isLegacy = nil
        }
        hasLegacyRows = hasLegacyRows || isLegacy ?? looksLegacy(fields)
        let prefix = Array(BackupWriter.rowPrefix(newName).utf8)
        if let marked {
            try prefix.withUnsafeBytes { try write([$0, marked.bytes]) }
        } else {
            let isRenamed = !newName.hasSameBytes(as: name)
            let start = isRenamed ? row.bytes.count - fields.data.count - (fields.dataIsQuoted ? 2 : 0) : 0
            let rest = UnsafeRawBufferPointer(rebasing: row.bytes[start...])
            let suffix: [UInt8] = isLegacy == nil && row.needsQuote ? [0x22] : []
            try (isRenamed ? prefix : []).withUnsafeBytes { prefix in
                try suffix.withUnsafeBytes { try write([prefix, rest, $0]) }
            }
        }
    }

    /// Writes a row that does not have two fields. Its collection may still be known.
    private mutating func writeUnreadable(_ row: borrowing RecordBatch.Row) throws {
        if survey.legacyRows == .all { hasLegacyRows = true }
        var prefix: [UInt8] = []
        var rest = row.bytes
        if case .failure(let fault) = RowFields.parse(row), let name = fault.collection {
            let newName = newName(of: name)
            if !newName.hasSameBytes(as: name) {
                prefix = Array(BackupWriter.rowPrefix(newName).utf8)
                rest = UnsafeRawBufferPointer(rebasing: row.bytes[fault.data...])
            }
        }
        let suffix: [UInt8] = row.needsQuote ? [0x22] : []
        try prefix.withUnsafeBytes { prefix in try suffix.withUnsafeBytes { try write([prefix, rest, $0]) } }
    }

    /// Returns the name of a row's collection in this file, and records it.
    private mutating func newName(of name: String) -> String {
        let newName = collections.name(of: name)
        names[newName] = collections.databaseName(of: name)
        return newName
    }

    /// Whether a row that cannot be read seems to be a legacy one.
    private func looksLegacy(_ fields: RowFields) -> Bool {
        switch survey.legacyRows {
        case .none: false
        case .all: true
        case .withHexadecimalID:
            IDText.found(in: fields).map { ObjectID(hex: $0.replacing("\"", with: "")) != nil && $0.hasPrefix("\"") }
                ?? false
        }
    }

    private func write(_ parts: [UnsafeRawBufferPointer]) throws {
        for part in parts { try writer.write(rows: part) }
        try [UInt8(ascii: "\n")].withUnsafeBytes { try writer.write(rows: $0) }
    }
}
