import BSON

/// Walks documents and numbers the paths in them, with `[]` for the elements of arrays.
///
/// The numbers stay the same from document to document, so that data about a path can be kept in an array. Known paths
/// cost no allocation. Documents that use data as names cannot fill the memory: beyond ``maximumPaths`` no new path is
/// added, and ``isFull`` is set. If ``maximumNames`` is given, what is below a path with more names is ignored before
/// that: ``crowdedPaths``.
public struct PathWalker: Sendable {
    /// The number of a path: its index in the order in which paths were met.
    public typealias PathID = Int

    fileprivate struct Node: Sendable {
        let parent: Int
        /// nil for the elements of an array.
        let name: [UInt8]?
        /// In the order met. Most documents of a collection have their fields in the same order.
        var children: [Int] = []
        /// Whether the names are data: everything below is ignored.
        var isCrowded = false
        var crowdedChildren = 0
        /// Whether a closed walker adds paths below it.
        var isOpen = false
    }

    private struct Edge: Hashable, Sendable {
        let parent: Int
        let hash: UInt64
    }

    /// If this many children of a node have data as names, the node's own field names are data, too.
    private static let maximumCrowdedChildren = 20

    public let maximumPaths: Int
    public let maximumNames: Int
    public private(set) var isFull = false
    /// Whether paths are added only below open ones.
    private var isClosed = false
    /// Node 0 is the document itself.
    private var nodes = [Node(parent: -1, name: nil)]
    private var edges: [Edge: Int] = [:]

    /// - Parameter maximumNames: the maximum number of different names at one path, the top level excepted. If
    ///   ``maximumPaths`` is reached too, which paths have more depends on the order of the documents: then one walker
    ///   must see all of them.
    public init(maximumPaths: Int = 20_000, maximumNames: Int = .max) {
        self.maximumPaths = maximumPaths
        self.maximumNames = maximumNames
    }

    /// Returns a walker with the same paths under the same numbers. It ignores all others, except those below the
    /// crowded ones and below `_id`: of these it adds at most `room`.
    func closed(room: Int) -> PathWalker {
        var walker = PathWalker(maximumPaths: count + room)
        (walker.nodes, walker.edges) = (nodes, edges)
        var hint = 0
        let id = Array("_id".utf8).withUnsafeBytes { walker.child(of: 0, named: $0, hint: &hint) }
        for node in walker.nodes.indices where walker.nodes[node].isCrowded || node == id {
            walker.nodes[node].isCrowded = false
            walker.nodes[node].isOpen = true
        }
        // A path is always numbered after its parent.
        for node in walker.nodes.indices.dropFirst() where walker.nodes[walker.nodes[node].parent].isOpen {
            walker.nodes[node].isOpen = true
        }
        walker.isClosed = true
        return walker
    }

    /// One more than the largest number assigned.
    public var count: Int { nodes.count }

    /// The paths below which everything is ignored, sorted.
    public var crowdedPaths: [FieldPath] {
        nodes.indices.filter { nodes[$0].isCrowded }.compactMap(path).sorted()
    }

    /// The path with that number; nil for the document itself, for names that are not UTF-8 and for paths that are now
    /// ignored.
    public func path(_ id: PathID) -> FieldPath? {
        var steps: [FieldPath.Step] = []
        var node = id
        while node > 0 {
            if nodes[nodes[node].parent].isCrowded { return nil }
            if let name = nodes[node].name {
                guard let text = String(validating: name, as: UTF8.self) else { return nil }
                steps.append(.field(text))
            } else {
                steps.append(.elements)
            }
            node = nodes[node].parent
        }
        return steps.isEmpty ? nil : FieldPath(steps: steps.reversed())
    }

    /// Calls `body` with each value and the number of its path; documents and arrays come before their contents.
    /// - Throws: `BSONError` where the document is damaged, and what `body` throws.
    public mutating func forEachValue(
        in document: RawDocument, _ body: (PathID, RawElement) throws -> Void
    ) throws {
        try walk(document, isArray: false, below: 0, depth: 1, body)
    }

