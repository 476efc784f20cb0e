import BSON

/// The fields by which a server stores a time series. Source: the server's manual, "Time Series Collections".
struct MeasurementFields: Sendable {
    /// The field with the time.
    let time: String
    /// The field that says what was measured, if there is one.
    let meta: String?

    /// Times around the beginning of 1970 that no filter finds, in milliseconds.
    private let early: Range<Int64>

    /// - Parameter live: a collection's options as the server reports them.
    /// - Returns: nil if they are not a time series', or name a field that a filter would take for an operator.
    init?(live options: Document?) {
        self.init(options, span: options?["timeseries"]?.document?["bucketMaxSpanSeconds"])
    }

    /// - Parameter file: the options in a file: the server's buckets may have another span.
    /// - Returns: as for live ones.
    init?(file options: Document?) { self.init(options, span: nil) }

    private init?(_ options: Document?, span: Value?) {
        guard let fields = options?["timeseries"]?.document, let time = fields["timeField"]?.string,
            !time.hasScalarPrefix("$")
        else { return nil }
        self.time = time
        meta = fields["metaField"]?.string
        let seconds = span?.integer.flatMap { (0...Self.longestBucket).contains($0) ? $0 : nil }
        // A server takes the second before 1970 for the first second of 1970, and after a restart (6.0.5) finds none of
        // the times that it rounds up to it, by up to a bucket's span.
        let span = Int64(seconds ?? Self.longestBucket) * 1000
        early = -span..<span
    }

    /// The longest time that one of a server's buckets may span, in seconds.
    private static let longestBucket = 31_536_000

    /// Queries that together find the measurements of these times, and possibly others.
    ///
    /// A server (6.0.5) goes through a list of thousands of times for each of its buckets, which takes seconds; for a
    /// few ranges, it looks at the buckets in them.
    ///
    /// By a filter, MongoDB 6.0.5 finds none of the measurements within a bucket's span of the beginning of 1970, since
    /// it looks for buckets that begin before there were any. It also turns comparisons with the field itself into such
    /// filters; an expression that computes something from the field finds the measurements, by a full scan. The server
    /// would go through a list in it for each measurement, so it has only the first and the last of the times.
    /// - Parameter metas: the values of these measurements' meta fields; nil if some have none.
    /// - Returns: each query with the times for which it is meant; another one may find these as well.
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
            // Not narrowed by the meta field: some have buckets that no filter finds, whatever else is in them.
            ask(["$expr": ["$and": [["$gte": [number, .int64(first)]], ["$lte": [number, .int64(last)]]]]]) {
                $0 >= first && $0 <= last
            }
        }
        // Separately, since a range from one to the other would contain all hidden times.
        for isMeant in [{ $0 < early.lowerBound }, { $0 >= early.upperBound }] as [(Int64) -> Bool] {
            let numbers = open.compactMap { if case .date(let number) = $0, isMeant(number) { number } else { nil } }
            if let ranges = inRanges(numbers.sorted()) { ask(narrowed(ranges, to: metas), isMeant) }
        }
        if !open.isEmpty { questions.append((Document { $0.append(time, ["$in": .array(Array(open))]) }, open)) }
        return questions
    }

    private func hiddenNumber(_ time: Value) -> Int64? {
        guard case .date(let milliseconds) = time else { return nil }
        // For times near the ends of the range of dates, a filter's buckets would begin or end beyond it, which the
        // server refuses.
        let isAtAnEnd = milliseconds.magnitude > UInt64(Int64.max) - UInt64(Self.longestBucket) * 1000
        return isAtAnEnd || early.contains(milliseconds) ? milliseconds : nil
    }

    /// The most ranges; a server compares each bucket with all of them.
    private static let mostRanges = 16

    /// Finds the times by a few ranges, separated by the largest gaps.
    /// - Parameter numbers: distinct and sorted.
    /// - Returns: nil if there are none.
    private func inRanges(_ numbers: [Int64]) -> Document? {
        guard let first = numbers.first, let last = numbers.last else { return nil }
        let gaps = numbers.indices.dropFirst().sorted { numbers[$0] - numbers[$0 - 1] > numbers[$1] - numbers[$1 - 1] }
        let starts = [0] + gaps.prefix(Self.mostRanges - 1).sorted()
        let whole = range(first, last)
        guard starts.count > 1 else { return whole }
        let parts = zip(starts, starts.dropFirst() + [numbers.count]).map { start, end in
            Value.document(range(numbers[start], numbers[end - 1]))
        }
        // The whole range tells servers where to begin and to end.
        return ["$and": [.document(whole), ["$or": .array(parts)]]]
    }

    private func range(_ first: Int64, _ last: Int64) -> Document {
        Document { $0.append(time, ["$gte": .date(first), "$lte": .date(last)]) }
    }

    /// More values take longer than they save.
    private static let mostMetas = 1000

    /// Restricts a filter to these meta values, if they can be listed. Documents cannot: servers sort their fields.
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

    /// Brings a measurement into a form in which equal ones are identical: with its fields in the order of their names,
    /// since the server's buckets keep none, and also the documents in its meta field, which the server sorts.
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
        // By bytes: names that look the same are different to a server.
        let elements = document.elements.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return Document { for (key, value) in elements { $0.append(key, change(key, value)) } }
    }
}
