/// What legacy rows must be told of a collection's own documents, beside the type at each path.
public struct LiveDetails: Sendable {
    /// Whether all documents and paths were looked at.
    public var areComplete: Bool

    public init(areComplete: Bool = true) { self.areComplete = areComplete }
}
