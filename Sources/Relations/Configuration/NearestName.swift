/// Finds the name that was probably meant by one that does not exist.
public enum NearestName {
    /// The candidate nearest to `name`: a few typing errors away, an abbreviation or a longer form; nil if there is
    /// none.
    ///
    /// Ignores case. Of equally near candidates, the first by bytes.
    public static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars)
        guard !wanted.isEmpty else { return nil }
        var best: (score: Int, name: String)?
        for candidate in candidates where !candidate.isEmpty {
            let other = Array(candidate.lowercased().unicodeScalars)
            guard let score = score(wanted, other) else { continue }
            if let best, (best.score, ExactName(best.name)) <= (score, ExactName(candidate)) { continue }
            best = (score, candidate)
        }
        return best?.name
    }

    /// The end of a message: `. Did you mean 'customers'?`; empty if no candidate is near.
    package static func question(_ name: String, among candidates: some Sequence<String>) -> String {
        nearest(to: name, among: candidates).map { ". Did you mean '\($0)'?" } ?? ""
    }

    /// The candidate of which `name` is a misspelling; nil if none is near enough. Names that differ only in their
    /// digits are a series: `logs_2025` is not a misspelt `logs_2026`.
    package static func mistyped(_ name: String, among candidates: some Sequence<String>) -> String? {
        func letters(_ name: String) -> [Unicode.Scalar] {
            name.lowercased().unicodeScalars.filter { !("0"..."9").contains($0) }
        }
        let (wanted, own) = (Array(name.lowercased().unicodeScalars), letters(name))
        return candidates.compactMap { candidate -> (errors: Int, name: ExactName)? in
            guard letters(candidate) != own else { return nil }
            return typingErrors(wanted, Array(candidate.lowercased().unicodeScalars)).map { ($0, ExactName(candidate)) }
        }.min { ($0.errors, $0.name) < ($1.errors, $1.name) }?.name.text
    }

    /// Lower is nearer; nil is too far.
    private static func score(_ wanted: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int? {
        if let errors = typingErrors(wanted, other) { return errors }
        let (short, long) = wanted.count <= other.count ? (wanted, other) : (other, wanted)
        guard short.count >= 3, short.prefix(2) == long.prefix(2) else { return nil }
        if long.starts(with: short) { return 1_000 + long.count - short.count }
        // 'policy' for 'policies'.
        let shared = zip(short, long).prefix { $0 == $1 }.count
        if shared >= 4, shared * 3 >= short.count * 2 { return 1_500 + long.count - shared }
        // 'refs' for 'references', 'colls' for 'collections'.
        var rest = long[...]
        for letter in short {
            guard let place = rest.firstIndex(of: letter) else { return nil }
            rest = rest[(place + 1)...]
        }
        return 2_000 + long.count - short.count
    }

    /// The number of typing errors; nil if there are too many for mere slips.
    private static func typingErrors(_ wanted: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int? {
        let (short, long) = (min(wanted.count, other.count), max(wanted.count, other.count))
        // One error per three letters is a slip; more make it another word.
        let allowed = max(1, long / 3)
        guard long - short <= allowed else { return nil }
        let errors = distance(wanted, other)
        return errors <= allowed && errors < short ? errors : nil
    }

    /// The number of typing errors between two texts: a letter inserted, dropped or replaced, or two neighbours
    /// swapped. Case counts.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let same = left[row] == right[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
