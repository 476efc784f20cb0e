/// The server's internal timestamp: seconds, and a counter within the second.
@frozen public struct Timestamp: Hashable, Sendable, Comparable {
    /// Seconds since 1970.
    public let seconds: UInt32
    public let increment: UInt32

    @inlinable public init(seconds: UInt32, increment: UInt32) {
        self.seconds = seconds
        self.increment = increment
    }

    /// The value as BSON stores it, with the increment in the low half.
    @inlinable public init(rawValue: UInt64) {
        self.init(seconds: UInt32(truncatingIfNeeded: rawValue >> 32), increment: UInt32(truncatingIfNeeded: rawValue))
    }

    @inlinable public var rawValue: UInt64 { UInt64(seconds) << 32 | UInt64(increment) }

    @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool { left.rawValue < right.rawValue }
}
