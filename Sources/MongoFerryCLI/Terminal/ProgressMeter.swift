import MongoFerry

/// Measures one phase of one collection: how much is done, how fast, and how long the rest will take.
struct ProgressMeter {
    /// What is known at one moment.
    struct Reading {
        var phase: String
        var collection: String?
        var records = 0
        var total: Int?
        var bytes = 0
        /// From 0 to 1; nil if the end is unknown.
        var fraction: Double?
        /// Records per second; nil until it can be measured.
        var rate: Double?
        var secondsLeft: Double?
        /// Seconds since the phase began.
        var seconds = 0.0
        /// Seconds since the last progress; nil unless there are enough of them to mention.
        var secondsWaiting: Double?
    }

    private struct Sample {
        var time: ContinuousClock.Instant
        var records: Int
        var bytes: Int
    }

    /// The rate is measured over the last seconds: the speed before a stall says nothing about what is left.
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

    /// Takes over new counts. Threads report theirs in any order, so the largest holds.
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
        // Even if everything is done: then the wait is for what comes next.
        if waiting >= Self.waitWorthSaying { reading.secondsWaiting = waiting }
        guard reading.fraction != 1, let oldest = samples.first else { return reading }
        // In a stall nothing is noted, so the oldest sample may lie far before the window.
        guard waiting < Self.window.inSeconds else {
            reading.rate = 0
            return reading
        }
        let span = (now - oldest.time).inSeconds
        guard span > 0.8 else { return reading }
        if progress.records > 0 { reading.rate = Double(progress.records - oldest.records) / span }
        let isByRecords = progress.total != nil
        let speed = Double(done - (isByRecords ? oldest.records : oldest.bytes)) / span
        if let total, speed > 0 { reading.secondsLeft = Double(max(0, total - done)) / speed }
        return reading
    }

    /// Records if their total is known, otherwise bytes.
    private var extent: (done: Int, total: Int?) {
        progress.total != nil ? (progress.records, progress.total) : (progress.bytes, progress.totalBytes)
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
