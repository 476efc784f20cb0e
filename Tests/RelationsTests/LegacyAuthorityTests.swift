import BSON
import Relations
import Testing

/// Who decides what the values of legacy rows become: the configuration, the live documents or the rows themselves.
@Suite struct LegacyAuthorityTests {
    private static let text: Value = "2023-01-31T12:30:45.678Z"
    private static let day = Value.date(1_675_168_245_678)

    private static func configuration(_ collections: String) throws -> Configuration {
        try Configuration.parse(yaml: "collections: {\(collections)}", file: "c")
    }

    /// The configuration makes ObjectIds, which numbers are not.
    @Test func numbersBesideConfiguredIdsBecomeWhatTheLiveNumbersAre() throws {
        let configuration = try Self.configuration("customers: {}, orders: {references: {who: customers}}")
        var file = LegacyRows()
        for value: Value in [hex(1, 1), 7] { file.add("orders", ["who": value]) }
        let resolution = try file.resolve(
            configuration: configuration,
            liveTypes: ["orders": [path("who"): .mixed(.ids, numbers: .one(.double))]])
        let (rows, _) = try file.converted(resolution.rules)
        #expect(rows["orders"] == [["who": .objectID(id(hexText(1, 1)))], ["who": 7.0]])
    }

    @Test(arguments: [true, false])
    func liveTextsInsideAReferenceStayTextsThoughTheTargetHasDates(areLive: Bool) throws {
        let configuration = try Self.configuration("accounts: {}, orders: {references: {account: accounts}}")
        var file = LegacyRows()
        for text in [Self.text, "x"] { file.add("orders", ["account": ["day": text]]) }
        var live: [String: [FieldPath: ObservedType]] = ["accounts": [path("_id.day"): .one(.date)]]
        if areLive { live["orders"] = [path("account.day"): .one(.string)] }
        let resolution = try file.resolve(configuration: configuration, liveTypes: live)
        let (rows, _) = try file.converted(resolution.rules)
        #expect(rows["orders"] == [["account": ["day": areLive ? Self.text : Self.day]], ["account": ["day": "x"]]])
    }

    @Test(arguments: [("accounts", true), ("accounts.key", false)])
    func onlyAReferenceToIdsHasTheTypesOfTheirParts(target: String, isConverted: Bool) throws {
        let configuration = try Self.configuration(
            #"accounts: {types: {"_id.day": date}}, orders: {references: {account: \#(target)}}"#)
        var file = LegacyRows()
        for text in [Self.text, "x"] { file.add("orders", ["account": ["day": text]]) }
        let (rows, _) = try file.converted(try file.resolve(configuration: configuration).rules)
        #expect(
            rows["orders"] == [["account": ["day": isConverted ? Self.day : Self.text]], ["account": ["day": "x"]]])
    }

    @Test(arguments: [true, false]) func liveTextsStayTextsThoughTheTargetHasUUIDs(areLive: Bool) throws {
        let configuration = try Self.configuration("customers: {}, orders: {references: {customerId: customers}}")
        let uuid: Value = "00112233-4455-6677-8899-aabbccddeeff"
        var file = LegacyRows()
        file.add("orders", ["customerId": uuid])
        var live: [String: [FieldPath: ObservedType]] = ["customers": [.id: .one(.uuid)]]
        if areLive { live["orders"] = [path("customerId"): .one(.string)] }
        let resolution = try file.resolve(configuration: configuration, liveTypes: live)
        let (rows, _) = try file.converted(resolution.rules)
        let converted = Value.binary(subtype: 4, (0..<16).map { $0 * 0x11 })
        #expect(rows["orders"] == [["customerId": areLive ? uuid : converted]])
    }

    // MARK: Very many names

    /// Nothing there is looked at, but the configuration says what it is.
    @Test func aConfiguredReferenceBelowVeryManyNamesIsConverted() throws {
        var inference = LegacyInference.ofCrowds
        for number in 0..<1_500 {
            let row: Document = ["m": .document(["k\(number)": hex(1, number)])]
            try row.withRaw { try inference.add($0, in: "a") }
        }
        let resolution = try inference.resolve(
            configuration: try Self.configuration("a: {references: {m.k5: b}}, b: {}"))
        #expect(resolution.conflicts.map(\.path) == [path("m")])
        #expect(resolution.described == ["a.m.k5: objectId, reference to b in the config"])
    }

