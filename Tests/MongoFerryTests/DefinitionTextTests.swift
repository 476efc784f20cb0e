import BSON
import BackupFile
import Testing

@testable import MongoFerry

/// What is said of options and indexes that differ: enough to see the difference, however long they are.
@Suite struct DefinitionTextTests {
    private static func long(_ last: Value) -> Document {
        Document { result in
            for number in 0..<30 { result.append("field\(number)", ["$exists": true]) }
            result.append("last", ["$gt": last])
        }
    }

    private static func texts(
        _ file: Document, _ live: Document, indexes: [Document] = [], liveIndexes: [Document] = [],
        _ mode: ImportOptions.Mode = .merge
    ) -> [String] {
        CollectionDifferences.told(
            BackupMetadata.Collection(name: "c", options: file, indexes: indexes), options: live,
            indexes: liveIndexes, mode: mode
        ).map(\.text)
    }

    private static func validators(_ file: Value, _ live: Value) -> String {
        texts(["validator": file], ["validator": live]).joined(separator: "\n")
    }

    @Test func ofLongOptionsTheFirstPlaceThatDiffersIsNamed() {
        #expect(
            Self.validators(.document(Self.long(1)), .document(Self.long(2)))
                == "option validator: at last.$gt 1 in the file, 2 in the database; it stays as it is")
        #expect(
            Self.validators(
                ["$and": [.document(Self.long(1)), ["a": 1]]], ["$and": [.document(Self.long(1)), ["a": 1, "b": "x"]]])
                == "option validator: at $and[1].b none in the file, \"x\" in the database; it stays as it is")
        #expect(
            Self.texts(
                ["viewOn": "c", "pipeline": [["$match": .document(Self.long(1))]]],
                ["viewOn": "c", "pipeline": [["$match": .document(Self.long(1))], ["$limit": 5]]], .replace)
                == ["option pipeline: at [1] none in the file, {\"$limit\":5} in the database; the file's counts"])
    }

    @Test func shortOptionsAreShownWhole() {
        #expect(
            Self.validators(["a": 1], ["a": 2])
                == "option validator: {\"a\":1} in the file, {\"a\":2} in the database; it stays as it is")
    }

    /// A value of 300 characters, the last of which is another; fields in another order; equal numbers of other types.
    @Test func valuesThatWouldLookEqualAreShownWhereTheyDiffer() {
        let text = String(repeating: "x", count: 300)
        #expect(
            Self.validators(["$where": .string(text + "1")], ["$where": .string(text + "2")])
                == "option validator: at $where …xxxxxxxxxxxx1\" in the file, …xxxxxxxxxxxx2\" in the database; it stays as it is"
        )
        #expect(
            Self.validators(
                ["a": .string(text), "b": ["c": 1, "d": 2]], ["a": .string(text), "b": ["d": 2, "c": 1]])
                == "option validator: at b {\"c\":1,\"d\":2} in the file, {\"d\":2,\"c\":1} in the database; it stays as it is"
        )
        #expect(
            Self.validators(.document(Self.long(1)), .document(Self.long(.int64(1))))
                == "option validator: at last.$gt 1 in the file, {\"$numberLong\":\"1\"} in the database; it stays as it is"
        )
        #expect(
            Self.validators(["a": "\u{E9}"], ["a": "e\u{301}"])
                == "option validator: at a \"\\u{00E9}\" in the file, \"e\\u{0301}\" in the database; it stays as it is"
        )
    }

    @Test func ofAnIndexTheOptionsThatDifferAreNamed() {
        func index(_ options: Document, _ name: String = "a_1") -> Document {
            Document { result in
                for (key, value) in (["key": ["a": 1], "name": .string(name)] as Document).elements + options.elements {
                    result.append(key, value)
                }
            }
        }
        #expect(
            Self.texts(
                [:], [:],
                indexes: [index(["partialFilterExpression": ["a": ["$gt": 1]], "expireAfterSeconds": 60])],
                liveIndexes: [
                    index([
                        "partialFilterExpression": ["a": ["$gt": 2]], "expireAfterSeconds": .int64(60), "unique": true,
                    ])
                ])
                == [
                    "index a_1 differs from the file's in partialFilterExpression (at a.$gt 1 in the file, 2 in the database) and unique (none in the file, true in the database); it stays as it is"
                ])
        #expect(
            Self.texts([:], [:], indexes: [index([:])], liveIndexes: [["key": ["a": -1], "name": "a_1"]], .replace)
                == [
                    "index a_1 differs from the file's in key (at a 1 in the file, -1 in the database); the file's counts"
                ])
        #expect(
            Self.texts([:], [:], indexes: [index(["hidden": true], "x")], liveIndexes: [index([:], "a\n1")])
                == [
                    "index x is like \"a\\n1\" in the database, with other options: hidden (true in the file, none in the database); it stays as it is, and the server takes no second one"
                ])
    }
}
