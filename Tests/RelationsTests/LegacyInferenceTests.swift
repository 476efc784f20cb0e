import BSON
import Relations
import Testing

@Suite struct LegacyInferenceTests {
    @Test(arguments: [
        ObservedType.one(.date), .binary(subtype: 5), .leading(.one(.double)), .leading(.binary(subtype: 0)), .several,
        .numbers, .undecided, .mixed(.leading(.binary(subtype: 3)), numbers: .one(.long)),
    ])
    func anObservedTypeIsReadBackFromItsText(type: ObservedType) {
        #expect(ObservedType("\(type)") == type)
    }

    @Test(arguments: ["", "nothing", "binary x", "binary 256", "mostly", "mostly nothing", "several dates"])
    func otherTextsAreNoObservedTypes(text: String) { #expect(ObservedType(text) == nil) }

    @Test func whatTheFileItselfShowsIsConverted() throws {
        var file = LegacyRows()
        for number in 0..<10 { file.add("customers", ["_id": hex(1, number), "token": hex(9, number)]) }
        for number in 0..<10 {
            file.add(
                "policies",
                [
                    "_id": hex(2, number), "customerId": hex(1, number), "start": "2023-01-31T12:30:45.678Z",
                    "end": number == 3 ? .null : "2024-01-31T12:30:45.678Z",
                    "note": number == 0 ? "see 2023" : "2023-01-31T12:30:45.678Z",
                    "vehicles": [["drivers": [["customerId": hex(1, 9 - number)]]]],
                ])
        }
        let resolution = try file.resolve()
        #expect(
            resolution.described == [
                "customers._id: objectId, _id",
                "policies._id: objectId, _id",
                "policies.customerId: objectId, inferred: 10 of 10 different values are _ids of customers",
                "policies.end: date, inferred: 9 of 9 values have the form of a date",
                "policies.start: date, inferred: 10 of 10 values have the form of a date",
                "policies.vehicles[].drivers[].customerId: objectId, inferred: 10 of 10 different values are _ids of customers",
            ])
        #expect(
            resolution.conflicts.map { "\($0.path): \($0.problem)" } == [
                "note: a date in 9 values, another string in 1: left as they are"
            ])
        #expect(
            resolution.lookAlikes.map { "\($0.collection).\($0.path): \($0.problem)" } == [
                "customers.token: 10 values of 24 hex digits stay strings: 0 of 10 different values are _ids"
            ])
        #expect(
            resolution.references.map { "\($0.collection).\($0.path) → \($0.target), \($0.found)" } == [
                "policies.customerId → customers, discovered: 10 of 10 different values exist, 24 hex digits",
                "policies.vehicles[].drivers[].customerId → customers, discovered: 10 of 10 different values exist, 24 hex digits",
            ])
    }

    /// Embedded documents may have their own `_id`s, which no collection has.
    @Test func keysOfDocumentsInsideOthersAreIDsWhereAllLookSo() throws {
        var file = LegacyRows()
        for number in 0..<10 {
            file.add(
                "orders",
                [
                    "_id": hex(1, number), "items": [["_id": hex(7, number), "sku": hex(8, number)]],
                    "parts": [["_id": number == 3 ? "a part" : hex(9, number)]],
                ])
        }
        let resolution = try file.resolve()
        #expect(
            resolution.described == [
                "orders._id: objectId, _id",
                "orders.items[]._id: objectId, inferred: 10 of 10 values of an '_id' have 24 hex digits",
            ])
        #expect(resolution.lookAlikes.map { "\($0.path)" } == ["items[].sku", "parts[]._id"])
    }

    /// As ObjectIds they would dangle.
    @Test func referencesToIdsThatStayTextsStayTexts() throws {
        var file = LegacyRows()
        for number in 0..<10 {
            file.add("customers", ["_id": hex(1, number)])
            file.add("policies", ["_id": hex(2, number), "customerId": hex(1, number)])
            file.add("payments", ["_id": hex(3, number), "policyId": hex(2, number)])
        }
        let resolution = try file.resolve(
            configuration: try Configuration.parse(
                yaml: "collections: {customers: {types: {_id: string}}, policies: {types: {_id: objectId}}}", file: "c")
        )
        #expect(
            resolution.described == [
                "customers._id: string, types in the config", "payments._id: objectId, _id",
                "payments.policyId: objectId, inferred: 10 of 10 different values are _ids of policies",
                "policies._id: objectId, types in the config",
            ])
        #expect(resolution.references.map { "\($0.collection).\($0.path)" } == ["payments.policyId"])
        #expect(resolution.lookAlikes.map { "\($0.collection).\($0.path)" } == ["policies.customerId"])
    }

    @Test func theInsuranceBackupRestoresWithItsConfiguration() throws {
        var file = LegacyRows()
        file.add("customers", ["_id": hex(1, 1), "name": "Amara"])
        file.add(
            "policies",
            [
                "_id": hex(2, 1), "customerId": hex(1, 1), "coverageTypeId": hex(5, 1), "start": "2023-01-31",
                "premium": 120.5,
                "vehicles": [["drivers": [["customerId": hex(1, 77)], ["customerId": "unknown"]]]],
            ])
        let resolution = try file.resolve(configuration: try Insurance.configuration())
        let (rows, counts) = try file.converted(resolution.rules)
        #expect(
            rows["policies"] == [
                [
                    "_id": .objectID(id(hexText(2, 1))), "customerId": .objectID(id(hexText(1, 1))),
                    "coverageTypeId": .objectID(id(hexText(5, 1))), "start": .date(1_675_123_200_000),
                    "premium": .decimal128(decimal("120.5")),
                    "vehicles": [
                        ["drivers": [["customerId": .objectID(id(hexText(1, 77)))], ["customerId": "unknown"]]]
                    ],
                ]
            ])
        #expect(
            ConversionReport(resolution, counts: counts).lines == [
                "customers._id: 1 to objectId (_id)",
                "policies._id: 1 to objectId (_id)",
                "policies.coverageTypeId: 1 to objectId (reference to coverageTypes in the config)",
                "policies.customerId: 1 to objectId (reference to customers in the config)",
                "policies.premium: 1 to decimal (types in the config)",
                "policies.start: 1 to date (types in the config)",
                "policies.vehicles[].drivers[].customerId: 1 to objectId (reference to customers in the config), 1 left as they are",
            ])
    }

    @Test func authorityGoesFromTheConfigurationOverTheLiveCollectionToInference() throws {
        var file = LegacyRows()
        for number in 0..<4 {
            file.add("a", ["_id": hex(1, number)])
            file.add(
                "b",
                [
                    "_id": hex(2, number), "config": hex(1, number), "live": hex(1, number), "mixed": hex(1, number),
                    "when": "2023-01-31T12:30:45.678Z", "text": "2023-01-31T12:30:45.678Z", "long": 5,
                    "open": hex(1, number),
                ])
        }
        let configuration = try Configuration.parse(
            yaml: "collections: {a: {}, b: {types: {config: string}}}", file: "mongoferry.yaml")
        let live: [String: [FieldPath: ObservedType]] = [
            "b": [
                path("config"): .one(.objectId), path("live"): .one(.string), path("mixed"): .several,
                path("when"): .one(.date), path("text"): .one(.string), path("long"): .one(.long),
                path("gone"): .one(.date),
            ]
        ]
        let resolution = try file.resolve(configuration: configuration, liveTypes: live)
        #expect(
            resolution.described == [
                "a._id: objectId, _id",
                "b._id: objectId, _id",
                "b.config: string, types in the config",
                "b.long: long, type in the live collection",
                "b.mixed: objectId, inferred: 4 of 4 different values are _ids of a",
                "b.open: objectId, inferred: 4 of 4 different values are _ids of a",
                "b.when: date, type in the live collection",
            ])
        let withoutInference = try file.resolve(configuration: configuration, liveTypes: live, infer: false)
        #expect(
            withoutInference.described == [
                "a._id: objectId, _id", "b._id: objectId, _id", "b.config: string, types in the config",
            ])
        #expect(withoutInference.references.isEmpty)
    }

    @Test func theConfigurationCanKeepIdsAsTexts() throws {
        var file = LegacyRows()
        file.add("a", ["_id": hex(1, 1)])
        file.add("b", ["_id": hex(2, 1), "a": hex(1, 1)])
        let configuration = try Configuration.parse(
            yaml: "collections: {a: {types: {_id: string}}, b: {references: {a: a}}}", file: "mongoferry.yaml")
        let (rows, _) = try file.converted(try file.resolve(configuration: configuration).rules)
        #expect(rows["a"] == [["_id": hex(1, 1)]])
        // A reference gets the type of its target.
        #expect(rows["b"] == [["_id": .objectID(id(hexText(2, 1))), "a": hex(1, 1)]])
    }

    @Test func mostDistinctValuesDecideAndTheDanglingOnesAreNamed() throws {
        var file = LegacyRows()
        for number in 0..<6 { file.add("customers", ["_id": hex(1, number)]) }
        // 6 exist, 4 do not. Each of those that do not occurs ten times, but only distinct values count.
        for number in 0..<10 {
            for _ in 0..<(number < 6 ? 1 : 10) { file.add("policies", ["customerId": hex(1, number)]) }
        }
        // 5 of 11 are no majority.
        for number in 0..<5 { file.add("notes", ["about": hex(1, number)]) }
        for number in 0..<6 { file.add("notes", ["about": .string("person \(number)")]) }
        let resolution = try file.resolve()
        #expect(
            resolution.described == [
                "customers._id: objectId, _id",
                "policies.customerId: objectId, inferred: 6 of 10 different values are _ids of customers",
            ])
        #expect(resolution.dangling.map(\.count) == [4])
        #expect(resolution.dangling.first?.examples == (6..<10).map { id(hexText(1, $0)) }.sorted())
        #expect(
            resolution.lookAlikes.map(\.problem) == [
                "5 values of 24 hex digits stay strings: 5 of 11 different values are _ids"
            ])
        let (_, counts) = try file.converted(resolution.rules)
        #expect(
            ConversionReport(resolution, counts: counts).lines[1]
                == "policies.customerId: 46 to objectId (inferred: 6 of 10 different values are _ids of customers); "
                + "4 of the ids exist nowhere: " + (6..<10).map { hexText(1, $0) }.sorted().joined(separator: ", "))
    }

    /// A single text that is an `_id` must not make a thousand numbers dangle.
    @Test func numbersAndBoolsAreDifferentValuesToo() throws {
        var file = LegacyRows()
        file.add("customers", ["_id": hex(1, 1)])
        for value: Value in [hex(1, 1), 1, 2, .bool(true)] { file.add("orders", ["ref": value]) }
        let resolution = try file.resolve()
        #expect(resolution.described == ["customers._id: objectId, _id"] && resolution.references.isEmpty)
        #expect(
            resolution.lookAlikes.map(\.problem) == [
                "1 value of 24 hex digits stays a string: 1 of 4 different values is an _id"
            ]
                || resolution.lookAlikes.map(\.problem) == [
                    "1 value of 24 hex digits stays a string: 1 of 4 different values are _ids"
                ])
    }

    /// An earlier import may have stored them as texts.
    @Test func whatStaysATextAsTheLiveDocumentsHaveItIsTold() throws {
        var file = LegacyRows()
        file.add("customers", ["_id": hex(1, 1)])
        file.add("policies", ["customerId": hex(1, 1), "start": "2023-01-31T12:30:45.678Z", "note": "x"])
        let resolution = try file.resolve(liveTypes: [
            "policies": [
                path("customerId"): .one(.string), path("start"): .leading(.one(.string)), path("note"): .one(.string),
            ]
        ])
        #expect(resolution.described == ["customers._id: objectId, _id"])
        #expect(
            resolution.lookAlikes.map { "\($0.path): \($0.problem)" } == [
                "customerId: 1 value of 24 hex digits stays a string, as the live collection has them; types in the configuration can say otherwise; 1 of 1 different values are _ids of customers: if they were ObjectIds once, collections: {policies: {references: {customerId: customers}}} in the configuration makes them ObjectIds again",
                "start: 1 date stays a string, as the live collection has them; types in the configuration can say otherwise",
            ])
        #expect(resolution.lookAlikes.map(\.isDoubt) == [true, true] && resolution.references.isEmpty)
    }

    @Test(
        arguments: [
            (.date, "2020-01-02"), (.objectId, "none"), (.decimal, "12.50"), (.double, "x"), (.int, "1"),
            (.bool, "yes"), (.uuid, "none"), (.long, "17"),
        ]
            as [(FieldType, String)])
    func textsThatWouldTakeTheLiveDocumentsPlaceAreDoubted(type: FieldType, text: String) throws {
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": .string(text)])
        let resolution = try file.resolve(liveTypes: ["a": [path("v"): .one(type)]])
        #expect(
            resolution.lookAlikes.map(\.problem) == [
                "1 string stays one, though the live documents have \(type.rawValue) there: an import writes a string beside it, or in its place; types in the configuration can say otherwise"
            ])
        #expect(resolution.lookAlikes.map(\.isDoubt) == [true])
        // If the live documents have strings as well, there is nothing to doubt.
        let other = try file.resolve(liveTypes: ["a": [path("v"): .leading(.one(type))]])
        #expect(other.lookAlikes.isEmpty)
    }

    @Test(
        arguments: [
            (.uuid, "ABEiM0RVZneImaq7zN3u/w=="), (.uuid, "00112233-4455-6677-8899-aabbccddeeff"),
            (.long, "9223372036854775807"), (.date, "2020-01-01T00:00:00.000Z"),
            (.objectId, "5c2aad800000000000000001"),
        ] as [(FieldType, String)])
    func whatBecomesOfTheLiveTypeIsNotDoubted(type: FieldType, text: String) throws {
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": .string(text)])
        let resolution = try file.resolve(liveTypes: ["a": [path("v"): .one(type)]])
        #expect(resolution.lookAlikes.isEmpty, "\(resolution.lookAlikes)")
    }

    @Test(arguments: [("5c2aad800000000000000001", true), ("2020-01-01T00:00:00.000Z", true), ("x", false)])
    func textsOfTheLiveDocumentsKindsAreDoubtedWhereTheseHaveSeveral(text: String, isDoubted: Bool) throws {
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": .string(text)])
        file.add("a", ["_id": 2, "v": "y"])
        let resolution = try file.resolve(liveTypes: ["a": [path("v"): .undecided]])
        #expect(resolution.lookAlikes.contains { $0.isDoubt } == isDoubted)
    }

    @Test func aRefusedRowIsInNoCount() throws {
        let configuration = try Configuration.parse(
            yaml: "collections: {a: {types: {at: date, n: int}}}", file: "c")
        var file = LegacyRows()
        file.add("a", ["_id": 1, "at": "2020-01-01", "n": "1"])
        let rules = try file.resolve(configuration: configuration).rules
        var (_, counts) = try file.converted(rules)
        let before = counts
        #expect(before.converted.reduce(0, +) == 2)
        let bad: Document = ["_id": 2, "at": "2020-01-01", "n": "one"]
        #expect(throws: RowRejection.self) {
            try bad.withRaw { _ = try rules.apply(to: $0, in: "a", counts: &counts) }
        }
        #expect(counts.converted == before.converted && counts.left == before.left)
    }

    @Test func aNumberOfDifferentValuesThatIsAnEstimateIsCalledOne() throws {
        for (others, about) in [(200, ""), (400, "about ")] {
            var file = LegacyRows()
            file.add("a", ["_id": hex(1, 1), "v": hex(1, 1)])
            for number in 0..<others { file.add("a", ["_id": .int32(Int32(number)), "v": .string("text \(number)")]) }
            let problems = try file.resolve().lookAlikes.map(\.problem)
            #expect(problems.count == 1 && problems[0].contains(": 1 of \(about)"), "\(problems)")
        }
    }

    @Test func whatJSONStringifyMakesOfBuffersAndLongsIsTold() throws {
        var file = LegacyRows()
        let buffer: Value = ["type": "Buffer", "data": [1, 2]]
        let long: Value = ["low": 1, "high": 0, "unsigned": false]
        file.add("a", ["_id": 1, "hash": buffer, "count": long, "both": buffer, "other": ["type": "Buffers"]])
        file.add("a", ["_id": 2, "hash": buffer, "count": long, "both": long])
        for number in 3...4 { file.add("b", ["_id": .int32(Int32(number)), "temperature": ["low": 3, "high": 9]]) }
        let problems = try file.resolve().lookAlikes.map { "\($0.path): \($0.problem)" }
        #expect(
            problems == [
                "count: 2 Longs stay documents of low and high halves: the type long in the configuration makes numbers of them",
                "hash: 2 Buffers stay documents: the type binary in the configuration makes binary data of them",
            ])
        let known = try file.resolve(liveTypes: ["a": [path("hash"): .binary(subtype: 0), path("count"): .one(.long)]])
        #expect(known.lookAlikes.isEmpty)
    }

    /// Values that referred to a document before the import would dangle afterwards.
    @Test func liveTextsThatLeadToIDsWhichBecomeObjectIdsAreDoubtedReferences() throws {
        var file = LegacyRows()
        for number in 1...3 {
            file.add("customers", ["_id": hex(1, number)])
            file.add("agents", ["_id": hex(3, number)])
            file.add(
                "policies",
                [
                    "_id": hex(2, number), "code": hex(9, number), "agent": hex(3, number),
                    "vehicles": [["driver": hex(1, number)]],
                ])
        }
        let text = ObservedType.one(.string)
        let resolution = try file.resolve(liveTypes: [
            "customers": [.id: text],
            "policies": [.id: text, path("code"): text, path("agent"): text, path("vehicles[].driver"): text],
        ])
        #expect(
            resolution.described == [
                "agents._id: objectId, _id", "customers._id: objectId, _id", "policies._id: objectId, _id",
            ])
        #expect(resolution.references.map(\.path) == [path("vehicles[].driver")])
        // The `_id`s of customers become different from the live ones. Those of agents do not, so texts that refer to
        // them may be meant as they are.
        #expect(
            resolution.lookAlikes.filter(\.isDoubt).map { "\($0.collection).\($0.path)" } == [
                "customers._id", "policies._id", "policies.agent", "policies.vehicles[].driver",
            ])
        // The message contains a valid configuration.
        let told = try #require(resolution.lookAlikes.last(where: \.isDoubt)?.problem)
        let words = try #require(told.firstMatch(of: /collections: .*}}}/)).output
        let said = try Configuration.parse(yaml: String(words), file: "c").references(from: "policies")
        #expect(said.map { "\($0.path) → \($0.target)" } == ["vehicles[].driver → customers"])
    }

    /// An empty text stands for a missing value.
    @Test func emptyTextsOfTheLiveDocumentsSayNothingOfTheOthers() throws {
        #expect(try observed([""]) == .several)
        #expect(try observed(["", "a"]) == .one(.string))
        #expect(try observed(["", .objectID(id(hexText(1, 1)))]) == .leading(.one(.objectId)))
        #expect(try observed(["", 1]) == .leading(.one(.string)))
        var file = LegacyRows()
        file.add("customers", ["_id": hex(1, 1)])
        for value: Value in [hex(1, 1), ""] { file.add("policies", ["customerId": value]) }
        let resolution = try file.resolve(liveTypes: ["policies": [path("customerId"): .several]])
        #expect(resolution.rules.rules.map(\.path) == [.id])
        file.add("customers", ["_id": hex(1, 2)])
        file.add("policies", ["customerId": hex(1, 2)])
        #expect(
            try file.resolve(liveTypes: ["policies": [path("customerId"): .several]]).rules.rules.map(\.path) == [
                .id, path("customerId"),
            ])
    }

    /// One document may refer to one target and the next document to another.
    @Test(arguments: [false, true]) func ofSeveralTargetsThoseWithObjectIDsDecide(isFirst: Bool) throws {
        var file = LegacyRows()
        file.add("customers", ["_id": hex(1, 1)])
        file.add("companies", ["_id": "ACME"])
        file.add("notes", ["ownerType": "customer", "owner": hex(1, 1)])
        file.add("notes", ["ownerType": "company", "owner": "ACME"])
        let targets = ["company: companies", "customer: customers"]
        let configuration = try Configuration.parse(
            yaml: """
                collections:
                  customers:
                  companies: {types: {_id: string}}
                  notes: {references: {owner: {by: ownerType, to: {\((isFirst ? targets : targets.reversed()).joined(separator: ", "))}}}}
                """, file: "mongoferry.yaml")
        let (rows, _) = try file.converted(try file.resolve(configuration: configuration).rules)
        #expect(
            rows["notes"]?.compactMap { $0["owner"] } == [.objectID(id(hexText(1, 1))), "ACME"])
    }

    /// As UUIDs, texts that refer to another target would dangle.
    @Test(arguments: [["users", "companies"], ["companies", "users"]])
    func ofSeveralTargetsAllMustBecomeTheSame(targets: [String]) throws {
        let uuid: Value = "00112233-4455-6677-8899-aabbccddeeff"
        var file = LegacyRows()
        file.add("users", ["_id": uuid])
        file.add("companies", ["_id": "ACME"])
        file.add("notes", ["_id": 1, "owner": uuid])
        let configuration = try Configuration.parse(
            yaml: """
                collections: {users: {}, companies: {}, notes: {references: {owner: {to: [\(targets.joined(separator: ", "))]}}}}
                """, file: "mongoferry.yaml")
        let resolution = try file.resolve(
            configuration: configuration, liveTypes: ["users": [.id: .one(.uuid)]])
        let (rows, _) = try file.converted(resolution.rules)
        #expect(resolution.rules(of: "users") == ["users._id: uuid, type in the live collection"])
        #expect(rows["notes"] == [["_id": 1, "owner": uuid]])
    }

    @Test func theDatabaseIsAskedForWhatTheFileDoesNotHave() throws {
        var file = LegacyRows()
        for number in 0..<500 { file.add("policies", ["customerId": hex(1, number), "checksum": hex(8, number)]) }
        var asked: [String: Int] = [:]
        let resolution = try file.resolve(databaseCollections: ["agents", "customers", "policies"]) { collection, ids in
            asked[collection, default: 0] += ids.count
            return Set(ids.filter { collection == "customers" && $0.high >> 32 == 1 })
        }
        #expect(
            resolution.described == [
                "policies.customerId: objectId, inferred: 500 of 500 different values are _ids of customers"
            ])
        #expect(resolution.references.map(\.target) == ["customers"])
        // The collection with the likeliest name is asked first; for values that exist nowhere, a sample is enough.
        #expect(asked["agents"] == 250)
        #expect(asked["customers"] == 1000)
    }

    /// Asked one by one, thousands of paths would take thousands of queries to each collection.
    @Test func allPathsAskTheDatabaseTogether() throws {
        var file = LegacyRows()
        for number in 0..<2000 {
            file.add("a", ["m": .document(["k\(number)": hex(1 + number % 2, number)])])
        }
        var questions = 0
        let names = (0..<20).map { "c\($0)" }
        let resolution = try file.resolve(databaseCollections: names) { collection, ids in
            questions += 1
            #expect(ids.count <= 10_000)
            return Set(ids.filter { collection == "c7" && $0.high >> 32 == 1 })
        }
        #expect(questions < 50)
        #expect(resolution.rules.rules.count == 1000 && resolution.lookAlikes.count == 1000)
        #expect(Set(resolution.references.map(\.target)) == ["c7"])
    }

    /// One id in ten is asked for first. If more than a quarter of these exist, most of all ids may.
    @Test(arguments: [(26, true), (25, false)])
    func theRestIsAskedForIfMoreThanAQuarterOfTheFirstIdsExists(percent: Int, isAsked: Bool) throws {
        func key(_ number: Int) -> ObjectID { ObjectID(high: 0x5C2A_AD80_0000_0001, low: UInt32(number)) }
        var file = LegacyRows()
        for number in 0..<2000 { file.add("orders", ["who": .string(key(number).description)]) }
        let first = Set(stride(from: 0, to: 2000, by: 10).prefix(2 * percent))
        var asked: Set<ObjectID> = []
        let resolution = try file.resolve(databaseCollections: ["customers"]) { _, ids in
            asked.formUnion(ids)
            return Set(ids.filter { $0.low % 10 > 3 || first.contains(Int($0.low)) })
        }
        #expect(asked.count == (isAsked ? 2000 : 200))
        #expect(resolution.references.map(\.target) == (isAsked ? ["customers"] : []))
    }

    @Test func whatASecondLookPassesOverIsNamed() throws {
        func fill(_ inference: inout LegacyInference) throws {
            for number in 0..<25_000 {
                let document: Document = [
                    "_id": hex(1, number), "m": .document(["k\(number)": "2023-01-31T12:30:45.678Z"]),
                    "late": number < 24_000 ? .null : "2023-01-31T12:30:45.678Z",
                ]
                try document.withRaw { try inference.add($0, in: "a") }
                try (["_id": hex(2, number)] as Document).withRaw { try inference.add($0, in: "b") }
            }
        }
        var first = LegacyInference()
        try fill(&first)
        #expect(first.crowdedCollections == ["a"])
        var second = LegacyInference.ofCrowds
        try fill(&second)
        #expect(second.crowdedCollections == [])
        first.replace(["a"], by: second)
        let resolution = try first.resolve(configuration: Configuration())
        #expect(
            resolution.described == [
                "a._id: objectId, _id", "a.late: date, inferred: 1,000 of 1,000 values have the form of a date",
                "b._id: objectId, _id",
            ])
        #expect(
            resolution.conflicts.map { "\($0.path): \($0.problem)" } == [
                "m: more than 1,000 different names stand here: what is below them stays as it is, unless the config's types name it"
            ])
        #expect(resolution.crowded == [])
    }

    /// Nothing is left to chance: fields that only happened to be in the first rows are not converted, either.
    @Test func ofRowsWithoutEndOfNamesOnlyWhatOthersSayIsConverted() throws {
        var inference = LegacyInference.ofCrowds
        for row in 0..<70 {
            let document = Document { document in
                document.append("_id", hex(1, row))
                document.append("at", "2023-01-31T12:30:45.678Z")
                for number in 0..<1000 { document.append("k\(row * 1000 + number)", 1) }
            }
            try document.withRaw { try inference.add($0, in: "a") }
        }
        #expect(inference.crowdedCollections == ["a"])
        let resolution = try inference.resolve(
            configuration: try Configuration.parse(yaml: "collections: {a: {types: {named: date}}}", file: "c"),
            liveTypes: ["a": [path("live"): .one(.date), path("text"): .one(.string)]])
        #expect(resolution.crowded == ["a"])
        #expect(
            resolution.described == [
                "a._id: objectId, _id", "a.live: date, type in the live collection",
                "a.named: date, types in the config",
            ])
    }

    @Test func aPathToTwoCollectionsLeadsToBoth() throws {
        var file = LegacyRows()
        for number in 0..<20 {
            file.add("customers", ["_id": hex(1, number)])
            file.add("companies", ["_id": hex(2, number)])
            file.add("notes", ["owner": hex(1 + number % 2, number)])
        }
        #expect(
            try file.resolve().references.map { "\($0.path) → \($0.target)" } == [
                "owner → companies", "owner → customers",
            ])
    }

    @Test func aCopyOfACollectionIsNotTakenForTheTarget() throws {
        var file = LegacyRows()
        for number in 0..<20 {
            file.add("customers", ["_id": hex(1, number)])
            file.add("backup_of_all", ["_id": hex(1, number)])
            file.add("policies", ["_id": hex(2, number), "customerId": hex(1, number)])
        }
        #expect(try file.resolve().references.map(\.target) == ["customers"])
    }

    /// One id among more than twenty is in another collection by accident.
    @Test(arguments: [(19, ["a", "b"]), (20, ["a"])])
    func aSecondTargetHasATwentiethOfTheIds(first: Int, targets: [String]) throws {
        var file = LegacyRows()
        for number in 0..<first { file.add("a", ["_id": hex(1, number)]) }
        file.add("b", ["_id": hex(1, first)])
        for number in 0...first { file.add("c", ["_id": hex(2, number), "ref": hex(1, number)]) }
        #expect(try file.resolve().references.map(\.target) == targets)
    }

    @Test func threadsTogetherSeeWhatOneSees() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var all = LegacyInference()
        var parts = [LegacyInference(), LegacyInference(), LegacyInference()]
        for number in 0..<3_000 {
            let document = Document {
                $0.append("_id", hex(1, number))
                for name in ["a", "b", "c", "d"].shuffled(using: &random).prefix(3) {
                    $0.append(name, hex(1, Int.random(in: 0..<4_000, using: &random)))
                }
                $0.append("when", Bool.random(using: &random) ? "2023-01-31T12:30:45.678Z" : .null)
            }
            try document.withRaw {
                try all.add($0, in: "x")
                try parts[Int.random(in: 0..<3, using: &random)].add($0, in: "x")
            }
        }
        var merged = parts[0]
        merged.merge(parts[1])
        merged.merge(parts[2])
        let one = try all.resolve(configuration: Configuration())
        let three = try merged.resolve(configuration: Configuration())
        #expect(one.described == three.described, "seed \(seed)")
        #expect(one.dangling == three.dangling, "seed \(seed)")
        #expect(one.described.count == 6)
    }

    /// Values of any other kind count against the dates that another thread has seen.
    @Test(arguments: [true, 1, "x", hex(1, 1), ["a": 1], [1], .decimal128(decimal("1.5"))] as [Value])
    func datesOfOneThreadAreNoneBesideOtherValuesOfAnother(other: Value) throws {
        func inference(_ value: Value) throws -> LegacyInference {
            var inference = LegacyInference()
            try (["v": value] as Document).withRaw { try inference.add($0, in: "a") }
            return inference
        }
        let date: Value = "2023-01-31T12:30:45.678Z"
        var merged = try inference(date)
        merged.merge(try inference(date))
        #expect(
            try merged.resolve(configuration: Configuration()).described == [
                "a.v: date, inferred: 2 of 2 values have the form of a date"
            ])
        merged.merge(try inference(other))
        #expect(try merged.resolve(configuration: Configuration()).described == [])
    }

    @Test func memoryStaysBoundedAndASampleDecides() throws {
        var inference = LegacyInference(maximumIDs: 5_000)
        for number in 0..<40_000 {
            let document: Document = ["_id": hex(1, number), "other": hex(number % 10 < 7 ? 1 : 3, number)]
            try document.withRaw { try inference.add($0, in: "x") }
        }
        let resolution = try inference.resolve(configuration: Configuration())
        #expect(resolution.described.count == 2)
        let dangling = try #require(resolution.dangling.first)
        #expect(!dangling.isExact)
        // The exact number is 12,000.
        #expect((9_000..<15_000).contains(dangling.count))
    }

    /// The sample has as large a share of them as of the ids.
    @Test(arguments: [(7, true), (4, false)])
    func otherTextsBesideASampleOfIdsCountAsASampleToo(idsOfTen: Int, areConverted: Bool) throws {
        var inference = LegacyInference(maximumIDs: 5_000)
        for number in 0..<40_000 {
            let value: Value = number % 10 < idsOfTen ? hex(1, number) : .string("text \(number)")
            let document: Document = ["_id": hex(1, number), "other": value]
            try document.withRaw { try inference.add($0, in: "x") }
        }
        let resolution = try inference.resolve(configuration: Configuration())
        #expect(resolution.rules.rules.map(\.path) == (areConverted ? [.id, path("other")] : [.id]))
    }

    /// Even if one collection has more ids than are kept, each of the few values of other fields is looked up, provided
    /// that the file can be asked for ids.
    @Test(arguments: [true, false]) func fewValuesBesideVeryManyAreNotLeftToASample(isExact: Bool) throws {
        var inference = LegacyInference(maximumIDs: 5_000)
        let names = (0..<16).map { "ref\($0)" }
        for number in 0..<40_000 {
            let document = Document {
                $0.append("_id", hex(1, number))
                for (place, name) in names.enumerated() { $0.append(name, hex(2, place)) }
            }
            try document.withRaw { try inference.add($0, in: "payments") }
        }
        for place in names.indices {
            let company: Document = ["_id": hex(2, place), "lastPayment": hex(1, place)]
            try company.withRaw { try inference.add($0, in: "companies") }
        }
        let payments = Set((0..<40_000).map { id(hexText(1, $0)) })
        let resolution =
            isExact
            ? try inference.resolve(
                configuration: Configuration(),
                idsInFile: { name, ids in
                    name == "payments" ? ids.indices.filter { payments.contains(ids[$0]) } : []
                }) : try inference.resolve(configuration: Configuration())
        let found = resolution.references.filter { $0.collection == "payments" && $0.target == "companies" }
        #expect(isExact ? found.count == 16 : found.count < 16)
        if isExact {
            #expect(resolution.references.contains { $0.target == "payments" && $0.path == path("lastPayment") })
        }
    }

    @Test func datesOfFarYearsBecomeDatesWhereLiveOnesAreDates() throws {
        let rows: [Document] = [
            ["_id": 1, "until": "+275760-09-13T00:00:00.000Z"], ["_id": 2, "until": "-000044-03-15T12:00:00.000Z"],
            ["_id": 3, "until": "+275760-09-13"],
        ]
        var file = LegacyRows()
        for row in rows { file.add("a", row) }
        let resolution = try file.resolve(liveTypes: ["a": [path("until"): .one(.date)]])
        let converted = try #require(file.converted(resolution.rules).0["a"])
        #expect(converted[0]["until"] == .date(8_640_000_000_000_000))
        #expect(converted[1]["until"] == .date(-63_549_316_800_000))
        #expect(converted[2] == rows[2])
    }

    @Test func liveTypesComeFromTheDocumentsThemselves() throws {
        var observer = TypeObserver()
        let documents: [Document] = [
            [
                "a": 1, "b": ["c": .date(1)], "d": [1, 2], "e": .null, "f": 1,
                "g": .binary(subtype: 4, Array(repeating: 0, count: 16)),
            ],
            ["a": 2, "b": ["c": .null], "d": ["x"], "e": .objectID(id(hexText(1, 1))), "f": 1.5, "g": .null],
        ]
        for document in documents { try document.withRaw { try observer.add($0) } }
        #expect(
            observer.types == [
                path("a"): .one(.int), path("b.c"): .one(.date), path("d[]"): .leading(.one(.string)),
                path("e"): .one(.objectId),
                path("f"): .numbers, path("g"): .one(.uuid),
            ])
    }

    @Test(arguments: [
        (ObservedType.one(.uuid), "11111111-2222-3333-4444-555555555555" as Value),
        (.binary(subtype: 0), "3q2+7w=="), (.one(.date), "2023-01-31T12:30:45.678Z"),
        (.leading(.one(.long)), 7), (.one(.double), 7), (.one(.decimal), 7),
    ])
    func keysAreOfTheLiveDocumentsType(type: ObservedType, key: Value) throws {
        var file = LegacyRows()
        file.add("a", ["_id": key])
        let resolution = try file.resolve(liveTypes: ["a": [.id: type]])
        let (rows, _) = try file.converted(resolution.rules)
        let id = try #require(rows["a"]?.first?["_id"])
        #expect(id != key)
        #expect(resolution.rules.rules.map(\.reason) == [.live])
        #expect(try file.resolve(liveTypes: ["a": [.id: type]], infer: false).rules.rules.isEmpty)
    }

    /// If keys may change, each row is converted once more, so a rule that changes none must not exist.
    @Test(arguments: [ObservedType.one(.objectId), .one(.int), .one(.string), .one(.decimal)])
    func noRuleMakesNothingOfKeys(type: ObservedType) throws {
        var file = LegacyRows()
        file.add("a", ["_id": "A-1"])
        #expect(try file.resolve(liveTypes: ["a": [.id: type]]).rules.rules.isEmpty)
    }

    @Test func keysThatAllAreDatesBecomeDates() throws {
        var file = LegacyRows()
        file.add("a", ["_id": "2023-01-31T12:30:45.678Z"])
        file.add("a", ["_id": "2024-01-31T12:30:45.678Z"])
        #expect(try file.resolve().described == ["a._id: date, inferred: 2 of 2 values have the form of a date"])
        file.add("a", ["_id": "x"])
        #expect(try file.resolve().rules.rules.isEmpty)
    }

    /// By the contract of such files, they become ObjectIds.
    @Test func keysThatBecomeOthersThanTheLiveDocumentsHaveAreTold() throws {
        var file = LegacyRows()
        file.add("a", ["_id": hex(1, 1)])
        let resolution = try file.resolve(liveTypes: ["a": [.id: .one(.string)]])
        #expect(resolution.described == ["a._id: objectId, _id"])
        #expect(
            resolution.lookAlikes.map(\.problem) == [
                "1 value of 24 hex digits becomes an ObjectId, though the live documents have strings there: a merge puts documents beside them; types in the configuration can say otherwise"
            ])
    }

    /// Whatever the sample shows, and whether types are inferred.
    @Test(arguments: [true, false]) func aFewLiveKeysThatAreStringsAreEnoughToBeTold(infers: Bool) throws {
        var file = LegacyRows()
        file.add("a", ["_id": hex(1, 1)])
        file.add("a", ["_id": hex(1, 2)])
        let live: [String: [FieldPath: ObservedType]] = ["a": [.id: .one(.objectId)]]
        let resolution = try file.resolve(liveTypes: live, liveTextIDs: ["a"], infer: infers)
        #expect(resolution.lookAlikes.map(\.isDoubt) == [true])
        #expect(
            resolution.lookAlikes.first?.problem.hasPrefix(
                "2 values of 24 hex digits become ObjectIds, though the live documents have strings there") == true)
        #expect(try file.resolve(liveTypes: live, infer: infers).lookAlikes.isEmpty)
    }

    /// A string that an earlier import has left must not make strings of all others.
    @Test func liveIdsOfWhichFewAreStringsStayIds() throws {
        let (ids, text): ([Value], Value) = (
            (1...9).map { .objectID(id(hexText(1, $0))) }, .string(hexText(1, 10))
        )
        #expect(try observed(ids + [text]) == .ids)
        #expect(try observed(ids + [text, "x", .int64(1)]) == .mixed(.ids, numbers: .one(.long)))
        #expect(try observed(Array(ids.dropLast()) + [text]) == .undecided)
        #expect(try observed(ids + ["x"]) == .leading(.one(.objectId)))
        #expect(try observed(ids + [text, .date(0)]) == .undecided)
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": hex(7, 1)])
        // In no collection: another service's.
        for (live, isTold) in [(ObservedType.ids, true), (.leading(.one(.objectId)), false)] {
            let resolution = try file.resolve(liveTypes: ["a": [path("v"): live]])
            #expect(resolution.described == ["a.v: objectId, type in the live collection"])
            #expect(resolution.lookAlikes.map(\.isDoubt) == (isTold ? [true] : []))
        }
        let doubtful = try file.resolve(liveTypes: ["a": [path("v"): .undecided]])
        #expect(doubtful.rules.rules.isEmpty && doubtful.lookAlikes.map(\.isDoubt) == [true])
        #expect(try file.resolve().lookAlikes.map(\.isDoubt) == [false])
    }

    /// A configuration that names a path's target does not say that its values are UUIDs.
    @Test(arguments: ["orders", "customers"]) func aReferenceHasTheTypeOfTheLiveDocuments(known: String) throws {
        let uuid: Value = "11111111-2222-3333-4444-555555555555"
        let configuration = try Configuration.parse(
            yaml: "collections: {customers: {}, orders: {references: {customerId: customers}}}", file: "c")
        var file = LegacyRows()
        file.add("orders", ["_id": 1, "customerId": uuid])
        let live: [String: [FieldPath: ObservedType]] =
            known == "orders" ? ["orders": [path("customerId"): .one(.uuid)]] : ["customers": [.id: .one(.uuid)]]
        let resolution = try file.resolve(configuration: configuration, liveTypes: live)
        let reason = (known == "orders" ? "" : "inferred: it leads to customers: ") + "type in the live collection"
        #expect(resolution.described == ["orders.customerId: uuid, \(reason)"])
        // If the rows have 24 digits there, these become ObjectIds, as references in such files do.
        file.add("orders", ["_id": 2, "customerId": hex(1, 1)])
        #expect(
            try file.resolve(configuration: configuration, liveTypes: live).described == [
                "orders.customerId: objectId, reference to customers in the config"
            ])
        let named = try Configuration.parse(
            yaml: "collections: {customers: {types: {_id: string}}, orders: {references: {customerId: customers}}}",
            file: "c")
        #expect(
            try file.resolve(configuration: named, liveTypes: live).rules(of: "orders") == [
                "orders.customerId: string, reference to customers in the config"
            ])
    }

    @Test func numbersBesideTextsDoNotHideWhatTextsWere() throws {
        let seen = try observed([
            .binary(subtype: 4, Array(repeating: 7, count: 16)), .int64(5),
            .decimal128(try #require(Decimal128("1.5"))),
        ])
        #expect(seen == .mixed(.leading(.one(.uuid)), numbers: .one(.long)))
    }

    @Test func textsThatCouldBeOneTypeOrAnotherAreTold() throws {
        let seen = try observed([
            .binary(subtype: 4, Array(repeating: 7, count: 16)), .binary(subtype: 0, [1, 2, 3]),
        ])
        #expect(seen == .undecided)
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": "AQID"])
        let resolution = try file.resolve(liveTypes: ["a": [path("v"): .undecided]])
        #expect(resolution.rules.rules.isEmpty)
        #expect(
            resolution.lookAlikes.map { "\($0.path): \($0.problem)" } == [
                "v: 1 string stays one, for the live documents have values of several types there; types in the configuration can say otherwise"
            ])
    }

    /// JavaScript has a single type for numbers: its driver stores whole numbers that fit into 32 bits as such, and all
    /// others as doubles.
    @Test func whereWholeNumbersAndDoublesStandLargeOnesAreDoubles() throws {
        #expect(try observed([1, 1.5]) == .numbers)
        var file = LegacyRows()
        file.add("a", ["_id": 1, "v": [1, .int64(3_000_000_000), 2.5]])
        let resolution = try file.resolve(liveTypes: ["a": [path("v[]"): .numbers]])
        let (rows, counts) = try file.converted(resolution.rules)
        #expect(rows["a"] == [["_id": 1, "v": [1, .double(3_000_000_000), 2.5]]])
        #expect(counts.converted == [1])
    }

    private func observed(_ values: [Value]) throws -> ObservedType? {
        var observer = TypeObserver()
        for value in values { try (["v": value] as Document).withRaw { try observer.add($0) } }
        return observer.types[path("v")]
    }

    @Test func binaryDataGetsTheSubtypeOfTheLiveCollection() throws {
        var observer = TypeObserver()
        let old: Value = .binary(subtype: 2, [1, 0, 0, 0, 9])
        let live: Document = [
            "_id": 1, "digest": .binary(subtype: 5, [1]), "old": old, "mixed": .binary(subtype: 0, []),
        ]
        let other: Document = ["_id": 2, "mixed": .binary(subtype: 5, [])]
        for document in [live, other] { try document.withRaw { try observer.add($0) } }
        var file = LegacyRows()
        file.add("a", ["_id": 1, "digest": "AQ==", "old": "CQ==", "mixed": "AQ=="])
        let resolution = try file.resolve(liveTypes: ["a": observer.types])
        let (rows, _) = try file.converted(resolution.rules)
        #expect(rows["a"] == [["_id": 1, "digest": .binary(subtype: 5, [1]), "old": old, "mixed": "AQ=="]])
    }
}

