import BSON
import Relations
import Testing

@Suite struct TypeRulesTests {
    /// One value and a configured type.
    @Test(
        arguments: [
            (FieldType.objectId, "5c2aad80e1d2f3a4b5c6d7e8", .objectID(id("5c2aad80e1d2f3a4b5c6d7e8"))),
            (.objectId, "5C2AAD80E1D2F3A4B5C6D7E8", .objectID(id("5c2aad80e1d2f3a4b5c6d7e8"))),
            (.objectId, .objectID(id("5c2aad80e1d2f3a4b5c6d7e8")), .objectID(id("5c2aad80e1d2f3a4b5c6d7e8"))),
            (.objectId, .null, .null),
            (.date, "2023-01-31T12:30:45.678Z", .date(1_675_168_245_678)),
            (.date, "2023-01-31T12:30:45Z", .date(1_675_168_245_000)),
            (.date, "2023-01-31T14:30:45.6+02:00", .date(1_675_168_245_600)),
            (.date, "2023-01-31T14:30+0200", .date(1_675_168_200_000)),
            (.date, "2023-01-31 12:30:45.678000Z", .date(1_675_168_245_678)),
            (.date, "2023-01-31", .date(1_675_123_200_000)),
            (.date, "2024-02-29", .date(1_709_164_800_000)),
            (.date, "0000-01-01T00:00:00.000Z", .date(-62_167_219_200_000)),
            (.date, "1969-12-31T23:59:59.999Z", .date(-1)),
            (.date, "+010000-01-01T00:00:00.000Z", .date(253_402_300_800_000)),
            (.date, "-000001-12-31T00:00:00.000Z", .date(-62_167_305_600_000)),
            (.date, .int64(1_675_168_245_678), .date(1_675_168_245_678)),
            (.date, .double(12.0), .date(12)),
            (.date, .date(5), .date(5)),
            (.decimal, "120.50", .decimal128(decimal("120.50"))),
            (.decimal, 120, .decimal128(decimal("120"))),
            (.decimal, 120.5, .decimal128(decimal("120.5"))),
            (.decimal, 0.1, .decimal128(decimal("0.1"))),
            (.decimal, 3.0, .decimal128(decimal("3"))),
            (.decimal, "-1E+3", .decimal128(decimal("-1E+3"))),
            (.int, 5.0, .int32(5)),
            (.int, "42", .int32(42)),
            (.int, "-2147483648", .int32(.min)),
            (.int, "4.20E1", .int32(42)),
            (.int, .int64(7), .int32(7)),
            (.long, 5, .int64(5)),
            (.long, "9223372036854775807", .int64(.max)),
            (.long, "-9223372036854775808", .int64(.min)),
            (.long, ["low": -1, "high": 0, "unsigned": false], .int64(4_294_967_295)),
            (.long, ["low": 0, "high": -1, "unsigned": false], .int64(-4_294_967_296)),
            (.double, 5, .double(5)),
            (.double, "0.10", .double(0.1)),
            (.double, "1e300", .double(1e300)),
            (.double, .decimal128(decimal("2.50")), .double(2.5)),
            (.bool, "true", true),
            (.bool, "false", false),
            (.bool, false, false),
            (.uuid, "00112233-4455-6677-8899-AABBCCDDEEFF", .binary(subtype: 4, uuidBytes)),
            (.uuid, "ABEiM0RVZneImaq7zN3u/w==", .binary(subtype: 4, uuidBytes)),
            (.uuid, .binary(subtype: 3, uuidBytes), .binary(subtype: 4, uuidBytes)),
            (.binary, "AAEC/w==", .binary(subtype: 0, [0, 1, 2, 255])),
            (.binary, "", .binary(subtype: 0, [])),
            (.binary, ["type": "Buffer", "data": [0, 1, 255]], .binary(subtype: 0, [0, 1, 255])),
            (.binary, .binary(subtype: 5, [1]), .binary(subtype: 5, [1])),
            (.string, "5c2aad80e1d2f3a4b5c6d7e8", "5c2aad80e1d2f3a4b5c6d7e8"),
        ] as [(FieldType, Value, Value)])
    func convertsExactly(_ type: FieldType, _ value: Value, _ wanted: Value) throws {
        let document: Document = ["before": 1, "x": value, "after": "z"]
        #expect(try convert(document, ["x": type]) == ["before": 1, "x": wanted, "after": "z"])
    }

