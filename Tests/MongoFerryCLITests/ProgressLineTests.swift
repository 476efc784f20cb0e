import Testing

@testable import MongoFerry
@testable import MongoFerryCLI

/// What the progress line shows, at any width.
@Suite struct ProgressLineTests {
    private static func reading(_ collection: String? = "policies") -> ProgressMeter.Reading {
        var reading = ProgressMeter.Reading(phase: "load", collection: collection)
        reading.records = 34_200
        reading.total = 60_000
        reading.bytes = 12_100_000
        reading.fraction = 0.571
        reading.rate = 12_400
        reading.secondsLeft = 2.1
        reading.seconds = 3
        return reading
    }

    @Test(
        arguments: [
            (
                110,
                "load  policies  [#############-----------]   57%  34,200 of 60,000   12.1 MB   12,400/s  2 s left"
            ),
            (96, "load  policies  [######------]   57%  34,200 of 60,000   12.1 MB   12,400/s  2 s left"),
            (79, "load  policies   57%  34,200 of 60,000   12.1 MB   12,400/s  2 s left"),
            (60, "load  policies   57%  34,200 of 60,000   12,400/s  2 s left"),
            (50, "load  policies   57%  34,200   12,400/s  2 s left"),
            (41, "load  policies   57%   12,400/s  2 s left"),
            (30, "load  policies   57%  2 s left"),
            (27, "load  polic…  57%  2 s left"),
            (18, "load 57% 2 s left"),
            (10, "load"),
            (3, "lo…"),
            (1, "…"),
        ])
    func theLineSaysAsMuchAsFits(columns: Int, text: String) {
        #expect(ProgressLine(Self.reading()).text(columns: columns).plain == text)
    }

    @Test func noLineIsEverWiderThanItMayBe() {
        for name in [
            nil, "a", "policies", "вклады_и_полисы_за_последние_годы", "保険証券の一覧表", "👨‍👩‍👧‍👦 families", "a\u{1B}[2Jb\n",
        ] {
            for columns in 1...130 {
                let text = ProgressLine(Self.reading(name)).text(columns: columns)
                #expect(text.columns <= columns, "\(name ?? "none") in \(columns): \(text.plain)")
                #expect(!text.plain.contains("\u{1B}") && !text.plain.contains("\n"))
            }
        }
    }

    @Test func whereLinesStayTheyAreSentences() {
        #expect(
            ProgressLine(Self.reading()).plain
                == "load policies: 34,200 of 60,000 (57%), 12.1 MB, 12,400/s, 2 s left")
        #expect(
            ProgressLine(ProgressMeter.Reading(phase: "index", collection: "policies", seconds: 75)).plain
                == "index policies: 1:15")
    }

    @Test(arguments: [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (3599.4, "59:59"), (3725, "1:02:05")])
    func timesAreReadAtAGlance(seconds: Double, text: String) {
        #expect(ProgressLine.time(seconds) == text)
    }

    private static func progress(_ records: Int, _ total: Int? = 1000, bytes: Int = 0) -> OperationProgress {
        OperationProgress(phase: .load, collection: "policies", records: records, total: total, bytes: bytes)
    }

    @Test func rateAndTimeLeftAreThoseOfTheLastSeconds() {
        let start = ContinuousClock.now
        var meter = ProgressMeter(Self.progress(0), at: start)
        for second in 1...20 { meter.note(Self.progress(second * 10), at: start + .seconds(second)) }
        #expect(meter.reading(at: start + .seconds(20)).rate == 10)
        #expect(meter.reading(at: start + .seconds(20)).secondsLeft == 80)
        // Five times as fast, for longer than the rate looks back.
        for second in 21...30 { meter.note(Self.progress(200 + (second - 20) * 50), at: start + .seconds(second)) }
        #expect(meter.reading(at: start + .seconds(30)).rate == 50)
        #expect(meter.reading(at: start + .seconds(30)).secondsLeft == 6)
    }

    @Test func aStandstillIsSaid() {
        let start = ContinuousClock.now
        var meter = ProgressMeter(Self.progress(0), at: start)
        meter.note(Self.progress(500), at: start + .seconds(1))
        let reading = meter.reading(at: start + .seconds(13))
        #expect(reading.secondsWaiting == 12)
        #expect(ProgressLine(reading).plain.hasSuffix("waiting for 12 s"))
        // When it is complete, it waits for what comes next.
        meter.note(Self.progress(1000), at: start + .seconds(14))
        let complete = meter.reading(at: start + .seconds(26))
        #expect(complete.fraction == 1 && complete.rate == nil)
        #expect(ProgressLine(complete).plain.hasSuffix("(100%), waiting for 12 s"))
    }

    @Test func countsOfThreadsThatOvertakeEachOtherNeverGoBack() {
        var meter = ProgressMeter(Self.progress(0))
        meter.note(Self.progress(300))
        meter.note(Self.progress(200))
        #expect(meter.reading(at: .now).records == 300)
    }

    @Test func aFileWithoutCountsIsMeasuredByItsBytes() {
        let start = ContinuousClock.now
        var progress = OperationProgress(phase: .preflight, records: 0, bytes: 0)
        progress.totalBytes = 4000
        var meter = ProgressMeter(progress, at: start)
        (progress.records, progress.bytes) = (7, 1000)
        meter.note(progress, at: start + .seconds(1))
        let reading = meter.reading(at: start + .seconds(1))
        #expect(reading.fraction == 0.25 && reading.secondsLeft == 3 && reading.total == nil)
    }
}
