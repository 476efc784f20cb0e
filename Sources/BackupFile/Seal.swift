import BSON
import ExtendedJSON

/// The last line of a file of format 1: its row counts, and the SHA-256 of every byte before it.
public struct Seal: Hashable, Sendable {
    public var rows: Int
    /// The number of rows per collection, by its name in the file, in the order of the file.
    public var records: [(name: String, count: Int)]
    /// 64 lower-case hexadecimal digits.
    public var sha256: String

    static let prefix = "# seal "

    public init(records: [(name: String, count: Int)], sha256: String) {
        rows = records.reduce(0) { $0 + $1.count }
        self.records = records
        self.sha256 = sha256
    }

    /// The line, including its line end.
    var line: String {
        let counts = records.map { "\(JSONText.string($0.name)):\($0.count)" }.joined(separator: ",")
        return "\(Self.prefix){\"rows\":\(rows),\"records\":{\(counts)},\"sha256\":\"\(sha256)\"}\n"
    }

    /// Parses a line without its line end; nil if it is not a seal.
    init?(line bytes: some Collection<UInt8>) {
        guard let line = String(validating: bytes, as: UTF8.self), line.hasPrefix(Self.prefix),
            let document = try? ExtendedJSONDecoder.document(String(line.dropFirst(Self.prefix.count))),
            let rows = document["rows"]?.integer, let counts = document["records"]?.document,
            let sha256 = document["sha256"]?.string, sha256.utf8.count == 64
        else { return nil }
        self.rows = rows
        self.sha256 = sha256
        records = []
        for (name, value) in counts.elements {
            guard let count = value.integer, BackupMetadata.counts.contains(count) else { return nil }
            records.append((name, count))
        }
        // The hash does not cover the seal itself. But it can be written in one way only, except for blanks, which
        // other programs put between its parts, so that none of its bytes can change unnoticed.
        let dense = Self.withoutBlanks(line.utf8.dropFirst(Self.prefix.utf8.count))
        guard rows == records.reduce(0, { $0 + $1.count }),
            self.line.utf8.elementsEqual(Self.prefix.utf8 + dense + "\n".utf8)
        else { return nil }
    }

    /// JSON without the blanks outside its strings.
    private static func withoutBlanks(_ json: some Sequence<UInt8>) -> [UInt8] {
        var isInText = false
        var isEscaped = false
        return json.filter { byte in
            if isInText {
                isInText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                return true
            }
            isInText = byte == UInt8(ascii: "\"")
            return byte != UInt8(ascii: " ")
        }
    }

    public static func == (left: Seal, right: Seal) -> Bool {
        left.rows == right.rows && left.sha256 == right.sha256
            && left.records.elementsEqual(right.records) {
                $0.name.utf8.elementsEqual($1.name.utf8) && $0.count == $1.count
            }
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(sha256) }
}
