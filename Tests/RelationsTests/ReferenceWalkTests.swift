import BSON
import Testing

@testable import Relations

/// One walk for all references finds for each what a walk for it alone finds.
@Suite struct ReferenceWalkTests {
    private struct Random {
        var state: UInt64

        mutating func below(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
    }

    /// More names than the walk compares one by one.
    private static let names = ["a", "b", "ab", "c", "kind", "d", "e", "f", "g", "h", "i", "j", "a.b", "é", "0", ""]

    private func value(_ random: inout Random, depth: Int) -> Value {
        switch random.below(depth > 3 ? 4 : 8) {
        case 0: return .null
        case 1: return .string(["x", "y"][random.below(2)])
        case 2, 3: return .int32(Int32(random.below(5)))
        case 4, 5: return .document(document(&random, depth: depth + 1))
        default: return .array((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
        }
    }

    private func document(_ random: inout Random, depth: Int) -> Document {
        // Some names are repeated, as servers can store them.
        let fields = (0..<random.below(10)).map { _ in
            (Self.names[random.below(random.below(2) == 0 ? 5 : Self.names.count)], value(&random, depth: depth))
        }
        return Document { for (name, value) in fields { $0.append(name, value) } }
    }

    private func reference(_ random: inout Random) -> Reference {
        var steps: [FieldPath.Step] = [.field(Self.names[random.below(Self.names.count)])]
        for _ in 0..<random.below(4) {
            steps.append(random.below(2) == 0 ? .elements : .field(Self.names[random.below(5)]))
        }
        let condition = ReferenceCondition(field: "kind", equals: random.below(2) == 0 ? "x" : .int32(1))
        return Reference(
            collection: "c", path: FieldPath(steps: steps), target: "t",
            condition: random.below(3) == 0 ? condition : nil)
    }

    @Test func eachReferenceFindsTheSameInTheSameOrder() throws {
        var random = Random(state: 11)
        var found = 0
        for round in 0..<1000 {
            let references = (0..<1 + random.below(round % 2 == 0 ? 6 : 40)).map { _ in reference(&random) }
            let walk = ReferenceWalk(references)
            for _ in 0..<5 {
                let document = document(&random, depth: 0)
                try document.withRaw { raw in
                    var together = Array(repeating: [Value](), count: references.count)
                    try walk.forEachValue(in: raw) { together[$0].append($1.copy) }
                    for (place, reference) in references.enumerated() {
                        var alone: [Value] = []
                        // If another reference leads into an array, the array itself is no value.
                        let isOfElements =
                            reference.condition == nil
                            && references.contains { other in
                                let reach = other.condition == nil ? other.path.steps.count : other.path.lastFieldIndex
                                return other.path.steps[..<reach].starts(with: reference.path.steps + [.elements])
                            }
                        try reference.forEachValue(in: raw) { value in
                            if !isOfElements || value.type != .array { alone.append(value.copy) }
                        }
                        #expect(together[place] == alone, "\(reference.path) in \(document)")
                        found += alone.count
                    }
                }
            }
        }
        #expect(found > 2_500, "\(found)")
    }

    /// A field may have one id in some documents, and several, none or the referenced document itself in others.
    @Test func whatHoldsValuesIsNoneItself() throws {
        func reference(_ path: String) throws -> Reference {
            Reference(collection: "c", path: try FieldPath(parsing: path), target: "t")
        }
        let document: Document = [
            "one": [1, [2]], "none": [], "populated": ["_id": 3, "name": "x"], "key": ["a": 4], "alone": [5],
        ]
        let paths = ["one", "one[]", "one[][]", "none", "populated", "populated._id", "key", "key.a", "alone"]
        let walk = ReferenceWalk(try paths.map(reference))
        var found: [String: [Value]] = [:]
        try document.withRaw { raw in
            try walk.forEachValue(in: raw) { found[paths[$0], default: []].append($1.copy) }
        }
        // An `_id` may be a document, like `key`, but not an array.
        #expect(
            found == [
                "one[]": [1], "one[][]": [2], "populated._id": [3], "key": [["a": 4]], "key.a": [4], "alone": [[5]],
            ])
    }
}
