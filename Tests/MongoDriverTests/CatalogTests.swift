import BSON
import MongoDriver
import Testing

@Suite struct CatalogTests {
    @Test func everyCollectionOfManyIsListedWithItsKindAndOptions() throws {
        try withTestDatabase { database in
            let client = database.client
            let plain = (0..<130).map { "plain\($0)" }
            for name in plain { try client.runWrite(["create": .string(name)], on: database.name) }
            let odd = "a/b\n\"%é"
            try client.runWrite(["create": .string(odd)], on: database.name)
            let validator: Document = ["z": ["$gte": 1], "a": ["$exists": true]]
            try client.runWrite(["create": "checked", "validator": .document(validator)], on: database.name)
            let view: Document = ["create": "view", "viewOn": "plain1", "pipeline": [["$match": ["x": 1]]]]
            try client.runWrite(view, on: database.name)
            try client.runWrite(["create": "series", "timeseries": ["timeField": "at"]], on: database.name)

            let listed = try client.listCollections(in: database.name)
            let byName = Dictionary(uniqueKeysWithValues: listed.map { ($0.name, $0) })
            let expected = plain + [odd, "checked", "view", "series", "system.views", "system.buckets.series"]
            #expect(Set(byName.keys) == Set(expected))
            #expect(byName["checked"]?.options["validator"] == .document(validator))
            #expect(byName["view"]?.kind == .view)
            #expect(byName["view"]?.options["viewOn"] == "plain1")
            #expect(byName["series"]?.kind == .timeseries)
            #expect(byName["plain1"]?.kind == .collection && byName["plain1"]?.info["uuid"] != nil)
            #expect(listed.filter(\.hasDetails).count == listed.count)
            #expect(try client.listDatabaseNames().contains(database.name))
        }
    }

    @Test func thirtyIndexesAreListedByteForByte() throws {
        try withTestDatabase { database in
            var indexes: [Document] = (1...26).map { number in
                ["v": 2, "key": ["b\(number)": 1, "a": -1], "name": .string("index\(number)")]
            }
            indexes.append(["v": 2, "key": ["u": 1], "name": "unique", "unique": true, "sparse": true])
            indexes.append([
                "v": 2, "key": ["p": 1], "name": "partial", "partialFilterExpression": ["z": ["$gt": 1], "a": 2],
            ])
            indexes.append([
                "v": 2, "key": ["t": 1], "name": "expiring", "expireAfterSeconds": 3600,
            ])
            let command: Document = ["createIndexes": "c", "indexes": .array(indexes.map(Value.document))]
            try database.client.runWrite(command, on: database.name)
            let idIndex: Document = ["v": 2, "key": ["_id": 1], "name": "_id_"]
            #expect(try database.client.listIndexes(of: database.namespace("c")) == [idIndex] + indexes)
        }
    }

    @Test func aMissingCollectionHasNoIndexes() throws {
        try withTestDatabase { database in
            #expect(try database.client.listIndexes(of: database.namespace("absent")).isEmpty)
            try database.client.runWrite(["create": "there"], on: database.name)
            #expect(try database.client.listIndexes(of: database.namespace("absent")).isEmpty)
            #expect(try database.client.listCollections(in: database.name + "x").isEmpty)
        }
    }

    @Test func collectionsAreListedByTheBytesOfTheirNames() throws {
        try withTestDatabase { database in
            let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
            for name in [composed, decomposed, "other"] {
                try database.client.runWrite(["create": .string(name)], on: database.name)
            }
            for name in [composed, decomposed] {
                let found = try database.client.listCollections(in: database.name, named: [name, "absent"])
                #expect(found.map { Array($0.name.utf8) } == [Array(name.utf8)])
            }
            #expect(try database.client.listCollections(in: database.name, named: []).isEmpty)
        }
    }

    @Test func aViewHasNoIndexesToList() throws {
        try withTestDatabase { database in
            try database.client.runWrite(["create": "view", "viewOn": "c", "pipeline": []], on: database.name)
            let error = #expect(throws: MongoError.self) {
                try database.client.listIndexes(of: database.namespace("view"))
            }
            #expect(error?.codeName == "CommandNotSupportedOnView")
        }
    }

    @Test func namesThatNoCommandCanCarryAreRefusedHere() throws {
        try withTestDatabase { database in
            for name in ["", "zero\u{0}byte"] {
                #expect(throws: MongoError.self) { try database.client.find(database.namespace(name), [:]) }
                #expect(throws: MongoError.self) { try database.client.listCollections(in: name) }
                #expect(throws: MongoError.self) { try database.client.bulkWrite(to: database.namespace(name)) }
            }
        }
    }
}
