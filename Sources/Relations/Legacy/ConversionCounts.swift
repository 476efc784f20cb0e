/// How many values each rule converted, and how many it left as they were. One per thread, added up at the end.
public struct ConversionCounts: Sendable {
    /// Indexed like ``TypeRules/rules``.
    public private(set) var converted: [Int]
    /// Values of another type that the rule cannot convert.
    public private(set) var left: [Int]

    /// What the last row added: the rule of each value converted, and the bitwise complement for each value left.
    private var row: [Int] = []

    init(rules: Int) {
        converted = Array(repeating: 0, count: rules)
        left = Array(repeating: 0, count: rules)
    }

    public mutating func beginRow() { row.removeAll(keepingCapacity: true) }

    mutating func countConverted(_ rule: Int) {
        converted[rule] += 1
        row.append(rule)
    }

    mutating func countLeft(_ rule: Int) {
        left[rule] += 1
        row.append(~rule)
    }

    /// Takes back what the last row added, because the row is rejected.
    public mutating func takeBackRow() {
        for entry in row { if entry >= 0 { converted[entry] -= 1 } else { left[~entry] -= 1 } }
        row.removeAll(keepingCapacity: true)
    }

    /// Adds the counts of another thread for the same rules.
    public mutating func merge(_ other: ConversionCounts) {
        for rule in converted.indices {
            converted[rule] += other.converted[rule]
            left[rule] += other.left[rule]
        }
    }
}
