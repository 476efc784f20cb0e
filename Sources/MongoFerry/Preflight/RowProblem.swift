/// Why a row of a file cannot be taken.
struct RowProblem: Error, Sendable {
    var line: Int
    var collection: String?
    /// The `_id` in Extended JSON, if it could be read.
    var id: String?
    var reason: String
    /// Whether it is not CSV with two fields, or not JSON.
    var isUnreadable = false
    /// Whether the collection's validator refuses the document.
    var isOfValidator = false
}
