/// What legacy rows must be told of a collection's own documents, beside the type at each path.
public struct LiveDetails: Sendable {
    /// Whether all documents and paths were looked at.
    public var areComplete: Bool
    /// The types of whole numbers which rows, where all look alike, would not get back, by path.
    public var lostNumbers: [FieldPath: [FieldType]]

    public init(areComplete: Bool = true, lostNumbers: [FieldPath: [FieldType]] = [:]) {
        (self.areComplete, self.lostNumbers) = (areComplete, lostNumbers)
    }
}
