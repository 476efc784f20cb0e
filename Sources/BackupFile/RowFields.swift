/// The two fields of a row, pointing into it.
public struct RowFields {
    /// The collection's name as written, without enclosing quotes.
    public let name: UnsafeRawBufferPointer
    public let nameIsQuoted: Bool
    /// The document's text as written, without enclosing quotes.
    public let data: UnsafeRawBufferPointer
    public let dataIsQuoted: Bool
    /// The whole row.
    private let row: UnsafeRawBufferPointer

    /// Whether it is the column header.
    public var isColumnHeader: Bool {
        // It may have blanks around it.
        data.count <= 8
            && HeaderLines.isColumnHeader(
                String(decoding: name, as: UTF8.self) + "," + String(decoding: data, as: UTF8.self))
    }

    /// Splits a row into its fields; fails with the reason if it does not have exactly two.
    public static func parse(_ row: borrowing RecordBatch.Row) -> Result<RowFields, RowFault> {
        let bytes = row.bytes
        var index = 0
        var name: UnsafeRawBufferPointer
        let nameIsQuoted = bytes.first == 0x22
        if nameIsQuoted {
            index = 1
            while true {
                guard index < bytes.count else {
                    return .failure(RowFault("the first field's closing quote is missing"))
                }
                if bytes[index] == 0x22 {
                    if index + 1 < bytes.count, bytes[index + 1] == 0x22 { index += 1 } else { break }
                }
                index += 1
            }
            name = UnsafeRawBufferPointer(rebasing: bytes[1..<index])
            index += 1
        } else {
            while index < bytes.count, bytes[index] != 0x2C {
                if bytes[index] == 0x22 { return .failure(RowFault("a quote inside an unquoted field")) }
                index += 1
            }
            name = UnsafeRawBufferPointer(rebasing: bytes[0..<index])
        }
        guard index < bytes.count else { return .failure(RowFault("there is one column, not two (collection,data)")) }
        guard bytes[index] == 0x2C else { return .failure(RowFault("text behind the first field's closing quote")) }
        let data = UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...])
        let plain = RowFields(name: name, nameIsQuoted: nameIsQuoted, data: data, dataIsQuoted: false, row: bytes)
        func fault(_ reason: String) -> Result<RowFields, RowFault> {
            .failure(RowFault(reason, collection: plain.collection, data: index + 1))
        }
        if row.isUnclosed {
            if !nameIsQuoted, data.first != 0x22 {
                return fault(
                    "the second field does not begin with a quote, and has an odd number of them: a quote is missing, or the field is not quoted as CSV does"
                )
            }
            return fault("a quoted field that starts here is never closed: a quote is missing, or one too many")
        }
        guard data.first == 0x22 else { return .success(plain) }
        guard data.count >= 2, data[data.count - 1] == 0x22 else {
            return fault("the second field's closing quote is missing, or there is a third column")
        }
        return .success(
            RowFields(
                name: name, nameIsQuoted: nameIsQuoted,
                data: UnsafeRawBufferPointer(rebasing: data[1..<data.count - 1]),
                dataIsQuoted: true, row: bytes))
    }

    /// Why the second field is not a document, if its CSV shows that: it seems to be two fields, or begins with a
    /// blank; otherwise nil.
    public var textOfWrongField: String? {
        var rest = data[...]
        if !dataIsQuoted {
            let blanks = data.prefix { $0 == 0x20 || $0 == 0x09 }.count
            if blanks > 0, blanks < data.count, data[blanks] == 0x22 {
                return "a blank stands between the comma and the quote, where CSV has none"
            }
            guard data.first != 0x7B, data.contains(0x2C) else { return nil }
            return "the second field does not begin with '{': there is a third column, or the first two are others"
        }
        if data.starts(with: [0x7B, 0x5C, 0x22]) { return "quotes have backslashes before them, and CSV doubles them" }
        while let quote = rest.firstIndex(of: 0x22) {
            rest = rest[(quote + 1)...]
            guard rest.first == 0x22 else {
                return rest.first == 0x2C
                    ? "a quote ends the second field before its end: there is a third column, or it is not doubled"
                    : nil
            }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// Where something in the second field stands for whoever opens the file in an editor: `column 67`, or
    /// `column 3 of line 12` where that is not the row's first line. Columns are counted in characters.
    /// - Parameters:
    ///   - offset: in ``data``, in bytes.
    ///   - line: the number of the row's first line.
    package func place(of offset: Int, line: Int) -> String {
        guard let first = row.baseAddress, let field = data.baseAddress else { return "column 1" }
        let before = row.prefix(field - first + offset)
        let lineEnds = before.count { $0 == 0x0A }
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        // Every byte but those that continue a character.
        let column = "column \(before[start...].count { $0 & 0xC0 != 0x80 } + 1)"
        return lineEnds == 0 ? column : "\(column) of line \(line + lineEnds)"
    }

    /// The collection's name; nil if it is not UTF-8.
    public var collection: String? {
        guard let text = String(validating: name, as: UTF8.self) else { return nil }
        return nameIsQuoted ? CSVField.undoubled(text) : text
    }
}

/// What is wrong with a row's CSV.
public struct RowFault: Error, Sendable {
    public let reason: String
    /// Nil if the fault is in the name, or if the name is empty or not UTF-8.
    public let collection: String?
    /// The position in the row where the second field starts; 0 if ``collection`` is nil.
    public let data: Int

    init(_ reason: String, collection: String? = nil, data: Int = 0) {
        self.reason = reason
        self.collection = collection?.isEmpty == true ? nil : collection
        self.data = self.collection == nil ? 0 : data
    }
}
