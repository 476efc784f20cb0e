/// How much the name of a field sounds like the name of a collection.
///
/// Never a proof by itself: it decides between targets that the values allow alike, and it is asked for where values
/// prove little, as small integers do.
enum NameLikeness: Int, Comparable, Sendable {
    case none
    /// An abbreviation: `custId` and `customers`.
    case abbreviated
    /// One ends as the other does: `primaryCustomerId` and `customers`, `typeId` and `coverageTypes`.
    case partial
    /// The same but for plural, case, separators and words for "id": `customer_no` and `Customers`.
    case same

    static func < (left: NameLikeness, right: NameLikeness) -> Bool { left.rawValue < right.rawValue }

    /// Compares a path of one collection with another one, or with itself.
    init(of path: FieldPath, in collection: String, to target: String) {
        self = NameIndex([target]).likeness(of: path, in: collection)[0] ?? .none
    }
}
