import BSON

/// How much may be written at once.
struct BatchLimit: Sendable {
    /// The number of bytes of documents, in BSON.
    let bytes: Int
    /// The number of documents of a batch that is only inserted, and of one whose documents are looked up, which
    /// returns them whole.
    let insertions: Int
    let lookups: Int

    /// Without a validator.
    static let usual = BatchLimit(bytes: PendingBatch.mostBytes, insertions: 10_000, lookups: 5000)

    /// For a collection whose options cannot be seen.
    static let ofUnknownValidator = BatchLimit(bytes: 1 << 20, insertions: 500, lookups: 500)

    /// The limit for a collection whose validator may refuse every document.
    ///
    /// A refusal quotes the broken rules, and the value once for each of them (`errInfo`, from MongoDB 5.0 on). All
    /// refusals of a command come in one reply; if that exceeds 16 MB, the server closes the connection instead (seen
    /// on 6.0.5), and the same documents would break it again and again.
    init(validator: Document) {
        let refusal = validator.bytes.count * 2 + Self.refusalOverhead
        let documents = max(1, Self.replyBytes / 2 / refusal)
        let values = validator.withRaw(Self.rulesForOneValue)
        bytes = min(Self.usual.bytes, max(1, Self.replyBytes / max(1, values)))
        insertions = min(Self.usual.insertions, documents)
        lookups = min(Self.usual.lookups, documents)
    }

    private init(bytes: Int, insertions: Int, lookups: Int) {
        self.bytes = bytes
        self.insertions = insertions
        self.lookups = lookups
    }

    /// Half of what a reply can hold.
    private static let replyBytes = 8 << 20
    /// The bytes of a refusal besides rules and values.
    private static let refusalOverhead = 1024

    /// The most rules that one value can break: of the properties of a schema, only one is about a given value.
    private static func rulesForOneValue(_ schema: RawDocument) -> Int {
        var (rules, most) = (0, 0)
        // A validator that the server accepted can be walked, too; otherwise, what was found so far counts.
        try? schema.forEach { element in
            if element.keyEquals("properties") || element.keyEquals("patternProperties") {
                try element.document?.forEach { property in
                    most = max(most, property.document.map(rulesForOneValue) ?? 1)
                }
            } else if element.type == .array {
                rules += Self.rules(ofArray: element)
            } else {
                rules += element.document.map(rulesForOneValue) ?? 1
            }
        }
        return rules + most
    }

    /// An array of rules, as of `allOf` and `$and`; one of values, as of `enum`, is one rule.
    private static func rules(ofArray element: RawElement) -> Int {
        var rules = 0
        try? element.document?.forEach { rules += $0.document.map(rulesForOneValue) ?? 0 }
        return max(1, rules)
    }
}
