import BSON

/// The fields by which a server keeps a time series. Source: the server's manual, "Time Series Collections".
struct MeasurementFields: Sendable {
    /// The field with the time.
    let time: String
    /// The field that says what was measured, if there is one.
    private let meta: String?

    /// Times around the beginning of 1970 that no filter finds, in milliseconds.
    private let early: Range<Int64>

    /// - Parameter live: options of a collection as the server says them.
    /// - Returns: nil where they are no time series', or name a field that a filter would take for an operator.
    init?(live options: Document?) {
        self.init(options, span: options?["timeseries"]?.document?["bucketMaxSpanSeconds"])
    }

    /// - Parameter file: options as a file says them: the server's buckets may be others.
    /// - Returns: as for live ones.
    init?(file options: Document?) { self.init(options, span: nil) }

    private init?(_ options: Document?, span: Value?) {
        guard let fields = options?["timeseries"]?.document, let time = fields["timeField"]?.string,
            !time.hasScalarPrefix("$")
        else { return nil }
        self.time = time
        meta = fields["metaField"]?.string
        let seconds = span?.integer.flatMap { (0...Self.longestBucket).contains($0) ? $0 : nil }
        // A server takes the second before 1970 for the first of it, and after a restart (6.0.5) finds none of those times
        // that it rounds up to it, by up to a bucket's span.
        let span = Int64(seconds ?? Self.longestBucket) * 1000
        early = -span..<span
    }

    /// The longest time that one of a server's buckets may span, in seconds.
    private static let longestBucket = 31_536_000

    /// Filters that together find the measurements of these times, and may find others too.
    ///
    /// By a filter MongoDB 6.0.5 finds none of those within a bucket's span of the beginning of 1970, since it looks for
    /// buckets that begin before there were any. It makes such filters of comparisons with the field itself too: an
    /// expression that does something with the field leads to them, by a whole scan. A list in it would be gone through
    /// for each measurement, so it has only their first and their last.
    func filters(_ times: [Value]) -> [Document] {
        var filters: [Document] = []
        let others = times.filter { hiddenNumber($0) == nil }
        if !others.isEmpty { filters.append(Document { $0.append(time, ["$in": .array(others)]) }) }
        let numbers = times.compactMap(hiddenNumber)
        if let first = numbers.min(), let last = numbers.max() {
            let number: Value = ["$toLong": .string("$" + time)]
            filters.append(
                ["$expr": ["$and": [["$gte": [number, .int64(first)]], ["$lte": [number, .int64(last)]]]]])
        }
        return filters
    }

    private func hiddenNumber(_ time: Value) -> Int64? {
        guard case .date(let milliseconds) = time else { return nil }
        // Beyond the range of dates a filter's buckets would begin and end: the server refuses it.
        let isAtAnEnd = milliseconds.magnitude > UInt64(Int64.max) - UInt64(Self.longestBucket) * 1000
        return isAtAnEnd || early.contains(milliseconds) ? milliseconds : nil
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
        // By their bytes: names that look the same are two to a server.
        let elements = document.elements.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return Document { for (key, value) in elements { $0.append(key, change(key, value)) } }
    }
}
