import Foundation
import MongoFerry

/// Shows the progress of an operation: one line, kept up to date, on a terminal; a plain line every few seconds
/// elsewhere.
///
/// A thread of its own draws it, so that it also changes while nothing is reported, as during the build of an index.
// @unchecked: the condition's lock guards the state, and `drawing` what is known of the lines. `drawing` is held while
// the terminal is written to, which may block: no thread that reports progress waits for it.
final class ProgressDisplay: @unchecked Sendable {
    private static let redrawing = 0.2

    private let condition = MonotonicCondition()
    private let drawing = NSLock()
    private let terminal: Terminal
    private let isQuiet: Bool
    private var meter: ProgressMeter?
    private var isRunning = false
    private var isEnded = false
    private var saidThatItStops = false
    private var lastLine = ContinuousClock.now

    /// Seconds between two plain lines.
    private let plainLine: Double

    init(isQuiet: Bool, terminal: Terminal = .standardError, plainLine: Double = 5) {
        self.isQuiet = isQuiet
        self.terminal = terminal
        self.plainLine = plainLine
    }

    func update(_ progress: OperationProgress) {
        guard !isQuiet else { return }
        condition.lock()
        defer { condition.unlock() }
        if meter?.isAbout(progress) != true { meter = ProgressMeter(progress) }
        meter?.note(progress)
        startClock()
    }

    /// Removes the line; it does not come back.
    func end() {
        condition.lock()
        isEnded = true
        condition.broadcast()
        condition.unlock()
        drawing.withLock { terminal.show(status: StyledText()) }
    }

    private func startClock() {
        guard !isRunning, !isEnded else { return }
        isRunning = true
        // Without a thread there is no line; the operation itself reports what it cannot do.
        try? SystemThread.start { self.run() }
    }

    private func run() {
        while let meter = condition.withLock({ isEnded ? nil : self.meter }) {
            let reading = meter.reading(at: .now)
            drawing.withLock {
                // The line has been removed for good meanwhile.
                guard !condition.withLock({ isEnded }) else { return }
                draw(reading)
            }
            condition.withLock {
                if !isEnded { condition.wait(until: .now + .seconds(Self.redrawing)) }
            }
        }
    }

    private func draw(_ reading: ProgressMeter.Reading) {
        let isDue = terminal.isSteady || ContinuousClock.now - lastLine >= .seconds(plainLine)
        guard isDue else { return }
        if Interruption.cancellation.isCancelled, !saidThatItStops {
            saidThatItStops = true
            terminal.line("stopping when what is under way is done; Ctrl-C again stops at once")
        }
        guard terminal.isSteady else {
            lastLine = .now
            return terminal.line(ProgressLine(reading).plain)
        }
        terminal.show(status: ProgressLine(reading).text(columns: terminal.width - 1))
    }
}
