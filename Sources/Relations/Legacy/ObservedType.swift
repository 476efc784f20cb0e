/// What a collection's own documents hold at a path, null aside.
public indirect enum ObservedType: Hashable, Sendable, LosslessStringConvertible {
    /// Always this type.
    case one(FieldType)
    /// Always binary data of this subtype, UUIDs aside.
    case binary(subtype: UInt8)
    /// Different types, of which this one decides what becomes of old rows' values: theirs that fit it are of it, and all
    /// others stay what they are.
    case leading(ObservedType)
    /// Whole numbers of 32 bits and doubles, as drivers write what has no types of numbers: of larger ones doubles.
    case numbers
    /// Numbers beside others: what decides of these, and what of numbers; `leading` where documents stay what they are that
    /// could be Longs.
    case mixed(ObservedType, numbers: ObservedType)
    /// Different types that JSON.stringify makes texts of, or texts beside them that could be either: what texts of old rows
    /// were cannot be told.
    case undecided
    /// Different types, which decide nothing.
    case several

    /// The type as the configuration has it; nil where there are several.
    public var fieldType: FieldType? {
        switch self {
        case .one(let type): type
        case .binary: .binary
        case .leading, .numbers, .mixed, .undecided, .several: nil
        }
    }

    /// As ``init(_:)`` reads it: `date`, `binary 5`, `mostly date`, `mostly string and double`, `several`.
    public var description: String {
        switch self {
        case .one(let type): type.rawValue
        case .binary(let subtype): "binary \(subtype)"
        case .leading(let type): "mostly \(type)"
        case .numbers: "numbers"
        case .mixed(let type, let numbers): "\(type) and \(numbers)"
        case .undecided: "undecided"
        case .several: "several"
        }
    }

    /// Nil for what ``description`` never says.
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

    /// What decides, of numbers beside others aside; nil where nothing does.
    var deciding: ObservedType? {
        switch self {
        case .one, .binary: self
        case .leading(let type): type
        case .mixed(let type, _): type.deciding
        case .numbers, .undecided, .several: nil
        }
    }

    /// Whether texts beside ids may be values of another type.
    var hasOtherKeys: Bool { isUndecided || [.uuid, .date, .binary].contains(deciding?.fieldType) }

    /// Whether texts cannot be told.
    var isUndecided: Bool {
        switch self {
        case .undecided: true
        case .mixed(let type, _): type == .undecided
        default: false
        }
    }
}
