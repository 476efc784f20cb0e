import BSON

/// Finds where two documents differ.
struct DocumentDifference {
    /// A name by its bytes, as the server compares it: Swift's strings treat "é" and "e" with an accent as equal.
    private typealias Name = [UInt8]

    private let limit: Int
    private var result: [String] = []

    /// Returns the first paths whose values differ or that only one document has; none if only the order differs.
    static func paths(_ left: RawDocument, _ right: RawDocument, limit: Int) -> [String] {
        var difference = DocumentDifference(limit: limit)
        difference.compare(left, right, prefix: "")
        return difference.result
    }

    private init(limit: Int) { self.limit = limit }

    /// Compares in step while both have the same names, usually to the end: an array may have a million elements.
    private mutating func compare(_ left: RawDocument, _ right: RawDocument, prefix: String) {
        var (mine, others) = (left.makeWalker(), right.makeWalker())
        while result.count < limit {
            let (element, other) = (Self.next(&mine), Self.next(&others))
            guard let element, let other else {
                // All names before agreed: one has more than the other.
                noteRest(from: element, mine, prefix)
                noteRest(from: other, others, prefix)
                return
            }
            if sameBytes(element.key, other.key) {
                compare(element, other, prefix + element.name)
                continue
            }
            let (leftNames, rightNames) = (Self.byName(element, mine), Self.byName(other, others))
            // How many more times each name occurs in the left document.
            var surplus: [Name: Int] = [:]
            var current: RawElement? = element
            while result.count < limit, let element = current {
                let name = Name(element.key)
                surplus[name, default: 0] += 1
                let path = prefix + element.name
                if let other = rightNames[name] { compare(element, other, path) } else { result.append(path) }
                current = Self.next(&mine)
            }
            current = other
            while result.count < limit, let element = current {
                let name = Name(element.key)
                surplus[name, default: 0] -= 1
                if leftNames[name] == nil || surplus[name] == -1 {
                    result.append(prefix + element.name)
                }
                current = Self.next(&others)
            }
            return
        }
    }

    /// Notes that the other document has none of these.
    private mutating func noteRest(from first: RawElement?, _ walker: ElementWalker, _ prefix: String) {
        var (current, walker) = (first, walker)
        while result.count < limit, let element = current {
            result.append(prefix + element.name)
            current = Self.next(&walker)
        }
    }

    private mutating func compare(_ left: RawElement, _ right: RawElement, _ path: String) {
        if left.valueEquals(right) { return }
        guard left.type == right.type else {
            result.append("\(path) (\(left.type.name), not \(right.type.name))")
            return
        }
        let before = result.count
        if let inner = left.document, let other = right.document { compare(inner, other, prefix: path + ".") }
        if result.count == before { result.append(path) }
    }

    private static func next(_ walker: inout ElementWalker) -> RawElement? { (try? walker.next()) ?? nil }

    /// The elements from this one on; of those with one name, the first.
    private static func byName(_ first: RawElement, _ walker: ElementWalker) -> [Name: RawElement] {
        var result: [Name: RawElement] = [:]
        var (current, walker) = (RawElement?.some(first), walker)
        while let element = current {
            let name = Name(element.key)
            if result[name] == nil { result[name] = element }
            current = next(&walker)
        }
        return result
    }
}
