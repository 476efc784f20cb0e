import BSON

extension RawDocument {
    /// Whether this document, or one nested in it, has a repeated name.
    ///
    /// Servers store such documents, but abort on a pipeline update of an existing document if the old or the new
    /// version has a repeated name (seen on 6.0.5: an invariant failure while computing the difference for the oplog).
    /// Inserting and replacing are safe.
    public var hasRepeatedNames: Bool { Self.hasRepeatedNames(self, isArray: false) }

    private static func hasRepeatedNames(_ document: RawDocument, isArray: Bool) -> Bool {
        var names: [UnsafeRawBufferPointer] = []
        var walker = document.makeWalker()
        while let element = try? walker.next() {
            if !isArray { names.append(element.key) }
            if let nested = element.document, hasRepeatedNames(nested, isArray: element.type == .array) { return true }
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        return zip(names, names.dropFirst()).contains { sameBytes($0, $1) }
    }
}
