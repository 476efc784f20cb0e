/// Finds, among many collections, those that the name of a field sounds like.
struct NameIndex: Sendable {
    private let names: [String]
    /// Collections by their whole name as one word, in each possible singular form.
    private var byName: [String: [Int]] = [:]
    /// By their last words.
    private var byLastWords: [String: [Int]] = [:]
    /// By the last letters of the name (at least four) and by the first (at least three).
    private var byEnd: [String: [Int]] = [:]
    private var byBeginning: [String: [Int]] = [:]
    private var byTwoLetters: [String: [(form: String, target: Int)]] = [:]

    init(_ names: [String]) {
        self.names = names
        for (target, name) in names.enumerated() {
            let words = NameWords(name).words
            for form in NameWords.forms(of: words) {
                byName[form, default: []].append(target)
                for length in 4..<max(4, form.count) { byEnd[String(form.suffix(length)), default: []].append(target) }
                for length in 3..<max(3, form.count) {
                    byBeginning[String(form.prefix(length)), default: []].append(target)
                }
                byTwoLetters[String(form.prefix(2)), default: []].append((form, target))
            }
            for start in words.indices.dropFirst() {
                for form in NameWords.forms(of: words[start...]) { byLastWords[form, default: []].append(target) }
            }
        }
    }

    /// The collections that a path of `collection` sounds like; all others are omitted.
    func likeness(of path: FieldPath, in collection: String) -> [Int: NameLikeness] {
        var found: [Int: NameLikeness] = [:]
        func note(_ targets: [Int]?, _ likeness: NameLikeness) {
            for target in targets ?? [] { found[target] = max(found[target] ?? .none, likeness) }
        }
        guard let words = Self.tellingWords(of: path) else { return found }
        let whole = NameWords.forms(of: words)
        for form in whole {
            note(byName[form], .same)
            note(byLastWords[form], .partial)
            // Collection names entirely in lower case do not show their words: `coveragetypes`.
            if form.count >= 4 { note(byEnd[form], .partial) }
            if form.count >= 3 { note(byBeginning[form], .abbreviated) }
            guard form.count >= 4 else { continue }
            let near = byTwoLetters[String(form.prefix(2))] ?? []
            note(near.filter { $0.form.holds(inOrder: form) }.map(\.target), .abbreviated)
        }
        for start in words.indices.dropFirst() {
            for form in NameWords.forms(of: words[start...]) { note(byName[form], .partial) }
        }
        if let last = words.last, NameWords.kinship.contains(last) {
            note(names.indices.filter { names[$0].hasSameBytes(as: collection) }, .partial)
        }
        return found
    }

    /// Whether the path is named exactly like another collection and not at all like its own: `order_items.itemId`.
    func isNamedAfterAnother(_ likeness: [Int: NameLikeness], than collection: String) -> Bool {
        likeness.values.contains(.same) && !likeness.keys.contains { names[$0].hasSameBytes(as: collection) }
    }

    /// The words of the last name that says more than "key": `customer` for `customer.id`.
    private static func tellingWords(of path: FieldPath) -> [String]? {
        for case .field(let name) in path.steps.reversed() {
            let words = NameWords(name).withoutKeyWords
            if !words.isEmpty { return words }
        }
        return nil
    }
}

extension String {
    /// Whether the letters occur in this order: `dept` in `department`.
    fileprivate func holds(inOrder letters: String) -> Bool {
        var rest = self[...]
        for letter in letters {
            guard let place = rest.firstIndex(of: letter) else { return false }
            rest = rest[index(after: place)...]
        }
        return true
    }
}
