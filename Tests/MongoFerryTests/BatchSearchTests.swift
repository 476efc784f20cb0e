import BSON
import Testing

@testable import MongoFerry

@Suite struct BatchSearchTests {
    /// A merge would write its document over another one.
    @Test(arguments: [["_id"], ["a", "b"]]) func aLiveDocumentWhoseKeyOnlySharesAHashIsNotTheOne(names: [String]) throws
    {
        var key = try DocumentKey(names)
        key.hashMask = 0
        let batch: [Document] = [["_id": 1, "a": 1, "b": 1], ["_id": 2, "a": 1, "b": 2], ["_id": 3, "a": 2, "b": 1]]
        try withRaw(batch) { documents in
            var search = BatchSearch(key)
            for index in documents.indices { _ = search.add(documents[index], index) }
            func indexes(_ live: Document) -> [Int]? {
                live.withRaw { live in search.place(of: live) { documents[$0] }?.indexes }
            }
            #expect(indexes(["_id": 4, "a": 3, "b": 1]) == nil)
            #expect(indexes(["_id": .double(2), "a": .int64(1), "b": .double(2)]) == [1])
            #expect(search.lookup.missing == [0, 2])
        }
    }

    private func withRaw(
        _ documents: [Document], _ known: [RawDocument] = [], _ body: ([RawDocument]) throws -> Void
    ) throws {
        guard let first = documents.first else { return try body(known) }
        try first.withRaw { try withRaw(Array(documents.dropFirst()), known + [$0], body) }
    }
}
