import BSON

/// The conversions for the rows of one collection, as a tree of names.
public struct CollectionTypeRules: Sendable {
    fileprivate struct Node: Sendable {
        private(set) var fields: [(name: [UInt8], node: Int)] = []
        /// Indexes into `fields` by the hash of the name, where there are many fields.
        private var places: [UInt64: Int] = [:]
        /// The node for all elements of an array; -1 if none.
        var elements = -1
        /// The number of the rule for the value itself; -1 if none.
        var rule = -1
        /// Copies of the rule's properties, at hand since every value needs them.
        var type = FieldType.string
        var isStrict = false
        var isDemanded = false
        /// Whether the configuration has rules for what is inside such a value, which then may be a document or an
        /// array.
        var hasDemandsBelow = false
        var binarySubtype: UInt8 = 0
        var keepsInt32 = false
        /// The number of the rule for numbers, beside `rule`; -1 if none.
        var numberRule = -1
        var numberType = FieldType.string
        var numbersMayBeDocuments = false
        var numbersKeepInt32 = false

        /// More fields than this are looked up by hash instead of one by one: data may be used as names.
        private static let few = 16

        mutating func add(_ name: [UInt8], _ node: Int) {
            fields.append((name, node))
            if fields.count == Self.few + 1 {
                for place in fields.indices { note(place) }
            } else if fields.count > Self.few {
                note(fields.count - 1)
            }
        }

        private mutating func note(_ place: Int) {
            var hash = fields[place].name.withUnsafeBytes { stableHash($0) }
            while places[hash] != nil { hash &+= 1 }
            places[hash] = place
        }

        /// The node of a field; -1 if there is none.
        func node(named key: UnsafeRawBufferPointer) -> Int {
            guard fields.count > Self.few else {
                for (name, node) in fields where name.count == key.count {
                    if name.withUnsafeBytes({ sameBytes($0, key) }) { return node }
                }
                return -1
            }
            var hash = stableHash(key)
            while let place = places[hash] {
                if fields[place].name.withUnsafeBytes({ sameBytes($0, key) }) { return fields[place].node }
                hash &+= 1
            }
            return -1
        }
    }

    private var nodes = [Node()]
    private var rules: [Int: TypeRule] = [:]

    init(_ numbered: [(number: Int, rule: TypeRule)]) {
        for (number, rule) in numbered {
            var node = 0
            for step in rule.path.steps {
                if rule.isDemanded { nodes[node].hasDemandsBelow = true }
                node = child(of: node, step)
            }
            rules[number] = rule
            guard rule.part == .all else {
                nodes[node].numberRule = number
                nodes[node].numberType = rule.type
                nodes[node].numbersMayBeDocuments = rule.part == .numbersAndLongs
                nodes[node].numbersKeepInt32 = rule.keepsInt32
                continue
            }
            nodes[node].rule = number
            nodes[node].type = rule.type
            nodes[node].isStrict = rule.isStrict
            nodes[node].isDemanded = rule.isDemanded
            nodes[node].binarySubtype = rule.binarySubtype
            nodes[node].keepsInt32 = rule.keepsInt32
        }
    }

    private mutating func child(of node: Int, _ step: FieldPath.Step) -> Int {
        switch step {
        case .elements:
            if nodes[node].elements < 0 {
                nodes[node].elements = nodes.count
                nodes.append(Node())
            }
            return nodes[node].elements
        case .field(let text):
            let name = Array(text.utf8)
            let known = name.withUnsafeBytes { nodes[node].node(named: $0) }
            if known >= 0 { return known }
            nodes[node].add(name, nodes.count)
            nodes.append(Node())
            return nodes.count - 1
        }
    }

    /// Appends the document with its values converted at every depth. Values without a rule are copied byte for byte.
    ///
    /// After an error, the buffer and the counts are as they were before.
    /// - Throws: ``RowRejection`` for a value that the configuration's `types` cannot be applied to.
    public func apply(
        to document: RawDocument, appendingTo buffer: ByteBuffer, counts: inout ConversionCounts
    ) throws(RowRejection) {
        let start = buffer.count
        var writer = buffer.makeWriter()
        counts.beginRow()
        do {
            try rewrite(document, node: 0, isArray: false, to: &writer, &counts)
        } catch {
            // The buffer's count is only updated when the buffer grows: then it includes what was written so far.
            writer.move(to: start)
            writer.finish()
            counts.takeBackRow()
            throw error
        }
        writer.finish()
    }

