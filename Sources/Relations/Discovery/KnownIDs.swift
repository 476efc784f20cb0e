import BSON

/// All `_id`s of a collection, to answer questions without the server.
public struct KnownIDs: Sendable {
    private var ids: Set<Value> = []

    /// Creates an empty set.
    public init() {}

    /// The approximate memory used.
    public private(set) var bytes = 0

    /// The bytes that each takes beyond its content.
    private static let room = 100

    /// Adds the `_id` of a document, unless it is of a kind that is never asked for.
    public mutating func insert(_ id: RawElement) {
        guard IDClass(id) != nil, ids.insert(IDClass.normalized(id.copy)).inserted else { return }
        bytes += Self.room + id.value.count
    }

    /// The question's values that are among these `_id`s: what a server would find.
    public func answer(_ question: ExistenceQuery) -> Set<Value> { Set(question.ids.filter(ids.contains)) }
}
