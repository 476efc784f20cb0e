import BSON

extension RawDocument {
    /// Whether a name stands twice in it or in a document nested in it.
    ///
    /// Servers store such documents, but an update by a pipeline of one that is there already makes them abort where
    /// either the old or the new version has a repeated name (seen on 6.0.5: an invariant failure while the
    /// difference is worked out for the oplog). Inserting and replacing are safe.
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
