import BSON
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Whether the types of live documents reach the old application's rows in large collections, and in those whose
/// field names are data.
@Suite struct LiveTypesTests {
    private static let day = "2024-01-01T00:00:00.000Z"
    private static let date = Value.date(1_704_067_200_000)

    private static func id(_ number: Int) -> ObjectID {
        ObjectID(high: 0x5C2A_AD80_0000_0000, low: UInt32(truncatingIfNeeded: number))
    }

    private func file(_ rows: [String], _ folder: TemporaryFolder, _ collection: String = "c") throws -> String {
        try folder.write(
            LegacyFile.text(rows: rows.map { LegacyFile.row(collection, json: $0) }), to: "old.csv")
        return folder.file("old.csv")
    }

    // MARK: Collections too large to be read whole

    /// Each is in one document of forty thousand. Inferred, the ids would become strings and the strings dates.
    @Test func fieldsThatNoDocumentOfTheSampleHasKeepTheirLiveTypes() throws {
        try withTestDatabase { database, folder in
            let rare = (0..<12).map { number -> (document: Document, row: String) in
                let (id, place) = (Self.id(number), Int32(number * 3000 + 7))
                return (
                    [
                        "_id": .int32(place), "by\(number)": .objectID(id), "in": ["code \(number)": .string(Self.day)],
                        "list\(number)": [["n": 1.0]],
                    ],
                    #"{"_id":\#(place),"by\#(number)":"\#(id)","in":{"code \#(number)":"\#(Self.day)"},"list\#(number)":[{"n":1}]}"#
                )
            }
            let places = Set(rare.map { $0.document["_id"] })
            try database.insert(
                (0..<40_000).map { ["_id": .int32($0)] as Document }.filter { !places.contains($0["_id"]) }, into: "c")
            try database.insert(rare.map(\.document), into: "c")
            let path = try file(rare.map(\.row), folder)
            let report = try database.load(path)
            #expect(report.totals.unchanged == 12, "\(report.totals)")
            #expect(
                try rare.allSatisfy {
                    try database.documents(in: "c", ["_id": $0.document["_id"] ?? 0]) == [$0.document]
                })
        }
    }

    /// A name that a filter cannot express is in the sample or is not: the others are asked for all the same.
    @Test func fieldsThatNoDocumentHasAreLookedForOnce() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<12_000).map { ["_id": .int32($0)] }, into: "c")
            let path = try file(
                [#"{"_id":-1,"none":"\#(Self.day)","in":{"none":"x"},"a.b":1,"$c":"y","":"z","t":[["u"]]}"#], folder)
            try database.client.run(["profile": 2], on: database.name)
            defer { _ = try? database.client.run(["profile": 0], on: database.name) }
            try database.load(path) { $0.isDryRun = true }
            try database.client.run(["profile": 0], on: database.name)
            let asked = try database.documents(in: "system.profile", ["command.find": "c"])
            let paths = asked.compactMap { $0["command"]?.document?["filter"]?.document?["$or"]?.array?.count }
            // `in`, `in.none` and `none`
            #expect(paths == [3], "\(paths)")
        }
    }

    /// Very many documents have one of the paths in another form than the rows, and hide the few that have the others.
    @Test func whatManyDocumentsHaveOtherwiseHidesNothing() throws {
        try withTestDatabase { database, folder in
            let rare: Document = ["_id": 7007, "by": .objectID(Self.id(1)), "at": .string(Self.day), "tags": ["x"]]
            try database.insert(
                (0..<12_000).filter { $0 != 7007 }.map { ["_id": .int32($0), "tags": "x", "in": [["none": 1]]] },
                into: "c")
            try database.insert([rare], into: "c")
            let path = try file(
                [
                    #"{"_id":7007,"by":"\#(Self.id(1))","at":"\#(Self.day)","tags":["x"]}"#,
                    #"{"_id":-1,"in":{"none":"\#(Self.day)"}}"#,
                ], folder)
            let report = try database.load(path)
            #expect(report.totals.unchanged == 1 && report.totals.inserted == 1, "\(report.totals)")
            #expect(try database.documents(in: "c", ["_id": 7007]) == [rare])
        }
    }

    /// Each scan reads the whole collection.
    @Test func pathsThatNoDocumentHasCostThreeScansAtMost() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<12_000).map { ["_id": .int32($0)] }, into: "c")
            let names = (0..<900).map { #""none\#($0)":"\#(Self.day)""# }
            let path = try file([#"{"_id":-1,\#(names.joined(separator: ","))}"#], folder)
            let log = MessageLog()
            try database.client.run(["profile": 2], on: database.name)
            defer { _ = try? database.client.run(["profile": 0], on: database.name) }
            try database.load(path, .merge, log) { $0.isDryRun = true }
            try database.client.run(["profile": 0], on: database.name)
            let scans = try database.documents(
                in: "system.profile",
                ["ns": .string("\(database.name).c"), "op": "query", "planSummary": "COLLSCAN"])
            #expect(scans.count == 3)
            #expect(
                log.warnings.contains { $0.hasPrefix("c: the live documents have too many different names") },
                "\(log.warnings)")
        }
    }

    // MARK: Names that are data

    /// Thousands of names that no row has must not leave the others' fields unseen.
    @Test func namesThatOnlyLiveDocumentsHaveDoNotHideOtherFields() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                (0..<420).map { number -> Document in
                    let names = Document { m in for n in 0..<50 { m.append("k\(number * 50 + n)", .int32(Int32(n))) } }
                    return ["_id": .int32(Int32(number)), "m": .document(names)]
                }, into: "c")
            let late: [Document] = (1000..<1010).map {
                ["_id": .int32($0), "code": .string(Self.day), "by": .objectID(Self.id(Int($0))), "n": 1.0]
            }
            try database.insert(late, into: "c")
            let rows = (1000..<1010).map { #"{"_id":\#($0),"code":"\#(Self.day)","by":"\#(Self.id($0))","n":1}"# }
            let report = try database.load(try file(rows, folder))
            #expect(report.totals.unchanged == 10, "\(report.totals)")
            #expect(try database.documents(in: "c", ["_id": ["$gte": 1000]]) == late)
        }
    }

    /// What is below so many names is not surveyed, and a merge of a faithful copy must not make strings of it.
    @Test func belowNamesThatAreDataTheLiveTypesCount() throws {
        try withTestDatabase { database, folder in
            let numbers = 0..<700
            try database.insert(
                numbers.map { number -> Document in
                    let names = Document { m in
                        for n in 0..<10 {
                            m.append("k\(number * 10 + n)", ["s": .string(Self.day), "at": Self.date, "n": 1.0])
                        }
                    }
                    return ["_id": .int32(Int32(number)), "m": .document(names)]
                }, into: "c")
            let rows = numbers.map { number -> String in
                let names = (0..<10).map {
                    #""k\#(number * 10 + $0)":{"s":"\#(Self.day)","at":"\#(Self.day)","n":1}"#
                }
                return #"{"_id":\#(number),"m":{\#(names.joined(separator: ","))}}"#
            }
            let log = MessageLog()
            let report = try database.load(try file(rows, folder), .merge, log)
            #expect(report.totals.unchanged == 700, "\(report.totals)")
            #expect(log.warnings == [], "\(log.warnings)")
        }
    }

    /// The file has room for a thousand names at one place, so nothing below them is surveyed.
    @Test func moreNamesThanLiveDocumentsAreLookedAtForAreTold() throws {
        try withTestDatabase { database, folder in
            func names(_ document: Int) -> Range<Int> { document * 1000..<(document + 1) * 1000 }
            try database.insert(
                (0..<65).map { document -> Document in
                    let m = Document { m in for n in names(document) { m.append("k\(n)", 1.0) } }
                    return ["_id": .int32(Int32(document)), "m": .document(m)]
                }, into: "c")
            let rows = (0..<25).map { document in
                #"{"_id":\#(document),"m":{\#(names(document).map { "\"k\($0)\":1" }.joined(separator: ","))}}"#
            }
            let log = MessageLog()
            let report = try database.load(try file(rows, folder), .merge, log) { $0.isDryRun = true }
            #expect(
                log.warnings == [
                    "c: the live documents have too many different names to look at all of them: what the rows have at the others does not become what these have",
                    "c.m: more than 1,000 different names stand here: what is below them becomes what the live documents have at the same path, or else stays as it is, unless the config's types name it; not all live documents were looked at, and a merge may change the others",
                ])
            #expect(report.warningsTold == log.warnings)
        }
    }

    // MARK: Numbers

    /// The number in a row does not say which of the live types it had: a merge changes the others.
    @Test(
        arguments: [
            ([3.0, .int64(7)], "1 whole number becomes long, though the live documents have some as double"),
            (
                [3.0, 7],
                "1 whole number becomes int or, if larger, double, though the live documents have some as double"
            ),
            (
                [.int64(3), 7],
                "1 whole number becomes int or, if larger, long, though the live documents have some as long"
            ),
            ([3.5, 7], nil), ([3.5, .int64(7)], nil), ([.int64(5_000_000_000), 7], nil), ([3.0, 5.0], nil),
            ([.int64(3), .int64(7)], nil), ([3.0, 7, "x"], "1 whole number becomes int"),
        ] as [([Value], String?)])
    func liveNumbersThatAMergeWouldChangeAreToldBeforehand(values: [Value], warning: String?) throws {
        try withTestDatabase { database, folder in
            try database.insert(
                values.enumerated().map { ["_id": .int32(Int32($0)), "in": ["x": $1]] }, into: "c")
            let path = try file([#"{"_id":0,"in":{"x":3}}"#], folder)
            let log = MessageLog()
            let report = try database.load(path, .merge, log) { $0.isDryRun = true }
            let told = log.warnings.filter { $0.hasPrefix("c.in.x: ") }
            #expect(told.count == (warning == nil ? 0 : 1), "\(log.warnings)")
            if let warning { #expect(told.first?.hasPrefix("c.in.x: \(warning)") == true, "\(told)") }
            #expect(report.warningsTold == log.warnings)
            // What the configuration demands is no guess.
            let demanded = MessageLog()
            try database.load(path, .merge, demanded) {
                $0.isDryRun = true
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {c: {types: {in.x: double}}}", file: "c.yaml")
            }
            #expect(demanded.warnings == [])
        }
    }

    // MARK: The configuration

    @Test func aReferenceOfTheConfigurationThatNoRowHasIsToldWithTheNearestName() throws {
        try withTestDatabase { database, folder in
            let path = try file([#"{"_id":"\#(Self.id(1))","customerId":"\#(Self.id(2))"}"#], folder)
            let log = MessageLog()
            try database.load(path, .merge, log) {
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {c: {references: {custmerId: c}, types: {day: date}}}", file: "c.yaml")
                $0.isDryRun = true
            }
            #expect(
                log.warnings.filter { $0.contains("no row has it") } == [
                    "c.yaml has a type of c.day: no row has it",
                    "c.yaml has a reference of c.custmerId: no row has it. Did you mean 'customerId'?",
                ], "\(log.warnings)")
        }
    }

    // MARK: Rows of both kinds

    /// It is certain of a row of Extended JSON that its strings were strings.
    @Test(arguments: [
        ("\"\(day)\"", false), ("5", false), (#"{"$date":"2020-01-01T00:00:00Z"}"#, true), ("null", true),
    ])
    func aStringInARowOfExtendedJSONShowsThatDatesThereAreStrings(value: String, isConverted: Bool) throws {
        try withTestDatabase { database, folder in
            let path = try file(
                [
                    #"{"_id":{"$oid":"\#(Self.id(1))"},"in":{"code":\#(value)}}"#,
                    #"{"_id":"\#(Self.id(2))","in":{"code":"\#(Self.day)"}}"#,
                ], folder)
            try database.load(path)
            let old = try database.documents(in: "c", ["_id": .objectID(Self.id(2))])
            #expect(old.map { $0["in"]?.document?["code"] } == [isConverted ? Self.date : .string(Self.day)])
        }
    }
}
