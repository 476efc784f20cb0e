import BSON

/// The types of the values at one path, except null.
struct TypesSeen: Sendable {
    private(set) var count = 0
    private var types: Set<FieldType> = []
    private var subtypes: Set<UInt8> = []
    /// Whether there are values of types that the configuration has no name for.
    private var hasOthers = false
    /// Whether there are documents as JSON.stringify makes them of Longs.
    private var hasSplitLongs = false
    /// The types that strings among the values could stand for in legacy rows.
    private var looks: Set<FieldType> = []
    /// The number of strings of exactly the form of a date.
    private var dateStrings = 0
    /// The numbers of ObjectIds, and of strings of 24 hexadecimal digits.
    private var (ids, idTexts) = (0, 0)
    /// Whether there are whole doubles, among them some that fit into 32 bits, and longs that do. What stands in a row
    /// for any of these looks like an int.
    private var (hasWholeDoubles, hasSmallDoubles, hasSmallLongs) = (false, false, false)
    /// Whether there are empty strings, which stand where there is no value.
    private var hasEmptyTexts = false

    mutating func add(_ element: RawElement) {
        count += 1
        guard let type = FieldType(of: element) else {
            hasOthers = true
            if element.type == .document, !hasSplitLongs, Conversion.integer(element, isDemanded: false) != nil {
                hasSplitLongs = true
            }
            return
        }
        if element.stringBytes?.isEmpty == true, type == .string {
            hasEmptyTexts = true
            return
        }
        types.insert(type)
        if type == .objectId { ids += 1 }
        noteNumber(element)
        if type == .binary, let (subtype, _) = element.binary { subtypes.insert(subtype) }
        guard let text = element.stringBytes, element.type == .string else { return }
        if ISOTime.exactly(text) != nil { dateStrings += 1 }
        if ObjectID(hex: text) != nil { idTexts += 1 }
        for type in Self.asTexts where !looks.contains(type) && Self.couldBe(text, element, type) { looks.insert(type) }
    }

    private mutating func noteNumber(_ element: RawElement) {
        switch element.type {
        case .int64:
            if element.integer.flatMap(Int32.init(exactly:)) != nil { hasSmallLongs = true }
        case .double:
            guard let number = element.double.flatMap(Int64.init(exactly:)) else { return }
            hasWholeDoubles = true
            if Int32(exactly: number) != nil { hasSmallDoubles = true }
        default: break
        }
    }

    /// The types of those whole numbers that an import of legacy rows would give another type.
    var lostNumbers: [FieldType] {
        guard types.intersection([.int, .long, .double]).count > 1 else { return [] }
        switch leadingNumber {
        case .numbers: return hasSmallDoubles ? [.double] : []
        case nil: return (hasSmallLongs ? [.long] : []) + (hasWholeDoubles ? [.double] : [])
        default: return hasWholeDoubles ? [.double] : []
        }
    }

    /// Whether all values are strings that an import of legacy rows could take for ids (of which some suffice) or for
    /// dates (which all must be).
    var looksOtherwise: Bool { type == .one(.string) && (looks.contains(.objectId) || dateStrings == count) }

    /// The observed type; nil if the configuration has no name for any of the values' types.
    var type: ObservedType? {
        // Empty strings alone do not tell the type of other values.
        guard let first = types.first else { return hasEmptyTexts ? .several : nil }
        let isAlone = types.count == 1 && !hasOthers && subtypes.count <= 1
        if isAlone, !hasEmptyTexts || first == .string { return observed(first) }
        let hasNumbersAlone = types.isSubset(of: Self.numbers) && !hasOthers && !hasEmptyTexts
        switch (leadingText, leadingNumber) {
        case (let texts?, let numbers?): return .mixed(leading(texts), numbers: numbers)
        case (let texts?, nil): return leading(texts)
        case (nil, let numbers?) where hasNumbersAlone: return numbers == .numbers ? numbers : .leading(numbers)
        case (nil, let numbers?): return .mixed(hasMadeTexts ? .undecided : .several, numbers: numbers)
        case (nil, nil): return hasMadeTexts ? .undecided : .several
        }
    }

    private func leading(_ texts: FieldType) -> ObservedType {
        texts == .objectId && idTexts > 0 ? .ids : .leading(observed(texts))
    }

    private func observed(_ type: FieldType) -> ObservedType {
        type == .binary ? subtypes.first.map { .binary(subtype: $0) } ?? .undecided : .one(type)
    }

    // MARK: The deciding type among several

    // An import leaves values that do not fit the live collection's type as they are, so both types are there
    // afterwards. If such a mixture decided nothing, the next import of the same rows would treat all of them
    // differently, even those that fitted.

    private var hasMadeTexts: Bool { !types.isDisjoint(with: Self.asTexts) }

    /// The type of strings in legacy rows; nil if there is none, or if there are several candidates.
    private var leadingText: FieldType? {
        let made = types.intersection(Self.asTexts)
        if made.count > 1 || subtypes.count > 1 { return nil }
        // A few ids that an earlier import has left as strings must not make strings of the rest.
        if made == [.objectId], idTexts * Self.fewTexts <= ids { return .objectId }
        if let type = made.first { return looks.contains(type) ? nil : type }
        // No value has a type that JSON.stringify makes strings of, so they are strings, whatever they look like.
        return types.contains(.string) || hasEmptyTexts ? .string : nil
    }

    /// The type of numbers in legacy rows; nil if there are none, if they stay as they are, or if there are several
    /// candidates.
    private var leadingNumber: ObservedType? {
        var made = types.intersection(Self.numbers)
        // Legacy rows have decimals in a wrapper, so these say nothing about bare numbers.
        if made.count > 1 { made.remove(.decimal) }
        switch made {
        case [.int, .double]: return .numbers
        // Doubles beside longs are fractions that an import of legacy rows has left as they were.
        case [.long], [.long, .double]: return hasSplitLongs ? .leading(.one(.long)) : .one(.long)
        case [.double]: return .one(.double)
        case [.decimal]: return .one(.decimal)
        default: return nil
        }
    }

    /// How many times as many ObjectIds there are as strings that look like one, at least, if these are exceptions.
    private static let fewTexts = 9
    private static let numbers: Set<FieldType> = [.int, .long, .double, .decimal]
    /// The types that `JSON.stringify` makes strings of.
    private static let asTexts: [FieldType] = [.objectId, .date, .uuid, .binary]

    private static func couldBe(_ text: UnsafeRawBufferPointer, _ element: RawElement, _ type: FieldType) -> Bool {
        // Most strings contain a blank: this avoids making an array of a long one in vain.
        if type == .binary, text.contains(where: { !isOfBase64($0) }) { return false }
        if case .impossible = Conversion(element, to: type, isDemanded: false, binarySubtype: 0) { return false }
        return true
    }

    private static func isOfBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x3D: true
        default: false
        }
    }
}
