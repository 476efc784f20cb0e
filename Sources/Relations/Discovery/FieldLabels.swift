/// What one field contained beside a value, over all occurrences of the value. Small, since there is one for each field
/// beside each sampled value.
struct FieldLabels: Equatable, Sendable {
    /// The maximum number of fields examined beside one value.
    static let maximumFields = 64

    /// The number of the field's path.
    let path: Int32
    /// A bit for each of the field's values, by its number; see ``PathSample/maximumLabels``.
    private var held: UInt16
    /// The number of occurrences of the value without the field; saturates at the maximum.
    private(set) var missing: UInt16 = 0

    /// - Parameters:
    ///   - path: the number of the field's path.
    ///   - value: the number of the value that it contained.
    init(path: Int, value: Int) {
        self.path = Int32(path)
        held = 1 << UInt16(value)
    }

    /// The numbers of the values that the field contained.
    var values: [Int] { (0..<PathSample.maximumLabels).filter { held & 1 << UInt16($0) != 0 } }

    /// Combined with another occurrence's; nil if the field was missing there.
    func adding(_ other: FieldLabels?) -> FieldLabels {
        var result = self
        if let other { result.held |= other.held } else { result = missing(1) }
        return result
    }

    /// With more occurrences at which the field was missing.
    func missing(_ times: Int) -> FieldLabels {
        var result = self
        result.missing = UInt16(clamping: Int(missing) + times)
        return result
    }
}
