import BSON
import Relations

/// Finds the values of several groups of references in one walk through a document.
struct GroupWalk: Sendable {
    private let walk: ReferenceWalk
    /// For each reference of the walk, the index of its group.
    private let groups: [Int]

    init(_ groups: [ReferenceGroup]) {
        walk = ReferenceWalk(groups.flatMap(\.leading))
        self.groups = groups.enumerated().flatMap { place, group in group.leading.map { _ in place } }
    }

    /// - Throws: ``BSONError`` if the document is damaged.
    func forEachValue(in document: RawDocument, _ body: (_ group: Int, _ value: RawElement) -> Void) throws {
        try walk.forEachValue(in: document) { reference, value in body(groups[reference], value) }
    }
}
