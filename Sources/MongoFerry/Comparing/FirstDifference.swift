import BSON
import BackupFile
import Relations

/// The first place at which two values of an option or an index differ.
struct FirstDifference {
    /// The names and places that lead there, `$and[1].a`; empty if the values differ as a whole.
    let path: String
    /// Nil if there is nothing at that place.
    let file: Value?
    let live: Value?

    init(file: Value?, live: Value?) {
        var (path, file, live) = ("", file, live)
        while let place = Self.place(file, live) {
            path += place.isElement ? "[\(place.name)]" : path.isEmpty ? place.name : ".\(place.name)"
            (file, live) = (place.file, place.live)
        }
        (self.path, self.file, self.live) = (path, file, live)
    }

    /// What differs first in two values.
    private struct Place {
        let name: String
        let isElement: Bool
        let file: Value?
        let live: Value?
    }

    /// Nil if the values are not of one kind that has parts, or if they have the same parts in another order.
    private static func place(_ file: Value?, _ live: Value?) -> Place? {
        let (mine, others, isElement): (Document, Document, Bool)
        switch (file, live) {
        case (.document(let left)?, .document(let right)?): (mine, others, isElement) = (left, right, false)
        case (.array(let left)?, .array(let right)?): (mine, others, isElement) = (left, right, true)
        default: return nil
        }
        let (left, right) = (Array(mine.elements), Array(others.elements))
        for place in 0..<max(left.count, right.count) {
            let one = place < left.count ? left[place] : nil
            let other = place < right.count ? right[place] : nil
            if let one, let other, one.key.hasSameBytes(as: other.key) {
                if one.value == other.value { continue }
                return Place(name: one.key, isElement: isElement, file: one.value, live: other.value)
            }
            if let one, !right.contains(where: { $0.key.hasSameBytes(as: one.key) }) {
                return Place(name: one.key, isElement: isElement, file: one.value, live: nil)
            }
            if let other, !left.contains(where: { $0.key.hasSameBytes(as: other.key) }) {
                return Place(name: other.key, isElement: isElement, file: nil, live: other.value)
            }
            return nil
        }
        return nil
    }

    /// "at last.$gt 1 in the file, 2 in the database"
    var text: String {
        let (file, live) = Self.texts(file, live)
        return (path.isEmpty ? "" : "at \(path.oneLine) ") + "\(file) in the file, \(live) in the database"
    }

    /// As much of two values as shows that they differ.
    private static func texts(_ file: Value?, _ live: Value?) -> (String, String) {
        let plain = (file.map(plainText) ?? "none", live.map(plainText) ?? "none")
        if plain.0 != plain.1 { return excerpts(plain.0, plain.1) }
        let typed = (file.map(JSONText.value) ?? "none", live.map(JSONText.value) ?? "none")
        if typed.0 != typed.1 { return excerpts(typed.0, typed.1) }
        // Characters that look the same may have other bytes.
        return excerpts(typed.0.inASCII, typed.1.inASCII)
    }

    /// A whole number without its type, which only matters beside the same number of another type.
    private static func plainText(_ value: Value) -> String {
        if case .int64(let number) = value { String(number) } else { JSONText.value(value) }
    }

    private static let longest = 60
    /// How much is shown before the first character that differs, where a long text is cut.
    private static let context = 12

    private static func excerpts(_ left: String, _ right: String) -> (String, String) {
        let cut = (left.excerpt(longest), right.excerpt(longest))
        guard cut.0 == cut.1 else { return cut }
        let equal = zip(left, right).prefix { $0 == $1 }.count
        let start = max(0, equal - context)
        return (
            "…" + String(left.dropFirst(start)).excerpt(longest), "…" + String(right.dropFirst(start)).excerpt(longest)
        )
    }
}

extension String {
    fileprivate var inASCII: String {
        unicodeScalars.map { $0.isASCII ? String($0) : $0.escaped(asASCII: true) }.joined()
    }
}
