import BSON

extension RawDocument {
    /// Whether an element at the top is a `Timestamp(0, 0)`, in whose place an insertion or a replacement would put the
    /// current time. Servers leave that of `_id` alone.
    public var hasEmptyTimestamp: Bool { hasElement(where: \.isEmptyTimestamp) }

    /// Whether an ordinary insertion would change it: put the current time in it, or have libmongoc give it a second `_id`.
    public var needsPipelineToInsert: Bool { hasEmptyTimestamp || hidesItsID }

    /// Whether libmongoc does not see its `_id`: it reads no binary of the old subtype 2 whose inner length is wrong, which
    /// servers store.
    private var hidesItsID: Bool {
        guard let (subtype, payload) = self["_id"]?.binary, subtype == 2 else { return false }
        guard payload.count >= 4 else { return true }
        return Int(payload.loadUnaligned(as: Int32.self).littleEndian) != payload.count - 4
    }

    /// Whether a replacement by this document has to go as an update by a pipeline: a server would change it, or refuse
    /// it for a name that begins with `$`; named "0" at the front, libmongoc would take it for a pipeline.
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
