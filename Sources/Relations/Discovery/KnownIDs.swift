import BSON

/// All `_id`s of a collection, for questions that nobody else need answer.
public struct KnownIDs: Sendable {
    private var ids: Set<Value> = []

    /// None yet.
    public init() {}

    /// What they take in memory, more or less.
    public private(set) var bytes = 0

    /// What each takes besides what stands in it.
    private static let room = 100

    /// Takes in the `_id` of a document, unless it is of a kind that is never asked for.
    public mutating func insert(_ id: RawElement) {
        guard IDClass(id) != nil, ids.insert(IDClass.normalized(id.copy)).inserted else { return }
        bytes += Self.room + id.value.count
    }

    /// Those of the question's values that are among these: what a server would find.
    public func answer(_ question: ExistenceQuestion) -> Set<Value> { Set(question.ids.filter(ids.contains)) }
}
