import ExtendedJSON
import Foundation

/// Times for reports and metadata.
enum Clock {
    static var milliseconds: Int64 { Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)) }

    /// `2026-11-23T20:04:45.123Z`
    static var now: String { ISODate.text(milliseconds: milliseconds) }
}

/// Measures how long something takes.
package struct Stopwatch: Sendable {
    private let start = ContinuousClock.now

    package init() {}

    /// The elapsed time in seconds, to the millisecond.
    package var seconds: Double {
        let elapsed = start.duration(to: .now).components
        return Double(elapsed.seconds * 1000 + elapsed.attoseconds / 1_000_000_000_000_000) / 1000
    }
}
