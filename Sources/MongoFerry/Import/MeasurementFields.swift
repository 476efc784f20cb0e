import BSON

/// The fields by which a server keeps a time series. Source: the server's manual, "Time Series Collections".
struct MeasurementFields: Sendable {
    /// The field with the time.
    let time: String
    /// The field that says what was measured, if there is one.
    private let meta: String?

    /// - Parameter options: of a collection.
    /// - Returns: nil where they are no time series', or name a field that a filter would take for an operator.
    init?(_ options: Document?) {
        guard let fields = options?["timeseries"]?.document, let time = fields["timeField"]?.string,
            !time.hasPrefix("$")
        else { return nil }
        self.time = time
        meta = fields["metaField"]?.string
    }

    /// The longest time that one of a server's buckets may span, in milliseconds.
    private static let longestBucket: Int64 = 31_536_000_000

    /// Filters that together find the measurements of these times.
    ///
    /// To those of the beginning of 1970 an expression leads, which takes a whole scan: by a filter MongoDB 6.0.5 finds
    /// none of them, since it looks for buckets that begin before there were any.
    func filters(_ times: [Value]) -> [Document] {
        func isEarly(_ time: Value) -> Bool {
            if case .date(let milliseconds) = time { (0..<Self.longestBucket).contains(milliseconds) } else { false }
        }
        let (early, others) = (times.filter(isEarly), times.filter { !isEarly($0) })
        var filters: [Document] = []
        if !others.isEmpty { filters.append(Document { $0.append(time, ["$in": .array(others)]) }) }
        if !early.isEmpty { filters.append(["$expr": ["$in": [.string("$" + time), .array(early)]]]) }
        return filters
    }

    /// A measurement in the form in which equal ones are the same: its fields in the order of their names, since the
    /// server's buckets keep none, and the documents in its meta field too, which the server sorts.
    func sorted(_ measurement: RawDocument) -> Document {
        Self.sorted(Document(copying: measurement)) { name, value in name == meta ? Self.deeplySorted(value) : value }
    }

    private static func deeplySorted(_ value: Value) -> Value {
        switch value {
        case .document(let inner): .document(sorted(inner) { deeplySorted($1) })
        case .array(let inner):
            .array(Document { for (key, value) in inner.elements { $0.append(key, deeplySorted(value)) } })
        default: value
        }
    }

    private static func sorted(_ document: Document, _ change: (String, Value) -> Value) -> Document {
        let elements = document.elements.sorted { $0.key < $1.key }
        return Document { for (key, value) in elements { $0.append(key, change(key, value)) } }
    }
}
