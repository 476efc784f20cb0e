import BSON
import Relations
import Testing

/// What legacy rows become if the live documents have `_id`s that are no ObjectIds, or values of several types.
@Suite struct LegacyKindsTests {
    private static let uuids: [Value] = (0..<16).map {
        .string("00112233-4455-6677-8899-aabbccddeef\(String($0, radix: 16))")
    }

    private static let five = Value.decimal128(Decimal128(low: 5, high: 0x3040_0000_0000_0000))

    private func observed(_ values: [Value]) throws -> ObservedType? {
        var observer = TypeObserver()
        for value in values { try (["v": value] as Document).withRaw { try observer.add($0) } }
        return observer.types[path("v")]
    }

    // MARK: Keys, and what leads to them

    /// Also if the references form a cycle.
    @Test func whatLeadsToOtherKeysBecomesWhatTheseBecome() throws {
        let configuration = try Configuration.parse(
            yaml: """
                collections:
                  customers: {references: {_id: users}}
                  users: {references: {_id: customers}}
                  counters: {}
                  days: {}
                  visits: {references: {day: days, who: {to: [customers, users]}, number: counters}}

                """, file: "c")
        var file = LegacyRows()
        file.add("customers", ["_id": Self.uuids[0]])
        file.add("users", ["_id": Self.uuids[1]])
        file.add("days", ["_id": "2023-01-31T12:30:45.678Z"])
        for (number, who) in [(Value.int32(1), Self.uuids[0]), (.int64(3_000_000_000), Self.uuids[1])] {
            file.add(
                "visits", ["_id": number, "day": "2023-01-31T12:30:45.678Z", "who": who, "number": number])
        }
        let live: [String: [FieldPath: ObservedType]] = [
            "customers": [.id: .one(.uuid)], "users": [.id: .one(.uuid)], "counters": [.id: .numbers],
        ]
        let resolution = try file.resolve(configuration: configuration, liveTypes: live)
        #expect(
            resolution.described == [
                "customers._id: uuid, type in the live collection",
                "days._id: date, inferred: 1 of 1 values have the form of a date",
                "users._id: uuid, type in the live collection",
                "visits.day: date, inferred: it leads to days: inferred: 1 of 1 values have the form of a date",
                "visits.number: double, inferred: it leads to counters: type in the live collection",
                "visits.who: uuid, inferred: it leads to customers and users: type in the live collection",
            ])
        let (rows, _) = try file.converted(resolution.rules)
        #expect(rows["visits"]?.map { $0["number"] } == [1, .double(3_000_000_000)])
        // Without live documents, nothing in the cycle says otherwise.
        #expect(
            try file.resolve(configuration: configuration).rules(of: "users")
                == ["users._id: objectId, reference to customers in the config"])
    }

    /// Older JavaScript drivers write a Long as text if a double cannot hold it, and otherwise as a number.
    @Test func aLongThatNoDoubleHoldsIsATextInOldRows() throws {
        let texts = [
            "1152921504606846977", "-9223372036854775808", "9007199254740993", "9007199254740992", "12",
            "01152921504606846977", "9223372036854775808",
        ]
        var file = LegacyRows()
        for (number, text) in texts.enumerated() {
            file.add("a", ["_id": .int32(Int32(number)), "n": .string(text)])
        }
        let resolution = try file.resolve(liveTypes: ["a": [path("n"): .one(.long)]])
        let (rows, _) = try file.converted(resolution.rules)
        let numbers: [Value?] =
            [.int64(1_152_921_504_606_846_977), .int64(.min), .int64(9_007_199_254_740_993)]
            + texts[3...].map { .string($0) }
        #expect(rows["a"]?.map { $0["n"] } == numbers)
    }

    /// A rule for texts and numbers only would miss them.
    @Test func keysThatAreLongsInHalvesBecomeLongsWhereLiveOnesAre() throws {
        var file = LegacyRows()
        for low: Int32 in [2, 3] { file.add("a", ["_id": ["low": .int32(low), "high": 1, "unsigned": false]]) }
        let (rows, _) = try file.converted(try file.resolve(liveTypes: ["a": [.id: .one(.long)]]).rules)
        #expect(rows["a"] == [["_id": .int64(1 << 32 + 2)], ["_id": .int64(1 << 32 + 3)]])
    }

    /// A rule has only one type.
    @Test func whatStaysATextBesideIdsThoughItsTargetBecomesAnotherIsTold() throws {
        let configuration = try Configuration.parse(
            yaml: "collections: {customers: {}, orders: {references: {who: customers}}}", file: "c")
        var file = LegacyRows()
        file.add("customers", ["_id": Self.uuids[0]])
        file.add("orders", ["_id": 1, "who": Self.uuids[0]])
        file.add("orders", ["_id": 2, "who": hex(1, 1)])
        let resolution = try file.resolve(
            configuration: configuration, liveTypes: ["customers": [.id: .one(.uuid)]])
        #expect(
            resolution.lookAlikes.map { "\($0.path): \($0.problem)" } == [
                "who: 1 string stays one beside values of 24 hex digits, and the _ids of customers become uuid; types in the configuration can say otherwise"
            ])
    }

    /// As for a collection that is new or was lost, so that no live documents tell the type.
    @Test func textsThatAreMostlyKeysWhichBecomeUUIDsBecomeSome() throws {
        var file = LegacyRows()
        for (number, uuid) in Self.uuids.enumerated() {
            file.add("customers", ["_id": uuid])
            file.add("orders", ["_id": .int32(Int32(number)), "who": ["id": uuid], "other": .string("x\(number)")])
        }
        file.add("orders", ["_id": 99, "who": ["id": "nobody"]])
        let resolution = try file.resolve(liveTypes: ["customers": [.id: .one(.uuid)]])
        #expect(
            resolution.described == [
                "customers._id: uuid, type in the live collection",
                "orders.who.id: uuid, inferred: 16 of 17 different values are _ids of customers, which become UUIDs",
            ])
        #expect(
            resolution.references.map { "\($0.collection).\($0.path) → \($0.target)" } == ["orders.who.id → customers"])
        #expect(try file.resolve().rules.rules.isEmpty)
    }

    /// The majority must be one of all values, not only of those that are no ids. Where the configuration names the
    /// path's target, nothing becomes a UUID, either.
    @Test func textsBesideIdsAndConfiguredReferencesDoNotBecomeUUIDs() throws {
        var file = LegacyRows()
        for number in 0..<10 { file.add("customers", ["_id": hex(1, number)]) }
        for (number, uuid) in Self.uuids.enumerated() {
            file.add("users", ["_id": uuid])
            file.add("people", ["_id": .int32(Int32(number)), "code": .string("code \(number)")])
            let owner = number < 10 ? hex(1, number) : uuid
            file.add("notes", ["_id": .int32(Int32(number)), "owner": owner, "code": uuid])
        }
        let configuration = try Configuration.parse(
            yaml: "collections: {people: {}, notes: {references: {code: people.code}}}", file: "c")
        let resolution = try file.resolve(configuration: configuration, liveTypes: ["users": [.id: .one(.uuid)]])
        #expect(
            resolution.rules(of: "notes") == [
                "notes.owner: objectId, inferred: 10 of 16 different values are _ids of customers"
            ])
    }

    /// As ids of 24 hex digits are named of which too few exist.
    @Test func textsOfWhichOnlySomeAreKeysThatBecomeUUIDsAreNamed() throws {
        var file = LegacyRows()
        for uuid in Self.uuids.prefix(3) { file.add("customers", ["_id": uuid]) }
        for (number, uuid) in Self.uuids.prefix(6).enumerated() {
            file.add("orders", ["_id": .int32(Int32(number)), "who": uuid, "batch": Self.uuids[10]])
        }
        let live: [String: [FieldPath: ObservedType]] = ["customers": [.id: .one(.uuid)]]
        let resolution = try file.resolve(liveTypes: live)
        #expect(resolution.rules(of: "orders") == [])
        #expect(
            resolution.lookAlikes.map { "\($0.path): \($0.problem)" } == [
                "who: 6 UUIDs stay strings: 3 of 6 different values are _ids of customers, which become UUIDs"
            ])
        // What the live documents have as strings stays so without a word.
        let known = try file.resolve(liveTypes: live.merging(["orders": [path("who"): .one(.string)]]) { $1 })
        #expect(known.lookAlikes.isEmpty)
    }

    /// Only samples of large sets are compared, and here a sample of the few values is too small to tell.
    @Test func aFewValuesBesideManyKeysDecideNothing() throws {
        var file = LegacyRows()
        func uuid(_ number: Int) -> Value {
            let digits = String(number, radix: 16)
            return .string("00112233-4455-6677-8899-" + String(repeating: "0", count: 12 - digits.count) + digits)
        }
        for number in 0..<20_000 { file.add("users", ["_id": uuid(number)]) }
        for number in 0..<80 {
            var row: Document = ["_id": .int32(Int32(number))]
            for field in 0..<40 {
                row = row.appending("f\(field)", uuid(number % 10 == 0 ? number : 1_000_000 + 100 * number + field))
            }
            file.add("log", row)
        }
        let resolution = try file.resolve(liveTypes: ["users": [.id: .one(.uuid)]])
        #expect(resolution.rules(of: "log") == [] && resolution.references.isEmpty)
    }

    @Test(arguments: [["a", "b"], ["b", "a"]]) func theOrderOfTargetsDecidesNothing(targets: [String]) throws {
        let configuration = try Configuration.parse(
            yaml: """
                collections:
                  a: {types: {_id: date}}
                  b: {}
                  orders: {references: {who: {to: [\(targets.joined(separator: ", "))]}}}

                """, file: "c")
        var file = LegacyRows()
        for name in targets { file.add(name, ["_id": Self.text]) }
        file.add("orders", ["_id": 1, "who": Self.text])
        let (rows, _) = try file.converted(try file.resolve(configuration: configuration).rules)
        #expect(rows["orders"] == [["_id": 1, "who": Self.day]])
    }

    /// Whatever types the live documents' numbers have.
    @Test func aTypeThatAReferenceDemandsIsForAllNumbers() throws {
        let configuration = try Configuration.parse(
            yaml: "collections: {customers: {types: {code: long}}, orders: {references: {who: customers.code}}}",
            file: "c")
        var file = LegacyRows()
        file.add("orders", ["_id": 1, "who": 5])
        for live: ObservedType in [.mixed(.leading(.one(.string)), numbers: .numbers), .numbers] {
            let resolution = try file.resolve(
                configuration: configuration, liveTypes: ["orders": [path("who"): live]])
            let (rows, counts) = try file.converted(resolution.rules)
            #expect(rows["orders"] == [["_id": 1, "who": .int64(5)]])
            #expect(counts.converted == [0, 1])
        }
    }

    /// Otherwise the references would dangle.
    @Test(arguments: [true, false]) func partsOfAKeyAreTheSameInWhatLeadsToIt(isConfigured: Bool) throws {
        let types = isConfigured ? #"{types: {"_id.a": objectId, "_id.b": date}}"# : "{}"
        let configuration = try Configuration.parse(
            yaml: "collections: {customers: \(types), orders: {references: {\"of[]\": customers}}}", file: "c")
        let key: Document = ["a": hex(1, 1), "b": "2023-01-31T12:30:45.678Z", "c": "x"]
        var file = LegacyRows()
        file.add("customers", ["_id": .document(key)])
        file.add("orders", ["_id": 1, "of": [.document(key)]])
        let live: [String: [FieldPath: ObservedType]] = [
            "customers": [path("_id.a"): .one(.objectId), path("_id.b"): .one(.date)]
        ]
        let resolution = try file.resolve(configuration: configuration, liveTypes: isConfigured ? [:] : live)
        let (rows, _) = try file.converted(resolution.rules)
        let made: Value = ["a": .objectID(id(hexText(1, 1))), "b": .date(1_675_168_245_678), "c": "x"]
        #expect(rows["customers"] == [["_id": made]])
        #expect(rows["orders"] == [["_id": 1, "of": .array([made])]])
    }

    @Test func keysOfTwoKindsOfWhichOneStaysATextAreTold() throws {
        var file = LegacyRows()
        file.add("a", ["_id": hex(1, 1)])
        file.add("a", ["_id": Self.uuids[0]])
        for type: ObservedType in [.undecided, .leading(.one(.uuid)), .mixed(.undecided, numbers: .one(.long))] {
            let resolution = try file.resolve(liveTypes: ["a": [.id: type]])
            #expect(
                resolution.lookAlikes.map(\.problem) == [
                    "1 string stays one beside values of 24 hex digits, though the live documents have values of other types there; types in the configuration can say otherwise"
                ])
        }
    }

    @Test func aBufferOfSixteenBytesIsAUUIDWhereLiveOnesAre() throws {
        var file = LegacyRows()
        let bytes: [Value] = (0..<16).map { .int32($0) }
        let buffer: Value = ["type": "Buffer", "data": .array(bytes)]
        file.add("a", ["_id": buffer, "v": buffer])
        let (rows, _) = try file.converted(
            try file.resolve(liveTypes: ["a": [.id: .one(.uuid), path("v"): .one(.uuid)]]).rules)
        let uuid = Value.binary(subtype: 4, (0..<16).map { UInt8($0) })
        #expect(rows["a"] == [["_id": uuid, "v": uuid]])
    }

    @Test(arguments: [
        (15, "AAECAwQFBgcICQoLDA0O"), (16, "AAECAwQFBgcICQoLDA0ODw=="), (17, "AAECAwQFBgcICQoLDA0ODxA="),
    ])
    func onlySixteenBytesAreAUUID(count: Int, text: String) throws {
        let buffer: Value = ["type": "Buffer", "data": .array((0..<count).map { .int32(Int32($0)) })]
        let configuration = try Configuration.parse(yaml: "collections: {a: {types: {v: uuid}}}", file: "c")
        for value in [buffer, .string(text)] {
            var file = LegacyRows()
            file.add("a", ["_id": 1, "v": value])
            let rules = try file.resolve(configuration: configuration).rules
            if count == 16 {
                let (rows, _) = try file.converted(rules)
                #expect(rows["a"] == [["_id": 1, "v": .binary(subtype: 4, (0..<16).map { $0 })]])
            } else {
                #expect(throws: RowRejection.self) { try file.converted(rules) }
            }
        }
    }

    // MARK: Numbers beside others

    private static let written: [(Int64, Double?)] = [
        (1_152_921_504_606_847_000, 0x1p60), (1_700_000_000_123_456_800, 1_700_000_000_123_456_768), (5, 5),
        (1_152_921_504_606_847_001, nil), (9_007_199_254_740_993, nil),
    ]

    /// Live values, the type observed in them, and what ``mixture`` becomes beside them.
    private static let mixtures: [([Value], ObservedType, [Value])] = [
        (
            [.date(0), .double(1.5)], .mixed(.leading(.one(.date)), numbers: .one(.double)),
            [day, 7.0, 5e9, true, split]
        ),
        (["n/a", .double(5e9), 12], .mixed(.leading(.one(.string)), numbers: .numbers), [text, 7, 5e9, true, split]),
        (
            ["n/a", .int64(5)], .mixed(.leading(.one(.string)), numbers: .one(.long)),
            [text, long(7), large, true, long(2)]
        ),
        ([true, 1, 1.5], .mixed(.several, numbers: .numbers), [text, 7, 5e9, true, split]),
        (
            [.date(0), .binary(subtype: 0, [1]), .int64(1)], .mixed(.undecided, numbers: .one(.long)),
            [text, long(7), large, true, long(2)]
        ),
        ([.int64(5), five], .leading(.one(.long)), [text, long(7), large, true, long(2)]),
        ([1.5, five], .leading(.one(.double)), [text, 7.0, 5e9, true, split]),
        ([.int64(5), 0.5], .leading(.one(.long)), [text, long(7), large, true, long(2)]),
        ([split, .int64(5)], .mixed(.several, numbers: .leading(.one(.long))), [text, long(7), large, true, split]),
        ([1, five], .several, [text, 7, large, true, split]),
        ([1, .int64(5)], .several, [text, 7, large, true, split]),
        ([1, "a"], .leading(.one(.string)), [text, 7, large, true, split]),
    ]

    private static let text: Value = "2023-01-31T12:30:45.678Z"
    private static let day = Value.date(1_675_168_245_678)
    private static let large = Value.int64(5_000_000_000)
    private static let split: Value = ["low": 2, "high": 0]
    private static let mixture: [Value] = [text, 7, large, true, split]

    private static func long(_ number: Int64) -> Value { .int64(number) }

    @Test(arguments: mixtures)
    func whatNumbersAreIsDecidedApartFromOthers(live: [Value], type: ObservedType, expected: [Value]) throws {
        #expect(try observed(live) == type)
        #expect(ObservedType("\(type)") == type)
        var file = LegacyRows()
        file.add(
            "a", ["_id": 1, "v": ["2023-01-31T12:30:45.678Z", 7, .int64(5_000_000_000), true, ["low": 2, "high": 0]]])
        func converted(_ type: ObservedType?) throws -> [Value] {
            let resolution = try file.resolve(liveTypes: ["a": type.map { [path("v[]"): $0] } ?? [:]])
            let (rows, _) = try file.converted(resolution.rules)
            guard case .array(let values)? = rows["a"]?.first?["v"] else { return [] }
            return values.elements.map(\.value)
        }
        let first = try converted(type)
        #expect(first == expected)
        // Together with the converted values, the live values decide the same.
        #expect(try converted(try observed(live + first)) == first)
    }

    /// A rule for texts would ignore them.
    @Test func longsAreFoundBesideOtherValues() throws {
        var file = LegacyRows()
        file.add(
            "a", ["_id": 1, "v": [["low": 0, "high": 268_435_456, "unsigned": false], 4, "x", hex(1, 1)]])
        let live: ObservedType = .mixed(.leading(.one(.objectId)), numbers: .one(.long))
        let resolution = try file.resolve(liveTypes: ["a": [path("v[]"): live]])
        let (rows, counts) = try file.converted(resolution.rules)
        #expect(
            rows["a"] == [["_id": 1, "v": [.int64(1 << 60), .int64(4), "x", .objectID(id(hexText(1, 1)))]]])
        #expect(counts.converted.sorted() == [1, 2] && counts.left.sorted() == [0, 1])
    }

    /// JavaScript writes the fewest digits that read back as the same double, and then zeros.
    @Test(arguments: written)
    func whatJavaScriptWritesOfALargeDoubleIsThatDouble(written: Int64, double: Double?) throws {
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": .int64(written)])
        let (rows, _) = try file.converted(try file.resolve(liveTypes: ["a": [path("v"): .one(.double)]]).rules)
        #expect(rows["a"] == [["_id": 1, "v": double.map { .double($0) } ?? .int64(written)]])
    }
}
