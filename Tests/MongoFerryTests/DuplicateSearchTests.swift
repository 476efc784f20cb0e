import BackupFile
import Foundation
import Testing

@testable import MongoFerry

@Suite struct DuplicateSearchTests {
    /// To a server, 1 and 1.0 are the same `_id`.
    @Test(arguments: [1, 2, 7, 200_000]) func inSeveralPassesTheSameIsFoundAsInOne(idsAtOnce: Int) throws {
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
        survey.linesSetAside = []
        survey.problems = ProblemList(lineLimit: .max)
        var search = DuplicateSearch(reader: reader, operation: OperationContext())
        search.idsAtOnce = idsAtOnce
        try search.run(&survey)
        #expect(survey.problems.lines.sorted() == expected)
        #expect(survey.linesSetAside == Set(expected))
    }
}
