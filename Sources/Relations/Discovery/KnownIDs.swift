import BSON

/// All `_id`s of a collection, for questions that nobody else need answer.
public struct KnownIDs: Sendable {
    private var ids: Set<Value> = []

    /// None yet.
    public init() {}

    /// How many different ones there are.
    public var count: Int { ids.count }

    /// Takes in the `_id` of a document, unless it is of a kind that is never asked for.
    public mutating func insert(_ id: RawElement) {
        if IDClass(id) != nil { ids.insert(IDClass.normalized(id.copy)) }
    }

    /// Those of the question's values that are among these: what a server would find.
    public func answer(_ question: ExistenceQuestion) -> Set<Value> { Set(question.ids.filter(ids.contains)) }
}
