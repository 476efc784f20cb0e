import BSON
import Foundation
import MongoFerry
import RandomDocuments
import Relations
import Testing

/// For every document that a server can store, an export and an import restore the same bytes.
@Suite struct FidelityTests {
    /// Random documents, the same for the same seed.
    static func documents(seed: UInt64, count: Int) -> [Document] {
        var random = RandomDocument(seed: seed)
        return (0..<count).map { _ in random.next() }
    }

    @Test(arguments: [ExtendedJSONMode.compact, .canonical])
    func randomDocumentsComeBackByteForByte(_ mode: ExtendedJSONMode) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try withTwoTestDatabases { source, copy, folder in
            try source.insert(Self.documents(seed: seed, count: 2500), into: "random")
            let expected = try source.image()
            let file = folder.file("random.csv")
            try source.export(to: file) { $0.json = mode }
            try copy.load(file)
            #expect(try copy.image().differences(from: expected) == [], "merged into an empty database, seed \(seed)")
            try copy.load(file, .replace)
            #expect(try copy.image().differences(from: expected) == [], "replaced, seed \(seed)")
            try copy.drop("random")
            try copy.load(file, .insert)
            #expect(try copy.image().differences(from: expected) == [], "inserted, seed \(seed)")
            let verified = try Verify(file: file, target: try copy.target).runBlocking(OperationContext())
            #expect(verified.differences.isEmpty, "seed \(seed)")
        }
    }

    /// The only documents with names that begin with `$` that servers accept as an `_id`.
    @Test func keysThatAreDBRefsComeBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            let keys: [Document] = [
                ["$ref": "a", "$id": 1], ["$ref": "a", "$id": 1, "$db": "d"], ["$ref": "a", "$id": ["k": 2], "x": 3],
            ]
            try source.insert(keys.map { ["_id": .document($0), "v": 1] }, into: "keys")
            let file = folder.file("keys.csv")
            try source.export(to: file)
            for mode in [ImportOptions.Mode.merge, .replace, .insert] {
                try copy.load(file, mode)
                #expect(try copy.image().differences(from: source.image()) == [], "\(mode)")
                try copy.run(["update": "keys", "updates": [["q": [:], "u": ["$set": ["v": 2]], "multi": true]]])
                #expect(try copy.load(file).totals.updated == keys.count)
                #expect(try copy.image().differences(from: source.image()) == [], "merged after \(mode)")
                try copy.drop("keys")
            }
            let refused: [Document] = [
                ["$id": 1], ["$ref": "a"], ["x": 1, "$ref": "a"], ["$ref": "a", "$id": 1, "$y": 2],
            ]
            for key in refused {
                let rows = [["_id": 1], ["_id": .document(key)]].map { LegacyFile.row("keys", $0) }
                try folder.write(LegacyFile.text(rows: rows), to: "refused.csv")
                let errors = try copy.tryInsert([["_id": .document(key)]], into: "refused").writeErrors
                try #require(!errors.isEmpty, "\(key)")
                let report = try copy.load(folder.file("refused.csv"))
                // Before anything is written.
                #expect(report.status == .refused && report.rejectionCount == 1, "\(key)")
                #expect(try copy.count("keys") == 0, "\(key)")
            }
        }
    }

    /// Servers take it for an unknown operator.
    @Test func aReferenceThatIsNoWholeDBRefDangles() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<20).map { ["_id": ["k": .int32($0)]] }, into: "a")
            try database.insert((0..<20).map { ["_id": .int32($0), "r": ["k": .int32($0)]] }, into: "b")
            try database.insert([["_id": 99, "r": ["$ref": "a"]]], into: "b")
            let configuration = try Configuration.parse(
                yaml: "collections: {a: {}, b: {references: {r: a}}}", file: "c")
            let file = folder.file("all.csv")
            try database.export(to: file) { $0.configuration = configuration }
            let verified = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(verified.references.map(\.dangling) == [1])
            let merged = try database.load(file)
            #expect(merged.references.map(\.dangling) == [1] && merged.totals.unchanged == 41)
        }
    }

    @Test func randomDocumentsTakeTheirFormsBackFromChangedOnes() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try withTestDatabase { database, folder in
            try database.insert(Self.documents(seed: seed, count: 2000), into: "random")
            let expected = try database.documents(in: "random").sorted(by: DatabaseImage.byBytes)
            try database.export(to: folder.file("random.csv"))
            // Every document gets another one's content; the server sets empty timestamps at the top level as usual.
            try database.run(["drop": "random"])
            let ids = expected.map { $0["_id"] ?? .null }
            let shifted = expected[1...] + expected[..<1]
            try database.insert(
                zip(ids, shifted).map { id, other in
                    Document { builder in
                        builder.append("_id", id)
                        other.withRaw { raw in
                            var walker = raw.makeWalker()
                            while let element = try? walker.next() {
                                if !element.keyEquals("_id") { builder.append(copying: element) }
                            }
                        }
                    }
                }, into: "random")
            let report = try database.load(folder.file("random.csv"))
            #expect(report.rejections.map(\.reason) == [], "seed \(seed)")
            #expect(try database.documents(in: "random").sorted(by: DatabaseImage.byBytes) == expected, "seed \(seed)")
            #expect(try database.load(folder.file("random.csv")).totals.unchanged == expected.count)
            try database.load(folder.file("random.csv"), .replace)
            #expect(try database.documents(in: "random").sorted(by: DatabaseImage.byBytes) == expected, "seed \(seed)")
        }
    }

    // MARK: _id

    static let ids: [Value] = [
        7, .int64(8), .double(9.5), .double(-0.0), .double(.nan), .double(.infinity), .int64(.max), .int64(.min),
        .decimal128(Decimal128("10.50") ?? Decimal128(low: 0, high: 0)),
        .decimal128(Decimal128("1E+6144") ?? Decimal128(low: 0, high: 0)),
        "text", "", "with \u{0} inside", "5c2aad8012345678901234ab", "2026-11-23T20:04:45.123Z",
        ["a": 1, "b": [1, 2]],
        ["b": [1, 2], "a": 1], [:], .binary(subtype: 4, Array(0..<16)), .binary(subtype: 0, []),
        .binary(subtype: 2, [3, 0, 0, 0, 1, 2, 3]), .binary(subtype: 128, [1]),
        .objectID(ObjectID(high: 0x5C2A_AD80_1234_5678, low: 0x9012_34AB)), true, false, .date(0), .date(.min),
        .date(.max), .date(1_700_000_000_123), .null, .minKey, .maxKey, .timestamp(Timestamp(rawValue: 1 << 32 | 5)),
        .timestamp(Timestamp(rawValue: 0)), other(.symbol, string("symbol")), other(.code, string("function () {}")),
        other(.dbPointer, string("db.c") + [UInt8](1...12)),
        other(.codeWithScope, scoped("function () {}", ["x": 1])),
    ]

    private static func other(_ type: ElementType, _ bytes: [UInt8]) -> Value { .other(type, bytes) }

    private static func string(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        Value.string(text).appendBytes(to: &bytes)
        return bytes
    }

    private static func scoped(_ code: String, _ scope: Document) -> [UInt8] {
        let body = string(code) + scope.bytes
        var bytes: [UInt8] = []
        Value.int32(Int32(body.count + 4)).appendBytes(to: &bytes)
        return bytes + body
    }

    @Test(arguments: [Document(), ["clusteredIndex": ["key": ["_id": 1], "unique": true, "name": "ids"]]])
    func idsOfEveryTypeLiveInOneCollection(_ options: Document) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("mixed", options)
            let documents: [Document] = Self.ids.enumerated().map { ["_id": $1, "n": .int32(Int32($0))] }
            try source.insert(documents, into: "mixed")
            let expected = try source.image()
            try source.export(to: folder.file("mixed.csv"))
            try source.export(to: folder.file("sorted.csv")) { $0.reproducible = true }
            for file in [folder.file("mixed.csv"), folder.file("sorted.csv")] {
                try copy.load(file)
                #expect(try copy.image().differences(from: expected) == [])
                let again = try copy.load(file)
                #expect(again.totals.unchanged == Self.ids.count)
                try copy.update("mixed", [:], ["$inc": ["n": 100]], many: true)
                let merged = try copy.load(file)
                #expect(merged.totals.updated == Self.ids.count)
                #expect(merged.rejections.map(\.reason) == [])
                #expect(try copy.image().differences(from: expected) == [])
                try copy.load(file, .replace)
                #expect(try copy.image().differences(from: expected) == [])
                try copy.drop("mixed")
                #expect(try copy.load(file, .insert).totals.inserted == Self.ids.count)
                #expect(try copy.image().differences(from: expected) == [])
                #expect(try copy.load(file, .insert).totals.unchanged == Self.ids.count)
                try copy.drop("mixed")
            }
        }
    }

    /// Servers treat 1, 1.0 and NumberLong(1) as the same `_id`: a merge gives it the file's type.
    @Test(arguments: [Document(), ["clusteredIndex": ["key": ["_id": 1], "unique": true]]])
    func mergeGivesANumericIDTheTypeThatItHasInTheFile(_ options: Document) throws {
        try withTestDatabase { database, folder in
            try database.create("numbers", options)
            let documents: [Document] = [
                ["_id": 1, "n": 1], ["_id": .int64(2), "n": 2], ["_id": .double(3), "n": 3],
                ["_id": .decimal128(Decimal128("4.00") ?? Decimal128(low: 0, high: 0)), "n": 4], ["_id": .double(0.5)],
            ]
            try database.insert(documents, into: "numbers")
            try database.export(to: folder.file("numbers.csv"))
            try database.drop("numbers")
            try database.create("numbers", options)
            try database.insert(
                [
                    ["_id": .int64(1), "n": 1], ["_id": .double(2), "n": 0], ["_id": 3, "n": 3], ["_id": 4, "n": 4],
                    ["_id": .decimal128(Decimal128("0.50") ?? Decimal128(low: 0, high: 0))],
                ], into: "numbers")
            let report = try database.load(folder.file("numbers.csv"))
            #expect(report.totals.updated == documents.count && report.totals.rejected == 0)
            #expect(Set(try database.documents(in: "numbers")) == Set(documents))
        }
    }

    /// The same `_id` in two types cannot be in one collection.
    @Test func aNumericIDThatStandsTwiceInTheFileIsRefused() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                """
                collection,data
                numbers,"{""_id"":{""$numberInt"":""1""}}"
                numbers,"{""_id"":{""$numberLong"":""1""}}"

                """, to: "twice.csv")
            let report = try database.load(folder.file("twice.csv"))
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.reason) == ["the same _id stands on line 2 already"])
            #expect(try database.names() == [])
        }
    }

    // MARK: What other tools have lost

    static let hardCases: [Document] = [
        ["_id": 1, "t": .timestamp(Timestamp(rawValue: 0)), "n": ["t": .timestamp(Timestamp(rawValue: 0))]],
        ["_id": 2, "t": .timestamp(Timestamp(rawValue: 0)), "$set": 1, "a.b": 2, "": 3],
        ["_id": 3, "": "empty", "a.b": "dotted", "$dollar": "dollar", "$set": ["a": 1], ".": 1, "a.": 2],
        ["_id": 4, "$where": "function () { while (true) {} }", "$ref": 1, "$id": 2],
        ["_id": 5, "same": 1, "same": "two", "same": ["same": 1, "same": 2]],
        ["_id": 6, "$oid": "5c2aad8012345678901234ab"],
        [
            "_id": 7, "a": ["$oid": "x"], "b": ["$date": 1], "c": ["$type": 2], "d": ["$uuid": "y"],
            "e": ["$ref": "c", "$id": 1], "f": ["$numberLong": "1"], "g": ["$rawBSON": "AAAA"], "h": ["$binary": 1],
            "i": ["$date": "2026-11-23T20:04:45.123Z"], "j": ["$minKey": 1], "k": ["$undefined": true],
        ],
        ["_id": 8, "a\u{0001}\u{7F}\u{2028}\"'\\,\n": "x\u{0}y\r\n\u{2029}", "#": "#", "=1+1": "=1+1"],
        ["_id": 9, "0": "first", "1": 2],
        ["_id": 10, "sparse": .array(Document { $0.append("7", 1) })],
        ["_id": 11, "$rawBSON": "AAAA"],
        ["_id": 14, "same": 1, "same": 2, "t": .timestamp(Timestamp(rawValue: 0))],
        ["_id": 15, "same": 1, "same": 2, "$set": 1],
        ["_id": 16, "a": ["$type": 2], "b": ["$type": "date"], "c": ["$regex": "x"], "d": ["a": 1, "$regex": 5]],
    ]

    private static func store(_ database: TestDatabase) throws {
        for document in hardCases {
            if document["t"] != nil {
                try database.insertKeepingTimestamps(document, into: "hard")
            } else {
                try database.insert([document], into: "hard")
            }
        }
    }

    /// libmongoc cannot read such a binary, and would give the documents a new `_id`.
    @Test func idsOfTheOldBinarySubtypeWhoseInnerLengthIsWrongComeBackInEveryWay() throws {
        try withTwoTestDatabases { source, copy, folder in
            let ids = [[1, 0, 0, 0, 9, 9], [2, 0, 0, 0, 9, 9], [9], [], [255, 255, 255, 255, 1]] as [[UInt8]]
            for (index, id) in ids.enumerated() {
                let document: Document = ["_id": .binary(subtype: 2, id), "n": .int32(Int32(index))]
                try source.insertKeepingTimestamps(document, into: "old")
            }
            let expected = try source.image()
            let file = folder.file("old.csv")
            try source.export(to: file)
            for mode in [ImportOptions.Mode.merge, .replace] {
                let report = try copy.load(file, mode)
                #expect(report.totals.inserted == ids.count, "\(report.rejections.map(\.reason))")
                #expect(try copy.image().differences(from: expected) == [])
            }
            for id in ids {
                try copy.update("old", ["_id": ["$eq": .binary(subtype: 2, id)]], ["$set": ["n": "changed"]])
            }
            #expect(try copy.load(file).totals.updated == ids.count)
            #expect(try copy.image().differences(from: expected) == [])
        }
    }

    @Test func hardCasesComeBackByteForByteInEveryWay() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.store(source)
            #expect(Set(try source.documents(in: "hard")) == Set(Self.hardCases))
            let expected = try source.image()
            let file = folder.file("hard.csv")
            try source.export(to: file)
            try copy.load(file)
            #expect(try copy.image().differences(from: expected) == [])
            try copy.load(file, .replace)
            #expect(try copy.image().differences(from: expected) == [])
            try copy.drop("hard")
            try copy.load(file, .insert)
            #expect(try copy.image().differences(from: expected) == [])
            // Over changed documents.
            try copy.drop("hard")
            try copy.insert(Self.hardCases.map { ["_id": $0["_id"] ?? .null, "changed": true] }, into: "hard")
            let report = try copy.load(file)
            #expect(report.rejections.map(\.reason) == [])
            #expect(try copy.image().differences(from: expected) == [])
        }
    }

    @Test func documentsNestAsDeepAsTheServerStoresThem() throws {
        try withTwoTestDatabases { source, copy, folder in
            var deepest: Value = [:]
            for _ in 0..<179 { deepest = .document(Document { $0.append("a", deepest) }) }
            var array: Value = []
            for _ in 0..<179 { array = .array([array]) }
            let documents: [Document] = [
                ["_id": 1, "d": deepest], ["_id": 2, "d": array], ["_id": 3, "d": deepest, "d": deepest],
            ]
            try source.insert(documents, into: "deep")
            try source.insertKeepingTimestamps(
                ["_id": 4, "t": .timestamp(Timestamp(rawValue: 0)), "d": deepest], into: "deep")
            let expected = try source.image()
            try source.export(to: folder.file("deep.csv"))
            try copy.load(folder.file("deep.csv"), .replace)
            #expect(try copy.image().differences(from: expected) == [])
            try copy.update("deep", [:], ["$set": ["changed": true]], many: true)
            let report = try copy.load(folder.file("deep.csv"))
            #expect(report.rejections.map(\.reason) == [])
            #expect(try copy.image().differences(from: expected) == [])
        }
    }

    @Test func documentsOfSixteenMebibytesComeBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            let limit = 16 << 20
            // Control characters and quotation marks make the row longer than the document.
            func document(_ id: Int32, _ start: String) -> Document {
                let short: Document = ["_id": .int32(id), "text": .string(start)]
                let room = limit - short.bytes.count
                return ["_id": .int32(id), "text": .string(start + String(repeating: "x", count: room))]
            }
            var documents = [document(1, String(repeating: "\u{1}\"", count: 100_000)), document(2, "")]
            try source.insert(documents, into: "big")
            // One that is sent as a pipeline, and one that can only be merged in a transaction.
            for (id, start) in [(3, ["a": 1]), (4, ["a": 1, "a": 2])] as [(Int32, Document)] {
                let head = (["_id": .int32(id), "t": .timestamp(Timestamp(rawValue: 0))] as Document)
                    .appending("n", .document(start))
                let room = limit - head.appending("text", "").bytes.count
                documents.append(head.appending("text", .string(String(repeating: "y", count: room))))
                try source.insertKeepingTimestamps(documents[documents.count - 1], into: "big")
            }
            #expect(documents.allSatisfy { $0.bytes.count == limit })
            try source.export(to: folder.file("big.csv.zst")) { $0.compression = .zstd }
            try copy.insert((1...4).map { ["_id": .int32($0), "text": "short"] }, into: "big")
            let report = try copy.load(folder.file("big.csv.zst"))
            #expect(report.rejections.map(\.reason) == [])
            #expect(Set(try copy.documents(in: "big")) == Set(documents))
            try copy.load(folder.file("big.csv.zst"), .replace)
            #expect(Set(try copy.documents(in: "big")) == Set(documents))
        }
    }

    @Test func idsThatServersRefuseAreFoundBeforeTheFirstWrite() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                #"""
                collection,data
                bad,"{""_id"":1}"
                bad,"{""_id"":[1]}"
                bad,"{""_id"":{""$regularExpression"":{""pattern"":""a"",""options"":""""}}}"
                bad,"{""_id"":{""$undefined"":true}}"
                bad,"{""_id"":{""$rawBSON"":""x""}}"
                bad,"{""name"":""none""}"

                """#, to: "bad.csv")
            let report = try database.load(folder.file("bad.csv"))
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.line) == [3, 4, 5, 6, 7])
            #expect(try database.names() == [])
        }
    }
}
