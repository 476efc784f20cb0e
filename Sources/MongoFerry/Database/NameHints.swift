/// The old application lower-cased some names: says so where the database has a collection of nearly that name.
struct NameHints: Sendable {
    private let byLowerCase: [String: [String]]

    /// - Parameter live: everything in the database.
    init(_ live: [String]) { byLowerCase = Dictionary(grouping: live) { $0.lowercased() } }

    /// - Returns: nil where nothing has nearly that name.
    func hint(_ name: String) -> String? {
        guard let other = byLowerCase[name.lowercased()]?.first(where: { $0 != name }) else { return nil }
        return "the database has '\(other)': if that is meant, write `collection: \(other)` in the configuration"
    }
}
