import BSON
import Foundation
import InsuranceLedger
import Relations
import Testing

/// A backup as the old application wrote it: the ledger's documents, with the rows in any order.
struct LegacyFile {
    /// What people's editors and transfers have done to such files.
    struct Form: CustomTestStringConvertible, Sendable {
        var lineEnd = "\n"
        var hasByteOrderMark = false

        var testDescription: String {
            (lineEnd == "\n" ? "LF" : "CRLF") + (hasByteOrderMark ? ", with a byte-order mark" : "")
        }

        static let all = [
            Form(), Form(hasByteOrderMark: true), Form(lineEnd: "\r\n"), Form(lineEnd: "\r\n", hasByteOrderMark: true),
        ]
    }

    static let ledger = Ledger(scale: 0.02)
    /// In the order of their references.
    static let collections = ["customers", "policies", "payments", "receipts"]

    static func documents(_ collection: String) -> [Document] {
        guard let found = ledger.collection(collection) else { return [] }
        return (0..<found.count).map(found.document)
    }

    static func row(_ collection: String, _ document: Document) -> String {
        row(collection, json: LegacyText.json(document))
    }

    static func row(_ collection: String, json: String) -> String {
        "\(collection),\"\(json.replacingOccurrences(of: "\"", with: "\"\""))\""
    }

    /// - Parameter seed: determines the order of the rows.
    static func text(_ names: [String] = collections, _ form: Form = Form(), seed: UInt64 = 1) -> String {
        var rows = names.flatMap { name in documents(name).map { row(name, $0) } }
        var state = seed
        for index in rows.indices.reversed() {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            rows.swapAt(index, Int(state >> 33) % (index + 1))
        }
        return text(rows: rows, form)
    }

    static func text(rows: [String], _ form: Form = Form()) -> String {
        (form.hasByteOrderMark ? "\u{FEFF}" : "")
            + (["collection,data"] + rows).map { $0 + form.lineEnd }.joined()
    }

    /// The path of the application's own configuration, which the README and the demo show.
    static let configurationPath = ProjectFile.path("Tests/InsuranceLedger/mongoferry.yaml")

    static func configuration() throws -> Configuration {
        try Configuration.parse(
            yaml: try String(contentsOfFile: configurationPath, encoding: .utf8), file: "mongoferry.yaml")
    }

    /// Returns where a restored document differs from the application's: a line for each path.
    ///
    /// JSON.stringify preserves neither the width of a number nor the type of a double without a fraction, so numbers
    /// are compared by value; it writes bytes in base64.
    static func differences(_ restored: Document?, from original: Document, at path: String = "") -> [String] {
        guard let restored else { return ["\(path) is missing"] }
        var lines: [String] = []
        if restored.elements.map(\.key) != original.elements.map(\.key) { lines.append("\(path): other fields") }
        for (key, value) in original.elements {
            let place = path.isEmpty ? key : "\(path).\(key)"
            let found = restored[key]
            switch (value, found) {
            case (.document(let inner), .document(let other)), (.array(let inner), .array(let other)):
                lines += differences(other, from: inner, at: place)
            case (.int32, _), (.int64, _), (.double, _):
                if found.flatMap(number) != number(value) { lines.append("\(place): \(text(found)), not \(value)") }
            case (.binary, .string): break
            case (.binary(_, let bytes), .binary(_, let others)):
                if bytes != others { lines.append("\(place): other bytes") }
            default:
                if found != value { lines.append("\(place): \(text(found)), not \(value)") }
            }
        }
        return lines
    }

    private static func text(_ value: Value?) -> String { value.map { "\($0)" } ?? "missing" }

    private static func number(_ value: Value) -> Double? {
        switch value {
        case .int32(let number): Double(number)
        case .int64(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }
}

extension Document {
    /// Returns the document with `key` set: in place if it exists, otherwise at the end.
    func setting(_ key: String, to value: Value) -> Document {
        var found = false
        var result = Document {
            for element in elements {
                if element.key == key {
                    if !found { $0.append(key, value) }
                    found = true
                } else {
                    $0.append(element.key, element.value)
                }
            }
        }
        if !found { result = result.appending(key, value) }
        return result
    }
}
