import BSON

/// The types of the values at one path, null aside.
struct TypesSeen: Sendable {
    private(set) var count = 0
    private var types: Set<FieldType> = []
    private var subtypes: Set<UInt8> = []
    /// Of types that the configuration has no word for.
    private var hasOthers = false
    /// Documents as JSON.stringify makes them of Longs.
    private var hasSplitLongs = false
    /// Types that texts among the values could be of, as old rows have them.
    private var looks: Set<FieldType> = []
    /// Of texts, those of exactly the form of a date.
    private var dateStrings = 0
    /// Texts without a character, which stand where there is no value.
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
        if type == .binary, let (subtype, _) = element.binary { subtypes.insert(subtype) }
        guard let text = element.stringBytes, element.type == .string else { return }
        if ISOTime.exactly(text) != nil { dateStrings += 1 }
        for type in Self.asTexts where !looks.contains(type) && Self.couldBe(text, element, type) { looks.insert(type) }
    }

    /// Whether the import of old rows could take the texts for ids, of which some will do, or for dates, which all have to
    /// be.
    var looksOtherwise: Bool { type == .one(.string) && (looks.contains(.objectId) || dateStrings == count) }

    /// Nil where the configuration has a word for none of them.
    var type: ObservedType? {
        // Alone they say nothing of what else would stand there.
        guard let first = types.first else { return hasEmptyTexts ? .several : nil }
        let isAlone = types.count == 1 && !hasOthers && subtypes.count <= 1
        if isAlone, !hasEmptyTexts || first == .string { return observed(first) }
        let hasNumbersAlone = types.isSubset(of: Self.numbers) && !hasOthers && !hasEmptyTexts
        switch (leadingText, leadingNumber) {
        case (let texts?, let numbers?): return .mixed(.leading(observed(texts)), numbers: numbers)
        case (let texts?, nil): return .leading(observed(texts))
        case (nil, let numbers?) where hasNumbersAlone: return numbers == .numbers ? numbers : .leading(numbers)
        case (nil, let numbers?): return .mixed(hasMadeTexts ? .undecided : .several, numbers: numbers)
        case (nil, nil): return hasMadeTexts ? .undecided : .several
        }
    }

    private func observed(_ type: FieldType) -> ObservedType {
        type == .binary ? subtypes.first.map { .binary(subtype: $0) } ?? .undecided : .one(type)
    }

    // MARK: Of several types, the one that decides

    // An import leaves values that do not fit the live collection's type as they are, so that both stand there afterwards. If
    // that decided nothing, the next import of the same rows would make something else of them, of those that fitted, too.

    private var hasMadeTexts: Bool { !types.isDisjoint(with: Self.asTexts) }

    /// What texts are; nil where there are none, or where they could be one thing or another.
    private var leadingText: FieldType? {
        let made = types.intersection(Self.asTexts)
        if made.count > 1 || subtypes.count > 1 { return nil }
        if let type = made.first { return looks.contains(type) ? nil : type }
        // Whatever they look like, they are texts.
        return types.contains(.string) || hasEmptyTexts ? .string : nil
    }

    /// What numbers are; nil where there are none, where they stay what they are, or could be one thing or another.
    private var leadingNumber: ObservedType? {
        var made = types.intersection(Self.numbers)
        // Rows have them in a wrapper: they say nothing of bare ones.
        if made.count > 1 { made.remove(.decimal) }
        switch made {
        case [.int, .double]: return .numbers
        // Fractions are what an import of rows beside longs leaves.
        case [.long], [.long, .double]: return hasSplitLongs ? .leading(.one(.long)) : .one(.long)
        case [.double]: return .one(.double)
        case [.decimal]: return .one(.decimal)
        default: return nil
        }
    }

    private static let numbers: Set<FieldType> = [.int, .long, .double, .decimal]
    /// What `JSON.stringify` makes texts of.
    private static let asTexts: [FieldType] = [.objectId, .date, .uuid, .binary]

    private static func couldBe(_ text: UnsafeRawBufferPointer, _ element: RawElement, _ type: FieldType) -> Bool {
        // Most texts have a blank: no array is made of a long one for nothing.
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
