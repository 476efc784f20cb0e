import BSON
import BackupFile
import MongoFerry
import RandomDocuments
import Testing

/// Measurements of time series have no `_id` that identifies them, and several may be equal.
@Suite struct MeasurementTests {
    private static func create(in database: TestDatabase) throws {
        try database.create("ticks", ["timeseries": ["timeField": "at"]])
    }

    private static func insert(_ measurements: [Value], into database: TestDatabase) throws {
        try database.run(["insert": "ticks", "documents": .array(measurements)])
    }

    private static func equal(_ count: Int) -> [Value] {
        Array(repeating: ["at": .date(1_700_000_000_000), "n": 7], count: count)
    }

    /// Provides a file of 12,000 equal measurements, more than any batch holds. The database has half of them, and 6000
    /// others.
    private func withHalfOfThem(_ body: (TestDatabase, _ file: String) throws -> Void) throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.create(in: source)
            try Self.insert(Self.equal(12_000), into: source)
            try source.export(to: folder.file("ticks.csv"))
            try Self.create(in: copy)
            try Self.insert(Self.equal(6000), into: copy)
            try Self.insert((1...6000).map { ["at": .date(Int64($0) * 1000), "n": 1] }, into: copy)
            try body(copy, folder.file("ticks.csv"))
        }
    }

    @Test func equalMeasurementsOfDifferentBatchesEachNeedALiveOneOfTheirOwn() throws {
        try withHalfOfThem { database, file in
            let report = try Verify(file: file, target: try database.target).runBlocking(OperationContext())
            #expect(report.status == .problems)
            #expect(
                report.differences.map { "\($0.kind): \($0.detail)" } == [
                    "missing: 6,000 documents", "extra: 6,000 documents in the database only",
                ])
        }
    }

    @Test func theDryRunOfAReplaceCountsDifferencesAsForOtherCollections() throws {
        try withHalfOfThem { database, file in
            let planned = try database.load(file, .replace) { $0.isDryRun = true }.totals
            #expect(
                [planned.inserted, planned.unchanged, planned.deleted, planned.updated] == [6000, 6000, 6000, 0])
            #expect(try database.load(file, .replace).status == .done)
            let again = try database.load(file, .replace) { $0.isDryRun = true }.totals
            #expect([again.inserted, again.unchanged, again.deleted] == [0, 12_000, 0])
        }
    }

    /// Which no server would take.
    @Test func aMeasurementWithoutATimeIsAFaultOfItsFile() throws {
        try withTestDatabase { database, folder in
            try Self.create(in: database)
            try Self.insert(Self.equal(2), into: database)
            try database.export(to: folder.file("ticks.csv")) { $0.json = .canonical }
            let text = try folder.text("ticks.csv")
            let first = try #require(text.firstRange(of: #"{""$date"":{""$numberLong"":""1700000000000""}}"#))
            try folder.write(text.replacing(text[first], with: "5", maxReplacements: 1), to: "bad.csv")
            let report = try Verify(file: folder.file("bad.csv"), target: nil).runBlocking(OperationContext())
            #expect(
                report.rejections.map(\.reason) == [
                    "servers take no measurement without a date in its time field, at"
                ])
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func whatIsMissingOfManyEqualMeasurementsIsCountedAndBroughtBack(mode: ImportOptions.Mode) throws {
        try withHalfOfThem { database, file in
            let planned = try database.load(file, mode) { $0.isDryRun = true }
            #expect(planned.totals.inserted == 6000 && planned.totals.unchanged == 6000)
            let report = try database.load(file, mode)
            #expect(report.totals.inserted == 6000 && report.totals.unchanged == 6000)
            #expect(try database.count("ticks") == 18_000)
            let again = try database.load(file, mode)
            #expect(again.totals.inserted == 0 && again.totals.unchanged == 12_000)
            let verified = try Verify(file: file, target: try database.target).runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
        }
    }

    /// Composed and decomposed, `é` looks the same; to the server these are two fields.
    @Test func fieldsThatLookTheSameAreOrderedToo() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.create(in: source)
            try Self.insert([["at": .date(1000), "\u{E9}": 1, "e\u{301}": 2]], into: source)
            try source.export(to: folder.file("ticks.csv"))
            try Self.create(in: copy)
            try Self.insert([["at": .date(1000), "e\u{301}": 2, "\u{E9}": 1]], into: copy)
            let report = try copy.load(folder.file("ticks.csv"))
            #expect(report.totals.inserted == 0 && report.totals.unchanged == 1)
            #expect(try copy.count("ticks") == 1)
        }
    }

    /// A server does not find the first of these by their time.
    @Test func measurementsOfAllTimesAreKnown() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.create(in: source)
            try Self.create(in: copy)
            let times: [Int64] = [
                0, 1, 5000, 3_600_000, 86_400_000, 31_535_999_999, 31_536_000_000, -1, -5_000_000_000_000,
                1_700_000_000_000, 4_400_000_000_000,
            ]
            let measurements = times.map { Value.document(["at": .date($0), "n": 1]) }
            try Self.insert(measurements, into: source)
            try Self.insert(measurements, into: copy)
            let file = folder.file("ticks.csv")
            try source.export(to: file)
            let report = try copy.load(file)
            #expect(report.totals.inserted == 0 && report.totals.unchanged == times.count)
            let verified = try Verify(file: file, target: try copy.target).runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
        }
    }

    /// Times in clusters and alone, in any order, with meta fields of every kind: each measurement is found by the
    /// query that it belongs to, and by no other.
    @Test(arguments: [nil, "seconds", "hours"]) func measurementsAreFoundWhereverTheirTimesLie(
        _ granularity: String?
    ) throws {
        try withTwoTestDatabases { source, copy, folder in
            for database in [source, copy] {
                let options = Document {
                    $0.append("timeField", "at")
                    $0.append("metaField", "from")
                    if let granularity { $0.append("granularity", .string(granularity)) }
                }
                try database.create("ticks", ["timeseries": .document(options)])
            }
            var random = SeededGenerator(seed: 7)
            let starts: [Int64] = [
                -9_000_000_000_000, -40_000_000, 0, 40_000_000_000, 1_700_000_000_000, 1_700_000_400_000,
                1_717_000_000_000, 2_147_000_000_000, 2_147_483_647_000, 9_000_000_000_000,
            ]
            let kinds: [Value?] = [
                nil, .null, 1, .int64(1), .double(1.5), "a", "b", true, ["x": 1, "y": 2], ["y": 2, "x": 1],
                ["list": [1, 2]],
            ]
            func measurement(_ number: Int) -> Value {
                let step = Int64.random(in: 0..<(number % 3 == 0 ? 50_000_000 : 300), using: &random)
                let time = starts[Int.random(in: starts.indices, using: &random)] + step
                // Whole batches of one kind, and mixed ones.
                let kind = kinds[number < 11_000 ? number / 1000 : number % kinds.count]
                return .document(
                    Document {
                        $0.append("at", .date(time))
                        if let kind { $0.append("from", kind) }
                        $0.append("n", .int32(Int32(number % 40)))
                    })
            }
            let all = (0..<18_000).map(measurement)
            // The existing measurements must not be the first ones in the file.
            let there = all.shuffled(using: &random).prefix(9000)
            for part in stride(from: 0, to: all.count, by: 3000) {
                try Self.insert(Array(all[part..<part + 3000]), into: source)
                if part < there.count { try Self.insert(Array(there[part..<part + 3000]), into: copy) }
            }
            let file = folder.file("ticks.csv")
            try source.export(to: file)
            for inserted in [9000, 0] {
                let totals = try copy.load(file).totals
                #expect(totals.inserted == inserted && totals.unchanged == all.count - inserted, "\(totals)")
            }
            #expect(try copy.count("ticks") == all.count)
            let verified = try Verify(file: file, target: try copy.target).runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
        }
    }

    /// A query by the first and last time of all dates finds everything in between.
    @Test func aMeasurementThatTwoQuestionsFindIsOne() throws {
        try withTwoTestDatabases { source, copy, folder in
            let ends: [Value] = [Int64.min + 1000, Int64.max - 1000].map { ["at": .date($0), "n": 1] }
            for database in [source, copy] { try Self.create(in: database) }
            try Self.insert(
                ends + Self.equal(2) + [["at": .date(-9_000_000_000_000)], ["at": .date(-9_000_000_000_000)]],
                into: source)
            try Self.insert(ends + Self.equal(1) + [["at": .date(-9_000_000_000_000)]], into: copy)
            try source.export(to: folder.file("ticks.csv"))
            let totals = try copy.load(folder.file("ticks.csv")).totals
            #expect(totals.inserted == 2 && totals.unchanged == 4)
            #expect(try copy.count("ticks") == 6)
        }
    }

    /// The buckets span 30 days: a server finds no measurement within that distance of the beginning of 1970 by a
    /// filter of times.
    @Test func earlyMeasurementsOfLongBucketsAreKnownAndAskedForByNoList() throws {
        try withTwoTestDatabases { source, copy, folder in
            for database in [source, copy] {
                try database.create("ticks", ["timeseries": ["timeField": "at", "granularity": "hours"]])
            }
            // Each batch's times are spread over the first hour, between those of the others.
            let measurements = (0..<12_000).map { number -> Value in
                let time = Int64(number % 100 * 36_000 + number / 100)
                return ["at": .date(time), "n": .int32(Int32(number))]
            }
            try Self.insert(measurements, into: source)
            try Self.insert(Array(measurements.dropLast(2000)), into: copy)
            let file = folder.file("ticks.csv")
            try source.export(to: file)
            _ = try copy.client.runRead(["profile": 2], on: copy.name)
            for inserted in [2000, 0] {
                let totals = try copy.load(file).totals
                #expect(totals.inserted == inserted && totals.unchanged == 12_000 - inserted)
            }
            _ = try copy.client.runRead(["profile": 0], on: copy.name)
            let asked = try copy.documents(in: "system.profile", ["op": "query", "ns": .string(copy.name + ".ticks")])
            #expect(!asked.isEmpty)
            // The profiler truncates commands of more than 50 kB.
            #expect(asked.allSatisfy { $0["command"]?.document?["$truncated"] == nil })
            let verified = try Verify(file: file, target: try copy.target).runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
        }
    }

    /// The buckets span an hour: filters find all measurements after that, as at any other time.
    @Test func lateMeasurementsOfShortBucketsAreAskedForByAFilter() throws {
        try withTestDatabase { database, folder in
            try Self.create(in: database)
            try Self.insert((0..<50).map { ["at": .date(3_600_000 + $0), "n": 1] }, into: database)
            try database.export(to: folder.file("ticks.csv"))
            _ = try database.client.runRead(["profile": 2], on: database.name)
            #expect(try database.load(folder.file("ticks.csv")).totals.unchanged == 50)
            _ = try database.client.runRead(["profile": 0], on: database.name)
            let asked = try database.documents(in: "system.profile", ["command.find": "ticks"])
            let filters = asked.compactMap { $0["command"]?.document?["filter"]?.document }
            #expect(filters.contains { $0["$and"]?.array?.first?.document?["at"] != nil }, "\(filters)")
            #expect(!asked.contains { $0["command"]?.document?["filter"]?.document?["$expr"] != nil })
        }
    }

    /// Filters find no measurements of the last second before 1970, and an unordered insert writes the current time
    /// into empty timestamps of meta fields.
    @Test(arguments: [ImportOptions.Mode.merge, .insert, .replace])
    func measurementsOfAnEmptyTimestampAndFromJustBefore1970ComeBackOnce(_ mode: ImportOptions.Mode) throws {
        let options: Document = ["timeseries": ["timeField": "at", "metaField": "of"]]
        let empty = Value.timestamp(Timestamp(rawValue: 0))
        try withTwoTestDatabases { source, copy, folder in
            for database in [source, copy] { try database.create("ticks", options) }
            let times: [Int64] = [.min, -86_400_000, -1001, -1000, -999, -5, 0, 5, 1_700_000_000_000, .max]
            try Self.insert(
                times.flatMap {
                    [["at": .date($0), "of": empty, "n": 1], ["at": .date($0), "of": "x", "ts": empty]]
                },
                into: source)
            let file = folder.file("ticks.csv")
            try source.export(to: file)
            for round in 0..<3 {
                let totals = try copy.load(file, mode).totals
                #expect(totals.inserted == (round == 0 || mode == .replace ? 20 : 0))
                #expect(try Set(copy.documents(in: "ticks")) == Set(source.documents(in: "ticks")))
                #expect(try copy.count("ticks") == 20)
            }
            let verified = try Verify(file: file, target: try copy.target).runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
        }
    }

    @Test func ofMeasurementsWithEmptyTimestampsOnlyTheOneThatIsRefusedIsNotWritten() throws {
        try withTestDatabase { database, folder in
            try database.create("ticks", ["timeseries": ["timeField": "at", "metaField": "of"]])
            let times = [#"{"$date":"2024-01-01T00:00:00Z"}"#, "1", #"{"$date":"2024-01-02T00:00:00Z"}"#]
            let rows = times.enumerated().map { id, time in
                LegacyFile.row("ticks", json: #"{"_id":\#(id),"at":\#(time),"of":{"$timestamp":{"t":0,"i":0}}}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "ticks.csv")
            let report = try database.load(folder.file("ticks.csv")) { $0.maximumRejects = 1 }
            #expect(report.totals.inserted == 2 && report.rejections.map(\.line) == [3], "\(report)")
            #expect(try database.documents(in: "ticks").allSatisfy { $0["of"] == .timestamp(Timestamp(rawValue: 0)) })
            #expect(try database.count("ticks") == 2)
        }
    }

    /// A server refuses what would have gone into the bucket of a measurement that it does not accept, and fails the
    /// whole command for one that is too large, having written some of the others.
    @Test(arguments: [ImportOptions.Mode.merge, .insert, .replace])
    func whatAServerCannotStoreCostsNoOtherMeasurement(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            try database.create("ticks", ["timeseries": ["timeField": "at", "metaField": "of"]])
            let values = [
                "1", String(repeating: "[", count: 190) + String(repeating: "]", count: 190), "2",
                String(repeating: "[", count: 250) + String(repeating: "]", count: 250), "3",
                "\"\(String(repeating: "x", count: 6 << 20))\"", "4", "\"\(String(repeating: "y", count: 3 << 20))\"",
            ]
            let rows = values.enumerated().map { number, value in
                LegacyFile.row(
                    "ticks",
                    json: #"{"_id":\#(number),"at":{"$date":"2024-01-01T00:00:00Z"},"of":1,"v":\#(value)}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "ticks.csv")
            let report = try database.load(folder.file("ticks.csv"), mode) { $0.maximumRejects = 3 }
            #expect(report.totals.inserted == 5 && report.totals.rejected == 3)
            #expect(report.rejections.compactMap(\.line).sorted() == [3, 5, 7])
            #expect(report.rejections.map(\.reason).count { $0.contains("nest") } == 2, "\(report.rejections)")
            let ids = try database.documents(in: "ticks").compactMap { $0["_id"]?.integer }
            #expect(ids.sorted() == [0, 2, 4, 6, 7])
        }
    }

    /// The server sorts the fields of the meta field's value, at every depth.
    @Test func aMeasurementIsKnownWhateverOrderItsMetaFieldIsWrittenIn() throws {
        try withTestDatabase { database, folder in
            try database.create("ticks", ["timeseries": ["timeField": "at", "metaField": "of"]])
            let row = #"""
                {"_id":7,"at":{"$date":{"$numberLong":"5"}},"of":{"z":1,"a":[{"y":1,"b":{"$numberInt":"2"}}]},"n":{"z":1,"a":2}}
                """#
            let file = folder.file("ticks.csv")
            try folder.write("collection,data\n" + LegacyFile.row("ticks", json: row) + "\n", to: "ticks.csv")
            for inserted in [1, 0, 0] {
                let report = try database.load(file)
                #expect(report.totals.inserted == inserted && report.totals.unchanged == 1 - inserted)
            }
            #expect(try database.count("ticks") == 1)
            let verified = try Verify(file: file, target: try database.target).runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
            // Elsewhere it preserves the order, which counts.
            let other = row.replacing(#""z":1,"a":2}"#, with: #""a":2,"z":1}"#)
            try folder.write("collection,data\n" + LegacyFile.row("ticks", json: other) + "\n", to: "other.csv")
            #expect(try database.load(folder.file("other.csv")).totals.inserted == 1)
        }
    }

    /// Otherwise the old measurements would be gone by the time the server refuses the new ones.
    @Test func aReplaceLooksAtTheTimesOfMeasurementsBeforeItDropsTheOldOnes() throws {
        try withTestDatabase { database, folder in
            try database.create("ticks", ["timeseries": ["timeField": "at"]])
            try Self.insert([["at": .date(1), "n": 1]], into: database)
            try database.export(to: folder.file("good.csv"))
            let before = try database.image()
            let writer = try BackupWriter(
                .file(path: folder.file("odd.csv"), overwriting: false), compression: .none, plain: false,
                metadata: BackupMetadata(
                    created: nil, program: "mongoferry test", database: "test",
                    collections: [
                        BackupMetadata.Collection(
                            name: "ticks", kind: .timeseries, options: ["timeseries": ["timeField": "at"]], records: 2)
                    ]))
            for json in [#"{"_id":1,"at":5}"#, #"{"_id":2,"n":5}"#] {
                try Array((LegacyFile.row("ticks", json: json) + "\n").utf8).withUnsafeBytes {
                    try writer.write(rows: $0)
                }
            }
            _ = try writer.finish(counts: ["ticks": 2])
            let report = try database.load(folder.file("odd.csv"), .replace)
            #expect(report.status == .refused)
            let reason = "servers take no measurement without a date in its time field, at"
            #expect(report.rejections.map(\.reason) == [reason, reason])
            #expect(try database.image().differences(from: before) == [])
            #expect(try database.load(folder.file("good.csv"), .replace).status == .done)
        }
    }

    /// The server finds measurements by its own time field, whatever the file calls it.
    @Test func aTimeFieldThatOnlyTheFileSpeaksOfDoublesNothing() throws {
        try withTestDatabase { database, folder in
            try Self.create(in: database)
            try Self.insert(Self.equal(3), into: database)
            try database.export(to: folder.file("ticks.csv"))
            let entry = BackupMetadata.Collection(
                name: "ticks", kind: .timeseries, options: ["timeseries": ["timeField": "seen"]], records: 3)
            let writer = try BackupWriter(
                .file(path: folder.file("odd.csv"), overwriting: false), compression: .none, plain: false,
                metadata: BackupMetadata(
                    created: nil, program: "mongoferry test", database: "test", collections: [entry]))
            for row in try folder.text("ticks.csv").split(separator: "\n") where row.hasPrefix("ticks,") {
                try Array("\(row)\n".utf8).withUnsafeBytes { try writer.write(rows: $0) }
            }
            _ = try writer.finish(counts: ["ticks": 3])
            let totals = try database.load(folder.file("odd.csv")).totals
            #expect(totals.inserted == 0 && totals.unchanged == 3)
            #expect(try database.count("ticks") == 3)
        }
    }

    /// Removes the time series' entry in the server's catalog of views, and nothing else.
    private static func orphanStorage(in database: TestDatabase) throws {
        let operation: Value = [
            "op": "d", "ns": .string("\(database.name).system.views"),
            "o": ["_id": .string("\(database.name).ticks")],
        ]
        try database.client.run(["applyOps": [operation]], on: "admin", readPreference: .connectionString)
        #expect(!(try database.names().contains("ticks")))
    }

    /// Documents inserted into a collection of that name go into the old buckets and are not visible.
    @Test(arguments: [false, true], [false, true])
    func whatIsLeftOfASeriesSwallowsNoDocuments(isThere: Bool, inPlace: Bool) throws {
        try withTestDatabase { database, folder in
            try Self.create(in: database)
            try Self.insert(Self.equal(3), into: database)
            try Self.orphanStorage(in: database)
            if isThere { try database.create("ticks") }
            let rows = (0..<5).map {
                LegacyFile.row("ticks", json: #"{"_id":\#($0),"at":{"$date":"2024-01-01T00:00:00Z"}}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "ticks.csv")
            for mode in [ImportOptions.Mode.merge, .insert] {
                let error = #expect(throws: FerryError.self) { try database.load(folder.file("ticks.csv"), mode) }
                #expect(error?.text.contains("what is written to ticks goes there") == true)
            }
            let report = try database.load(folder.file("ticks.csv"), .replace) { $0.inPlace = inPlace }
            #expect(report.status == .done && report.totals.inserted == 5)
            try database.insert([["_id": 5, "at": .date(0)]], into: "ticks")
            #expect(try database.count("ticks") == 6)
            let there = try database.client.listCollections(in: database.name)
            #expect(!there.contains { $0.name == "system.buckets.ticks" })
        }
    }

    /// A server that crashed in the middle of a drop has the measurements without the name of their series. A series
    /// created with the same options takes them over.
    @Test func theMeasurementsOfASeriesWhoseDropWasNotEndedAreNotTakenForNew() throws {
        try withTestDatabase { database, folder in
            try Self.create(in: database)
            try Self.insert(Self.equal(3), into: database)
            try database.export(to: folder.file("ticks.csv"))
            let before = try database.image()
            try Self.orphanStorage(in: database)
            for mode in [ImportOptions.Mode.merge, .insert] {
                let error = #expect(throws: FerryError.self) { try database.load(folder.file("ticks.csv"), mode) }
                #expect(error?.text.contains("a drop of it was not ended") == true)
                let there = try database.client.listCollections(in: database.name)
                #expect(there.contains { $0.name == "system.buckets.ticks" })
            }
            #expect(try database.load(folder.file("ticks.csv"), .replace).status == .done)
            #expect(try database.image().differences(from: before) == [])
        }
    }
}
