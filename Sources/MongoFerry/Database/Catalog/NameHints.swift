import Foundation
import Relations

/// Hints at a collection of nearly the same name in the database: the old application lower-cased some names, and other
/// programs put blanks around fields.
struct NameHints: Sendable {
    private let byCore: [String: [String]]

    /// - Parameter live: everything in the database.
    init(_ live: [String]) { byCore = Dictionary(grouping: live, by: Self.core) }

    /// A name without the differences that are tolerated.
    private static func core(_ name: String) -> String {
        name.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// - Returns: nil if no collection has nearly that name.
    func hint(_ name: String) -> String? {
        guard let other = byCore[Self.core(name)]?.first(where: { !$0.hasSameBytes(as: name) }) else { return nil }
        return "the database has '\(other)': if that is meant, write `collection: \(other)` in the configuration"
    }
}
