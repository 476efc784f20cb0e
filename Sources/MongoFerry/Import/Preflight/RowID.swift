import BSON

/// The `_id` of a row as it will be in the database: in a legacy row, 24 hexadecimal digits are an ObjectId.
///
/// Two texts that differ in the case of their digits are one ObjectId, and so are a text and an ObjectId of the same
/// digits in a file of both kinds of rows.
struct RowID {
    private let element: RawElement
    private let objectID: ObjectID?

    /// - Parameter isLegacy: the row is one that type rules convert.
    init(_ element: RawElement, isLegacy: Bool) {
        self.element = element
        objectID = isLegacy ? element.stringBytes.flatMap(ObjectID.init(hex:)) : nil
    }

    var hash: UInt64 { objectID.map { IDHash.hash($0) } ?? IDHash.hash(element) }
    var value: Value { objectID.map(Value.objectID) ?? element.copy }
}
