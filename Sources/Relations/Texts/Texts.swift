extension String {
    /// The first `count` characters, with an ellipsis if there are more.
    package func excerpt(_ count: Int) -> String { self.count > count ? prefix(count) + "…" : self }
}

extension Int {
    /// With commas between thousands: 1,000.
    package var grouped: String {
        var digits = String(magnitude)
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.append(digits.suffix(3))
            digits.removeLast(3)
        }
        groups.append(digits[...])
        return (self < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }

    /// The number with its noun: "1 record", "4,000 records", or with more that depends on the number: "1 row was", "2
    /// rows were".
    /// - Parameter many: the plural, if it is not formed by adding an s.
    package func counted(_ one: String, _ many: String? = nil) -> String {
        "\(grouped) \(self == 1 ? one : many ?? one + "s")"
    }
}

extension [String] {
    /// "a, b or c"; nothing for an empty list.
    package func listed(_ conjunction: String = "or") -> String {
        guard let last else { return "" }
        return count == 1 ? last : dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }
}
