import BSON
import Testing

/// What the program holds at once, whatever a database has.
@Suite(.serialized) struct MemoryTests {
    private static let limit = 150

    /// By themselves, and behind so many small ones that the average tells nothing of them.
    @Test(arguments: [0, 20_000])
    func documentsOfSixteenMegabytesInSeveralCollectionsStayUnderTheLimit(small: Int) throws {
        let huge = 2
        let jobs = ["--jobs", "4"]
        try withTestDatabase { database, folder in
            let payload = Value.binary(subtype: 0, [UInt8](repeating: 0xA5, count: 16_000_000))
            let collections = ["a", "b", "c", "d"]
            for name in collections {
                try database.insert((0..<Int32(small)).map { ["_id": .int32($0), "text": "small"] }, into: name)
                for number in 0..<huge {
                    try database.insert([["_id": .string("huge \(number)"), "payload": payload]], into: name)
                }
            }
            let (file, target) = (folder.file("all.csv"), ["--uri", try testURI(), "--db", database.name])
            let runs = [
                ["export", "-o", file] + jobs, ["import", file] + jobs, ["verify", file],
                ["import", file, "--mode", "replace", "--yes"] + jobs,
            ]
            for run in runs {
                let outcome = try Program.run(run + target)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run[0]) of \(small) small and \(huge) huge documents")
            }
            for name in collections { #expect(try database.count(name) == small + huge) }
        }
    }
}
