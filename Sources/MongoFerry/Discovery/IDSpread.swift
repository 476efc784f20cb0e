import BSON

/// Values that are evenly spread between the least and the greatest of some `_id`s.
enum IDSpread {
    /// - Returns: `count` values in ascending order, which need not occur in any document; nil if the `_id`s are not
    ///   all ObjectIds, all dates or all integers.
    static func points(_ count: Int, between ids: some Collection<Value>) -> [Value]? {
        guard let kind = ids.first.flatMap(Kind.init) else { return nil }
        var places: [UInt128] = []
        for id in ids {
            guard let place = kind.place(of: id) else { return nil }
            places.append(place)
        }
        guard let first = places.min(), let last = places.max() else { return nil }
        let step = (last - first) / UInt128(count + 1)
        return (1...count).map { kind.value(at: first + UInt128($0) * step) }
    }

    private enum Kind {
        case objectID, date, number

        init?(_ id: Value) {
            switch id {
            case .objectID: self = .objectID
            case .date: self = .date
            case .int32, .int64: self = .number
            default: return nil
            }
        }

        /// The position of a value among those of its kind.
        func place(of id: Value) -> UInt128? {
            switch (self, id) {
            case (.objectID, .objectID(let id)): UInt128(id.high) << 32 | UInt128(id.low)
            case (.date, .date(let time)): Self.place(of: time)
            case (.number, .int32(let number)): Self.place(of: Int64(number))
            case (.number, .int64(let number)): Self.place(of: number)
            default: nil
            }
        }

        /// The value at a position: the inverse of `place(of:)`.
        func value(at place: UInt128) -> Value {
            let number = Int64(bitPattern: UInt64(truncatingIfNeeded: place) ^ Self.sign)
            return switch self {
            case .objectID:
                .objectID(
                    ObjectID(
                        high: UInt64(truncatingIfNeeded: place >> 32), low: UInt32(truncatingIfNeeded: place)))
            case .date: .date(number)
            case .number: .int64(number)
            }
        }

        /// Flips the sign bit, so that negative numbers come before the others.
        private static func place(of number: Int64) -> UInt128 { UInt128(UInt64(bitPattern: number) ^ sign) }
        private static let sign: UInt64 = 1 << 63
    }
}
