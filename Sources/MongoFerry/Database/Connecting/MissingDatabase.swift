import MongoDriver
import Relations

/// The texts for a database that does not exist or is empty.
struct MissingDatabase: Sendable {
    let name: String
    /// The server's databases; empty if the user may not list them.
    let others: [String]

    /// - Parameter others: the server's databases.
    init(_ name: String, among others: [String]) {
        self.name = name
        self.others = others
    }

    /// Asks the server for the names of its databases.
    init(_ connection: Connection) {
        self.init(
            connection.database, among: (try? connection.withClient { try $0.listDatabaseNames() }) ?? [])
    }

    var text: String { "there is no database '\(name)' on the server, or it is empty" }

    private static let namesShown = 20

    var details: [String] {
        guard !others.isEmpty else { return [] }
        let more = others.count - Self.namesShown
        let names = others.prefix(Self.namesShown) + (more > 0 ? ["and \(more) more"] : [])
        return ["Databases there: \(names.joined(separator: ", "))."]
    }

    /// `Did you mean 'insurance'?`
    var hint: String? { hint(without: nil) }

    /// The same for an import, whose file is perhaps from a database of a similar name. That one was not meant: whoever
    /// restores `shop` into `shop_copy` must not be led to `shop`.
    /// - Parameter source: the database that the file is from.
    func hint(without source: String?) -> String? {
        let candidates = others.filter { !$0.hasSameBytes(as: source ?? "") }
        return NearestName.nearest(to: name, among: candidates).map { "Did you mean '\($0)'?" }
    }

    /// The existing database that prevents the server from creating this one: its name differs only in the case of
    /// ASCII letters.
    /// Source: `DatabaseHolderImpl::getNamesWithConflictingCasing`.
    var clash: String? {
        let wanted = Self.withoutCase(name)
        return others.first { !$0.hasSameBytes(as: name) && Self.withoutCase($0) == wanted }
    }

    private static func withoutCase(_ name: String) -> [UInt8] {
        name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    }
}
