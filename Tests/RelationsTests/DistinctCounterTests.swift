import BSON
import Testing

@testable import Relations

@Suite struct DistinctCounterTests {
    /// Values can be crafted so that all their hashes are small.
    @Test func hashesThatAreAllSmallAreNoOverflow() {
        var counter = DistinctCounter()
        for hash in 0..<UInt64(DistinctCounter.capacity) { counter.insert(hash) }
        #expect(counter.count == 1_000_000_000_000)
        var sample = ValueSample(limit: 2)
        let document: Document = ["": 7]
        document.withRaw { raw in
            guard let element = raw.first else { return }
            for hash in [UInt64(0), 1, 2] { sample.insert(element, hash: hash, labels: []) }
        }
        #expect(sample.isFull && sample.distinctCount > 1_000_000)
    }
}
