import BackupFile
import MongoFerry
import Testing

@Suite struct ManyCollectionsTests {
    /// The shortest of three times, since other load on the machine makes them longer.
    private func time(_ count: Int, _ backup: SmallBackup) throws -> Duration {
        var metadata = SmallBackup.metadata
        metadata.collections = (0..<count).map { BackupMetadata.Collection(name: "sözleşmeler \($0)") }
        try backup.write("many.csv", rows: [], metadata: metadata)
        var times: [Duration] = []
        for _ in 0..<3 {
            let start = ContinuousClock.now
            let collections = try Inspection(backup.path("many.csv")).metadata?.collections
            let faults = try backup.faults(of: "many.csv")
            times.append(start.duration(to: .now))
            #expect(collections?.count == count && faults == [])
        }
        return times.min() ?? .zero
    }

    /// Eight times as many collections take eight times as long; if each were compared with each, 64 times.
    @Test func aFileOfManyCollectionsIsReadInATimeThatGrowsAsTheyDo() throws {
        try SmallBackup.lend { backup in
            let few = try time(500, backup)
            let many = try time(4_000, backup)
            print("500 collections: \(few), 4,000: \(many)")
            #expect(many < few * 16)
        }
    }
}
