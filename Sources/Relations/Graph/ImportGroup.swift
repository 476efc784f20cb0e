/// Collections that are imported together: a single one, or several that refer to each other in a cycle.
public struct ImportGroup: Hashable, Sendable {
    /// In name order.
    public let collections: [String]

    /// Whether no order within the group satisfies all references, so that they must be verified afterwards.
    public var isCycle: Bool { collections.count > 1 }
}
