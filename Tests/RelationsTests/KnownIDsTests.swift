import BSON
import Relations
import Testing

/// For a collection whose `_id`s are all known, the answers are those that the server would give.
@Suite struct KnownIDsTests {
    private func ids(_ values: [Value]) -> KnownIDs {
        var ids = KnownIDs()
        for value in values {
            let document: Document = ["_id": value]
            document.withRaw { raw in
                if let id = raw["_id"] { ids.insert(id) }
            }
        }
        return ids
    }

    /// The answer to the question about one field's values; empty if nothing was asked.
    private func answer(of known: KnownIDs, about values: [Value]) throws -> Set<Value> {
        var discovery = ReferenceDiscovery(findsTypes: false)
        let kinds: [Value] = [.objectID(ObjectID(high: 1, low: 1)), 1, "a", ["x": 1]]
        for kind in kinds {
            let target: Document = ["_id": kind]
            try target.withRaw { try discovery.add($0, in: "targets") }
        }
        for value in values {
            let document: Document = ["targetId": value]
            try document.withRaw { try discovery.add($0, in: "users") }
        }
        var answers: Set<Value> = []
        _ = try discovery.resolve { questions in
            questions.map { question in
                let answer = known.answer(question)
                if question.collection == "targets" { answers.formUnion(answer) }
                return answer
            }
        }
        return answers
    }

    @Test func numbersOfAnyTypeAreOneAndTheRestIsExact() throws {
        let id = ObjectID(high: 5, low: 6)
        let known = ids([7, .int64(8), .double(9), "seven", .objectID(id), ["x": 1]])
        #expect(known.bytes > 600)
        let numbers: [Value] = [.int64(7), 8, 9, 10]
        #expect(try answer(of: known, about: numbers) == [.int64(7), .int64(8), .int64(9)])
        #expect(try answer(of: known, about: ["seven", "Seven"]) == ["seven"])
        #expect(try answer(of: known, about: [.objectID(id), .objectID(ObjectID(high: 5, low: 7))]) == [.objectID(id)])
        #expect(try answer(of: known, about: [["x": 1], ["x": 2]]) == [["x": 1]])
    }

    @Test func whatIsNeverAskedForIsNotKept() {
        let known = ids([.double(1.5), .null, .string(String(repeating: "x", count: 200))])
        #expect(known.bytes == 0)
    }
}
