import BSON

/// Rows of one collection that a database already has, byte for byte.
struct KnownRows: Sendable {
    let ids: RecordHashes
    let equal: PlaceSet
    let contents: ContentHash

    /// Compares the document as well as its `_id`: two `_id`s could share a hash.
    func contains(_ document: RawDocument) -> Bool {
        guard let id = document.first, let place = ids.place(of: IDHash.hash(id)), equal.contains(place) else {
            return false
        }
        return ids.document(at: place) == contents.hash(document.bytes)
    }
}
