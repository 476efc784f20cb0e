import BSON

/// The sampled documents of one collection, path by path.
struct CollectionSample: Sendable {
    private(set) var walker = PathWalker(maximumPaths: 5_000, maximumNames: Self.maximumNames)
    /// Indexed by the number of the path.
    private(set) var paths: [PathSample] = []
    private(set) var types = TypeObserver(maximumNames: Self.maximumNames)
    private(set) var documents = 0
    /// The number of documents in the collection, if known.
    var total: Int?
    /// Whether references may lead to the collection.
    var isTarget = true
    private var limit: Int

    init(limit: Int) { self.limit = limit }

    /// More different names than this at one path are data, such as user ids or days. Each would be a reference of its
    /// own that has to be looked for in every document.
    private static let maximumNames = 200

    /// - Returns: the number of paths so far.
    mutating func add(_ document: RawDocument, findsTypes: Bool) throws -> Int {
        documents += 1
        if findsTypes { try types.add(document) }
        let id = document["_id"].flatMap(HashedKey.init)?.hash
        var members: [Member] = []
        members.reserveCapacity(64)
        try visit(document, parent: 0, depth: 1, ownID: id, &members)
        return paths.count
    }

    /// The number of values kept; long ones count as several.
    var storedValues: Int { paths.reduce(0) { $0 + $1.sample.weight } }

    mutating func shrink(to limit: Int) {
        self.limit = limit
        for index in paths.indices { paths[index].sample.shrink(to: limit) }
    }

    /// A document's element, the number of its path, and the element as a key.
    private typealias Member = (number: Int, element: RawElement, key: HashedKey?)

    /// - Parameters:
    ///   - ownID: the hash of the document's `_id`; nil for embedded documents.
    ///   - members: the members of the enclosing documents; one list is shared by all levels.
    private mutating func visit(
        _ document: RawDocument, parent: Int, depth: Int, ownID: UInt64?, _ members: inout [Member]
    ) throws {
        guard depth <= BSONValidator.maximumDepth else { return }
        let first = members.count
        defer { members.removeLast(members.count - first) }
        var hint = 0
        var elements = document.makeWalker()
        while let element = try elements.next() {
            guard let number = walker.child(of: parent, named: element.key, hint: &hint) else { continue }
            makeRoom(for: number)
            members.append((number, element, HashedKey(element)))
        }
        let labels: [FieldLabels] = members[first...].prefix(FieldLabels.maximumFields).compactMap {
            number, element, key in
            guard element.type != .document, element.type != .array else { return nil }
            return paths[number].label(element, key).map { FieldLabels(path: number, value: $0) }
        }
        for place in first..<members.count {
            try take(members[place], depth: depth, ownID: ownID, labels: labels, &members)
        }
    }

    /// Visits the elements one by one: there may be millions.
    /// - Parameter labels: what the fields beside the array contain, for ids that are its direct elements.
    private mutating func visit(
        array: RawDocument, parent: Int, depth: Int, labels: [FieldLabels], _ members: inout [Member]
    ) throws {
        guard depth <= BSONValidator.maximumDepth else { return }
        var elements = array.makeWalker()
        while let element = try elements.next() {
            guard let number = walker.elements(of: parent) else { return }
            makeRoom(for: number)
            try take((number, element, HashedKey(element)), depth: depth, ownID: nil, labels: labels, &members)
        }
    }

    private mutating func take(
        _ member: Member, depth: Int, ownID: UInt64?, labels: [FieldLabels], _ members: inout [Member]
    ) throws {
        let (number, element, key) = member
        paths[number].add(element, key, ownID: ownID, labels: labels)
        switch element.type {
        case .document:
            try visit(RawDocument(element.value), parent: number, depth: depth + 1, ownID: nil, &members)
        case .array:
            try visit(array: RawDocument(element.value), parent: number, depth: depth + 1, labels: labels, &members)
        default: break
        }
    }

    private mutating func makeRoom(for number: Int) {
        while paths.count <= number { paths.append(PathSample(limit: limit)) }
    }
}
