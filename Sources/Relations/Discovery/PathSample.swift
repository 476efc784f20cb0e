import BSON

/// What sampled documents hold at one path, as far as keys and references go.
struct PathSample: Sendable {
    /// More different values than this, and a field tells no types apart. ``FieldLabels`` has a bit for each.
    static let maximumLabels = 16

    var sample: ValueSample
    /// Null aside.
    private(set) var values = 0
    private(set) var byClass = [Int](repeating: 0, count: IDClass.allCases.count)
    /// How often the value is its own document's `_id`.
    private(set) var ownIDs = 0
    private(set) var integers: ClosedRange<Int64>?
    /// The different values, as long as they are few and short.
    private(set) var labels: [Value] = []
    /// Of each of these.
    private var labelHashes: [UInt64] = []
    private(set) var hasTooManyLabels = false

    init(limit: Int) { sample = ValueSample(limit: limit) }

    /// The kind that most values are of; nil where most are no keys at all.
    var mainClass: IDClass? {
        guard let most = byClass.max(), most > 0, 2 * byClass.reduce(0, +) >= values else { return nil }
        return byClass.firstIndex(of: most).flatMap(IDClass.init(rawValue:))
    }

    /// Values that nobody uses as keys: an empty text, false, a fraction.
    var valuesWithoutClass: Int { values - byClass.reduce(0, +) }

    /// Whether some of the values may be `_id`s of these kinds, or texts that spell such ObjectIds.
    func canBeFound(among keys: Set<IDClass>) -> Bool {
        if keys.contains(where: { byClass[$0.rawValue] > 0 }) { return true }
        return keys.contains(.objectID) && sample.entries.contains { $0.value.spelledObjectID != nil }
    }

    /// Whether hardly any value comes twice, as in a running number.
    var isUnique: Bool { values >= 20 && sample.distinctCount * 100 >= values * 95 }

    /// - Parameters:
    ///   - key: what the element is as a key.
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

    /// The number of a value among the few different ones here; nil where there are too many or it is too long.
    /// - Parameter key: what the element is as a key.
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
        // Neither of these is a key: an empty text, and a Bool.
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
