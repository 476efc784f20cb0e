import BSON

/// The conversions that turn legacy rows back into the documents they were.
public struct TypeRules: Sendable {
    /// In the order of collection and path.
    public let rules: [TypeRule]
    private let byCollection: [ExactName: CollectionTypeRules]

    /// - Parameter rules: of several rules for the same path (and of several for its numbers) the first counts.
    public init(_ rules: some Sequence<TypeRule>) {
        var seen: Set<[ExactName]> = []
        self.rules =
            rules
            .map { rule in
                let kind = rule.part == .all ? "" : "numbers"
                return (key: [rule.collection, rule.path.description, kind].map { ExactName($0) }, rule: rule)
            }
            .filter { seen.insert($0.key).inserted }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map(\.rule)
        let numbered = Dictionary(grouping: self.rules.enumerated()) { ExactName($0.element.collection) }
        byCollection = numbered.mapValues { CollectionTypeRules($0.map { (number: $0.offset, rule: $0.element) }) }
    }

    /// The rules for one collection; nil if it has none, so that its rows stay as they are.
    public func rules(for collection: String) -> CollectionTypeRules? { byCollection[ExactName(collection)] }

    /// Makes counters for one thread.
    public func makeCounts() -> ConversionCounts { ConversionCounts(rules: rules.count) }

    /// Returns a copy of the document with its values converted.
    /// - Throws: ``RowRejection`` for a value that the configuration's `types` cannot be applied to.
    public func apply(
        to document: RawDocument, in collection: String, counts: inout ConversionCounts
    ) throws(RowRejection) -> Document {
        guard let rules = rules(for: collection) else { return Document(copying: document) }
        let buffer = ByteBuffer(capacity: document.bytes.count + 64)
        try rules.apply(to: document, appendingTo: buffer, counts: &counts)
        do { return Document(copying: try RawDocument(buffer.bytes)) } catch {
            throw RowRejection(collection: collection, path: nil, value: "", reason: error.description)
        }
    }
}
