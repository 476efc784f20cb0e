import BSON

/// The strings that JSON.stringify makes of values that are not strings.
public enum LegacyTexts {
    /// Whether a string has the form of an ObjectId or of a date.
    public static func isLookAlike(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count == 24 && (ObjectID(hex: text) != nil || ISOTime.exactly(text) != nil)
    }
}