    @Test(
        arguments: [
            (
                FieldType.objectId, "abc",
                #"x: "abc" is not an objectId; expected 24 hexadecimal digits (types in the config)"#
            ),
            (
                .date, "yesterday",
                #"x: "yesterday" is not a date; expected an ISO 8601 date with its offset, no finer than milliseconds, or whole milliseconds since 1970 (types in the config)"#
            ),
            (
                .decimal, "1,5",
                #"x: "1,5" is not a decimal; expected a number of at most 34 digits (types in the config)"#
            ),
            (.decimal, true, "x: true is not a decimal; expected a number of at most 34 digits (types in the config)"),
            (
                .int, 5.5,
                "x: 5.5 is not an int; expected a whole number between -2147483648 and 2147483647 (types in the config)"
            ),
            (
                .int, "2147483648",
                #"x: "2147483648" is not an int; expected a whole number between -2147483648 and 2147483647 (types in the config)"#
            ),
            (
                .long, "9223372036854775808",
                #"x: "9223372036854775808" is not a long; expected a whole number of 64 bits (types in the config)"#
            ),
            (
                .double, "0.1000000000000000055511",
                #"x: "0.1000000000000000055511" is not a double; expected a number that a double holds exactly, or as JavaScript writes it (types in the config)"#
            ),
            (
                .double, .int64(9_007_199_254_740_993),
                "x: 9007199254740993 is not a double; expected a number that a double holds exactly, or as JavaScript writes it (types in the config)"
            ),
            (
                .long, ["low": -1, "high": -1, "unsigned": true],
                "x: {…} is not a long; expected a whole number of 64 bits (types in the config)"
            ),
            (
                .uuid, "00112233_4455_6677_8899_AABBCCDDEEFF",
                #"x: "00112233_4455_6677_8899_AABBCCDDEEFF" is not a uuid; expected the 36 characters of a UUID, or its 16 bytes in base64 or as a Buffer (types in the config)"#
            ),
            (.bool, 1, "x: 1 is not a bool; expected true or false (types in the config)"),
            (
                .uuid, "0011-22",
                #"x: "0011-22" is not a uuid; expected the 36 characters of a UUID, or its 16 bytes in base64 or as a Buffer (types in the config)"#
            ),
            (
                .binary, "a?==",
                #"x: "a?==" is not a binary; expected base64 text or {"type":"Buffer","data":[…]} (types in the config)"#
            ),
            (.string, 5, "x: 5 is not a string; expected a value in quotes (types in the config)"),
            (
                .date, ["2023-01-31T12:30:45.678Z"],
                "x: […] is not a date; expected an ISO 8601 date with its offset, no finer than milliseconds, or whole milliseconds since 1970 (types in the config). The elements of an array are 'x[]'"
            ),
        ] as [(FieldType, Value, String)])
    func aValueThatAConfigurationsTypeCannotTakeRejectsTheRow(_ type: FieldType, _ value: Value, _ text: String) {
        let error = #expect(throws: RowRejection.self) { try convert(["x": value], ["x": type]) }
        #expect(error?.description == text)
        #expect(error?.path == path("x"))
    }

    @Test(arguments: [
        "2023-02-29", "2023-13-01", "2023-01-00", "2023-01-31T24:00:00Z", "2023-01-31T12:60:00Z", "2023-01-31T12:30:45",
        "2023-01-31T12:30:45.6789Z", "2023-1-31", "2023-01-31T12:30:45.Z", "2023-01-31T12:30:45.678Zx", "20230131",
    ])
    func doesNotTakeForADateWhatIsNone(_ text: String) {
        #expect(throws: RowRejection.self) { try convert(["x": .string(text)], ["x": .date]) }
    }

