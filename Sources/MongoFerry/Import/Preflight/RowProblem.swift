/// Why a row of a file cannot be taken.
struct RowProblem: Error, Sendable {
    var line: Int
    var collection: String?
    /// Extended JSON of the `_id`, where it could be read.
    var id: String?
    var reason: String
    /// Whether it is no CSV of two fields, or no JSON.
    var isUnreadable = false
}
