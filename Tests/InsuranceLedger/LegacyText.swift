import BSON
import ExtendedJSON

/// Writes documents as the old application's backup did: `JSON.stringify` of what the JavaScript driver had read.
public enum LegacyText {
    public static func json(_ document: Document) -> String { text(.document(document)) }

    private static func text(_ value: Value) -> String {
        switch value {
        case .document(let document):
            "{" + document.elements.map { string($0.key) + ":" + text($0.value) }.joined(separator: ",") + "}"
        case .array(let document): "[" + document.elements.map { text($0.value) }.joined(separator: ",") + "]"
        case .objectID(let id): "\"\(id)\""
        case .date(let milliseconds): "\"\(date(milliseconds))\""
        case .string(let text): string(text)
        case .bool(let flag): flag ? "true" : "false"
        case .int32(let number): "\(number)"
        case .int64(let number): "\(number)"
        case .double(let number): number == number.rounded() ? "\(Int(number))" : "\(number)"
        case .decimal128(let number): "{\"$numberDecimal\":\"\(number)\"}"
        case .binary(_, let bytes): "\"\(base64(bytes))\""
        case .null, .minKey, .maxKey, .timestamp, .other: "null"
        }
    }

    /// Like JavaScript's `toISOString`, always with milliseconds.
    private static func date(_ milliseconds: Int64) -> String {
        if milliseconds < 0 {
            // `ISODate` writes no dates before 1970, so the day is computed here.
            let days = Int((Double(milliseconds) / 86_400_000).rounded(.down))
            let rest = milliseconds - Int64(days) * 86_400_000
            return ISODate.text(milliseconds: rest).replacing("1970-01-01", with: day(days)).withMilliseconds
        }
        return ISODate.text(milliseconds: milliseconds).withMilliseconds
    }

    private static func day(_ days: Int) -> String {
        var year = 1970
        var left = days
        func length(_ year: Int) -> Int { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365 }
        while left < 0 {
            year -= 1
            left += length(year)
        }
        let text = ISODate.text(milliseconds: Int64(left + (length(year) == 366 ? 730 : 365)) * 86_400_000)
        // 1972 is a leap year, 1971 is not: month and day are the same as in the wanted year.
        return "\(year)" + text.dropFirst(4).prefix(6)
    }

    private static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var result = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            var group = 0
            for byte in part { group = group << 8 | Int(byte) }
            group <<= 8 * (3 - part.count)
            for index in 0..<4 { result.append(index <= part.count ? alphabet[group >> (18 - 6 * index) & 63] : "=") }
        }
        return result
    }
}

extension String {
    fileprivate var withMilliseconds: String { contains(".") ? self : replacing("Z", with: ".000Z") }
}
