import BSON

/// A path to values inside a document: `customerId`, `vehicles[].drivers[].customerId`, `tags[]`, `a.b.c`.
///
/// `[]` stands for every element of an array. A path without it does not descend into arrays, and a name of digits is a
/// name, never an index. In names, dots, brackets and backslashes are escaped with a backslash; the empty name is
/// written `\e`. Two paths are equal if their bytes are.
public struct FieldPath: Hashable, Sendable {
    public enum Step: Sendable {
        case field(String)
        /// Every element of an array.
        case elements
    }

    /// At least one; the first is a field.
    public let steps: [Step]

    /// Creates a path from its steps.
    /// - Precondition: the first step is a field.
    public init(steps: [Step]) {
        guard case .field? = steps.first else { preconditionFailure("a path begins with a field") }
        self.steps = steps
    }

    /// Parses a path as people write it.
    /// - Throws: ``FieldPathError`` saying what is wrong and at which character.
    public init(parsing text: String) throws(FieldPathError) {
        steps = try FieldPathParser(text).parse()
        guard steps.count <= BSONValidator.maximumDepth else {
            throw FieldPathError(text: text.prefix(60) + "…", reason: .tooDeep, column: 60)
        }
    }

    /// Parses the path of a field that a server is to be queried for.
    /// - Throws: ``FieldPathError``, also for a name that a filter would take for an operator, such as `$expr`, or
    ///   cannot express: an empty name, or one with a dot.
    public init(parsingTarget text: String) throws(FieldPathError) {
        try self.init(parsing: text)
        if let reason = reasonNotToAsk { throw FieldPathError(text: text, reason: reason, column: 1) }
    }

    /// Whether a filter can name the field.
    public var isAskable: Bool { reasonNotToAsk == nil }

    private var reasonNotToAsk: FieldPathError.Reason? {
        for case .field(let name) in steps
        where name.isEmpty || name.hasScalarPrefix("$") || name.unicodeScalars.contains(".") {
            return name.hasScalarPrefix("$") ? .operatorName : .unaskable
        }
        return zip(steps, steps.dropFirst()).contains { $0 == .elements && $1 == .elements } ? .nestedArrays : nil
    }

    /// The path of the primary key.
    public static let id = FieldPath(steps: [.field("_id")])

    /// Whether a document may have several values at the path.
    public var hasArrays: Bool {
        steps.contains { if case .elements = $0 { true } else { false } }
    }

    /// The last field name in the path.
    public var lastField: String {
        for case .field(let name) in steps.reversed() { return name }
        return ""
    }

    /// Whether the path leads to the primary key or into it.
    public var isInID: Bool {
        if case .field("_id")? = steps.first { true } else { false }
    }

    /// Whether the path leads into what is at another.
    func isBelow(_ other: FieldPath) -> Bool { steps.count > other.steps.count && steps.starts(with: other.steps) }

    /// Calls `body` with each value at the path, in document order; each occurrence of a repeated name counts.
    ///
    /// Allocates nothing. The value is valid only inside `body`.
    /// - Throws: `BSONError` where the document is damaged, and what `body` throws.
    public func forEachValue(in document: RawDocument, _ body: (RawElement) throws -> Void) throws {
        try visit(document, from: 0, to: steps.count, body)
    }

    /// The same for the steps from `index` to before `end`; `document` is what the preceding steps lead to.
    func visit(
        _ document: RawDocument, from index: Int, to end: Int, _ body: (RawElement) throws -> Void
    ) throws {
        guard case .field(var name) = steps[index] else {
            return try visit(document, named: nil, from: index, to: end, body)
        }
        // Obtained once per document: doing it for every element costs more than the comparison.
        try name.withUTF8 {
            try visit(document, named: UnsafeRawBufferPointer($0), from: index, to: end, body)
        }
    }

    /// - Parameter name: the name of the elements to visit; nil for all elements of an array.
    private func visit(
        _ document: RawDocument, named name: UnsafeRawBufferPointer?, from index: Int, to end: Int,
        _ body: (RawElement) throws -> Void
    ) throws {
        var walker = document.makeWalker()
        let next = index + 1
        while let element = try walker.next() {
            if let name, !sameBytes(element.key, name) { continue }
            guard next < end else {
                try body(element)
                continue
            }
            let wanted: ElementType = if case .elements = steps[next] { .array } else { .document }
            if element.type == wanted { try visit(RawDocument(element.value), from: next, to: end, body) }
        }
    }

    /// Calls `body` with each value at the path whose parent document satisfies `condition`.
    func forEachValue(
        in document: RawDocument, where condition: (RawDocument) -> Bool, _ body: (RawElement) throws -> Void
    ) throws {
        let split = lastFieldIndex
        func visitParent(_ parent: RawDocument) throws {
            if condition(parent) { try visit(parent, from: split, to: steps.count, body) }
        }
        guard split > 0 else { return try visitParent(document) }
        try visit(document, from: 0, to: split) { element in
            if element.type == .document { try visitParent(RawDocument(element.value)) }
        }
    }

    /// The path of a field with that name in the same document as the last field of this path.
    func sibling(_ name: String) -> FieldPath {
        FieldPath(steps: steps[..<lastFieldIndex] + [.field(name)])
    }

    /// The index of the last field among the steps.
    var lastFieldIndex: Int {
        steps.lastIndex { if case .field = $0 { true } else { false } } ?? 0
    }
}

extension FieldPath.Step: Hashable {
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.elements, .elements): true
        case (.field(let left), .field(let right)): left.hasSameBytes(as: right)
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .elements: hasher.combine(0xFE as UInt8)
        case .field(let name): ExactName(name).hash(into: &hasher)
        }
    }
}

extension FieldPath: CustomStringConvertible, LosslessStringConvertible, Comparable {
    /// The path in the form that ``init(parsing:)`` reads.
    public var description: String {
        var text = ""
        for (index, step) in steps.enumerated() {
            switch step {
            case .elements: text += "[]"
            case .field(let name):
                if index > 0 { text += "." }
                if name.isEmpty { text += "\\e" }
                for character in name.unicodeScalars {
                    if ".[]\\".unicodeScalars.contains(character) { text += "\\" }
                    text.unicodeScalars.append(character)
                }
            }
        }
        return text
    }

    /// Parses a path as people write it; nil if it is not valid.
    public init?(_ description: String) {
        guard let path = try? FieldPath(parsing: description) else { return nil }
        self = path
    }

    /// Ordered by the bytes of the text form.
    public static func < (left: FieldPath, right: FieldPath) -> Bool {
        left.description.precedes(right.description)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes are the text's UTF-8, compared in place.
    func isUTF8(of text: String) -> Bool {
        guard text.utf8.count == count else { return false }
        return text.utf8.withContiguousStorageIfAvailable { sameBytes(self, UnsafeRawBufferPointer($0)) }
            ?? elementsEqual(text.utf8)
    }
}