    private func rowsOfManyNames() throws -> LegacyInference {
        var inference = LegacyInference.ofCrowds
        for number in 0..<1_500 {
            let row: Document = ["m": .document(["k\(number)": hex(1, number)])]
            try row.withRaw { try inference.add($0, in: "a") }
        }
        return inference
    }

    /// A merge of a faithful copy would otherwise make strings of all ids there.
    @Test func belowVeryManyNamesTheLiveTypesCount() throws {
        let resolution = try rowsOfManyNames().resolve(
            configuration: Configuration(),
            liveTypes: ["a": [path("m.k5"): .one(.objectId), path("m.k6"): .one(.string), path("other"): .one(.date)]])
        #expect(resolution.described == ["a.m.k5: objectId, type in the live collection"])
        #expect(resolution.conflicts.map { "\($0.path) \($0.isDoubt)" } == ["m false"])
    }

    /// A merge then writes strings in the place of whatever is there.
    @Test func veryManyNamesOfWhichTheLiveDocumentsSayNothingAreDoubted() throws {
        let live: [String: [FieldPath: ObservedType]] = ["a": [path("m.k5"): .undecided, path("mm.k5"): .one(.date)]]
        let doubtful = try rowsOfManyNames().resolve(configuration: Configuration(), liveTypes: live)
        #expect(doubtful.conflicts.map(\.isDoubt) == [true])
        #expect(
            try rowsOfManyNames().resolve(
                configuration: Configuration(), liveTypes: ["a": [path("mm.k5"): .one(.date)]]
            ).conflicts.map(\.isDoubt) == [false])
    }

    /// Not all names were kept, so the path may well be there.
    @Test(arguments: [(LegacyInference(), 25_000), (.ofCrowds, 1_500)])
    func ofRowsWithVeryManyNamesNoPathIsCalledAbsent(inference: LegacyInference, names: Int) throws {
        var inference = inference
        for number in 0..<names {
            let row: Document = ["m": .document(["k\(number)": "x"])]
            try row.withRaw { try inference.add($0, in: "a") }
        }
        let resolution = try inference.resolve(
            configuration: try Self.configuration("a: {types: {m.k\(names - 1): string}}"))
        #expect(resolution.absentTypes.isEmpty && resolution.absentReferences.isEmpty)
    }

    // MARK: What is told

    /// The user has said so.
    @Test func keysThatTheConfigurationMakesIdsAreNotDoubted() throws {
        var file = LegacyRows()
        file.add("a", ["_id": hex(1, 1)])
        let resolution = try file.resolve(
            configuration: try Self.configuration("a: {types: {_id: objectId}}"),
            liveTypes: ["a": [.id: .one(.string)]], liveTextIDs: ["a"])
        #expect(resolution.described == ["a._id: objectId, types in the config"])
        #expect(resolution.lookAlikes.isEmpty)
    }

    /// A merge puts documents beside those that have the texts, whatever makes the keys ids.
    @Test func keysThatAConfiguredReferenceMakesIdsAreDoubted() throws {
        var file = LegacyRows()
        file.add("users", ["_id": hex(1, 1)])
        file.add("profiles", ["_id": hex(1, 1)])
        let resolution = try file.resolve(
            configuration: try Self.configuration("users: {}, profiles: {references: {_id: users}}"),
            liveTypes: ["profiles": [.id: .one(.string)]], liveTextIDs: ["profiles"])
        #expect(resolution.lookAlikes.map(\.collection) == ["profiles"] && resolution.lookAlikes[0].isDoubt)
    }

    @Test func textsThatTheConfigurationKeepsAreNotDoubted() throws {
        var file = LegacyRows()
        file.add("a", ["v": "x"])
        let live: [String: [FieldPath: ObservedType]] = ["a": [path("v"): .one(.date)]]
        let configuration = try Self.configuration("a: {types: {v: string}}")
        #expect(try file.resolve(configuration: configuration, liveTypes: live).lookAlikes.isEmpty)
        #expect(try file.resolve(liveTypes: live).lookAlikes.map(\.isDoubt) == [true])
    }

    @Test(arguments: [(text, true), ("x", false)])
    func datesThatStayTextsAreToldWhereAllAreDates(other: Value, isTold: Bool) throws {
        var file = LegacyRows()
        for value in [Self.text, other] { file.add("a", ["v": value]) }
        let resolution = try file.resolve(liveTypes: ["a": [path("v"): .one(.string)]])
        #expect(resolution.lookAlikes.map(\.isDoubt) == (isTold ? [true] : []))
    }

    /// JSON.stringify writes the years before 0 and after 9999 with six digits.
    @Test func datesOfAnyYearThatBecomeDatesAreNotDoubted() throws {
        var file = LegacyRows()
        for text in [Self.text, "+010000-01-01T00:00:00.000Z"] { file.add("b", ["at": text]) }
        let live: [String: [FieldPath: ObservedType]] = ["b": [path("at"): .one(.date)]]
        let resolution = try file.resolve(liveTypes: live)
        let (rows, _) = try file.converted(resolution.rules)
        #expect(rows["b"] == [["at": Self.day], ["at": .date(253_402_300_800_000)]])
        #expect(resolution.lookAlikes.isEmpty, "\(resolution.lookAlikes)")
        file.add("b", ["at": "+010000-01-01"])
        #expect(try file.resolve(liveTypes: live).lookAlikes.map(\.isDoubt) == [true])
    }

    /// Nobody reads a line for each of thousands of names; programs have the whole list.
    @Test func linesOfPathsThatDifferInOneNameAreOne() throws {
        var file = LegacyRows()
        let names = Document { m in
            for number in 0..<100 { m.append("k\(number)", ["at": Self.text, "by": [hex(2, number)]]) }
        }
        file.add("a", ["_id": hex(1, 1), "m": .document(names), "list": [["at": Self.text]]])
        let resolution = try file.resolve()
        let (_, counts) = try file.converted(resolution.rules)
        let report = ConversionReport(resolution, counts: counts)
        #expect(
            report.lines == [
                "a._id: 1 to objectId (_id)",
                "a.list[].at: 1 to date (inferred: 1 of 1 values have the form of a date)",
                "a.m.*.at (100 paths): 100 to date, such as m.k0.at (inferred: 1 of 1 values have the form of a date)",
                "a.m.*.by[] (100 paths), such as m.k0.by[]: 1 value of 24 hex digits stays a string: 0 of 1 different values are _ids",
            ])
        #expect(report.entries.count == 102 && report.lookAlikes.count == 100)
    }

    /// Doubts are told before the import; that ids dangle says nothing of the numbers beside them.
    @Test func linesHaveNoDoubtsAndNumbersDoNotDangle() throws {
        var file = LegacyRows()
        for number in 0..<6 { file.add("customers", ["_id": hex(1, number)]) }
        for number in 0..<8 { file.add("orders", ["who": hex(1, number), "at": number == 0 ? "soon" : Self.text]) }
        file.add("orders", ["who": 5, "code": hex(9, 1)])
        let resolution = try file.resolve(liveTypes: [
            "orders": [path("who"): .mixed(.several, numbers: .one(.long)), path("at"): .one(.date)]
        ])
        #expect(resolution.lookAlikes.map { "\($0.path) \($0.isDoubt)" } == ["at true", "code false"])
        let (_, counts) = try file.converted(resolution.rules)
        let dangling = [6, 7].map { id(hexText(1, $0)) }.sorted().map(\.description).joined(separator: ", ")
        #expect(
            ConversionReport(resolution, counts: counts).lines == [
                "customers._id: 6 to objectId (_id)",
                "orders.at: 7 to date (type in the live collection), 1 left as they are",
                "orders.who: 8 to objectId (inferred: 6 of 9 different values are _ids of customers); 2 of the ids exist nowhere: \(dangling)",
                "orders.who: 1 to long (type in the live collection)",
                "orders.code: 1 value of 24 hex digits stays a string: 0 of 1 different values are _ids",
            ])
    }
}
