import BSON

/// What legacy rows hold at one path.
struct PathSurvey: Sendable {
    var strings = 0
    var numbers = 0
    /// Those of the numbers that are whole and have at most 64 bits.
    var wholeNumbers = 0
    var bools = 0
    var objects = 0
    var arrays = 0
    /// The documents that JSON.stringify makes of Buffers, and of Longs; counted in `objects`, too.
    var buffers = 0
    var longs = 0
    /// The strings that JSON.stringify may have made of UUIDs, and of Longs.
    var uuidStrings = 0
    var longStrings = 0
    /// Values that came with their type, such as `$numberDecimal`.
    var typed = 0
    /// The values that are no dates in the file's rows of Extended JSON, if all values here are dates.
    var valuesElsewhere = 0
    /// The strings of 24 hexadecimal digits.
    var hexStrings = 0
    /// The strings of exactly the form of a date.
    var dateStrings = 0
    /// The strings of the form of a date whose year has six digits and a sign.
    var expandedDates = 0
    /// The distinct ObjectIds, whether written as 24 digits or typed.
    var ids = IDSample()
    /// The other distinct strings, numbers and bools.
    var others = DistinctCounter()

    /// The number of values except null.
    var values: Int { strings + numbers + bools + objects + arrays + typed }

    /// Whether there are values that a rule could change.
    var isConvertible: Bool { strings + numbers + objects > 0 }

    /// Whether there are strings that look like values of another type.
    var isLookAlike: Bool { hexStrings + dateStrings + uuidStrings + longStrings > 0 }

    mutating func add(_ element: RawElement) {
        switch element.type {
        case .null, .undefined: break
        case .string: if let text = element.stringBytes { add(text: text, element) }
        case .int32, .int64, .double:
            numbers += 1
            if element.type != .double { wholeNumbers += 1 }
            others.insert(stableHash(element.value))
        case .bool:
            bools += 1
            others.insert(stableHash(element.value))
        case .document:
            objects += 1
            guard let document = element.document else { break }
            if Conversion.isBuffer(document) { buffers += 1 }
            if Conversion.isLong(document) { longs += 1 }
        case .array: arrays += 1
        case .objectID:
            typed += 1
            if let id = element.objectID { ids.insert(id) }
        default: typed += 1
        }
    }

    private mutating func add(text: UnsafeRawBufferPointer, _ element: RawElement) {
        strings += 1
        if text.count == 24 {
            if let id = ObjectID(hex: text) {
                hexStrings += 1
                ids.insert(id)
                return
            }
            if ISOTime.exactly(text) != nil { dateStrings += 1 }
        }
        if text.count == 27, ISOTime.exactlyExpanded(text) != nil { expandedDates += 1 }
        // The form of a UUID, or base64 of 16 bytes.
        if text.count == 36 || text.count == 24 && text[23] == 0x3D, Conversion.uuid(element) != nil {
            uuidStrings += 1
        }
        if Conversion.integer(element, isDemanded: false) != nil { longStrings += 1 }
        others.insert(stableHash(text))
    }

    mutating func merge(_ other: PathSurvey) {
        strings += other.strings
        numbers += other.numbers
        wholeNumbers += other.wholeNumbers
        bools += other.bools
        objects += other.objects
        uuidStrings += other.uuidStrings
        longStrings += other.longStrings
        buffers += other.buffers
        longs += other.longs
        arrays += other.arrays
        typed += other.typed
        valuesElsewhere += other.valuesElsewhere
        hexStrings += other.hexStrings
        dateStrings += other.dateStrings
        expandedDates += other.expandedDates
        ids.merge(other.ids)
        others.merge(other.others)
    }
}
