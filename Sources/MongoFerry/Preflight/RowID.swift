import BSON

/// The `_id` of a row as it will be in the database: in a legacy row, 24 hexadecimal digits become an ObjectId.
///
/// Two strings that differ only in the case of their digits are the same ObjectId, and so are a string and an ObjectId
/// of the same digits in a file with both kinds of rows.
struct RowID {
    private let element: RawElement
    private let objectID: ObjectID?

    /// - Parameter isLegacy: whether type rules convert the row.
    init(_ element: RawElement, isLegacy: Bool) {
        self.element = element
        objectID = isLegacy ? element.stringBytes.flatMap(ObjectID.init(hex:)) : nil
    }

    var hash: UInt64 { objectID.map { IDHash.hash($0) } ?? IDHash.hash(element) }
    var value: Value { objectID.map(Value.objectID) ?? element.copy }
}
