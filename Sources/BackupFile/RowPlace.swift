/// Where a row starts.
public struct RowPlace: Sendable, Comparable {
    /// In decompressed bytes from the start of the file.
    public var offset: Int
    /// Counted from 1.
    public var line: Int

    public init(offset: Int, line: Int) {
        self.offset = offset
        self.line = line
    }

    /// After all rows of any file.
    package static let nowhere = RowPlace(offset: .max, line: 0)

    public static func < (left: RowPlace, right: RowPlace) -> Bool { left.offset < right.offset }
}
