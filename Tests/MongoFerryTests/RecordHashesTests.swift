import Testing

@testable import MongoFerry

/// Hashes of `_id`s are found by their first bits. Every answer is compared with that of a plain search.
@Suite struct RecordHashesTests {
    /// Numbers that are spread evenly, as hashes are, numbers crowded in one place, and numbers at both ends.
    private static func numbers(_ count: Int, _ generator: inout SplitMix) -> [UInt64] {
        (0..<count).map { index in
            switch index % 8 {
            case 0: generator.next() >> 40
            case 1: .max - generator.next() >> 50
            case 2: UInt64(index) << 8
            default: generator.next()
            }
        }
    }

    @Test(arguments: [0, 1, 2, 7, 8, 9, 31, 32, 33, 64, 500, 1000, 20_000], [false, true])
    func everyHashIsFoundAtItsFirstPlaceAndNoOther(count: Int, withDocuments: Bool) {
        var generator = SplitMix(state: UInt64(count))
        var hashes = RecordHashes()
        var known = Self.numbers(count, &generator)
        // Some occur twice.
        known += known.prefix(count / 10)
        for number in known { hashes.append(number, document: withDocuments ? number &* 3 : nil) }
        hashes.sort()
        known.sort()
        #expect(hashes.count == known.count)
        #expect((0..<hashes.count).map { hashes[$0] } == known)
        let wanted = Self.numbers(500, &generator) + known + [0, 1, .max]
        let places = Dictionary(known.enumerated().map { ($1, $0) }) { first, _ in first }
        let expected = wanted.map { places[$0] }
        #expect(wanted.map { hashes.place(of: $0) } == expected)
        var found = [Int?](repeating: nil, count: wanted.count)
        hashes.forEachPlace(of: wanted) { found[$0] = $1 }
        #expect(found == expected)
        if withDocuments { #expect(known.indices.allSatisfy { hashes.document(at: $0) == known[$0] &* 3 }) }
        let repeated = Set(Dictionary(grouping: known) { $0 }.filter { $0.value.count > 1 }.keys)
        #expect(hashes.repeatedIDs { _ in true } == repeated)
        #expect(hashes.repeatedIDs { $0 % 2 == 0 } == repeated.filter { $0 % 2 == 0 })
        #expect(hashes.repeated == (repeated.count, known.count - Set(known).count))
        #expect(wanted.allSatisfy { hashes.firstPlace(ofRepeated: $0) == (repeated.contains($0) ? places[$0] : nil) })
    }

    @Test func numbersAreSortedAsTheStandardLibraryDoes() {
        var generator = SplitMix(state: 5)
        for count in [0, 1, 33, 300, 70_000, 200_000] {
            var mine = Self.numbers(count, &generator).map { UInt128($0) << 64 | UInt128(generator.next()) }
            let expected = mine.sorted()
            mine.sortHashes()
            #expect(mine == expected)
        }
        var equal = [UInt64](repeating: 7, count: 1000) + [3]
        equal.sortHashes()
        #expect(equal == [3] + [UInt64](repeating: 7, count: 1000))
    }
}

/// Generates the same numbers each time.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
