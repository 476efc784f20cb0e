import BSON

/// Texts that are several times as long as their documents.
public enum Swelling {
    /// So many bytes of a text are passed over for each that is looked at.
    private static let stride = 31

    /// Whether a document's control characters make its Extended JSON more than twice as long as the document: each takes
    /// six bytes there. Known from a sample.
    /// - Throws: `BSONError` where the document is damaged.
    public static func isLikely(_ document: RawDocument) throws -> Bool {
        try 6 * stride * controlCharacters(document, depth: 1) > 2 * document.bytes.count
    }

    /// How many of the bytes looked at are control characters.
    private static func controlCharacters(_ document: RawDocument, depth: Int) throws -> Int {
        guard depth <= BSONValidator.maximumDepth else { return 0 }
        var count = 0
        var walker = document.makeWalker()
        while let element = try walker.next() {
            if element.type == .document || element.type == .array {
                count += try controlCharacters(RawDocument(element.value), depth: depth + 1)
            } else if let text = element.stringBytes {
                var place = 0
                while place < text.count {
                    if text[place] < 0x20 { count += 1 }
                    place += stride
                }
            }
        }
        return count
    }
}