/// 24 hexadecimal digits: a kind and a number, spread so that neighbours do not look alike.
func hexText(_ kind: Int, _ number: Int) -> String {
    ObjectID(
        high: UInt64(kind) << 32 | UInt64(UInt32(truncatingIfNeeded: number &* 2_654_435_761)), low: UInt32(number)
    ).description
}

func hex(_ kind: Int, _ number: Int) -> Value { .string(hexText(kind, number)) }

/// The rows of a legacy file.
struct LegacyRows {
    private var rows: [(collection: String, document: Document)] = []

    mutating func add(_ collection: String, _ document: Document) { rows.append((collection, document)) }

    func resolve(
        configuration: Configuration = Configuration(), liveTypes: [String: [FieldPath: ObservedType]] = [:],
        liveTextIDs: Set<String> = [], infer: Bool = true, databaseCollections: [String] = [],
        existsInDatabase: (String, [ObjectID]) throws -> Set<ObjectID> = { _, _ in [] }
    ) throws -> LegacyResolution {
        var inference = LegacyInference()
        for row in rows { try row.document.withRaw { try inference.add($0, in: row.collection) } }
        return try inference.resolve(
            configuration: configuration, liveTypes: liveTypes, liveTextIDs: liveTextIDs, infer: infer,
            databaseCollections: databaseCollections, existsInDatabase: existsInDatabase)
    }

    func converted(_ rules: TypeRules) throws -> ([String: [Document]], ConversionCounts) {
        var counts = rules.makeCounts()
        var result: [String: [Document]] = [:]
        for row in rows {
            result[row.collection, default: []].append(
                try row.document.withRaw { try rules.apply(to: $0, in: row.collection, counts: &counts) })
        }
        return (result, counts)
    }
}

extension LegacyResolution {
    var described: [String] {
        rules.rules.map { "\($0.collection).\($0.path): \($0.type), \($0.reason)" }
    }

    func rules(of collection: String) -> [String] { described.filter { $0.hasPrefix("\(collection).") } }
}
