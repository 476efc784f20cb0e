/// How many values each rule converted, and how many it left as they were. One a thread, added up at the end.
public struct ConversionCounts: Sendable {
    /// By the rule's place in ``TypeRules/rules``.
    public private(set) var converted: [Int]
    /// Values that are of another type and that the rule has no way to convert.
    public private(set) var left: [Int]

    /// What the last row has added: rules, and the complements of those that left a value.
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

    /// The last row is refused: nothing of it counts.
    public mutating func takeBackRow() {
        for entry in row { if entry >= 0 { converted[entry] -= 1 } else { left[~entry] -= 1 } }
        row.removeAll(keepingCapacity: true)
    }

    /// Adds the counts of another thread, made for the same rules.
    public mutating func merge(_ other: ConversionCounts) {
        for rule in converted.indices {
            converted[rule] += other.converted[rule]
            left[rule] += other.left[rule]
        }
    }
}
