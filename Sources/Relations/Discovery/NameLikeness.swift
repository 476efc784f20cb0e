/// How much the name of a field sounds like the name of a collection.
///
/// Never proof by itself: it decides between targets that the values fit equally well, and is required where values
/// prove little, as small integers do.
enum NameLikeness: Int, Comparable, Sendable {
    case none
    /// An abbreviation: `custId` and `customers`.
    case abbreviated
    /// One name ends like the other: `primaryCustomerId` and `customers`, `typeId` and `coverageTypes`.
    case partial
    /// The same except for plural, case, separators and words for "id": `customer_no` and `Customers`.
    case same

    static func < (left: NameLikeness, right: NameLikeness) -> Bool { left.rawValue < right.rawValue }

    /// Compares a path of one collection with another collection, or with its own.
    init(of path: FieldPath, in collection: String, to target: String) {
        self = NameIndex([target]).likeness(of: path, in: collection)[0] ?? .none
    }
}
