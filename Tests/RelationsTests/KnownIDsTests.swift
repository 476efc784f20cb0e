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
        #expect(try answer(of: known, about: [["x": 1], ["x": 2]]) == [["x": .int64(1)]])
    }

    /// Servers find each of these by the other.
    @Test func keysAreEqualWhateverTypesTheirNumbersHave() throws {
        func decimal(_ text: String) throws -> Value { .decimal128(try #require(Decimal128(text))) }
        let known = ids([["city": "a", "no": 3], try decimal("3.50"), ["part": try decimal("2.0")]])
        let numbers: [Value] = [["city": "a", "no": .double(3)], ["city": "a", "no": .int64(4)]]
        #expect(try answer(of: known, about: numbers) == [["city": "a", "no": .int64(3)]])
        #expect(try answer(of: known, about: [["part": 2], ["part": "2"]]) == [["part": .int64(2)]])
        let target: Document = ["_id": try decimal("1.0")]
        var discovery = ReferenceDiscovery(findsTypes: false)
        try target.withRaw { try discovery.add($0, in: "targets") }
        let user: Document = ["targetId": try decimal("3.5")]
        try user.withRaw { try discovery.add($0, in: "users") }
        var found = 0
        _ = try discovery.resolve { questions in
            questions.map { question in
                let answer = known.answer(question)
                if question.collection == "targets" { found += answer.count }
                return answer
            }
        }
        #expect(found == 1)
    }

    @Test func whatIsNeverAskedForIsNotKept() {
        let known = ids([.double(1.5), .null, .string(String(repeating: "x", count: 200))])
        #expect(known.bytes == 0)
    }
}
