import BSON

/// Whether the values of one reference lead anywhere.
public struct ReferenceOutcome: Sendable {
    /// A value that leads nowhere, and a document that holds it.
    public struct Example: Sendable {
        public var value: Value
        public var documentID: Value
    }

    public var collection: String
    public var path: String
    public var target: String
    /// Values looked at, null and missing ones aside.
    public var checked = 0
    public var dangling = 0
    public var examples: [Example] = []
    /// The target is not there at all.
    public var isTargetMissing = false
    public var isOptional = false
}
