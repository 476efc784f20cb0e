/// A message to the user while an operation runs.
public struct Message: Sendable {
    /// The importance of a message: `debug` tells how long parts took, `warning` is for everybody.
    public enum Level: Int, Sendable, Comparable {
        case debug, info, warning
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public var level: Level
    public var text: String
}
