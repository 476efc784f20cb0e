import BSON
import Relations
import Testing

@testable import MongoFerry

@Suite struct ReferenceGroupTests {
    /// A file's metadata may list such references; a configuration cannot say them.
    @Test func alternativesAreOneGroupWhateverStandsBetweenThem() throws {
        let path = try FieldPath(parsing: "ref")
        let condition = ReferenceCondition(field: "kind", equals: "b")
        let groups = ReferenceGroup.groups(of: [
            Reference(collection: "x", path: path, target: "a"),
            Reference(collection: "x", path: path, target: "b", condition: condition),
            Reference(collection: "x", path: path, target: "c"),
        ])
        #expect(groups.map { $0.references.map(\.target) } == [["a", "c"], ["b"]])
    }
}
