/// What a collection's own documents contain at a path, except null.
public indirect enum ObservedType: Hashable, Sendable, LosslessStringConvertible {
    /// All values have this type.
    case one(FieldType)
    /// All values are binary data of this subtype and not UUIDs.
    case binary(subtype: UInt8)
    /// The type that decides among several: legacy values that fit it become it, all others stay as they are.
    case leading(ObservedType)
    /// ObjectIds, beside a few strings of 24 hexadecimal digits, perhaps left by an earlier import: legacy values of
    /// this form become ObjectIds.
    case ids
    /// 32-bit integers and doubles, as drivers write numbers that have no type of their own: larger integers become
    /// doubles.
    case numbers
    /// Numbers beside other values: the type that decides for the others, and the one for the numbers. The latter is
    /// `leading` if some documents could be Longs: then such documents stay as they are.
    case mixed(ObservedType, numbers: ObservedType)
    /// Several types that JSON.stringify makes strings of, or one beside strings that it could have made of it: nothing
    /// tells what the strings of legacy rows were.
    case undecided
    /// Several types, none of which decides.
    case several

    /// The type by the configuration's name; nil if there are several.
    public var fieldType: FieldType? {
        switch self {
        case .one(let type): type
        case .binary: .binary
        case .leading, .ids, .numbers, .mixed, .undecided, .several: nil
        }
    }

    /// In the form that ``init(_:)`` reads: `date`, `binary 5`, `mostly date`, `mostly string and double`, `several`.
    public var description: String {
        switch self {
        case .one(let type): type.rawValue
        case .binary(let subtype): "binary \(subtype)"
        case .leading(let type): "mostly \(type)"
        case .ids: "ids"
        case .numbers: "numbers"
        case .mixed(let type, let numbers): "\(type) and \(numbers)"
        case .undecided: "undecided"
        case .several: "several"
        }
    }

    /// Returns nil for a text that ``description`` never produces.
    public init?(_ text: String) {
        if let both = text.firstRange(of: " and ") {
            guard let type = ObservedType(String(text[..<both.lowerBound])),
                let numbers = ObservedType(String(text[both.upperBound...]))
            else { return nil }
            self = .mixed(type, numbers: numbers)
            return
        }
        let words = text.split(separator: " ", maxSplits: 1)
        switch (words.first, words.count) {
        case ("several", 1): self = .several
        case ("ids", 1): self = .ids
        case ("numbers", 1): self = .numbers
        case ("undecided", 1): self = .undecided
        case ("mostly", 2):
            guard let type = ObservedType(String(words[1])) else { return nil }
            self = .leading(type)
        case ("binary", 2):
            guard let subtype = UInt8(words[1]) else { return nil }
            self = .binary(subtype: subtype)
        default:
            guard let type = FieldType(rawValue: text) else { return nil }
            self = .one(type)
        }
    }

    /// The type that decides for all values, or for those that are not numbers beside others; nil if there is none.
    var deciding: ObservedType? {
        switch self {
        case .one, .binary: self
        case .leading(let type): type
        case .ids: .one(.objectId)
        case .mixed(let type, _): type.deciding
        case .numbers, .undecided, .several: nil
        }
    }

    /// Whether strings beside ids may be values of another type.
    var hasOtherKeys: Bool { isUndecided || [.uuid, .date, .binary].contains(deciding?.fieldType) }

    /// Whether there are a few strings that look like the ObjectIds beside them.
    var hasIDTexts: Bool {
        switch self {
        case .ids: true
        case .mixed(let type, _): type == .ids
        default: false
        }
    }

    /// Whether the type of strings cannot be determined.
    var isUndecided: Bool {
        switch self {
        case .undecided: true
        case .mixed(let type, _): type == .undecided
        default: false
        }
    }
}
