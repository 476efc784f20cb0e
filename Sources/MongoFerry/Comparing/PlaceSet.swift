/// A set of indices that uses one bit for each.
struct PlaceSet: Sendable {
    private var words: [UInt64]
    private(set) var count = 0

    init(count: Int) { words = Array(repeating: 0, count: (count + 63) / 64) }

    /// - Returns: false if it was there already.
    @discardableResult
    mutating func insert(_ place: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(place & 63)
        guard words[place >> 6] & bit == 0 else { return false }
        words[place >> 6] |= bit
        count += 1
        return true
    }

    func contains(_ place: Int) -> Bool { words[place >> 6] >> UInt64(place & 63) & 1 == 1 }
}
