/// Reads the lines above the rows, one after another.
struct HeaderLines {
    private let path: String
    private let compression: Compression
    private(set) var metadata: BackupMetadata?
    private(set) var count = 0
    private var claimsFormat = false

    init(path: String, _ compression: Compression) {
        self.path = path
        self.compression = compression
    }

    /// Takes a line without its line end; returns true for the column header, after which the rows begin.
    /// - Throws: ``BackupError``.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        count += 1
        var bytes = bytes
        // A byte-order mark, as spreadsheets write it.
        if count == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            bytes = .init(rebasing: bytes[3...])
            if bytes.starts(with: Self.firstWords) {
                throw BackupError.mendable(
                    path, line: 1, "a byte-order mark was put in front, as spreadsheets do; the seal cannot fit",
                    by: "tail -c +4", compression)
            }
        }
        if bytes.last == 0x0D {
            bytes = .init(rebasing: bytes.dropLast())
            if count == 1, bytes.starts(with: Self.firstWords) {
                throw BackupError.mendable(
                    path, line: 1, "the line ends were changed to \\r\\n, as some transfers do; the seal cannot fit",
                    by: "tr -d '\\r'", compression)
            }
        }
        if bytes.isEmpty, metadata == nil { return false }
        if bytes.first == 0x23 {
            try takeComment(bytes)
            return false
        }
        // A program that quotes every field has also quoted the first line.
        let isQuotedFormat = count == 1 && bytes.starts(with: [0x22] + Self.firstWords)
        if isQuotedFormat || claimsFormat && metadata == nil && bytes.starts(with: [0x22, 0x23]) {
            throw BackupError.damaged(path, line: count, "the metadata are quoted: a spreadsheet has saved the file")
        }
        let text = String(decoding: bytes.prefix(200), as: UTF8.self)
        if text.trimmed.isEmpty, metadata == nil { return false }
        guard bytes.count <= 200, Self.isColumnHeader(text) else {
            if claimsFormat {
                throw BackupError.damaged(path, line: count, "the column header 'collection,data' is missing")
            }
            // It may have a password.
            if text.hasConnectionString {
                throw BackupError(
                    .notABackup, path, line: count, "not a backup: the line has a connection string",
                    advice: "--uri-file takes a file with a connection string.")
            }
            throw BackupError(
                .notABackup, path, line: count,
                "not a backup: '\(text.trimmed.prefix(60))' is not the column header 'collection,data'",
                advice: WrongHeader.advice(text))
        }
        if claimsFormat, metadata == nil {
            throw BackupError.damaged(path, line: count, "the metadata line is missing")
        }
        return true
    }

    static let firstWords = Array("# mongoferry backup".utf8)
    private static let formatWords = "# mongoferry backup, format "

    private mutating func takeComment(_ bytes: UnsafeRawBufferPointer) throws {
        if count == 1, bytes.starts(with: Self.firstWords) {
            try checkFormat(String(decoding: bytes.prefix(200), as: UTF8.self))
            claimsFormat = true
        } else if claimsFormat, bytes.starts(with: BackupMetadata.metadataPrefix.utf8) {
            guard metadata == nil else { throw BackupError.damaged(path, line: count, "there are two metadata lines") }
            guard
                let json = String(
                    validating: bytes.dropFirst(BackupMetadata.metadataPrefix.utf8.count), as: UTF8.self)
            else { throw BackupError.damaged(path, line: count, "the metadata line is not UTF-8") }
            metadata = try BackupMetadata(json: json, path: path, line: count)
        } else if bytes.starts(with: BackupMetadata.metadataPrefix.utf8) {
            throw BackupError.damaged(
                path, line: 1, "the first line does not say '\(BackupMetadata.firstLine.dropFirst(2))'")
        } else if bytes.starts(with: Self.formatWords.utf8) || bytes.starts(with: Seal.prefix.utf8) {
            throw BackupError.damaged(path, line: count, "this line does not belong here")
        }
    }

    private func checkFormat(_ line: String) throws {
        guard line != BackupMetadata.firstLine else { return }
        let number = line.hasPrefix(Self.formatWords) ? line.dropFirst(Self.formatWords.count) : ""
        if !number.isEmpty, !number.hasPrefix("0"), number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            throw BackupError(
                .newerFormat, path, line: 1,
                "the file says '\(line.dropFirst(2))', and this program reads format 1",
                advice: "Use a newer mongoferry.")
        }
        throw BackupError.damaged(
            path, line: 1,
            line.hasPrefix(BackupMetadata.firstLine)
                ? "the first line does not end after the format"
                : "the first line does not say '\(BackupMetadata.firstLine.dropFirst(2))'")
    }

    static func isColumnHeader(_ text: String) -> Bool {
        text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed.trimmingQuotes }
            == ["collection", "data"]
    }

    /// The error for a file that ends before its rows.
    func endedTooEarly() -> BackupError {
        if claimsFormat { return .damaged(path, "the file ends before its rows: it was cut") }
        if count == 0 {
            return BackupError(.notABackup, path, "not a backup: the file is empty")
        }
        return BackupError(
            .notABackup, path, "not a backup: the column header 'collection,data' is missing",
            advice: "A backup is a CSV of two columns whose first row says collection,data.")
    }
}

extension StringProtocol {
    var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
