import Foundation

/// The old application lower-cased some names, and other programs put blanks around fields: says so where the database has
/// a collection of nearly that name.
struct NameHints: Sendable {
    private let byLowerCase: [String: [String]]

    /// - Parameter live: everything in the database.
    init(_ live: [String]) { byLowerCase = Dictionary(grouping: live, by: Self.core) }

    private static func core(_ name: String) -> String {
        name.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// - Returns: nil where nothing has nearly that name.
    func hint(_ name: String) -> String? {
        guard let other = byLowerCase[Self.core(name)]?.first(where: { $0 != name }) else { return nil }
        return "the database has '\(other)': if that is meant, write `collection: \(other)` in the configuration"
    }
}
