import BSON

/// What sampled documents contain at one path, as far as keys and references need it.
struct PathSample: Sendable {
    /// A field with more distinct values than this does not distinguish types. ``FieldLabels`` has a bit for each.
    static let maximumLabels = 16

    var sample: ValueSample
    /// The number of values except null.
    private(set) var values = 0
    private(set) var byClass = [Int](repeating: 0, count: IDClass.allCases.count)
    /// The number of values that equal their own document's `_id`.
    private(set) var ownIDs = 0
    private(set) var integers: ClosedRange<Int64>?
    /// The distinct values, as long as they are few and short.
    private(set) var labels: [Value] = []
    /// The hashes of `labels`.
    private var labelHashes: [UInt64] = []
    private(set) var hasTooManyLabels = false

    init(limit: Int) { sample = ValueSample(limit: limit) }

    /// The kind of most values; nil if most are not keys at all.
    var mainClass: IDClass? {
        guard let most = byClass.max(), most > 0, 2 * byClass.reduce(0, +) >= values else { return nil }
        return byClass.firstIndex(of: most).flatMap(IDClass.init(rawValue:))
    }

    /// The number of values that nobody uses as keys: an empty string, false, a fraction.
    var valuesWithoutClass: Int { values - byClass.reduce(0, +) }

    /// Whether some values may be `_id`s of these kinds, or strings that spell such ObjectIds.
    func canBeFound(among keys: Set<IDClass>) -> Bool {
        if keys.contains(where: { byClass[$0.rawValue] > 0 }) { return true }
        return keys.contains(.objectID) && sample.entries.contains { $0.value.spelledObjectID != nil }
    }

    /// Whether hardly any value occurs twice, as with a running number.
    var isUnique: Bool { values >= 20 && sample.distinctCount * 100 >= values * 95 }

    /// - Parameters:
    ///   - key: the element as a key.
    ///   - ownID: the hash of its document's `_id`.
    mutating func add(_ element: RawElement, _ key: HashedKey?, ownID: UInt64?, labels: [FieldLabels]) {
        guard element.type != .null && element.type != .undefined else { return }
        values += 1
        guard let key else { return }
        byClass[key.kind.rawValue] += 1
        if key.kind == .integer, let number = element.integer {
            integers = min(integers?.lowerBound ?? number, number)...max(integers?.upperBound ?? number, number)
        }
        if key.hash == ownID { ownIDs += 1 }
        sample.insert(element, hash: key.hash, labels: labels)
    }

    /// The number of a value among the few distinct ones here; nil if there are too many, or if the value is null or
    /// not short.
    /// - Parameter key: the element as a key.
    mutating func label(_ element: RawElement, _ key: HashedKey?) -> Int? {
        guard !hasTooManyLabels else { return nil }
        switch element.type {
        case .string where element.value.count <= 45: break
        case .int32, .int64, .bool: break
        case .null: return nil
        default:
            hasTooManyLabels = true
            labels = []
            labelHashes = []
            return nil
        }
        // Two kinds of values are not keys: an empty string and a bool.
        let hash = key?.hash ?? stableHash(element.value)
        if let known = labelHashes.firstIndex(of: hash) { return known }
        guard labels.count < Self.maximumLabels else {
            hasTooManyLabels = true
            labels = []
            labelHashes = []
            return nil
        }
        labels.append(IDClass.normalized(Value(element)))
        labelHashes.append(hash)
        return labels.count - 1
    }
}
