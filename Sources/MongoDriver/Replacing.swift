import BSON

extension RawDocument {
    /// Whether an element at the top is a `Timestamp(0, 0)`, in whose place an insertion or a replacement would put the
    /// current time. Servers leave that of `_id` alone.
    public var hasEmptyTimestamp: Bool { hasElement(where: \.isEmptyTimestamp) }

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
