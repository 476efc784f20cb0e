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
        "ancestor", "ancestors", "child", "children", "duplicate", "next", "original", "parent", "parents",
        "predecessor", "prev", "previous", "replaces", "root", "self", "sibling", "siblings", "successor",
        "superseded",
    ]

    /// Names of quantities, whose integers fall into any range of ids.
    static let measures: Set<String> = [
        "age", "altitude", "amount", "area", "attempt", "attempts", "average", "avg", "balance", "bonus", "budget",
        "bytes", "capacity", "cents", "chance", "clicks", "cost", "costs", "count", "counter", "coverage", "credit",
        "credits", "cylinders", "day", "days", "debit", "deductible", "delay", "depth", "discount", "distance",
        "doors", "downloads", "due", "duration", "elevation", "energy", "estimate", "fee", "floor", "followers",
        "grade", "height", "horsepower", "hour", "hours", "humidity", "income", "index", "interval", "items",
        "kilometers", "kind", "km", "kwh", "lap", "lat", "latitude", "length", "level", "likes", "limit", "line",
        "lng", "load", "lon", "longitude", "loss", "margin", "mark", "mass", "max", "maximum", "measurement",
        "mileage", "miles", "min", "minimum", "minute", "minutes", "mode", "month", "months", "n", "number", "odds",
        "odometer", "offset", "order", "page", "pages", "paid", "percent", "percentage", "percentile", "phone",
        "pieces", "points", "port", "position", "postcode", "power", "premium", "pressure", "price", "priority",
        "profit", "progress", "qty", "quantity", "rank", "rate", "rating", "ratio", "reading", "retries", "retry",
        "revision", "rooms", "round", "row", "rows", "salary", "score", "seats", "second", "seconds", "seed", "seq",
        "sequence", "shares", "shift", "size", "sort", "speed", "stars", "state", "status", "step", "stock", "sum",
        "tax", "temperature", "term", "threshold", "timeout", "times", "total", "ttl", "type", "unit", "units",
        "usage", "value", "version", "views", "visits", "voltage", "volume", "votes", "wage", "week", "weeks",
        "weight", "width", "year", "years", "zip", "zipcode",
    ]
}

extension ArraySlice<Character> {
    /// `IDs`, `URLs`: the small s belongs to the capitals before it.
    fileprivate var startsPlural: Bool {
        guard count >= 2, self[startIndex + 1] == "s" else { return false }
        return count == 2 || !self[startIndex + 2].isLowercase
    }
}
