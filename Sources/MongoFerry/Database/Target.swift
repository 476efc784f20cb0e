import MongoDriver
import Relations

/// Where a database is, and which one.
public struct Target: Sendable {
    /// Where the server is and how to connect; the password is in it, and not in its description.
    public var connectionString: ConnectionString
    /// The database's name; nil where neither the command nor the connection string says one.
    public var database: String?
    /// What else to say where no server can be reached: how the address came about, for one.
    public var remark: String?
    /// What a command of this program must be told beside `--db` to reach the same server: advice in reports names it.
    public var options: [String] = []

    /// - Parameters:
    ///   - uri: a connection string.
    ///   - database: overrides the connection string's.
    /// - Throws: ``FerryError`` where the connection string is wrong, or has an option in vain that would protect the
    ///   connection, or the name cannot be a database's.
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

    /// - Throws: ``FerryError`` for a name that servers refuse, or that has control characters, which a terminal obeys.
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
