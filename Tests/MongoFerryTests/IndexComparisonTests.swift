import BSON
import Testing

@testable import MongoFerry

/// Servers of different versions list the same index differently.
@Suite struct IndexComparisonTests {
    @Test(
        arguments: [
            (
                ["v": 2, "unique": true, "key": ["a": 1], "name": "a_1", "ns": "x.c", "background": true],
                ["v": 2, "key": ["a": 1], "name": "a_1", "unique": true]
            ),
            (
                ["v": 2, "key": ["a": 1.0], "name": "a_1", "expireAfterSeconds": 3600.0],
                ["v": 2, "key": ["a": 1], "name": "a_1", "expireAfterSeconds": 3600]
            ),
            (
                ["v": 1, "hidden": true, "key": ["a": .int64(-1)], "name": "a"],
                ["v": 2, "key": ["a": -1], "name": "a", "hidden": true]
            ),
            (["key": ["a": 1], "name": "a", "sparse": 1], ["key": ["a": 1], "name": "a", "sparse": true]),
            (
                ["v": 2, "key": ["_id": 1], "name": "c", "unique": true, "clustered": true],
                [
                    "v": 2, "key": ["_id": 1], "name": "c", "unique": true, "clustered": true,
                    "expireAfterSeconds": .int64(60),
                ]
            ),
            (["key": ["a": 1], "name": "a", "unique": false], ["key": ["a": 1], "name": "a"]),
        ] as [(Document, Document)])
    func areTheSame(_ old: Document, _ new: Document) {
        #expect(CollectionDifferences.normalized(old) == CollectionDifferences.normalized(new))
    }

    @Test(
        arguments: [
            (["key": ["a": 1, "b": 1], "name": "i"], ["key": ["b": 1, "a": 1], "name": "i"]),
            (["key": ["a": 1], "name": "i"], ["key": ["a": -1], "name": "i"]),
            (["key": ["a": 1], "name": "i"], ["key": ["a": 1], "name": "i", "unique": true]),
            (["key": ["a": 1], "name": "i"], ["key": ["a": "hashed"], "name": "i"]),
            (
                ["key": ["a": 1], "name": "i", "collation": ["locale": "en", "strength": 2]],
                ["key": ["a": 1], "name": "i"]
            ),
            (
                ["key": ["a": 1], "name": "i", "expireAfterSeconds": 5],
                ["key": ["a": 1], "name": "i", "expireAfterSeconds": 6]
            ),
            (
                ["key": ["a": 1], "name": "i", "partialFilterExpression": ["a": 1, "b": 1]],
                ["key": ["a": 1], "name": "i", "partialFilterExpression": ["b": 1, "a": 1]]
            ),
        ] as [(Document, Document)])
    func areNotTheSame(_ one: Document, _ other: Document) {
        #expect(CollectionDifferences.normalized(one) != CollectionDifferences.normalized(other))
    }
}
