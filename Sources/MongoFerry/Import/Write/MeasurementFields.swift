import BSON

/// The fields by which a server keeps a time series. Source: the server's manual, "Time Series Collections".
struct MeasurementFields: Sendable {
    /// The field with the time.
    let time: String
    /// The field that says what was measured, if there is one.
    let meta: String?

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

    /// What together finds the measurements of these times, and may find others too.
    ///
    /// A list of thousands of times is gone through for each bucket that a server (6.0.5) has, which takes it seconds; for
    /// some ranges it takes a look at the buckets that are in them.
    ///
    /// By a filter MongoDB 6.0.5 finds none of those within a bucket's span of the beginning of 1970, since it looks for
    /// buckets that begin before there were any. It makes such filters of comparisons with the field itself too: an
    /// expression that does something with the field leads to them, by a whole scan. A list in it would be gone through
    /// for each measurement, so it has only their first and their last.
    /// - Parameter metas: what the meta fields of these measurements hold; nil where some have none.
    /// - Returns: each with the times that it is for: another may find these as well.
    func questions(_ times: Set<Value>, metas: Set<Value>?) -> [(filter: Document, times: Set<Value>)] {
        var questions: [(filter: Document, times: Set<Value>)] = []
        var open = times
        func ask(_ filter: Document, _ isMeant: (Int64) -> Bool) {
            let meant = open.filter { if case .date(let number) = $0 { isMeant(number) } else { false } }
            open.subtract(meant)
            questions.append((filter, meant))
        }
        let hidden = times.compactMap(hiddenNumber)
        if let first = hidden.min(), let last = hidden.max() {
            let number: Value = ["$toLong": .string("$" + time)]
            // Some have buckets that no filter finds whatever else is in them.
            ask(["$expr": ["$and": [["$gte": [number, .int64(first)]], ["$lte": [number, .int64(last)]]]]]) {
                $0 >= first && $0 <= last
            }
        }
        // Apart, since a range that goes from one to the other has all hidden times in it.
        for isMeant in [{ $0 < early.lowerBound }, { $0 >= early.upperBound }] as [(Int64) -> Bool] {
            let numbers = open.compactMap { if case .date(let number) = $0, isMeant(number) { number } else { nil } }
            if let ranges = inRanges(numbers.sorted()) { ask(narrowed(ranges, to: metas), isMeant) }
        }
        if !open.isEmpty { questions.append((Document { $0.append(time, ["$in": .array(Array(open))]) }, open)) }
        return questions
    }

    private func hiddenNumber(_ time: Value) -> Int64? {
        guard case .date(let milliseconds) = time else { return nil }
        // Beyond the range of dates a filter's buckets would begin and end: the server refuses it.
        let isAtAnEnd = milliseconds.magnitude > UInt64(Int64.max) - UInt64(Self.longestBucket) * 1000
        return isAtAnEnd || early.contains(milliseconds) ? milliseconds : nil
    }

    /// So many ranges a server holds each bucket against.
    private static let mostRanges = 16

    /// Finds the times in a few ranges, between which the gaps are largest.
    /// - Parameter numbers: different ones, sorted.
    /// - Returns: nil where there are none.
    private func inRanges(_ numbers: [Int64]) -> Document? {
        guard let first = numbers.first, let last = numbers.last else { return nil }
        let gaps = numbers.indices.dropFirst().sorted { numbers[$0] - numbers[$0 - 1] > numbers[$1] - numbers[$1 - 1] }
        let starts = [0] + gaps.prefix(Self.mostRanges - 1).sorted()
        let whole = range(first, last)
        guard starts.count > 1 else { return whole }
        let parts = zip(starts, starts.dropFirst() + [numbers.count]).map { start, end in
            Value.document(range(numbers[start], numbers[end - 1]))
        }
        // By the whole, servers know where to begin and to end.
        return ["$and": [.document(whole), ["$or": .array(parts)]]]
    }

    private func range(_ first: Int64, _ last: Int64) -> Document {
        Document { $0.append(time, ["$gte": .date(first), "$lte": .date(last)]) }
    }

    /// More of them take longer than they save.
    private static let mostMetas = 1000

    /// Only of these, where a list can say so. Documents are left out: servers sort their fields.
    private func narrowed(_ filter: Document, to metas: Set<Value>?) -> Document {
        guard let meta, let metas, metas.count <= Self.mostMetas, !meta.hasScalarPrefix("$"), !meta.contains(".") else {
            return filter
        }
        let areListable = metas.allSatisfy {
            switch $0 {
            case .string, .int32, .int64, .objectID, .bool, .date: true
            default: false
            }
        }
        guard areListable else { return filter }
        return filter.appending(meta, .document(["$in": .array(Array(metas))]))
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
