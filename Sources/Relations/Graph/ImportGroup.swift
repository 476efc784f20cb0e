/// Collections that are imported together: one, or several that refer to each other in a circle.
public struct ImportGroup: Hashable, Sendable {
    /// In name order.
    public let collections: [String]

    /// Whether no order inside it satisfies all references, so that they are verified afterwards.
    public var isCycle: Bool { collections.count > 1 }
}
