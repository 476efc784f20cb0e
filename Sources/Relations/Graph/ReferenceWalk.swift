import BSON

/// Finds the values of several references in one walk through a document, however many there are.
package struct ReferenceWalk: Sendable {
    /// What may be at one place of a document. A node's fields are adjacent in a list of all fields.
    private struct Node {
        var fields: Range<Int32> = 0..<0
        /// One bit per name length, shared by all lengths from 63: rules out most names quickly.
        var lengths: UInt64 = 0
        /// The node of an array's elements; -1 if no reference needs them.
        var elements: Int32 = -1
        /// The references whose values are here, as a range of `places`.
        var ends: Range<Int32> = 0..<0
        /// The references whose conditions are evaluated on a document here, as a range of `places`.
        var conditional: Range<Int32> = 0..<0
        /// Whether a reference leads to an `_id` in a document here: the referenced document has replaced the value.
        var isOfPopulated = false

        /// Whether an array or document here is not itself a value because references continue inside it: the data have
        /// one value here or several, or a value or the document that it refers to.
        func isContainer(_ element: RawElement) -> Bool {
            element.type == .array && elements >= 0 || element.type == .document && isOfPopulated
        }
    }

    private struct Field {
        let hash: UInt64
        let name: Range<Int32>
        let node: Int32
    }

    /// Up to this many names are compared one by one; more are searched by their sorted hashes.
    private static let few = 8

    private let references: [Reference]
    private var nodes: [Node] = []
    private var fields: [Field] = []
    private var names: [UInt8] = []
    private var places: [Int32] = []

    package init(_ references: [Reference]) {
        self.references = references
        lay(Draft(references))
    }

    /// Calls `body` with each value that must exist in a target, and the index of its reference.
    ///
    /// For each reference, the values and their order are those of ``Reference/forEachValue(in:_:)``, except for arrays
    /// and documents that are values of one reference while another continues inside them. The value is valid only
    /// inside `body`.
    /// - Throws: `BSONError` where the document is damaged, and what `body` throws.
    package func forEachValue(
        in document: RawDocument, _ body: (_ reference: Int, _ value: RawElement) throws -> Void
    ) throws {
        try visit(document, at: nodes[0], body)
    }

    private func visit(
        _ document: RawDocument, at node: Node, _ body: (_ reference: Int, _ value: RawElement) throws -> Void
    ) throws {
        for place in node.conditional {
            let number = Int(places[Int(place)])
            try references[number].forEachValue(inParent: document) { try body(number, $0) }
        }
        if node.fields.isEmpty { return }
        var walker = document.makeWalker()
        while let element = try walker.next() {
            if let next = find(element.key, in: node) { try take(element, at: nodes[next], body) }
        }
    }

    private func take(
        _ element: RawElement, at node: Node, _ body: (_ reference: Int, _ value: RawElement) throws -> Void
    ) throws {
        if element.isPresent, !node.isContainer(element) {
            for place in node.ends { try body(Int(places[Int(place)]), element) }
        }
        if element.type == .document, !node.fields.isEmpty || !node.conditional.isEmpty {
            try visit(RawDocument(element.value), at: node, body)
        } else if element.type == .array, node.elements >= 0 {
            var walker = try RawDocument(element.value).makeWalker()
            let inner = nodes[Int(node.elements)]
            while let element = try walker.next() { try take(element, at: inner, body) }
        }
    }

    private func find(_ name: UnsafeRawBufferPointer, in node: Node) -> Int? {
        guard node.lengths & Self.lengthBit(name.count) != 0 else { return nil }
        if node.fields.count <= Self.few {
            for place in node.fields where isNamed(name, fields[Int(place)]) { return Int(fields[Int(place)].node) }
            return nil
        }
        let hash = stableHash(name)
        let end = Int(node.fields.upperBound)
        var place = fields[Int(node.fields.lowerBound)..<end].place { $0.hash < hash }
        while place < end, fields[place].hash == hash {
            if isNamed(name, fields[place]) { return Int(fields[place].node) }
            place += 1
        }
        return nil
    }

    private func isNamed(_ name: UnsafeRawBufferPointer, _ field: Field) -> Bool {
        guard field.name.count == name.count else { return false }
        return names.withUnsafeBytes { all in
            sameBytes(
                UnsafeRawBufferPointer(rebasing: all[Int(field.name.lowerBound)..<Int(field.name.upperBound)]), name)
        }
    }

    private static func lengthBit(_ count: Int) -> UInt64 { 1 << UInt64(min(count, 63)) }

    // MARK: - Construction

    /// The nodes as a tree under construction.
    private final class Draft {
        var fields: [ExactName: Draft] = [:]
        var elements: Draft?
        var ends: [Int] = []
        var conditional: [Int] = []

        init() {}

        init(_ references: [Reference]) {
            for (number, reference) in references.enumerated() {
                let path = reference.path
                if reference.condition == nil {
                    reached(by: path.steps[...]).ends.append(number)
                } else {
                    reached(by: path.steps[..<path.lastFieldIndex]).conditional.append(number)
                }
            }
        }

        private func reached(by steps: ArraySlice<FieldPath.Step>) -> Draft {
            var draft = self
            for step in steps {
                let next: Draft
                switch step {
                case .field(let name):
                    next = draft.fields[ExactName(name)] ?? Draft()
                    draft.fields[ExactName(name)] = next
                case .elements:
                    next = draft.elements ?? Draft()
                    draft.elements = next
                }
                draft = next
            }
            return draft
        }
    }

    /// Adds the nodes of a draft.
    /// - Returns: the number of its root node.
    @discardableResult
    private mutating func lay(_ draft: Draft) -> Int32 {
        let number = nodes.count
        nodes.append(Node())
        nodes[number].ends = lay(draft.ends)
        nodes[number].conditional = lay(draft.conditional)
        nodes[number].isOfPopulated = draft.fields[ExactName("_id")]?.ends.isEmpty == false
        if let elements = draft.elements { nodes[number].elements = lay(elements) }
        let laid = draft.fields.map { name, field -> Field in
            let start = Int32(names.count)
            names += name.text.utf8
            let hash = Array(name.text.utf8).withUnsafeBytes { stableHash($0) }
            return Field(hash: hash, name: start..<Int32(names.count), node: lay(field))
        }
        let start = Int32(fields.count)
        fields += laid.sorted { $0.hash < $1.hash }
        nodes[number].fields = start..<Int32(fields.count)
        nodes[number].lengths = laid.reduce(0) { $0 | Self.lengthBit($1.name.count) }
        return Int32(number)
    }

    private mutating func lay(_ numbers: [Int]) -> Range<Int32> {
        let start = Int32(places.count)
        places += numbers.map(Int32.init)
        return start..<Int32(places.count)
    }
}
