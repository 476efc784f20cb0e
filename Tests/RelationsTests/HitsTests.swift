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
}
