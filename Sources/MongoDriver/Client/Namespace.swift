/// A collection's full name.
public struct Namespace: Hashable, Sendable, CustomStringConvertible {
    public var database: String
    public var collection: String

    public init(database: String, collection: String) {
        self.database = database
        self.collection = collection
    }

    public init(_ database: String, _ collection: String) {
        self.init(database: database, collection: collection)
    }

    /// `database.collection`, as the server writes it.
    public var description: String { "\(database).\(collection)" }

    /// - Throws: ``MongoError`` for a name that a C string cannot carry.
    func validate() throws {
        for name in [database, collection] where name.isEmpty || name.utf8.contains(0) {
            throw MongoError(driver: "'\(self)' is not a collection's name: it is empty or contains a zero byte")
        }
    }
}