    @Test func reachesEveryDepthAndLeavesTheRestByteForByte() throws {
        let hex = "5c2aad80e1d2f3a4b5c6d7e8"
        let document: Document = [
            "_id": .string(hex), "customerId": "elsewhere", "odd": 1, "odd": 2, "": .null,
            "vehicles": [
                ["plate": "X", "drivers": [["customerId": .string(hex), "n": 1.5], ["customerId": .null], 7]],
                ["drivers": "none"], .string(hex),
            ],
            "matrix": [["1", "2"], ["3"]], "customer": ["Id": .string(hex), "vehicles": .string(hex)],
        ]
        let id = Value.objectID(id(hex))
        let wanted: Document = [
            "_id": id, "customerId": "elsewhere", "odd": 1, "odd": 2, "": .null,
            "vehicles": [
                ["plate": "X", "drivers": [["customerId": id, "n": 1.5], ["customerId": .null], 7]],
                ["drivers": "none"], .string(hex),
            ],
            "matrix": [[1, 2], [3]], "customer": ["Id": .string(hex), "vehicles": .string(hex)],
        ]
        #expect(
            try convert(document, ["_id": .objectId, "vehicles[].drivers[].customerId": .objectId, "matrix[][]": .int])
                == wanted)
    }

    @Test func countsByRuleAndAddsUpOverThreads() throws {
        let rules = TypeRules([
            TypeRule(collection: "a", path: path("x"), type: .objectId, reason: .reference(to: "b")),
            TypeRule(collection: "a", path: path("d"), type: .date, reason: .configuration),
        ])
        #expect(rules.rules.map(\.path.description) == ["d", "x"])
        var counts = rules.makeCounts()
        var other = rules.makeCounts()
        let rows: [Document] = [["x": "5c2aad80e1d2f3a4b5c6d7e8"], ["x": "no id", "d": "2023-01-31"], ["x": .null]]
        for row in rows { _ = try row.withRaw { try rules.apply(to: $0, in: "a", counts: &counts) } }
        _ = try rows[0].withRaw { try rules.apply(to: $0, in: "a", counts: &other) }
        // Another collection has no rules, so its rows stay as they are.
        #expect(rules.rules(for: "b") == nil)
        #expect(try rows[0].withRaw { try rules.apply(to: $0, in: "b", counts: &other) } == rows[0])
        counts.merge(other)
        #expect(counts.converted == [1, 2])
        #expect(counts.left == [0, 1])
    }

    @Test func aRejectedRowLeavesNothingInTheBuffer() throws {
        let rules = TypeRules([TypeRule(collection: "a", path: path("x.y"), type: .int, reason: .configuration)])
        let buffer = ByteBuffer()
        buffer.append("kept")
        var counts = rules.makeCounts()
        let document: Document = ["big": "value", "x": ["y": "no"]]
        let collectionRules = try #require(rules.rules(for: "a"))
        #expect(throws: RowRejection.self) {
            try document.withRaw { try collectionRules.apply(to: $0, appendingTo: buffer, counts: &counts) }
        }
        #expect(buffer.count == 4)
    }

    @Test func whatIsInferredUndoesOnlyWhatJSONDoes() throws {
        let rules = TypeRules(
            [("a", .int), ("b", .bool), ("c", .decimal), ("d", .date), ("e", .long)].map { (name: String, type) in
                TypeRule(collection: "c", path: path(name), type: type, reason: .live)
            })
        let document: Document = ["a": "5", "b": "true", "c": "1.5", "d": "2023-01-31", "e": 5]
        var counts = rules.makeCounts()
        #expect(
            try document.withRaw { try rules.apply(to: $0, in: "c", counts: &counts) }
                == ["a": "5", "b": "true", "c": "1.5", "d": "2023-01-31", "e": .int64(5)])
        #expect(counts.left == [1, 1, 1, 1, 0])
    }

    /// JSON.stringify writes decimals with their type.
    @Test(arguments: [FieldType.double, .long, .int]) func aDecimalStaysOneWhateverTheLiveOnesAre(type: FieldType)
        throws
    {
        let rules = TypeRules([TypeRule(collection: "c", path: path("a"), type: type, reason: .live)])
        let document: Document = ["a": .decimal128(decimal("5.00"))]
        var counts = rules.makeCounts()
        #expect(try document.withRaw { try rules.apply(to: $0, in: "c", counts: &counts) } == document)
        #expect(counts.left == [1])
    }

    private static func inferred(_ name: String, _ type: FieldType) -> TypeRule {
        TypeRule(collection: "c", path: path(name), type: type, reason: .inferred("x"))
    }

    /// A configured type applies whatever is inferred about fields inside.
    @Test func aTypeCountsWhateverIsKnownOfWhatIsInside() throws {
        let configured = { TypeRule(collection: "c", path: path($0), type: $1, reason: .configuration) }
        let rules = TypeRules([
            configured("buffer", .binary), Self.inferred("buffer.data[]", .int), configured("long", .long),
            Self.inferred("long.low", .int), configured("id", .objectId), Self.inferred("id._id", .objectId),
            Self.inferred("ids[]", .objectId), configured("ids", .objectId),
        ])
        func apply(_ document: Document) throws -> Document {
            var counts = rules.makeCounts()
            return try document.withRaw { try rules.apply(to: $0, in: "c", counts: &counts) }
        }
        #expect(
            try apply([
                "buffer": ["type": "Buffer", "data": [1, 2]], "long": ["low": 1, "high": 1, "unsigned": false],
            ]) == ["buffer": .binary(subtype: 0, [1, 2]), "long": .int64(1 << 32 + 1)])
        for (document, place) in [
            (["id": ["_id": hex(1, 1)]] as Document, "id"), (["ids": [hex(1, 1)]], "ids"),
            (["buffer": ["data": [1]]], "buffer"),
        ] {
            let rejection = #expect(throws: RowRejection.self) { try apply(document) }
            #expect(rejection?.path == path(place))
        }
        // If the configuration has types for what is inside, an embedded document may be there. An inferred type
        // demands nothing.
        let both = TypeRules([
            configured("id", .objectId), configured("id._id", .objectId), Self.inferred("other", .objectId),
            Self.inferred("other._id", .objectId),
        ])
        var counts = both.makeCounts()
        let populated: Document = ["id": ["_id": hex(1, 1)], "other": ["_id": hex(1, 2)]]
        let key = { Value.objectID(id(hexText(1, $0))) }
        #expect(
            try populated.withRaw { try both.apply(to: $0, in: "c", counts: &counts) } == [
                "id": ["_id": key(1)], "other": ["_id": key(2)],
            ])
    }

    /// With data as names, each must be found without comparing all the others.
    @Test func manyFieldsOfOneParentAreConvertedEachByItsRule() throws {
        let names = (0..<500).map { "user\($0)" }
        let rules = TypeRules(
            names.enumerated().map {
                TypeRule(
                    collection: "c", path: path("readBy.\($1)"), type: $0 % 2 == 0 ? .date : .int,
                    reason: .configuration)
            })
        let readBy = Document { readBy in
            for (index, name) in names.enumerated() {
                readBy.append(name, index % 2 == 0 ? "1970-01-01T00:00:01.000Z" : .string("\(index)"))
            }
            readBy.append("another", "5")
        }
        var counts = rules.makeCounts()
        let converted = try (["readBy": .document(readBy)] as Document).withRaw {
            try rules.apply(to: $0, in: "c", counts: &counts)
        }
        let fields = try #require(converted["readBy"]?.document)
        #expect(fields.elements.count == 501 && fields["another"] == "5")
        for (index, name) in names.enumerated() {
            #expect(fields[name] == (index % 2 == 0 ? .date(1000) : .int32(Int32(index))))
        }
    }

    private func convert(_ document: Document, _ types: KeyValuePairs<String, FieldType>) throws -> Document {
        let rules = TypeRules(
            types.map { TypeRule(collection: "c", path: path($0), type: $1, reason: .configuration) })
        var counts = rules.makeCounts()
        let converted = try document.withRaw { try rules.apply(to: $0, in: "c", counts: &counts) }
        return try Document(validating: converted.bytes)
    }
}

private let uuidBytes: [UInt8] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
]

func id(_ hex: String) -> ObjectID {
    guard let id = ObjectID(hex: hex) else { preconditionFailure("no ObjectId: \(hex)") }
    return id
}

func decimal(_ text: String) -> Decimal128 {
    guard let number = Decimal128(text) else { preconditionFailure("no decimal: \(text)") }
    return number
}
