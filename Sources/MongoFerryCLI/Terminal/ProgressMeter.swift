import MongoFerry

/// Measures one phase of one collection: how much is done, how fast, and how long the rest will take.
struct ProgressMeter {
    /// What can be said at a moment.
    struct Reading {
        var phase: String
        var collection: String?
        var records = 0
        var total: Int?
        var bytes = 0
        /// 0 to 1; nil where the end is not known.
        var fraction: Double?
        /// A second; nil before it can be told.
        var rate: Double?
        var secondsLeft: Double?
        /// Since the phase began.
        var seconds = 0.0
        /// Since anything was done, where that is worth saying.
        var secondsWaiting: Double?
    }

    private struct Sample {
        var time: ContinuousClock.Instant
        var records: Int
        var bytes: Int
    }

    /// The rate is that of the last seconds: what was fast before a stall says nothing about what is left.
    private static let window = Duration.seconds(8)
    private static let waitWorthSaying = 10.0

    private var progress: OperationProgress
    private let started: ContinuousClock.Instant
    private var samples: [Sample]
    private var lastChange: ContinuousClock.Instant

    init(_ progress: OperationProgress, at now: ContinuousClock.Instant = .now) {
        self.progress = progress
        started = now
        lastChange = now
        samples = [Sample(time: now, records: 0, bytes: 0)]
    }

    func isAbout(_ other: OperationProgress) -> Bool {
        progress.phase == other.phase && progress.collection == other.collection
    }

    /// Threads tell their counts in any order: the largest holds.
    mutating func note(_ new: OperationProgress, at now: ContinuousClock.Instant = .now) {
        if new.records > progress.records || new.bytes > progress.bytes { lastChange = now }
        progress.records = max(progress.records, new.records)
        progress.bytes = max(progress.bytes, new.bytes)
        progress.total = new.total ?? progress.total
        progress.totalBytes = new.totalBytes ?? progress.totalBytes
        guard let last = samples.last, now - last.time >= .milliseconds(200) else { return }
        samples.append(Sample(time: now, records: progress.records, bytes: progress.bytes))
        while samples.count > 2, now - samples[1].time > Self.window { samples.removeFirst() }
    }

    func reading(at now: ContinuousClock.Instant) -> Reading {
        var reading = Reading(
            phase: progress.phase.rawValue, collection: progress.collection, records: progress.records,
            total: progress.total, bytes: progress.bytes)
        reading.seconds = (now - started).inSeconds
        let isCounted = progress.records > 0 || progress.bytes > 0
        let waiting = (now - lastChange).inSeconds
        let (done, total) = extent
        if let total, total > 0 { reading.fraction = min(1, Double(done) / Double(total)) }
        guard isCounted else { return reading }
        // Also where all is there: for what comes next.
        if waiting >= Self.waitWorthSaying { reading.secondsWaiting = waiting }
        guard reading.fraction != 1, let oldest = samples.first else { return reading }
        let span = (now - oldest.time).inSeconds
        guard span > 0.8 else { return reading }
        if progress.records > 0 { reading.rate = Double(progress.records - oldest.records) / span }
        let isByRecords = progress.total != nil
        let speed = Double(done - (isByRecords ? oldest.records : oldest.bytes)) / span
        if let total, speed > 0 { reading.secondsLeft = Double(max(0, total - done)) / speed }
        return reading
    }

    /// Records where their number is known, else bytes.
    private var extent: (done: Int, total: Int?) {
        progress.total != nil ? (progress.records, progress.total) : (progress.bytes, progress.totalBytes)
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
