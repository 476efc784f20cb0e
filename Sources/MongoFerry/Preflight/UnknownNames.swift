/// The names of rows that do not belong in a file: the first of them, each with its first line.
struct UnknownNames {
    private static let limit = 20
    private var lines: [String: Int] = [:]

    mutating func add(_ name: String, line: Int) {
        if let known = lines[name] {
            lines[name] = min(known, line)
        } else if lines.count < Self.limit {
            lines[name] = line
        }
    }

    /// Each has seen its rows in the order of the file, so the first names of the file are among the first of both.
    mutating func merge(_ other: UnknownNames) {
        let all = lines.merging(other.lines, uniquingKeysWith: min).sorted { $0.value < $1.value }
        lines = Dictionary(uniqueKeysWithValues: all.prefix(Self.limit).map { ($0.key, $0.value) })
    }

    var sorted: [(name: String, line: Int)] {
        lines.map { (name: $0.key, line: $0.value) }.sorted { $0.line < $1.line }
    }
}
