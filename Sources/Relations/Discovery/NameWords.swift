/// A name split into words: `primaryCustomerID` is primary, customer, id.
struct NameWords {
    let words: [String]

    init(_ name: String) {
        var words: [String] = []
        var word = ""
        let letters = Array(name)
        for (index, letter) in letters.enumerated() {
            guard letter.isLetter || letter.isNumber else {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            let afterLower = index > 0 && (letters[index - 1].isLowercase || letters[index - 1].isNumber)
            // The last capital of a run begins the next word: HTMLPage.
            let beforeLower =
                index > 0 && letters[index - 1].isUppercase && index + 1 < letters.count
                && letters[index + 1].isLowercase && !letters[index...].startsPlural
            if letter.isUppercase, afterLower || beforeLower, !word.isEmpty {
                words.append(word)
                word = ""
            }
            word += letter.lowercased()
        }
        if !word.isEmpty { words.append(word) }
        self.words = words
    }

    /// The words without those that only say that it is a key: `customer` for `customerId`, `customer_no`,
    /// `fk_customer`, `customerid`.
    var withoutKeyWords: [String] {
        var rest = words[...]
        while let last = rest.last, Self.keyWords.contains(last) { rest.removeLast() }
        while rest.count > 1, let first = rest.first, Self.keyPrefixes.contains(first) { rest.removeFirst() }
        if let last = rest.last, let suffix = Self.gluedSuffixes.first(where: { last.hasSuffix($0) }),
            last.count >= suffix.count + 4
        {
            rest[rest.endIndex - 1] = String(last.dropLast(suffix.count))
        }
        return Array(rest)
    }

    /// The words joined to one, in each possible singular form.
    static func forms(of words: some BidirectionalCollection<String>) -> Set<String> {
        guard let last = words.last else { return [] }
        let front = words.dropLast().joined()
        return Set(singulars(of: last).map { front + $0 })
    }

    private static func singulars(of word: String) -> [String] {
        if let irregular = irregulars[word] { return [word, irregular] }
        var forms = [word]
        guard word.count > 3, word.hasSuffix("s"), !word.hasSuffix("ss") else { return forms }
        forms.append(String(word.dropLast()))
        if word.hasSuffix("es") { forms.append(String(word.dropLast(2))) }
        if word.hasSuffix("ies") { forms.append(word.dropLast(3) + "y") }
        return forms
    }

    /// Whether a word is a plural: `policies`, `people`, but not `address` or `status`.
    static func isPlural(_ word: String) -> Bool {
        singulars(of: word).count > 1 && !word.hasSuffix("us") && !word.hasSuffix("is")
            && !seemingPlurals.contains(word)
    }

    /// Singular words that look like plurals.
    private static let seemingPlurals: Set<String> = [
        "alias", "atlas", "bias", "canvas", "data", "lens", "media", "news", "replaces", "series", "species",
    ]

    private static let irregulars = [
        "people": "person", "children": "child", "men": "man", "women": "woman", "data": "datum", "indices": "index",
        "media": "medium", "criteria": "criterion",
    ]
    private static let keyWords: Set<String> = [
        "id", "ids", "oid", "oids", "uid", "uids", "uuid", "uuids", "guid", "guids", "key", "keys", "ref", "refs",
        "reference",
        "references", "no", "nos", "nr", "nrs", "num", "nums", "number", "numbers", "code", "codes", "pk", "fk",
    ]
    private static let keyPrefixes: Set<String> = ["id", "fk", "ref"]
    private static let gluedSuffixes = ["ids", "id"]

    /// Names by which documents refer to others of their own collection.
    static let kinship: Set<String> = [
        "parent", "parents", "root", "previous", "prev", "next", "predecessor", "successor", "ancestor", "ancestors",
        "child", "children", "sibling", "siblings", "original", "duplicate", "superseded", "replaces", "self",
    ]

    /// Names of quantities, whose integers fall into any range of ids.
    static let measures: Set<String> = [
        "age", "amount", "average", "avg", "balance", "capacity", "cents", "cost", "costs", "count", "counter", "day",
        "days", "depth", "discount", "distance", "duration", "fee", "floor", "height", "hour", "hours", "index",
        "interval",
        "kilometers", "km", "length", "level", "limit", "max", "maximum", "mileage", "miles", "min", "minimum",
        "minute",
        "minutes", "month", "months", "offset", "page", "pages", "percent", "percentage", "points", "port", "position",
        "premium", "price", "priority", "quantity", "qty", "rank", "rate", "rating", "revision", "score", "second",
        "seconds", "seq", "sequence", "size", "speed", "status", "step", "sum", "tax", "term", "total", "value",
        "version",
        "volume", "week", "weight", "width", "year", "years", "zip", "zipcode", "postcode", "phone", "seed", "number",
        "n",
        "weeks", "times", "retries", "attempts", "line", "row", "rows", "order", "sort", "type", "state", "kind",
        "mode",
        "deductible", "coverage", "income", "salary", "wage", "bonus", "stock", "units", "unit", "pieces", "items",
        "seats", "rooms", "views", "visits", "clicks", "likes", "votes", "followers", "downloads", "shares", "stars",
        "grade", "mark", "points", "credit", "credits", "debit", "paid", "due", "budget", "profit", "loss", "margin",
        "ratio", "percentile", "temperature", "pressure", "humidity", "voltage", "power", "energy", "kwh", "area",
        "mass", "load", "usage", "bytes", "lat", "lng", "lon", "latitude", "longitude", "altitude", "elevation",
        "progress", "timeout", "delay", "ttl", "retry", "attempt", "round", "lap", "shift", "threshold",
        "horsepower", "doors", "cylinders", "odometer", "reading", "measurement", "estimate", "odds", "chance",
    ]
}

extension ArraySlice<Character> {
    /// `IDs`, `URLs`: the small s belongs to the capitals before it.
    fileprivate var startsPlural: Bool {
        guard count >= 2, self[startIndex + 1] == "s" else { return false }
        return count == 2 || !self[startIndex + 2].isLowercase
    }
}
