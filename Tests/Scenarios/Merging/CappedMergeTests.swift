import BSON
import Testing

/// Merges into capped collections, which have no transactions.
@Suite struct CappedMergeTests {
    private static let options: Document = ["capped": true, "size": 100_000]

    /// Merges documents into others of a capped collection with a unique index.
    /// - Parameter check: gets the counts of the report (inserted, updated, rejected), the reasons for which documents
    ///   were rejected, and what is there then.
    private func merge(
        _ new: [Document], into old: [Document], check: ([Int], _ reasons: [String], Set<Document>) -> Void
    ) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert(new, into: "c")
            try source.export(to: folder.file("c.csv"))
            try copy.create("c", Self.options, indexes: [["key": ["seat": 1], "name": "seat", "unique": true]])
            try copy.insert(old, into: "c")
            let report = try copy.load(folder.file("c.csv"), .merge)
            let totals = report.totals
            check(
                [totals.inserted, totals.updated, totals.rejected], report.rejections.map(\.reason),
                Set(try copy.documents(in: "c")))
        }
    }

    private static func areOfTakenValues(_ reasons: [String]) -> Bool {
        reasons.allSatisfy { $0.hasPrefix("the value is taken in a unique index: ") }
    }

    /// 1 takes the value that 2 gives up.
    @Test func aValueThatBecomesFreeCanBeTaken() throws {
        let new: [Document] = [["_id": 1, "seat": "b"], ["_id": 2, "seat": "a"]]
        try merge(new, into: [["_id": 2, "seat": "b"]]) { counts, reasons, documents in
            #expect(counts == [1, 1, 0] && reasons == [])
            #expect(documents == Set(new))
        }
    }

    /// 3 is not given up, and 1 comes after it.
    @Test func whoseValueStaysTakenIsRejectedForThatAndTheOthersAreWritten() throws {
        let new: [Document] = [["_id": 1, "seat": "b"], ["_id": 2, "seat": "a"], ["_id": 3, "seat": "z"]]
        let other: Document = ["_id": 9, "seat": "z"]
        try merge(new, into: [["_id": 2, "seat": "b"], other]) { counts, reasons, documents in
            #expect(counts == [1, 1, 1])
            #expect(reasons.count == 1 && Self.areOfTakenValues(reasons), "\(reasons)")
            #expect(documents == Set(new[..<2] + [other]))
        }
    }

    /// Neither can be written before the other.
    @Test func anExchangeIsRejectedForTheValuesThatAreTaken() throws {
        let old: [Document] = [["_id": 1, "seat": "a"], ["_id": 2, "seat": "b"]]
        try merge([["_id": 1, "seat": "b"], ["_id": 2, "seat": "a"]], into: old) { counts, reasons, documents in
            #expect(counts == [0, 0, 2])
            #expect(reasons.count == 2 && Self.areOfTakenValues(reasons), "\(reasons)")
            #expect(documents == Set(old))
        }
    }

    /// Without a transaction, its empty timestamp would be the current time on other members.
    @Test func whatOnlyATransactionCanWriteIsRejectedForThat() throws {
        let old: Document = ["_id": 1, "seat": "a", "t": .timestamp(Timestamp(rawValue: 1))]
        let new: Document = ["_id": 1, "seat": "a", "t": .timestamp(Timestamp(rawValue: 0))]
        try withTwoTestDatabases { source, copy, folder in
            try source.insertKeepingTimestamps(new, into: "c")
            try source.export(to: folder.file("c.csv"))
            try copy.create("c", Self.options)
            try copy.insert([old], into: "c")
            let report = try copy.load(folder.file("c.csv"), .merge)
            let reasons = report.rejections.map(\.reason)
            #expect(
                reasons.count == 1
                    && reasons[0].hasPrefix("only a transaction can write it, and the server takes none here: "),
                "\(reasons)")
            #expect(try copy.documents(in: "c") == [old])
        }
    }
}
