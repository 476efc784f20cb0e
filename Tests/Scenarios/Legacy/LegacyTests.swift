import BSON
import BackupFile
import Foundation
import InsuranceLedger
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Backups of the old application: `JSON.stringify` output, whose ids and dates are strings.
@Suite struct LegacyTests {
    /// Returns how the restored documents differ from the application's, by `_id`.
    private static func differences(
        _ database: TestDatabase, _ names: [String] = LegacyFile.collections
    ) throws -> [String] {
        try names.flatMap { name -> [String] in
            let originals = LegacyFile.documents(name)
            let restored = try database.documents(in: name)
            guard restored.count == originals.count else { return ["\(name): \(restored.count) documents"] }
            let byID = Dictionary(uniqueKeysWithValues: restored.map { ($0["_id"] ?? .null, $0) })
            return originals.flatMap { original in
                LegacyFile.differences(byID[original["_id"] ?? .null], from: original).map { "\(name): \($0)" }
            }
        }
    }

    // MARK: Order

    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func aShuffledFileLandsInTheOrderOfItsReferencesInTheServersOplog(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            let before = try database.client.runRead(["hello": 1], on: "admin")
            guard let start = before["lastWrite"]?.document?["opTime"]?.document?["ts"] else {
                Issue.record("the tests' server is no replica set, so it has no oplog to read")
                return
            }
            try folder.write(LegacyFile.text(seed: 7), to: "legacy.csv")
            try database.load(folder.file("legacy.csv"), mode) { $0.configuration = try LegacyFile.configuration() }

            let written = try Self.insertions(database, after: start)
            var order: [String] = []
            for name in written where order.last != name { order.append(name) }
            #expect(order == LegacyFile.collections, "all of one collection before the first of the next")
            for name in LegacyFile.collections {
                #expect(written.count { $0 == name } == LegacyFile.documents(name).count)
            }
        }
    }

    /// Returns the collection of each inserted document, in the order of the oplog.
    private static func insertions(_ database: TestDatabase, after start: Value) throws -> [String] {
        var names: [String] = []
        let prefix = database.name + "."
        func note(_ operation: Document) {
            guard operation["op"] == "i", let namespace = operation["ns"]?.string, namespace.hasPrefix(prefix) else {
                return
            }
            let name = String(namespace.dropFirst(prefix.count))
            if !name.hasPrefix("__mongoferry"), !name.hasPrefix("system.") { names.append(name) }
        }
        try database.client.find(Namespace("local", "oplog.rs"), ["ts": ["$gt": start]]).forEach { raw in
            let entry = Document(copying: raw)
            note(entry)
            // Since MongoDB 8.0, servers write several insertions as one entry.
            for operation in entry["o"]?.document?["applyOps"]?.array ?? [] { operation.document.map(note) }
        }
        return names
    }

    // MARK: Types

    @Test(arguments: LegacyFile.Form.all)
    func withTheConfigurationEveryTypeIsNativeAtEveryDepth(_ form: LegacyFile.Form) throws {
        try withTestDatabase { database, folder in
            try folder.write(LegacyFile.text(LegacyFile.collections, form), to: "legacy.csv")
            let report = try database.load(folder.file("legacy.csv"), .merge) {
                $0.configuration = try LegacyFile.configuration()
            }
            #expect(report.status == .done, "\(report.rejections.prefix(2))")
            #expect(try Self.differences(database) == [])
            // Not only equal in value: the configuration names the types of numbers, too.
            for name in ["customers", "policies", "payments"] {
                #expect(Set(try database.documents(in: name)) == Set(LegacyFile.documents(name)), "\(name)")
            }
        }
    }

    @Test(arguments: LegacyFile.Form.all)
    func withoutAConfigurationIdsAndDatesAreFoundAtEveryDepth(_ form: LegacyFile.Form) throws {
        try withTestDatabase { database, folder in
            try folder.write(LegacyFile.text(LegacyFile.collections, form, seed: 2), to: "legacy.csv")
            #expect(try database.load(folder.file("legacy.csv")).status == .done)
            // agent and coverageTypeId refer to collections that this file does not have.
            let differences = try Self.differences(database)
            #expect(differences.filter { !$0.contains(": agent: ") && !$0.contains(": coverageTypeId: ") } == [])
            #expect(differences.contains { $0.hasPrefix("customers: agent: string(") })
        }
    }

    @Test func aFileOfAllCollectionsNeedsNoConfiguration() throws {
        try withTestDatabase { database, folder in
            let all = LegacyFile.ledger.collections.map(\.fileName)
            try folder.write(LegacyFile.text(all, seed: 3), to: "legacy.csv")
            let report = try database.load(folder.file("legacy.csv"))
            #expect(try Self.differences(database, all) == [])
            #expect(report.references.count == 10)
            #expect(report.references.allSatisfy { $0.dangling == 0 && $0.checked > 0 })
        }
    }

    @Test func aTextThatLooksLikeAnIdStaysAText() throws {
        try withTestDatabase { database, folder in
            try folder.write(LegacyFile.text(seed: 4), to: "legacy.csv")
            let log = MessageLog()
            try database.load(folder.file("legacy.csv"), .merge, log)
            let policies = try database.documents(in: "policies")
            #expect(policies.allSatisfy { $0["code"]?.string?.count == 24 })
            #expect(log.text.contains("policies.code: 120 values of 24 hex digits stay strings: 0 of 120"))
        }
    }

    @Test func theLiveDocumentsTypesDecide() throws {
        try withTestDatabase { database, folder in
            let policies = LegacyFile.documents("policies")
            // The live application has since started to store dates as strings and codes as ids.
            let live = try #require(policies.first)
                .setting("start", to: "2024-01-01T00:00:00.000Z")
                .setting("code", to: .objectID(try #require(ObjectID(hex: "abad1dea00000000abbff299"))))
                .setting("_id", to: "live")
            try database.insert([live], into: "policies")
            try folder.write(LegacyFile.text(seed: 5), to: "legacy.csv")
            let report = try database.load(folder.file("legacy.csv"))
            let restored = try database.documents(in: "policies", ["_id": ["$ne": "live"]])
            #expect(restored.count == policies.count)
            #expect(restored.allSatisfy { $0["start"]?.string != nil && $0["code"]?.objectID != nil })
            #expect(restored.allSatisfy { if case .date = $0["end"] { true } else { false } })
            #expect(try database.documents(in: "policies", ["_id": "live"]) == [live])
            let converted = try #require(report.conversions?.document["converted"]?.array).compactMap(\.document)
            let code = try #require(converted.first { $0["path"] == "code" })
            #expect(code["to"] == "objectId" && code["found"] == "live")
        }
    }

    @Test func idsOfWhatOnlyTheDatabaseHasAreFoundThere() throws {
        try withTestDatabase { database, folder in
            for name in ["users", "coverageTypes"] {
                try database.insert(LegacyFile.documents(name), into: name)
            }
            try folder.write(LegacyFile.text(seed: 6), to: "legacy.csv")
            try database.load(folder.file("legacy.csv"))
            #expect(try Self.differences(database) == [])
        }
    }

    /// The second time, the live documents decide that they are ids, and their targets are still looked up.
    @Test func referencesIntoTheDatabaseAreCheckedEachTime() throws {
        try withTestDatabase { database, folder in
            let ids = (0..<4).map { "5c2aad80000000000000000\($0)" }
            try database.insert(
                ids.dropLast().map { ["_id": .objectID(try #require(ObjectID(hex: $0)))] }, into: "customers")
            let rows = ids.map {
                #"policies,"{""_id"":""\#($0.dropLast(2))a\#($0.suffix(1))"",""customerId"":""\#($0)""}""#
            }
            try folder.write("collection,data\n\(rows.joined(separator: "\n"))\n", to: "policies.csv")
            for mode: ImportOptions.Mode in [.merge, .merge, .replace] {
                let report = try database.load(folder.file("policies.csv"), mode)
                #expect(report.danglingCount == 1 && report.references.map(\.checked) == [4], "\(mode)")
            }
            let verified = try Verify(file: folder.file("policies.csv"), target: try database.target)
                .runBlocking(OperationContext())
            #expect(verified.status == .problems && verified.danglingCount == 1)
        }
    }

    /// A database as the old application's restore has left it: its ids and dates are strings.
    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aDatabaseOfTextsIsToldBeforeAnythingIsWritten(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            let (customer, policy) = ("5c2aad800000000000000001", "5c2aad8000000000000000a1")
            try database.insert([["_id": .string(customer)]], into: "customers")
            try database.insert([["_id": .string(policy), "customerId": .string(customer)]], into: "policies")
            let rows = [
                #"customers,"{""_id"":""\#(customer)""}""#,
                #"policies,"{""_id"":""\#(policy)"",""customerId"":""\#(customer)""}""#,
            ]
            try folder.write("collection,data\n\(rows.joined(separator: "\n"))\n", to: "old.csv")
            let compared = MessageLog()
            var verify = Verify(file: folder.file("old.csv"), target: try database.target)
            verify.collections = [Glob("policies")]
            _ = try verify.runBlocking(compared.context)
            #expect(compared.warnings.count == 2 && compared.warnings.allSatisfy { $0.hasPrefix("policies.") })
            let log = MessageLog()
            let report = try database.load(folder.file("old.csv"), mode, log)
            let restored = try database.documents(in: "policies", ["_id": ["$type": "objectId"]])
            #expect(restored.map { $0["customerId"] } == [.string(customer)])
            // The string refers to the live string next to which a merge has inserted the ObjectId.
            #expect(report.danglingCount == (mode == .merge ? 0 : 1), "\(report.references)")
            let told = log.warnings.filter {
                $0.contains("live documents have strings") || $0.contains("ObjectIds again")
            }
            #expect(
                told.map { $0.prefix { $0 != ":" } } == ["customers._id", "policies._id", "policies.customerId"])
            let configuration = try Configuration.parse(
                yaml: "collections: {customers: {}, policies: {references: {customerId: customers}}}", file: "c")
            let mended = try database.load(folder.file("old.csv"), mode) { $0.configuration = configuration }
            #expect(mended.status == .done)
            let now = try database.documents(in: "policies", ["_id": ["$type": "objectId"]])
            #expect(now.map { $0["customerId"]?.objectID?.description } == [customer])
        }
    }

    @Test func withoutInferenceOnlyTheConfigurationAndIdsCount() throws {
        try withTestDatabase { database, folder in
            try folder.write(LegacyFile.text(seed: 8), to: "legacy.csv")
            try database.load(folder.file("legacy.csv")) {
                $0.infers = false
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {customers: {}, policies: {references: {customerId: customers}}}", file: "x")
            }
            let policies = try database.documents(in: "policies")
            #expect(policies.count == LegacyFile.documents("policies").count && policies.count > 0)
            #expect(policies.allSatisfy { $0["_id"]?.objectID != nil && $0["customerId"]?.objectID != nil })
            #expect(policies.allSatisfy { $0["start"]?.string != nil && $0["coverageTypeId"]?.string != nil })
            let receipts = try database.documents(in: "receipts")
            #expect(receipts.count == LegacyFile.documents("receipts").count && receipts.count > 0)
            #expect(receipts.allSatisfy { $0["_id"]?.objectID != nil && $0["paymentId"]?.string != nil })
        }
    }

    @Test func whatWasConvertedIsReportedByPathAndCount() throws {
        try withTestDatabase { database, folder in
            try folder.write(LegacyFile.text(seed: 9), to: "legacy.csv")
            let log = MessageLog()
            let report = try database.load(folder.file("legacy.csv"), .merge, log) {
                $0.configuration = try LegacyFile.configuration()
            }
            #expect(log.all.contains("policies.customerId: 120 to objectId (reference to customers in the config)"))
            #expect(log.all.contains("payments.paidAt: 240 to date (types in the config)"))
            let converted = try #require(report.conversions?.document["converted"]?.array).compactMap(\.document)
            let entry = try #require(converted.first { $0["path"] == "vehicles[].drivers[].customerId" })
            #expect(entry["collection"] == "policies" && entry["to"] == "objectId")
            #expect(entry["converted"]?.integer ?? 0 > 100)
        }
    }

    @Test func aDryRunSaysWhatWouldBeConvertedAndWritesNothing() throws {
        try withTestDatabase { database, folder in
            try folder.write(LegacyFile.text(seed: 10), to: "legacy.csv")
            let log = MessageLog()
            let report = try database.load(folder.file("legacy.csv"), .merge, log) { $0.isDryRun = true }
            #expect(report.status == .planned)
            #expect(log.text.contains("policies.customerId: 120 to objectId (inferred:"))
            #expect(try database.names() == [])
        }
    }

    @Test func aValueThatTheConfigurationCannotConvertRefusesTheFile() throws {
        try withTestDatabase { database, folder in
            let broken = try #require(LegacyFile.documents("policies").first).setting("start", to: "yesterday")
            let rows = LegacyFile.documents("customers").map { LegacyFile.row("customers", $0) }
            try folder.write(LegacyFile.text(rows: rows + [LegacyFile.row("policies", broken)]), to: "legacy.csv")
            let report = try database.load(folder.file("legacy.csv")) {
                $0.configuration = try LegacyFile.configuration()
            }
            #expect(report.status == .refused)
            #expect(report.rejections.first?.line == rows.count + 2)
            #expect(report.rejections.first?.reason.contains("start") == true)
            #expect(try database.names() == [], "customers, whose rows are sound, were not written either")
        }
    }

    @Test(arguments: ImportOptions.Mode.allCases)
    func aRowThatRepeatsAnIdIsSetAsideAndNotWritten(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            let id = "5c2aad80000000000000000a"
            let rows = (1...3).map { LegacyFile.row("customers", json: #"{"_id":"\#(id)","n":\#($0)}"#) }
            try folder.write(LegacyFile.text(rows: rows), to: "legacy.csv")
            let report = try database.load(folder.file("legacy.csv"), mode) { $0.maximumRejects = 2 }
            #expect(report.rejections.map(\.line) == [3, 4])
            #expect(try database.documents(in: "customers").compactMap { $0["n"]?.integer } == [1])
            #expect(report.collections.map(\.inserted) == [1])
            let aside = try folder.text("legacy.csv.rejects.csv").split(separator: "\n")
            #expect(aside.dropFirst() == rows.dropFirst().map { $0[...] }[...])
        }
    }

    /// As strings, ids take twice the space.
    @Test func aDocumentThatIsTooLargeOnlyAsTextsIsRestored() throws {
        try withTestDatabase { database, folder in
            let customers = (0..<500_000).map { ObjectID(high: 0x5C2A_AD80_0000_0000, low: UInt32($0)) }
            let texts = customers.map { "\"\($0)\"" }.joined(separator: ",")
            let rows = [
                LegacyFile.row("customers", json: #"{"_id":"\#(customers[0])"}"#),
                LegacyFile.row("lists", json: #"{"_id":"\#(customers[1])","to":"\#(customers[0])","all":[\#(texts)]}"#),
            ]
            let large = LegacyFile.row(
                "texts", json: #"{"_id":"\#(customers[2])","text":"\#(String(repeating: "x", count: 17_000_000))"}"#)
            try folder.write(LegacyFile.text(rows: rows + [large]), to: "too large.csv")
            let configuration = try Configuration.parse(
                yaml: "collections: {customers: {}, lists: {references: {'all[]': customers}}, texts: {}}", file: "c")

            let refused = try database.load(folder.file("too large.csv")) { $0.configuration = configuration }
            #expect(refused.status == .refused && refused.rejections.map(\.line) == [4])
            #expect(refused.rejections.first?.reason.contains("servers take at most") == true)
            #expect(try database.names() == [])

            let report = try database.load(folder.file("too large.csv"), .replace) {
                $0.configuration = configuration
                $0.maximumRejects = 1
            }
            #expect(
                report.collections.map { "\($0.name) \($0.inserted) \($0.rejected)" } == [
                    "customers 1 0", "lists 1 0", "texts 0 1",
                ])
            let restored = try #require(try database.documents(in: "lists").first)
            #expect(restored["all"]?.array?.compactMap(\.objectID) == customers)
            #expect(try folder.text("too large.csv.rejects.csv").split(separator: "\n").dropFirst() == [large[...]])
        }
    }

    /// More different names than can be kept, found by one thread or several.
    @Test(arguments: [1, 4]) func dataAsNamesLeaveTheOtherFieldsTheirTypesInEveryRun(_ jobs: Int) throws {
        try withTestDatabase { database, folder in
            let id = { (number: Int) in "5c2aad800000000000" + String(100_000 + number) }
            let rows = (0..<5000).map { number in
                let names = (0..<5).map { "\"name \(5 * number + $0)\":1" }.joined(separator: ",")
                let late = number < 4500 ? "" : ",\"at\":\"2020-01-01T00:00:00.000Z\",\"ref\":\"\(id(number - 1))\""
                return LegacyFile.row("a", json: "{\"_id\":\"\(id(number))\",\"m\":{\(names)}\(late)}")
            }
            try folder.write(LegacyFile.text(rows: rows), to: "legacy.csv")
            let log = MessageLog()
            try database.load(folder.file("legacy.csv"), .merge, log) { $0.jobs = jobs }
            #expect(
                log.all.filter { $0.hasPrefix("a.") } == [
                    "a._id: 5,000 to objectId (_id)",
                    "a.at: 500 to date (inferred: 500 of 500 values have the form of a date)",
                    "a.ref: 500 to objectId (inferred: 500 of 500 different values are _ids of a)",
                    "a.m: more than 1,000 different names stand here: what is below them stays as it is, unless the config's types name it",
                ])
        }
    }

    /// JSON.stringify turns a regular expression into `{}`: these are queries that somebody has stored.
    @Test func aStoredQueryIsNoExtendedJSON() throws {
        try withTestDatabase { database, folder in
            let query = #"{"name":{"$regex":"^A","$options":"i"},"kind":{"$type":"string"},"not":{"$options":"x"}}"#
            let rows = [
                LegacyFile.row("a", json: #"{"_id":1,"at":"2020-01-01T00:00:00.000Z"}"#),
                LegacyFile.row("a", json: #"{"_id":"two","at":"2020-01-01T00:00:00.000Z"}"#),
                LegacyFile.row("filters", json: #"{"_id":1,"query":\#(query)}"#),
                LegacyFile.row("filters", json: #"{"_id":"5c2aad800000000000000001","query":{"$regex":"^A"}}"#),
            ]
            try folder.write(LegacyFile.text(rows: rows), to: "legacy.csv")
            let log = MessageLog()
            try database.load(folder.file("legacy.csv"), .merge, log)
            #expect(try database.count("a", ["at": .date(1_577_836_800_000)]) == 2)
            let filters = try database.documents(in: "filters")
            #expect(
                filters.first { $0["_id"] == 1 }?["query"] == [
                    "name": ["$regex": "^A", "$options": "i"], "kind": ["$type": "string"], "not": ["$options": "x"],
                ])
            #expect(filters.first { $0["_id"]?.objectID != nil }?["query"] == ["$regex": "^A"])
            #expect(!log.text.contains("two kinds"))
        }
    }

    @Test func aNumberBeyondADoubleIsAFaultAndNotInfinity() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                LegacyFile.text(rows: [
                    LegacyFile.row("a", json: #"{"_id":1}"#), LegacyFile.row("a", json: #"{"_id":2,"n":1e400}"#),
                ]), to: "legacy.csv")
            let report = try database.load(folder.file("legacy.csv"))
            #expect(report.status == .refused && report.rejections.map(\.line) == [3])
            #expect(report.rejections.first?.reason.contains("a number beyond what a double holds") == true)
        }
    }

    // MARK: Extended JSON in a bare CSV

    /// Somebody may have stored what looks like a wrapper.
    @Test func anOldRowWithAWrapperInItIsDoubted() throws {
        try withTestDatabase { database, folder in
            let rows = [
                LegacyFile.row("a", json: #"{"_id":"5c2aad800000000000000001"}"#),
                LegacyFile.row(
                    "logs", json: #"{"_id":"5c2aad800000000000000002","old":{"$date":"2020-01-01T00:00:00Z"}}"#),
            ]
            try folder.write(LegacyFile.text(rows: rows), to: "mixed.csv")
            let log = MessageLog()
            try database.load(folder.file("mixed.csv"), .merge, log)
            #expect(
                log.warnings == [
                    "rows are of two kinds: 1 the old application's, 1 Extended JSON, since line 3 has a wrapper such as {\"$oid\": …} (--no-legacy reads all as Extended JSON); in 1 row with one the _id is a string of 24 hex digits: what the old application has written of these should be put right in a copy of the file first, for their ids and dates stay strings"
                ])
        }
    }

    /// One row with a wrapper makes Extended JSON of all rows that nothing marks as the old application's.
    @Test func idsAndDatesThatStayStringsForARowOfAnotherKindAreTold() throws {
        try withTestDatabase { database, folder in
            let (date, id) = ("2020-01-01T00:00:00.000Z", "5c2aad800000000000000009")
            let rows =
                (1...2).map {
                    LegacyFile.row("users", json: #"{"_id":"u\#($0)","at":"\#(date)","by":["\#(id)"],"n":"x"}"#)
                } + [LegacyFile.row("filters", json: #"{"_id":"f","q":{"$gt":{"$date":"\#(date)"}}}"#)]
            try folder.write(LegacyFile.text(rows: rows), to: "mixed.csv")
            let log = MessageLog()
            try database.load(folder.file("mixed.csv"), .merge, log)
            #expect(
                log.warnings == [
                    "users: 2 rows have no wrapper such as {\"$oid\": …}, and line 4 has one, so that they are read as Extended JSON: strings stay 2 dates in at, 2 values of 24 hex digits in by[]. If the old application wrote them, import them in a file without the others"
                ])
            #expect(try database.count("users", ["at": .string(date)]) == 2)
            // Without the row, they become what they were.
            try database.drop("users")
            try folder.write(LegacyFile.text(rows: Array(rows.dropLast())), to: "old.csv")
            try database.load(folder.file("old.csv"))
            #expect(try database.count("users", ["at": .date(1_577_836_800_000)]) == 2)
        }
    }

    /// Of ten thousand live documents, one that an earlier restore has left with a string for its `_id`.
    @Test(arguments: [true, false]) func aLiveKeyThatIsAStringIsFoundHoweverManyAreNot(infers: Bool) throws {
        try withTestDatabase { database, folder in
            let id = "5c2aad800000000000000009"
            try database.insert((0..<10_000).map { ["_id": .int32($0)] }, into: "c")
            try database.insert([["_id": .string(id)]], into: "c")
            try folder.write(
                LegacyFile.text(rows: [LegacyFile.row("c", json: #"{"_id":"\#(id)"}"#)]), to: "old.csv")
            let log = MessageLog()
            try database.load(folder.file("old.csv"), .merge, log) { $0.infers = infers }
            #expect(log.warnings.count == 1 && log.warnings[0].hasPrefix("c._id: 1 value of 24 hex digits becomes"))
            #expect(try database.count("c") == 10_002)
        }
    }

    @Test func aRowThatIsSetAsideAndMakesStringsOfTheOthersDatesIsTold() throws {
        try withTestDatabase { database, folder in
            let rows = [1, 2, 1].enumerated().map { place, id in
                LegacyFile.row("c", json: #"{"_id":\#(id),"d":\#(place == 2 ? "0" : #""2020-01-01T00:00:00.000Z""#)}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "old.csv")
            let log = MessageLog()
            try database.load(folder.file("old.csv"), .merge, log) { $0.maximumRejects = 1 }
            #expect(
                log.warnings.contains(
                    "c.d: a date in 2 values, a number in 1: left as they are, for the rows that are set aside count here, too; take them out of the file first if they are to blame"
                ), "\(log.warnings)")
        }
    }

    /// One that is no date must not make strings of all others, none of which the server would take.
    @Test func timesOfATimeSeriesAreDatesWhateverOneOfThemIs() throws {
        try withTestDatabase { database, folder in
            try database.create("series", ["timeseries": ["timeField": "t"]])
            let times = [#""2020-01-01T00:00:00.000Z""#, #""x""#, #""2020-01-02T00:00:00.000Z""#]
            let rows = times.enumerated().map {
                LegacyFile.row("series", json: #"{"_id":"5c2aad80000000000000000\#($0)","t":\#($1)}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "old.csv")
            let report = try database.load(folder.file("old.csv")) { $0.maximumRejects = 1 }
            #expect(report.rejections.map(\.line) == [3], "\(report.rejections)")
            #expect(try database.documents(in: "series").count == 2)
        }
    }

    @Test func aSecondColumnHeaderIsNoRowOfACollection() throws {
        try withTestDatabase { database, folder in
            let row = { (id: Int) in LegacyFile.row("a", json: #"{"_id":\#(id)}"#) }
            try folder.write(LegacyFile.text(rows: [row(1), "collection,data", row(2)]), to: "two.csv")
            let report = try database.load(folder.file("two.csv"), .merge) { $0.maximumRejects = 1 }
            #expect(
                report.rejections.map(\.reason) == ["the column header stands here once more: files were put together"])
            #expect(report.rejections.map(\.line) == [3])
            #expect(try database.names() == ["a"])
        }
    }

    /// Nothing in such rows shows what they are.
    @Test func typesThatDoNotCountForRowsWithoutWrappersAreTold() throws {
        try withTestDatabase { database, folder in
            let rows = [
                LegacyFile.row("a", json: #"{"_id":{"$oid":"5c2aad800000000000000001"}}"#),
                LegacyFile.row("b", json: #"{"_id":"5c2aad800000000000000002","at":"2020-01-01T00:00:00.000Z"}"#),
                LegacyFile.row("b", json: #"{"_id":"admin","at":"2020-01-01T00:00:00.000Z"}"#),
            ]
            try folder.write(LegacyFile.text(rows: rows), to: "mixed.csv")
            let log = MessageLog()
            try database.load(folder.file("mixed.csv"), .merge, log) {
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {a: {types: {x: date}}, b: {types: {at: date}}}", file: "c.yaml")
            }
            #expect(
                log.all.contains(
                    "c.yaml has types of 'b': 1 row is taken for Extended JSON all the same, since others of the file are, and stays as written"
                ), "\(log.all)")
            #expect(!log.all.contains { $0.hasPrefix("c.yaml has types of 'a'") }, "\(log.all)")
            let other = MessageLog()
            try database.load(folder.file("mixed.csv"), .merge, other) {
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {b: {types: {at: date}}}", file: "c.yaml")
                $0.exclude = [Glob("b")]
                $0.isDryRun = true
            }
            #expect(!other.all.contains { $0.hasPrefix("c.yaml has types") }, "\(other.all)")
            let documents = try database.documents(in: "b")
            #expect(Set(documents.map { $0["at"] }) == [.date(1_577_836_800_000), .string("2020-01-01T00:00:00.000Z")])
        }
    }

    @Test func oldRowsReferToExtendedJSONRowsOfTheirFile() throws {
        try withTestDatabase { database, folder in
            let id = { (number: Int) in "5c2aad80000000000000000\(number)" }
            let rows = [
                LegacyFile.row("a", json: #"{"_id":{"$oid":"\#(id(1))"},"filter":{"$regex":"^A"}}"#),
                LegacyFile.row("b", json: #"{"_id":"\#(id(2))","a":"\#(id(1))","filter":{"$regex":"^A"}}"#),
                LegacyFile.row("b", json: #"{"_id":3,"a":"\#(id(1))","filter":{"$regex":"^A"}}"#),
            ]
            try folder.write(LegacyFile.text(rows: rows), to: "mixed.csv")
            let log = MessageLog()
            let report = try database.load(folder.file("mixed.csv"), .merge, log)
            #expect(
                log.warnings.contains(
                    "rows are of two kinds: 1 the old application's, 2 Extended JSON, since line 2 has a wrapper such as {\"$oid\": …} (--no-legacy reads all as Extended JSON)"
                ))
            // The other row's value is a string, which refers to nothing.
            let references = report.references.map { "\($0.collection).\($0.path) \($0.target) \($0.dangling)" }
            #expect(references == ["b.a a 1"])
            let (a, b) = (try database.documents(in: "a"), try database.documents(in: "b"))
            let expression = Value.other(.regularExpression, [0x5E, 0x41, 0, 0])
            #expect(a.map { $0["filter"] } == [expression])
            let old = try #require(b.first { $0["_id"]?.objectID != nil })
            #expect(old["a"] == .objectID(try #require(ObjectID(hex: id(1)))))
            #expect(old["filter"] == ["$regex": "^A"])
            let other = try #require(b.first { $0["_id"] == 3 })
            #expect(other["a"] == .string(id(1)) && other["filter"] == expression)
        }
    }

    @Test(arguments: [ExtendedJSONMode.compact, .canonical])
    func aBareExportComesBackWithItsExactTypes(_ mode: ExtendedJSONMode) throws {
        try withTwoTestDatabases { source, copy, folder in
            for name in LegacyFile.collections { try source.insert(LegacyFile.documents(name), into: name) }
            try source.export(to: folder.file("bare.csv")) {
                $0.plain = true
                $0.json = mode
            }
            #expect(try folder.text("bare.csv").hasPrefix("collection,data\n"))
            try copy.load(folder.file("bare.csv"))
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }

    /// Nothing else in such rows would show that their numbers have these types: if live numbers have others, those of
    /// old rows are converted to them.
    @Test(arguments: [ExtendedJSONMode.compact, .canonical])
    func numbersOfABareExportKeepTheirTypesWhereLiveOnesAreOfOthers(_ mode: ExtendedJSONMode) throws {
        try withTwoTestDatabases { source, copy, folder in
            let documents = (0..<20).map { ["_id": .int32($0), "n": .int32($0), "long": .int64(1 << 40)] as Document }
            try source.insert(documents, into: "items")
            try source.insert([["_id": "a", "text": "abcd"], ["_id": "b", "text": "efgh"]], into: "texts")
            try copy.insert(
                (0..<20).map { ["_id": .int32(100 + $0), "n": .double(Double($0)), "long": .double(0.5)] as Document },
                into: "items")
            let file = folder.file("bare.csv")
            let report = try source.export(to: file) {
                $0.plain = true
                $0.json = mode
            }
            #expect(report.escaped == 0)
            if mode == .compact {
                // The first row shows the kind of all others, which are written as usual.
                let rows = try folder.text("bare.csv").split(separator: "\n")
                #expect(rows[1].hasPrefix(#"items,"{""_id"":{""$numberInt"":""0""}"#))
                #expect(rows[2] == #"items,"{""_id"":1,""n"":1,""long"":1099511627776}""#)
                #expect(rows[21] == #"texts,"{""_id"":""a"",""text"":""abcd""}""#)
                #expect(rows[22] == #"texts,"{""_id"":""b"",""text"":""efgh""}""#)
            }
            try copy.insert([["_id": "c", "text": .binary(subtype: 0, [1])]], into: "texts")
            // Collections that are not imported speak for the others, too.
            try copy.load(file) { $0.collections = [Glob("texts")] }
            #expect(try copy.documents(in: "texts", ["_id": "b"]) == [["_id": "b", "text": "efgh"]])
            try copy.load(file)
            #expect(try Set(copy.documents(in: "items", ["_id": ["$lt": 100]])) == Set(documents))
            #expect(try copy.documents(in: "texts", ["_id": "b"]) == [["_id": "b", "text": "efgh"]])
            let verified = try Verify(file: file, target: try source.target).runBlocking(OperationContext())
            #expect(verified.differences.isEmpty)
        }
    }

    /// The server's count of a collection ignores a query.
    @Test func theFirstRowOfABareExportSpeaksForAllOthersEvenIfAQueryLeavesOutWhatComesBefore() throws {
        try withTwoTestDatabases { source, copy, folder in
            let document: Document = [
                "_id": "k", "n": 5, "s": "aGVsbG8=", "d": ["low": 1, "high": 0, "unsigned": false],
            ]
            let other: Document = ["_id": "o", "n": .int64(5), "s": .binary(subtype: 0, [1]), "d": .int64(7)]
            try source.insert([["_id": 0], ["_id": 1]], into: "a")
            try source.insert([document, ["_id": "l", "s": "x"]], into: "b")
            try copy.insert([other], into: "b")
            let file = folder.file("bare.csv")
            try source.export(to: file) {
                $0.plain = true
                $0.queries = [CollectionQuery(name: "a", query: #"{"_id":-1}"#)]
            }
            let rows = try folder.text("bare.csv").split(separator: "\n")
            #expect(rows.count == 3 && rows[1].hasPrefix(#"b,"{""_id"":""k"",""n"":{""$numberInt"":""5""}"#))
            #expect(rows[2] == #"b,"{""_id"":""l"",""s"":""x""}""#)
            try copy.load(file)
            #expect(try copy.documents(in: "b", ["_id": "k"]) == [document])
            // A row without any number or other type that could have a wrapper carries its document whole.
            let report = try source.export(to: folder.file("texts.csv")) {
                $0.plain = true
                $0.collections = [Glob("b")]
                $0.queries = [CollectionQuery(name: "b", query: #"{"_id":"l"}"#)]
            }
            #expect(report.escaped == 1)
            #expect(try folder.text("texts.csv").hasPrefix("collection,data\nb,\"{\"\"$rawBSON\"\":"))
        }
    }

    /// Nothing else in such rows would show that their strings have always been strings.
    @Test(arguments: [ExtendedJSONMode.compact, .canonical])
    func textsThatLookLikeIDsAndDatesComeBackFromABareExport(_ mode: ExtendedJSONMode) throws {
        try withTwoTestDatabases { source, copy, folder in
            let id = "5c2aad800000000000000001"
            let date = "2024-01-01T00:00:00.000Z"
            try source.insert([["_id": .string(id), "s": .string(date)], ["_id": "x", "s": "y"]], into: "texts")
            try source.insert([["_id": 1, "list": [["s": .string(date)]], "n": 2]], into: "numbers")
            for mixed in [false, true] {
                if mixed {
                    try source.insert(
                        [["_id": .objectID(ObjectID(high: 1, low: 2)), "s": .string(date)]], into: "texts")
                }
                let file = folder.file("bare \(mixed).csv")
                let report = try source.export(to: file) {
                    $0.plain = true
                    $0.json = mode
                }
                #expect(report.escaped == 1)
                try copy.load(file, .replace)
                #expect(try copy.image().differences(from: source.image()) == [])
                let verified = try Verify(file: file, target: try source.target).runBlocking(OperationContext())
                #expect(verified.differences.isEmpty)
            }
        }
    }

    @Test func oldRowsAndExtendedJSONRowsInOneFileEachKeepToTheirRules() throws {
        try withTestDatabase { database, folder in
            let customers = LegacyFile.documents("customers")
            let encoded: (Document) -> String = { document in
                let id = document["_id"]?.objectID.map(String.init(describing:)) ?? ""
                return "{\"_id\":{\"$oid\":\"\(id)\"},\"code\":\"\(id)\",\"at\":\"2024-01-01T00:00:00.000Z\"}"
            }
            let rows = customers.enumerated().map { index, document in
                index.isMultiple(of: 2)
                    ? LegacyFile.row("customers", document)
                    : LegacyFile.row("customers", json: encoded(document))
            }
            try folder.write(LegacyFile.text(rows: rows), to: "mixed.csv")
            try database.load(folder.file("mixed.csv"))
            let restored = try database.documents(in: "customers")
            #expect(restored.count == customers.count)
            #expect(restored.allSatisfy { $0["_id"]?.objectID != nil })
            let typed = restored.filter { $0["code"] != nil }
            #expect(typed.count == customers.count / 2)
            #expect(typed.allSatisfy { $0["code"]?.string != nil && $0["at"]?.string != nil }, "strings stay strings")
            #expect(restored.filter { $0["code"] == nil }.allSatisfy { $0["createdAt"]?.string == nil })
        }
    }
}