    private func rewrite(
        _ document: RawDocument, node: Int, isArray: Bool, to writer: inout ByteWriter,
        _ counts: inout ConversionCounts
    ) throws(RowRejection) {
        guard let base = document.bytes.baseAddress else { return }
        let start = writer.position
        writer.reserve(document.bytes.count)
        // Room for the length, which is known at the end.
        writer.put(littleEndian: 0 as Int32)
        var copied = 4
        var walker = document.makeWalker()
        while let element = try next(&walker) {
            let child = isArray ? nodes[node].elements : nodes[node].node(named: element.key)
            guard child >= 0, let key = element.key.baseAddress else { continue }
            let elementStart = key - base - 1
            let valueStart = elementStart + element.key.count + 2
            let nested =
                (element.type == .document || element.type == .array)
                    && nodes[child].hasChildren(forArray: element.type == .array) ? element.document : nil
            let (rule, conversion) = nodes[child].conversion(of: element)
            // A document that JSON.stringify made of a single value is converted as one, even if there are rules for
            // its fields.
            if let nested, case .impossible = conversion {
                guard !nodes[child].isStrict || nodes[child].hasDemandsBelow else {
                    throw rejection(element, rule: nodes[child].rule)
                }
                writer.reserve(valueStart - copied)
                writer.put(copying: base + copied, count: valueStart - copied)
                copied = valueStart + element.value.count
                try rewrite(nested, node: child, isArray: element.type == .array, to: &writer, &counts)
            } else if rule >= 0 {
                switch conversion {
                case .keep: break
                case .impossible:
                    guard rule != nodes[child].rule || !nodes[child].isStrict else {
                        throw rejection(element, rule: rule)
                    }
                    counts.countLeft(rule)
                default:
                    writer.reserve(elementStart - copied)
                    writer.put(copying: base + copied, count: elementStart - copied)
                    copied = valueStart + element.value.count
                    conversion.write(key: element.key, to: &writer)
                    counts.countConverted(rule)
                }
            }
        }
        let rest = document.bytes.count - copied
        writer.reserve(rest)
        writer.put(copying: base + copied, count: rest)
        let length = Int32(writer.position - start).littleEndian
        UnsafeMutableRawPointer(writer.pointer(at: start)).storeBytes(of: length, as: Int32.self)
    }

    private func next(_ walker: inout ElementWalker) throws(RowRejection) -> RawElement? {
        do { return try walker.next() } catch {
            throw RowRejection(
                collection: rules.first?.value.collection ?? "", path: nil, value: "", reason: error.description)
        }
    }

    private func rejection(_ element: RawElement, rule number: Int) -> RowRejection {
        guard let rule = rules[number] else { preconditionFailure("a node's rule is one of its collection's") }
        var reason = "is not \(rule.type.phrase); expected \(rule.type.expectation) (\(rule.reason))"
        if element.type == .array { reason += ". The elements of an array are '\(rule.path)[]'" }
        return RowRejection(
            collection: rule.collection, path: rule.path, value: element.brief, reason: reason)
    }
}

extension RawElement {
    fileprivate var isNumber: Bool {
        switch type {
        case .int32, .int64, .double, .decimal128: true
        default: false
        }
    }
}

extension CollectionTypeRules.Node {
    /// What becomes of a value, and the number of the rule; -1 if there is none.
    @inline(__always) fileprivate func conversion(of element: RawElement) -> (rule: Int, Conversion) {
        var conversion = Conversion.impossible
        if keepsInt32, element.type == .int32 {
            conversion = .keep
        } else if rule >= 0 {
            conversion = Conversion(element, to: type, isDemanded: isDemanded, binarySubtype: binarySubtype)
        }
        guard numberRule >= 0, case .impossible = conversion else { return (rule, conversion) }
        if element.isNumber { return (numberRule, numberConversion(of: element)) }
        guard numbersMayBeDocuments, element.type == .document else { return (rule, conversion) }
        let long = numberConversion(of: element)
        if case .impossible = long { return (rule, conversion) }
        return (numberRule, long)
    }

    private func numberConversion(of element: RawElement) -> Conversion {
        numbersKeepInt32 && element.type == .int32
            ? .keep : Conversion(element, to: numberType, isDemanded: false, binarySubtype: 0)
    }

    fileprivate func hasChildren(forArray isArray: Bool) -> Bool { isArray ? elements >= 0 : !fields.isEmpty }
}
