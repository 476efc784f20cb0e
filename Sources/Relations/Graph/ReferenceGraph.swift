/// Collections, the references between them, and the order in which to import them.
///
/// Targets come before the collections that refer to them. Among collections that are ready, the one with the smallest
/// name (by bytes) comes first, so the order is always the same. A collection's references to itself do not count.
/// Collections that refer to each other in a cycle form one group.
public struct ReferenceGraph: Sendable {
    /// Each name once, in name order.
    public let collections: [String]
    /// Sorted, without duplicates.
    public let references: [Reference]
    public let importOrder: [ImportGroup]
    /// The references to collections that do not exist. They do not affect the order.
    public let missingTargets: [Reference]

    private let groupOf: [ExactName: Int]
    /// The range of each collection's references in ``references``.
    private let ranges: [ExactName: Range<Int>]

    /// References that start in a collection that does not exist are dropped.
    public init(collections names: some Sequence<String>, references all: some Sequence<Reference>) {
        let names = Set(names.map(ExactName.init)).sorted()
        let number = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        var byCollection = [[Reference]](repeating: [], count: names.count)
        for reference in all {
            if let from = number[ExactName(reference.collection)] { byCollection[from].append(reference) }
        }
        var references: [Reference] = []
        var missing: [Reference] = []
        var ranges: [ExactName: Range<Int>] = [:]
        var targets = [[Int]](repeating: [], count: names.count)
        for from in byCollection.indices {
            let start = references.count
            defer { ranges[names[from]] = start..<references.count }
            for reference in byCollection[from].sorted() where references.last != reference {
                references.append(reference)
                guard let to = number[ExactName(reference.target)] else {
                    missing.append(reference)
                    continue
                }
                if from != to { targets[from].append(to) }
            }
        }
        let components = StronglyConnected.components(of: targets)
        let order = Self.topologicalOrder(of: components, targets: targets)

        self.collections = names.map(\.text)
        self.references = references
        self.ranges = ranges
        missingTargets = missing
        importOrder = order.map { ImportGroup(collections: $0.map { names[$0].text }) }
        var groupOf: [ExactName: Int] = [:]
        for (group, members) in order.enumerated() {
            for member in members { groupOf[names[member]] = group }
        }
        self.groupOf = groupOf
    }

    /// The names of all collections in import order.
    public var order: [String] { importOrder.flatMap(\.collections) }

    /// The groups of more than one collection.
    public var cycles: [[String]] { importOrder.filter(\.isCycle).map(\.collections) }

    /// The index in ``importOrder`` of a collection's group; nil if the collection does not exist.
    public func group(of collection: String) -> Int? { groupOf[ExactName(collection)] }

    /// Whether a reference is part of a cycle, so that it may dangle until the whole group is written.
    public func isInCycle(_ reference: Reference) -> Bool {
        guard !reference.isSelfReference, let from = group(of: reference.collection) else { return false }
        return from == group(of: reference.target)
    }

    /// The references that start in a collection.
    public func references(from collection: String) -> [Reference] {
        ranges[ExactName(collection)].map { Array(references[$0]) } ?? []
    }

    /// Kahn's algorithm on the components, with a heap for the smallest one that is ready.
    private static func topologicalOrder(of components: [[Int]], targets: [[Int]]) -> [[Int]] {
        // Numbers are in name order, so a component's smallest member stands for its name.
        let components = components.map { $0.sorted() }
        var componentOf = [Int](repeating: 0, count: targets.count)
        for (component, members) in components.enumerated() {
            for member in members { componentOf[member] = component }
        }
        var waiting = [Int](repeating: 0, count: components.count)
        var dependents = [[Int]](repeating: [], count: components.count)
        for (from, tos) in targets.enumerated() {
            for to in tos where componentOf[from] != componentOf[to] {
                waiting[componentOf[from]] += 1
                dependents[componentOf[to]].append(componentOf[from])
            }
        }
        var ready = SmallestFirst()
        for component in components.indices where waiting[component] == 0 { ready.insert(components[component][0]) }
        var order: [[Int]] = []
        order.reserveCapacity(components.count)
        while let first = ready.removeSmallest() {
            let component = componentOf[first]
            order.append(components[component])
            for dependent in dependents[component] {
                waiting[dependent] -= 1
                if waiting[dependent] == 0 { ready.insert(components[dependent][0]) }
            }
        }
        return order
    }
}
