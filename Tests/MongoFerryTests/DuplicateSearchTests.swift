import BackupFile
import Foundation
import Testing

@testable import MongoFerry

@Suite struct DuplicateSearchTests {
    /// Gives `body` a file of 120 rows in two collections, each `_id` three times, the lines that repeat one, and a survey
    /// that does not know them yet. To a server, 1 and 1.0 are the same `_id`.
    private static func withThreeOfEach(
        _ problems: ProblemList, _ body: (BackupReader, [Int], inout FileSurvey) throws -> Void
    ) throws {
        let path = NSTemporaryDirectory() + "duplicates_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var rows = ["collection,data"]
        var expected: [Int] = []
        for round in 0..<3 {
            for id in 0..<40 {
                rows.append(
                    "\(id % 2 == 0 ? "a" : "b"),\"{\"\"_id\"\":\(round == 1 ? "\(id).0" : "\(id)"),\"\"n\"\":1.5}\"")
                if round > 0 { expected.append(rows.count) }
            }
        }
        try (rows.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        let reader = try BackupReader(try OpenFile(reading: path))
        var options = ImportOptions()
        options.takesLegacyRows = false
        var survey = try Preflight(reader: reader, options: options, operation: OperationContext()).survey()
        survey.linesSetAside = LineSet()
        survey.problems = problems
        try body(reader, expected, &survey)
    }

    private static func linesSetAside(_ survey: FileSurvey) -> [Int] {
        (0..<200).filter { survey.linesSetAside.contains($0) }
    }

    @Test(arguments: [1, 2, 7, 200_000]) func inSeveralPassesTheSameIsFoundAsInOne(idsAtOnce: Int) throws {
        try Self.withThreeOfEach(ProblemList(lineLimit: .max)) { reader, expected, survey in
            var search = DuplicateSearch(reader: reader, operation: OperationContext())
            search.idsAtOnce = idsAtOnce
            try search.run(&survey)
            #expect(survey.problems.lines.sorted() == expected)
            #expect(Self.linesSetAside(survey) == expected)
        }
    }

    /// They are too many to be set aside, and too many to be held at once.
    @Test(arguments: [0, 1, 45, 75]) func allRowsOfARefusedFileAreCountedAndTheFirstAreTold(limit: Int) throws {
        try Self.withThreeOfEach(ProblemList(limit: limit, lineLimit: 4)) { reader, expected, survey in
            var search = DuplicateSearch(reader: reader, operation: OperationContext())
            search.idsAtOnce = 10
            try search.run(&survey)
            #expect(survey.problems.count == 80)
            #expect(survey.problems.count(of: "a") == 40 && survey.problems.count(of: "b") == 40)
            #expect(survey.problems.inOrder.map(\.line) == Array(expected.prefix(limit)))
            #expect(
                survey.problems.inOrder.map(\.reason)
                    == expected.prefix(limit).map { "the same _id stands on line \(($0 - 2) % 40 + 2) already" })
            #expect(Self.linesSetAside(survey) == expected)
            #expect(survey.problems.lines.isEmpty)
        }
    }

    /// All hashes are the same here.
    @Test(arguments: [10, 200_000]) func anEqualHashAloneIsNoDuplicate(idsAtOnce: Int) throws {
        try Self.withThreeOfEach(ProblemList(limit: 45, lineLimit: 4)) { reader, expected, survey in
            var hashes = RecordHashes()
            for _ in 0..<60 { hashes.append(7, document: nil) }
            hashes.sort()
            let key = RepeatSearch.Key(
                hash: { _, _ in 7 }, value: { document, _ in document.first?.copy }, reason: { "\($0)" })
            var search = RepeatSearch(
                reader: reader, rules: nil, key: key, hashes: ["a": hashes, "b": hashes],
                operation: OperationContext())
            search.keysAtOnce = idsAtOnce
            try search.run(&survey)
            #expect(Set(survey.problems.inOrder.map(\.line)).isSubset(of: expected))
            // Of 118 rows with the hash of an earlier one, the first 38 have an _id of their own.
            #expect(survey.problems.count == 80)
            #expect(Self.linesSetAside(survey) == expected)
        }
    }

    @Test func rowsWhoseKeysOnlyShareAHashMayBothBeMerged() throws {
        try Self.withThreeOfEach(ProblemList(lineLimit: .max)) { reader, expected, survey in
            var key = try DocumentKey(["_id", "n"])
            key.hashMask = 1
            try SharedKeySearch(
                reader: reader, key: key, rules: nil, names: ["a", "b"], operation: OperationContext()
            ).run(&survey)
            #expect(survey.problems.lines.sorted() == expected)
            #expect(survey.problems.inOrder.first?.reason.hasSuffix("stands on line 2 already") == true)
        }
    }
}
