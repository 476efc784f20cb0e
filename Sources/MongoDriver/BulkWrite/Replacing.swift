import BSON

extension RawDocument {
    /// Whether a top-level element is a `Timestamp(0, 0)`, which an insertion or a replacement would overwrite with the
    /// current time. Servers leave an `_id` alone.
    public var hasEmptyTimestamp: Bool { hasElement(where: \.isEmptyTimestamp) }

    /// Whether an ordinary insertion would change the document, by the current time or a second `_id` from libmongoc.
    public var needsPipelineToInsert: Bool { hasEmptyTimestamp || hidesItsID }

    /// Whether libmongoc does not see the `_id`: it cannot read a binary of the old subtype 2 with a wrong inner
    /// length, which servers store.
    private var hidesItsID: Bool {
        guard let (subtype, payload) = self["_id"]?.binary, subtype == 2 else { return false }
        guard payload.count >= 4 else { return true }
        return Int(payload.loadUnaligned(as: Int32.self).littleEndian) != payload.count - 4
    }

    /// Whether replacing by this document needs a pipeline update: in an ordinary replacement, the server would
    /// overwrite an empty timestamp or refuse a name that begins with `$`, or libmongoc would take a leading name "0"
    /// for a pipeline.
    public var needsPipelineToReplace: Bool {
        first?.keyEquals("0") == true || hasElement { $0.isEmptyTimestamp || $0.key.first == UInt8(ascii: "$") }
    }

    private func hasElement(where condition: (RawElement) -> Bool) -> Bool {
        var walker = makeWalker()
        while let element = try? walker.next() { if condition(element) { return true } }
        return false
    }
}

extension RawElement {
    fileprivate var isEmptyTimestamp: Bool { timestamp?.rawValue == 0 && !keyEquals("_id") }
}
