import BSON

/// Detects documents whose text is much longer than they are.
public enum Swelling {
    /// The distance between two bytes of a string that are examined.
    private static let stride = 31

    /// Whether control characters make a document's Extended JSON more than twice as long as the document: each takes
    /// six bytes there. Estimated from a sample.
    /// - Throws: `BSONError` if the document is damaged.
    public static func isLikely(_ document: RawDocument) throws -> Bool {
        try 6 * stride * controlCharacters(document, depth: 1) > 2 * document.bytes.count
    }

    /// How many of the examined bytes are control characters.
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
