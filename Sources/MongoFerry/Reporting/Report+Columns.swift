extension Report {
    /// Counts of one kind.
    package struct Column: Sendable {
        package let title: String
        /// In the order of ``Report/collections``.
        package let counts: [Int]
        package let total: Int
        /// Whether it says something even if all its counts are 0.
        package let isEssential: Bool

        /// Whether it may be left out where room is short.
        package var isDispensable: Bool { !isEssential && total == 0 && counts.allSatisfy { $0 == 0 } }
    }

    /// What this operation counts by collection.
    package var columns: [Column] {
        let totals = totals
        func column(_ title: String, isEssential: Bool = false, _ count: (CollectionOutcome) -> Int) -> Column {
            Column(title: title, counts: collections.map(count), total: count(totals), isEssential: isEssential)
        }
        var columns: [Column]
        switch operation {
        case .export: return [column("records", isEssential: true, \.read)]
        case .verify: columns = [column("read", isEssential: true, \.read), column("rejected", \.rejected)]
        case .import:
            columns = [
                column("read", isEssential: true, \.read), column("inserted", \.inserted),
                column("updated", \.updated), column("unchanged", \.unchanged), column("deleted", \.deleted),
                column("rejected", \.rejected),
            ]
        }
        if !references.isEmpty {
            columns.append(
                Column(
                    title: "dangling", counts: collections.map { dangling(in: $0.name) }, total: danglingCount,
                    isEssential: false))
        }
        return columns
    }

    /// The sums of ``collections``, and the time that all took.
    package var total: CollectionOutcome {
        var total = totals
        total.seconds = seconds
        return total
    }
}

extension CollectionOutcome {
    /// Records a second; nil where it would be noise.
    package var rate: Int? {
        guard read > 0, seconds >= 0.01 else { return nil }
        return Int(Double(read) / seconds)
    }
}
