import Foundation

/// The old application lower-cased some names, and other programs put blanks around fields: says so where the database has
/// a collection of nearly that name.
struct NameHints: Sendable {
    private let byCore: [String: [String]]

    /// - Parameter live: everything in the database.
    init(_ live: [String]) { byCore = Dictionary(grouping: live, by: Self.core) }

    /// What is left of a name without what may differ.
    private static func core(_ name: String) -> String {
        name.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// - Returns: nil where nothing has nearly that name.
    func hint(_ name: String) -> String? {
        guard let other = byCore[Self.core(name)]?.first(where: { $0 != name }) else { return nil }
        return "the database has '\(other)': if that is meant, write `collection: \(other)` in the configuration"
    }
}
