/// A filter that selects the documents of a collection.
public struct CollectionQuery: Hashable, Sendable {
    /// The collection's name in the file; to choose what to export, its name in the database will do, too.
    public var name: String
    /// The filter, in Extended JSON.
    public var query: String

    public init(name: String, query: String) {
        self.name = name
        self.query = query
    }
}