    private mutating func walk(
        _ document: RawDocument, isArray: Bool, below parent: Int, depth: Int,
        _ body: (PathID, RawElement) throws -> Void
    ) throws {
        // Deeper than any server stores: there is no reference that deep, and the recursion must be limited.
        guard depth <= BSONValidator.maximumDepth else { return }
        var hint = 0
        var walker = document.makeWalker()
        while let element = try walker.next() {
            let found = isArray ? elements(of: parent) : child(of: parent, named: element.key, hint: &hint)
            guard let id = found else { continue }
            try body(id, element)
            if element.type == .document || element.type == .array {
                try walk(RawDocument(element.value), isArray: element.type == .array, below: id, depth: depth + 1, body)
            }
        }
    }

    /// The number of the elements of an array at `parent`; nil if there is no room for it.
    mutating func elements(of parent: Int) -> Int? {
        find(Edge(parent: parent, hash: 0), nil)
    }

    /// The number of a field of `parent`; nil if there is no room for it.
    /// - Parameter hint: the index among the fields of `parent` to try first; moved past the field found.
    mutating func child(of parent: Int, named name: UnsafeRawBufferPointer, hint: inout Int) -> Int? {
        if nodes[parent].isCrowded { return nil }
        if hint < nodes[parent].children.count {
            let next = nodes[parent].children[hint]
            if nodes[next].hasName(name) {
                hint += 1
                return next
            }
        }
        guard let found = find(Edge(parent: parent, hash: stableHash(name) | 1), name) else { return nil }
        if let place = nodes[parent].children.firstIndex(of: found, from: hint) { hint = place + 1 }
        return found
    }

    /// Adds the paths of another walker.
    /// - Returns: this walker's number for each path of the other; nil if there was no room.
    mutating func absorb(_ other: PathWalker) -> [PathID?] {
        isFull = isFull || other.isFull
        var numbers: [PathID?] = [0]
        // A path is always numbered after its parent.
        for node in other.nodes.dropFirst() {
            guard let parent = numbers[node.parent] else {
                numbers.append(nil)
                continue
            }
            var hint = 0
            let number = node.name.map { $0.withUnsafeBytes { child(of: parent, named: $0, hint: &hint) } }
            numbers.append(node.name == nil ? elements(of: parent) : number ?? nil)
        }
        return numbers
    }

    /// Ignores everything below a node from now on.
    private mutating func crowd(_ node: Int) {
        nodes[node].isCrowded = true
        nodes[node].children = []
        let parent = nodes[node].parent
        nodes[parent].crowdedChildren += 1
        if parent > 0, nodes[parent].crowdedChildren >= Self.maximumCrowdedChildren { crowd(parent) }
    }

    private mutating func find(_ edge: Edge, _ name: UnsafeRawBufferPointer?) -> Int? {
        var edge = edge
        while let node = edges[edge] {
            if nodes[node].hasName(name) { return node }
            edge = Edge(parent: edge.parent, hash: edge.hash &+ 2)
        }
        let isOpen = nodes[edge.parent].isOpen
        if isClosed, !isOpen { return nil }
        guard nodes[edge.parent].children.count < maximumNames || edge.parent == 0 else {
            crowd(edge.parent)
            return nil
        }
        guard nodes.count <= maximumPaths else {
            isFull = true
            return nil
        }
        let id = nodes.count
        nodes.append(Node(parent: edge.parent, name: name.map { [UInt8]($0) }, isOpen: isOpen))
        nodes[edge.parent].children.append(id)
        edges[edge] = id
        return id
    }
}

extension PathWalker.Node {
    fileprivate func hasName(_ other: UnsafeRawBufferPointer?) -> Bool {
        guard let name, let other else { return name == nil && other == nil }
        return name.withUnsafeBytes { sameBytes($0, other) }
    }
}

extension [Int] {
    /// Looks only 16 places ahead: an optional field or two may be missing.
    fileprivate func firstIndex(of value: Int, from start: Int) -> Int? {
        start < count ? self[start..<Swift.min(start + 16, count)].firstIndex(of: value) : nil
    }
}
