import BSON

/// Compares a batch with the documents that a server finds of it.
struct BatchSearch {
    private let key: DocumentKey
    /// The batch's documents by the hashes of their keys; different keys may share one.
    private var byHash: [UInt64: [Int]] = [:]
    /// The `_id` of the first live document that was found with the key of one of the batch. With other keys than
    /// `_id`, several may have it.
    private var found: [Int: Value] = [:]
    private(set) var equal: Set<Int> = []
    private var several: Set<Int> = []
    private var changed: [BatchLookup.Changed] = []

    init(_ key: DocumentKey) { self.key = key }

    /// - Returns: false if the document has no value for the key.
    mutating func add(_ document: RawDocument, _ index: Int) -> Bool {
        guard let hash = key.hash(document) else { return false }
        byHash[hash, default: []].append(index)
        return true
    }

    /// Which of the batch's documents a live one has the key of; nil if none, or if it was found before: by a collation
    /// it may match several parts of a query.
    /// - Parameter document: returns a document of the batch.
    mutating func place(
        of live: RawDocument, among document: (Int) throws -> RawDocument
    ) rethrows -> (indexes: [Int], isFirst: Bool)? {
        guard let hash = key.hash(live), let candidates = byHash[hash], let id = live.first?.copy else { return nil }
        let indexes = try candidates.filter { key.isEqual(in: try document($0), live) }
        guard let first = indexes.first else { return nil }
        if let known = found[first] { return ServerEquality.areEqual(known, id) ? nil : (indexes, false) }
        for index in indexes { found[index] = id }
        return (indexes, true)
    }

    mutating func compare(
        _ document: RawDocument, _ index: Int, _ live: RawDocument, isFirst: Bool,
        _ onDifferent: (RawDocument, _ live: RawDocument) throws -> Void
    ) throws {
        if try sameBytes(document.bytes, live.bytes) || !key.isID && document.withoutID() == live.withoutID() {
            equal.insert(index)
        } else if !isFirst {
            several.insert(index)
        } else {
            try onDifferent(document, live)
            guard let id = live.first else { return }
            changed.append(
                BatchLookup.Changed(
                    index: index, liveID: Document { $0.append(copying: id) },
                    liveHasRepeatedNames: live.hasRepeatedNames))
        }
    }

    /// Documents of which several live ones have the key, and none is equal.
    var ambiguous: [Int] { changed.map(\.index).filter { several.contains($0) && !equal.contains($0) } }

    var lookup: BatchLookup {
        BatchLookup(
            missing: byHash.values.joined().filter { found[$0] == nil }.sorted(),
            changed: changed.filter { !equal.contains($0.index) && !several.contains($0.index) })
    }
}
