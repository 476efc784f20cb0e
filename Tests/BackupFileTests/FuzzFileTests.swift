import BSON
import BackupFile
import Foundation
import MongoFerry
import RandomDocuments
import Testing

/// A damaged file must yield an error or a report, never a crash or a hang.
@Suite struct FuzzFileTests {
    static let rounds = (ProcessInfo.processInfo.environment["FUZZ_ROUNDS"].flatMap(Int.init) ?? 20_000) / 40

    /// The bytes without the blanks in their last line.
    private static func withoutBlanksAtLast(_ bytes: [UInt8]) -> [UInt8] {
        let start = (bytes.dropLast().lastIndex(of: 0x0A) ?? -1) + 1
        return Array(bytes[..<start] + bytes[start...].filter { $0 != 0x20 })
    }

    @Test(arguments: ["small.csv", "small.csv.gz", "small.csv.zst", "plain.csv"])
    func aDamagedFileIsRefusedOrRead(name: String) throws {
        try SmallBackup.lend { backup in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            let bytes = try backup.write(name, plain: name == "plain.csv")
            for round in 0..<Self.rounds {
                var damaged = bytes
                for _ in 0...random.below(3) where !damaged.isEmpty {
                    let place = random.below(damaged.count)
                    switch random.below(5) {
                    case 0: damaged[place] ^= 1 << UInt8(random.below(8))
                    case 1: damaged[place] = UInt8(random.below(256))
                    case 2: damaged.removeSubrange(place..<min(damaged.count, place + 1 + random.below(30)))
                    case 3:
                        damaged.insert(
                            contentsOf: damaged[place..<min(damaged.count, place + random.below(60))], at: place)
                    default: damaged.insert(contentsOf: Array("\",\n#\r".utf8).shuffled(using: &random), at: place)
                    }
                }
                let faults = try backup.faults(in: damaged)
                // More or fewer blanks do not change what the seal says.
                if Self.withoutBlanksAtLast(damaged) != Self.withoutBlanksAtLast(bytes), name == "small.csv" {
                    #expect(!faults.isEmpty, "seed \(seed), round \(round)")
                }
            }
        }
    }
}
