import MongoDriver
import Relations

/// A database and the server that it is on.
public struct Target: Sendable {
    /// The server and how to connect to it. Contains the password, which its description omits.
    public var connectionString: ConnectionString
    /// The database's name; nil if neither the command nor the connection string gives one.
    public var database: String?
    /// A remark to add if no server can be reached, such as where the address came from.
    package var remark: String?
    /// The options beside `--db` that this program needs to reach the same server: the advice in reports names them.
    package var options: [String] = []

    /// - Parameters:
    ///   - uri: a connection string.
    ///   - database: overrides the connection string's.
    /// - Throws: ``FerryError`` if the connection string is invalid, ignores an option that would protect the
    ///   connection, or the name is not a valid database name.
    public init(uri: String, database: String? = nil) throws {
        do {
            connectionString = try ConnectionString(uri)
        } catch let error as MongoError {
            throw FerryError("\(error)", kind: .usage)
        }
        if let refusal = connectionString.ignored.lazy.compactMap(\.refusal).first { throw refusal }
        self.database = database ?? connectionString.database
        if let name = self.database { try Self.check(databaseName: name) }
    }

    /// - Throws: ``FerryError`` for a name that servers refuse, or that has control characters, which a terminal would
    ///   interpret.
    static func check(databaseName name: String) throws {
        let isLegal =
            !name.isEmpty && name.utf8.count < 64
            && !name.utf8.contains { $0 <= 0x20 || [0x2F, 0x5C, 0x2E, 0x22, 0x24, 0x7F].contains($0) }
        guard isLegal else {
            throw FerryError(
                "'\(name.oneLine)' cannot be a database's name", kind: .usage,
                details: ["A name has 1 to 63 bytes and none of / \\ . \" $, blanks or control characters."])
        }
    }
}
