import BSON
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Rows of the old application at the limits of what can be converted, and databases whose names differ from the
/// file's.
@Suite struct LegacyEdgeTests {
    private func file(_ rows: [(collection: String, json: String)], _ folder: TemporaryFolder) throws -> String {
        let lines = rows.map { "\($0.collection),\"\($0.json.replacing("\"", with: "\"\""))\"\n" }
        try folder.write("collection,data\n" + lines.joined(), to: "old.csv")
        return folder.file("old.csv")
    }

    private static func id(_ number: Int, _ kind: Int = 0) -> String {
        let digits = String(number, radix: 16)
        return "5c2aad8\(kind)" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Integers that become doubles take more space than before.
    @Test func aRowThatIsTooLargeOnlyOnceItIsConvertedIsReported() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "old", "a": [1.5]]], into: "series")
            let numbers = "[" + [String](repeating: "1", count: 1_200_000).joined(separator: ",") + "]"
            let path = try file(
                [
                    ("series", "{\"_id\":\"\(Self.id(1))\",\"a\":[2]}"),
                    ("series", "{\"_id\":\"\(Self.id(2))\",\"a\":\(numbers)}"),
                ], folder)
            for mode in [ImportOptions.Mode.merge, .replace] {
                let report = try database.load(path, mode)
                #expect(report.status == .refused && report.rejectionCount == 1)
                #expect(report.rejections.first?.line == 3, "\(report.rejections)")
            }
            #expect(try database.count("series") == 1)
            let report = try Verify(file: path, target: try database.target).runBlocking(OperationContext())
            #expect(report.rejectionCount == 1 && report.status == .problems)
        }
    }

    /// Such rows exceed the size of a document until they are converted.
    @Test(arguments: [[true, true], [true, false], [false, true]]) func theSameIDOfLargeRowsIsFound(areLarge: [Bool])
        throws
    {
        try withTestDatabase { database, folder in
            func row(_ number: Int, isLarge: Bool) -> (String, String) {
                let bytes = [String](repeating: "\(number)", count: isLarge ? 1_500_000 : 3).joined(separator: ",")
                return ("c", "{\"_id\":\"\(Self.id(1))\",\"file\":{\"type\":\"Buffer\",\"data\":[\(bytes)]}}")
            }
            let path = try file(areLarge.enumerated().map { row($0, isLarge: $1) }, folder)
            let configuration = try Configuration.parse(yaml: "collections: {c: {types: {file: binary}}}", file: "c")
            for mode in ImportOptions.Mode.allCases {
                let report = try database.load(path, mode) { $0.configuration = configuration }
                #expect(report.status == .refused && report.rejections.map(\.line) == [3], "\(mode)")
            }
            #expect(try database.names() == [])
            let verified = try Verify(file: path, target: nil, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(verified.rejections.map(\.line) == [3])
        }
    }

    /// The rows of a damaged backup: their strings are strings, whatever they look like.
    @Test func rowsThatAreSaidToBeExtendedJSONStayAsTheyAre() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                (0..<5).map { ["_id": .string(Self.id($0)), "at": "2024-01-01T00:00:00.000Z"] }, into: "texts")
            let before = try database.image()
            let path = folder.file("texts.csv")
            try database.export(to: path)
            let rows = try folder.text("texts.csv").split(separator: "\n").filter { !$0.hasPrefix("#") }
            try folder.write(rows.joined(separator: "\n") + "\n", to: "rows.csv")
            let file = folder.file("rows.csv")
            let report = try database.load(file) { $0.takesLegacyRows = false }
            #expect(report.status == .done && report.totals.unchanged == 5 && report.conversions == nil)
            #expect(try database.image().differences(from: before) == [])
            let target = ["--uri", try testURI(), "--db", database.name]
            let check = try Program.run(["verify", file, "--no-legacy"] + target)
            #expect(check.status == 0, "\(check.text)")
            let replace = try Program.run(["import", file, "--no-legacy", "--mode", "replace", "--yes"] + target)
            #expect(replace.status == 0, "\(replace.text)")
            #expect(try database.documents(in: "texts") == before.collections["texts"]?.documents)
            // Without the option, they count as the old application's and are inserted next to the existing documents.
            try database.load(file)
            #expect(try database.count("texts") == 10)
        }
    }

    /// 34 digits and an exponent exceed every integer type.
    @Test(arguments: ["long", "int"]) func aNumberThatNoWholeNumberHoldsIsReported(type: String) throws {
        try withTestDatabase { database, folder in
            let digits = "1234567890123456789012345678901234"
            let path = try file(
                [
                    ("a", "{\"_id\":\"\(Self.id(1))\",\"n\":\"\(digits)000000\"}"),
                    ("a", "{\"_id\":\"\(Self.id(2))\",\"n\":\"\(digits)E19\"}"),
                    ("a", "{\"_id\":\"\(Self.id(3))\",\"n\":\"12E3\"}"),
                ], folder)
            let report = try database.load(path) {
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {a: {types: {n: \(type)}}}\n", file: "x")
            }
            #expect(report.status == .refused && report.rejections.map(\.line) == [2, 3], "\(report.rejections)")
        }
    }

    private static let day = "2024-01-01T00:00:00.000Z"

    /// Values that do not fit the live type stay as they are, next to those that do: importing the same rows again must
    /// give the same documents.
    @Test(
        arguments: [
            (.date(0), ["\"\(day)\"", "\"on demand\""]), (.date(0), ["\"\(day)\"", "7", "\"soon\""]),
            (.objectID(ObjectID(high: 1, low: 1)), ["\"\(id(1))\"", "\"none\""]),
            (1, ["\"\(day)\"", "\"\(day)\""]), (1, ["\"\(id(1))\""]), (true, ["\"\(day)\""]),
            (.int64(1), ["5", "0.5"]), (1.5, ["5", "\"\(day)\""]),
            (.binary(subtype: 5, [1]), ["\"AAAA\"", "\"not base64\""]),
        ] as [(Value, [String])])
    func aSecondImportOfTheSameRowsChangesNothing(live: Value, values: [String]) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "live", "v": live]], into: "a")
            let path = try file(
                values.enumerated().map { ("a", "{\"_id\":\"\(Self.id($0.offset))\",\"v\":\($0.element)}") }, folder)
            #expect(try database.load(path).totals.inserted == values.count)
            let first = try database.image()
            let again = try database.load(path)
            #expect(again.totals.unchanged == values.count && again.totals.updated == 0, "\(again.totals)")
            #expect(try database.image().differences(from: first) == [])
            let report = try Verify(file: path, target: try database.target).runBlocking(OperationContext())
            #expect(report.status == .done, "\(report.differences)")
            // Also some of them alone, as rows that were set aside are imported.
            try database.delete("a", ["_id": .objectID(try #require(ObjectID(hex: Self.id(0))))])
            let some = try file([("a", "{\"_id\":\"\(Self.id(0))\",\"v\":\(values[0])}")], folder)
            #expect(try database.load(some).totals.inserted == 1)
            #expect(try database.image().differences(from: first) == [])
        }
    }

    /// Importing a backup of the live data removes no type.
    @Test func liveDatesBesideATextStayDates() throws {
        try withTestDatabase { database, folder in
            let documents: [Document] = (0..<5).map { number in
                let due: Value = number < 4 ? .date(1_704_067_200_000) : "on demand"
                return ["_id": .objectID(ObjectID(high: 0x5C2A_AD80_0000_0000, low: UInt32(number))), "due": due]
            }
            try database.insert(documents, into: "p")
            let rows = documents.indices.map { number in
                ("p", "{\"_id\":\"\(Self.id(number))\",\"due\":\"\(number < 4 ? Self.day : "on demand")\"}")
            }
            let report = try database.load(try file(rows, folder))
            #expect(report.totals.unchanged == 5, "\(report.totals)")
            #expect(try database.documents(in: "p") == documents)
        }
    }

    /// As strings, a merge would have put them next to the live documents, and a replace in their place.
    @Test(arguments: [ImportOptions.Mode.merge, .replace]) func keysThatAreNoObjectIDsKeepTheirLiveType(
        mode: ImportOptions.Mode
    ) throws {
        try withTestDatabase { database, folder in
            let uuid = "00112233-4455-6677-8899-aabbccddeeff"
            let bytes: [UInt8] = (0..<16).map { $0 * 17 }
            let documents: [String: Document] = [
                "uuids": ["_id": .binary(subtype: 4, bytes), "n": 1],
                "days": ["_id": .date(1_704_067_200_000), "n": 1],
                "longs": ["_id": .int64(5), "n": 1], "blobs": ["_id": .binary(subtype: 0, [1, 2, 3]), "n": 1],
            ]
            for (name, document) in documents { try database.insert([document], into: name) }
            let path = try file(
                [
                    ("uuids", "{\"_id\":\"\(uuid)\",\"n\":1}"), ("days", "{\"_id\":\"\(Self.day)\",\"n\":1}"),
                    ("longs", "{\"_id\":5,\"n\":1}"), ("blobs", "{\"_id\":\"AQID\",\"n\":1}"),
                ], folder)
            let report = try database.load(path, mode)
            #expect(report.status == .done, "\(report.warnings)")
            if mode == .merge { #expect(report.totals.unchanged == 4, "\(report.totals)") }
            for (name, document) in documents { #expect(try database.documents(in: name) == [document]) }
        }
    }

    /// Measurements are documents like others.
    @Test func datesOfATimeSeriesAreThoseOfTheLiveOne() throws {
        try withTestDatabase { database, folder in
            try database.run(["create": "m", "timeseries": ["timeField": "at"]])
            try database.insert([["_id": 1, "at": .date(1_704_067_200_000), "note": .date(0)]], into: "m")
            // Not every string looks like a date: only the live documents tell the type of the others.
            let path = try file(
                [
                    ("m", "{\"_id\":2,\"at\":\"\(Self.day)\",\"note\":\"\(Self.day)\"}"),
                    ("m", "{\"_id\":3,\"at\":\"\(Self.day)\",\"note\":\"x\"}"),
                ], folder)
            let dryRun = try database.load(path, .replace) { $0.isDryRun = true }
            let report = try database.load(path, .replace)
            #expect(report.status == .done, "\(report.warnings) \(report.rejections)")
            #expect(dryRun.conversions == report.conversions && report.conversions != nil)
            #expect(dryRun.totals.inserted == 2 && dryRun.totals.read == 2)
            let notes = try database.documents(in: "m").map { $0["note"] }
            #expect(notes.contains(.date(1_704_067_200_000)) && notes.contains("x"), "\(notes)")
        }
    }

    /// `--no-infer` also applies to the check, and to the import that the check advises.
    @Test func whatWasImportedWithoutInferringIsVerifiedWithoutIt() throws {
        try withTestDatabase { database, folder in
            let path = try file(
                [
                    ("u", "{\"_id\":\"\(Self.id(1))\"}"), ("p", "{\"_id\":1,\"o\":\"\(Self.id(1))\"}"),
                    ("p", "{\"_id\":2,\"o\":7}"),
                ], folder)
            try database.load(path) { $0.infers = false }
            let words = ["verify", path, "--uri", try testURI(), "--db", database.name]
            let same = try Program.run(words + ["--no-infer"])
            #expect(same.status == 0, "\(same.text)")
            try database.delete("p", [:])
            let missing = try Program.run(words + ["--no-infer"])
            #expect(missing.errors.contains("--no-infer --dry-run"), "\(missing.errors)")
            let alone = try Program.run(["verify", "--db", database.name, "--no-infer"])
            #expect(alone.status == 64 && alone.errors.contains("--no-infer is about a file"), "\(alone.text)")
        }
    }

    /// A mistyped name would leave strings where ids were meant.
    @Test func aTypeOfTheConfigurationThatNoRowHasIsToldWithTheNearestName() throws {
        try withTestDatabase { database, folder in
            let path = try file(
                [("policies", "{\"_id\":\"\(Self.id(1))\",\"customerId\":\"\(Self.id(2))\",\"in\":{\"n\":[1]}}")],
                folder)
            let yaml = """
                collections:
                  policies: {types: {custmerId: objectId, in: string, "in.n[]": long}}
                  polices: {types: {n: long}}
                  absent: {types: {n: long}}
                exclude: [absent]

                """
            let log = MessageLog()
            let report = try database.load(path, .merge, log) {
                $0.configuration = try Configuration.parse(yaml: yaml, file: "c.yaml")
                $0.isDryRun = true
            }
            let told = [
                "c.yaml has a type of policies.custmerId: no row has it. Did you mean 'customerId'?",
                "c.yaml has types of 'polices', which has no rows in the file. Did you mean 'policies'?",
            ]
            #expect(log.all.filter { $0.hasPrefix("c.yaml has") } == told)
            // Programs that read only the report learn of it, too; it is no fault of the data.
            #expect(report.warningsTold == told && report.status == .planned)
            #expect(report.json.contains("no row has it"), "\(report.json)")
        }
    }

    /// The file's `customers` are imported as `clients`; the policies refer to the database's own `customers`.
    @Test func idsAreAskedForUnderTheDatabasesOwnNames() throws {
        try withTestDatabase { database, folder in
            let ids = try (0..<40).map { Value.objectID(try #require(ObjectID(hex: Self.id($0)))) }
            try database.insert(ids.map { ["_id": $0] }, into: "customers")
            try database.insert([["_id": 1]], into: "clients")
            let path = try file(
                [("customers", "{\"_id\":\"\(Self.id(1000))\"}")]
                    + (0..<40).map {
                        ("policies", "{\"_id\":\"\(Self.id($0, 1))\",\"customerId\":\"\(Self.id($0))\"}")
                    }, folder)
            let report = try database.load(path) { $0.renames = ["customers": "clients"] }
            #expect(report.status == .done, "\(report.warnings)")
            #expect(try database.count("policies", ["customerId": ["$type": "objectId"]]) == 40)
            // What the file calls `customers` is a different collection: no reference leads there.
            #expect(report.references.allSatisfy { $0.target != "customers" }, "\(report.references)")
        }
    }

    /// What is inferred must not depend on the number of collections or on the thread that reads them.
    @Test(arguments: [1, 4]) func idsBelowNamesThatAreDataAreConvertedInAFileOfManyCollections(jobs: Int) throws {
        try withTestDatabase { database, folder in
            var rows: [(collection: String, json: String)] = []
            for collection in 1...12 {
                for number in 0..<20 {
                    rows.append(("c\(collection)", "{\"_id\":\"\(Self.id(collection * 1000 + number))\"}"))
                }
            }
            for number in 0..<300 {
                let votes = (0..<5).map { vote in
                    "\"\(Self.id(number * 5 + vote, 2))\":\"\(Self.id(1000 + (number + vote) % 20))\""
                }
                rows.append(
                    ("polls", "{\"_id\":\"\(Self.id(number, 3))\",\"votes\":{\(votes.joined(separator: ","))}}"))
            }
            let report = try database.load(try file(rows, folder)) { $0.jobs = jobs }
            #expect(report.status == .done, "\(report.warnings)")
            let values = try database.documents(in: "polls").flatMap { poll in
                poll["votes"]?.document?.elements.map(\.value) ?? []
            }
            #expect(values.count == 1500)
            #expect(values.allSatisfy { if case .objectID = $0 { true } else { false } })
        }
    }

    @Test func aPlanOfAFileLeavesOutWhatTheConfigurationDoes() throws {
        try withTestDatabase { database, folder in
            for name in ["a", "logs"] { try database.insert([["_id": 1]], into: name) }
            try database.export(to: folder.file("all.csv"))
            try folder.write("exclude: [logs]\n", to: "ferry.yaml")
            let old = try file([("a", "{\"_id\":\"\(Self.id(1))\"}"), ("logs", "{\"_id\":\"\(Self.id(2))\"}")], folder)
            for path in [folder.file("all.csv"), old] {
                let outcome = try Program.run(["plan", path, "--config", folder.file("ferry.yaml")])
                #expect(outcome.status == 0 && outcome.output.contains("a") && !outcome.output.contains("logs"))
            }
        }
    }

    /// 70 of 100 customers have a profile with the same `_id`, to which the orders would otherwise seem to refer.
    @Test func whatIsLeftOutIsWhatReferencesLeadToAllTheSame() throws {
        try withTestDatabase { database, folder in
            let ids = try (0..<100).map { Value.objectID(try #require(ObjectID(hex: Self.id($0)))) }
            try database.insert(ids.map { ["_id": $0] }, into: "customers")
            try database.insert(ids.prefix(70).map { ["_id": $0] }, into: "profiles")
            try database.insert(
                ids.enumerated().map { ["_id": .int32(Int32($0)), "customerId": $1] }, into: "orders")
            let path = folder.file("all.csv")
            try database.export(to: path) { $0.exclude = [Glob("customers")] }
            #expect(try folder.text("all.csv").contains(#""target":"customers""#))
            let alone = try Verify(file: path, target: nil).runBlocking(OperationContext())
            #expect(alone.danglingCount == 0 && alone.status == .done)
            let excluding = try Configuration.parse(yaml: "exclude: [customers]\n", file: "x")
            let live = try Verify(file: nil, target: try database.target, configuration: excluding)
                .runBlocking(OperationContext())
            #expect(live.danglingCount == 0 && live.status == .done, "\(live.references)")
            let found = try DiscoveredConfiguration(try database.target, configuration: excluding, OperationContext())
            #expect(found.references.isEmpty && found.yaml.contains("but customers is left out"), "\(found.yaml)")
            #expect(try Configuration.parse(yaml: found.yaml, file: "x").collections.count == 2)
        }
    }

    /// Their collection is empty, so only the configuration can tell that these were strings.
    @Test func discoverWritesDownTextsThatLookLikeIdsAndDates() throws {
        try withTwoTestDatabases { source, copy, folder in
            let ids = (0..<20).map { Self.id($0) }
            try source.insert(
                ids.map { id in
                    [
                        "_id": .objectID(try #require(ObjectID(hex: id))), "token": .string(id),
                        "day": "2020-01-01T00:00:00.000Z", "name": "Amara", "made": .date(1_577_836_800_000),
                    ]
                }, into: "things")
            try source.insert(ids.map { ["_id": .string($0)] }, into: "sessions")
            let found = try DiscoveredConfiguration(
                try source.target, configuration: Configuration(), OperationContext())
            try folder.write(found.yaml, to: "ferry.yaml")
            let rows =
                ids.map { id in
                    let time = "2020-01-01T00:00:00.000Z"
                    return (
                        "things",
                        #"{"_id":"\#(id)","token":"\#(id)","day":"\#(time)","name":"Amara","made":"\#(time)"}"#
                    )
                } + ids.map { ("sessions", #"{"_id":"\#($0)"}"#) }
            try copy.load(try file(rows, folder)) {
                $0.configuration = try Configuration.parse(yaml: found.yaml, file: "ferry.yaml")
            }
            for name in ["things", "sessions"] {
                #expect(try copy.documents(in: name) == source.documents(in: name), "\(found.yaml)")
            }
            #expect(!found.yaml.contains("name:"), "no other text need be written down: \(found.yaml)")
        }
    }
}
