/// Lines of a file. Where there are many, each takes two bytes at most.
struct LineSet: Sendable {
    /// The lines of one block of 65,536, each by its place there.
    private struct Block {
        /// Sorted; empty once there are bits.
        var places: [UInt16] = []
        /// One for each line; empty while there are few lines.
        var bits: [UInt64] = []

        /// With more, the bits take less memory.
        static let mostPlaces = 4096

        /// The index of the first place that is not before another.
        func index(of place: UInt16) -> Int {
            var (low, high) = (0, places.count)
            while low < high {
                let middle = (low + high) / 2
                if places[middle] < place { low = middle + 1 } else { high = middle }
            }
            return low
        }

        func contains(_ place: UInt16) -> Bool {
            if !bits.isEmpty { return bits[Int(place >> 6)] >> UInt64(place & 63) & 1 == 1 }
            let index = index(of: place)
            return index < places.count && places[index] == place
        }

        mutating func insert(_ place: UInt16) {
            guard bits.isEmpty else { return bits[Int(place >> 6)] |= 1 << UInt64(place & 63) }
            let index = index(of: place)
            if index < places.count, places[index] == place { return }
            places.insert(place, at: index)
            guard places.count > Self.mostPlaces else { return }
            bits = Array(repeating: 0, count: 1024)
            for place in places { bits[Int(place >> 6)] |= 1 << UInt64(place & 63) }
            places = []
        }

        mutating func remove(_ place: UInt16) {
            guard bits.isEmpty else { return bits[Int(place >> 6)] &= ~(1 << UInt64(place & 63)) }
            let index = index(of: place)
            if index < places.count, places[index] == place { places.remove(at: index) }
        }
    }

    private var blocks: [Int: Block] = [:]

    /// Whether no line was ever inserted.
    var isEmpty: Bool { blocks.isEmpty }

    func contains(_ line: Int) -> Bool { blocks[line >> 16]?.contains(UInt16(line & 0xFFFF)) ?? false }

    mutating func insert(_ line: Int) { blocks[line >> 16, default: Block()].insert(UInt16(line & 0xFFFF)) }

    mutating func remove(_ line: Int) { blocks[line >> 16]?.remove(UInt16(line & 0xFFFF)) }
}
