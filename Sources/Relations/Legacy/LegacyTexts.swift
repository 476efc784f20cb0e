import BSON

/// The texts that JSON.stringify makes of what is no text.
public enum LegacyTexts {
    /// Whether a text has the form of an ObjectId or of a date.
    public static func isLookAlike(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count == 24 && (ObjectID(hex: text) != nil || ISOTime.exactly(text) != nil)
    }
}
