/// What one field held beside a value, each time that the value came. Small: there is one for each field beside each
/// sampled value.
struct FieldLabels: Equatable, Sendable {
    /// Fields beside one value that are looked at.
    static let maximumFields = 64

    /// The number of the field's path.
    let path: Int32
    /// A bit for each of the field's values, by its number: ``PathSample/maximumLabels``.
    private var held: UInt16
    /// How often the value came without the field; the largest number stands for all above too.
    private(set) var missing: UInt16 = 0

    /// - Parameters:
    ///   - path: the number of the field's path.
    ///   - value: the number of the value that it held.
    init(path: Int, value: Int) {
        self.path = Int32(path)
        held = 1 << UInt16(value)
    }

    /// The numbers of the values that the field held.
    var values: [Int] { (0..<PathSample.maximumLabels).filter { held & 1 << UInt16($0) != 0 } }

    /// With another time's; nil where the field was not there.
    func adding(_ other: FieldLabels?) -> FieldLabels {
        var result = self
        if let other { result.held |= other.held } else { result = missing(1) }
        return result
    }

    /// With more times at which the field was not there.
    func missing(_ times: Int) -> FieldLabels {
        var result = self
        result.missing = UInt16(clamping: Int(missing) + times)
        return result
    }
}
