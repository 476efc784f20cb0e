import BSON
import Relations

/// Finds the values of several groups of references in one walk through a document.
struct GroupWalk: Sendable {
    private let walk: ReferenceWalk
    /// For each reference of the walk, the index of its group.
    private let groups: [Int]
    /// How many of the walk's references are the groups' own. The others find every value at the path of a conditional
    /// group, whether it meets the condition or not.
    private let ownCount: Int

    init(_ groups: [ReferenceGroup]) {
        // Of alternatives at one path, the first finds all values.
        let own = groups.enumerated().map { (reference: $1.references[0], group: $0) }
        let every = groups.enumerated().compactMap { place, group -> (reference: Reference, group: Int)? in
            var reference = group.references[0]
            guard reference.condition != nil else { return nil }
            reference.condition = nil
            return (reference, place)
        }
        walk = ReferenceWalk((own + every).map(\.reference))
        self.groups = (own + every).map(\.group)
        ownCount = own.count
    }

    /// - Parameters:
    ///   - count: called for each value at the path of a conditional group, whatever the condition says.
    ///   - body: called with each value that must exist in a target of the group.
    /// - Throws: ``BSONError`` if the document is damaged; what `body` throws.
    func forEachValue(
        in document: RawDocument, count: (_ group: Int) -> Void,
        _ body: (_ group: Int, _ value: RawElement) throws -> Void
    ) throws {
        try walk.forEachValue(in: document) { reference, value in
            if reference < ownCount { try body(groups[reference], value) } else { count(groups[reference]) }
        }
    }
}
