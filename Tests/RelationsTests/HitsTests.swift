import Testing

@testable import Relations

@Suite struct HitsTests {
    @Test func allOfThemTakeNoListAndSayTheSame() {
        for flags in [[], [true], [true, true, true], [false, true], [false, false]] {
            let hits = Hits(flags)
            #expect(hits.asked == flags.count && hits.count == flags.count { $0 })
            for place in 0..<5 { #expect(hits[place] == (place < flags.count && flags[place])) }
        }
    }

    @Test func targetsAreFoundInWhateverOrderTheyCame() {
        var byTarget = HitsByTarget()
        var wanted: [Int: [Bool]] = [:]
        for (step, target) in [5, 9, 2, 7, 9, 0, 5, 11].enumerated() {
            let flags = [Bool](repeating: true, count: step + 1) + [false]
            byTarget.note(Hits(flags), in: target)
            wanted[target] = flags
        }
        for target in 0..<14 {
            #expect(byTarget[target]?.asked == wanted[target]?.count, "\(target)")
            #expect(byTarget[target]?.count == wanted[target].map { $0.count - 1 })
        }
    }

    /// Adjacent targets with equal answers are stored as one entry, which is split and joined again.
    @Test func answersAreNotedInAnyOrderAndAgain() {
        var random = Xorshift(seed: 7)
        let answers = [Hits([true]), Hits([true, false]), Hits([false, true])]
        for round in 0..<300 {
            var byTarget = HitsByTarget()
            var wanted: [Int: Hits] = [:]
            for _ in 0..<60 {
                let target = Int(random.next() % 12)
                // The last one half as often as each of the others.
                let answer = answers[Int(random.next() % 5) % 3]
                byTarget.note(answer, in: target)
                wanted[target] = answer
            }
            for target in 0..<13 { #expect(byTarget[target] == wanted[target], "round \(round), target \(target)") }
        }
    }
}

private struct Xorshift {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
