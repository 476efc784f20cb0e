/// Finds among many collections those that the name of a field sounds like.
struct NameIndex: Sendable {
    private let names: [String]
    /// Collections by their whole name as one word, in each form of a singular.
    private var byName: [String: [Int]] = [:]
    /// By their last words.
    private var byLastWords: [String: [Int]] = [:]
    /// By the last and first letters of the name, four and three at least.
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

    /// The collections that a path of `collection` sounds like; those it does not are left out.
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
            // Names of collections in lower case only do not show their words: `coveragetypes`.
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

    /// Whether the path is called just like another collection, and not like its own, `order_items.itemId`, at all.
    func isNamedAfterAnother(_ likeness: [Int: NameLikeness], than collection: String) -> Bool {
        likeness.values.contains(.same) && !likeness.keys.contains { names[$0].hasSameBytes(as: collection) }
    }

    /// The words of the last name that says more than "key": of `customer.id`, `customer`.
    private static func tellingWords(of path: FieldPath) -> [String]? {
        for case .field(let name) in path.steps.reversed() {
            let words = NameWords(name).withoutKeyWords
            if !words.isEmpty { return words }
        }
        return nil
    }
}

extension String {
    /// `dept` in `department`.
    fileprivate func holds(inOrder letters: String) -> Bool {
        var rest = self[...]
        for letter in letters {
            guard let place = rest.firstIndex(of: letter) else { return false }
            rest = rest[index(after: place)...]
        }
        return true
    }
}
