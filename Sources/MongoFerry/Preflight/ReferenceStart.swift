import Relations

/// Where references start.
struct ReferenceStart: Hashable {
    private let collection: ExactName
    private let path: FieldPath

    init(_ collection: String, _ path: FieldPath) {
        self.collection = ExactName(collection)
        self.path = path
    }

    init(_ reference: Reference) { self.init(reference.collection, reference.path) }
}

extension [Reference] {
    /// These and others that were found in other rows. Where both start at the same path, a value may lead to any of
    /// the targets, since these may have no condition.
    func merged(with others: [Reference]) -> [Reference] {
        var all = self
        var targets: [ReferenceStart: Set<ExactName>] = [:]
        for reference in self { targets[ReferenceStart(reference), default: []].insert(ExactName(reference.target)) }
        for var reference in others {
            let start = ReferenceStart(reference)
            if targets[start] != nil {
                guard targets[start, default: []].insert(ExactName(reference.target)).inserted else { continue }
                reference.condition = nil
            }
            all.append(reference)
        }
        return all.sorted()
    }
}
