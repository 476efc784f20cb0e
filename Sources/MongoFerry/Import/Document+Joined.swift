import BSON

extension Document {
    /// Returns this document's elements, followed by the other's.
    func joined(_ other: Document) -> Document {
        var builder = DocumentBuilder(copying: self)
        other.withRaw { raw in
            var walker = raw.makeWalker()
            while let element = try? walker.next() { builder.append(copying: element) }
        }
        return builder.finish()
    }
}
