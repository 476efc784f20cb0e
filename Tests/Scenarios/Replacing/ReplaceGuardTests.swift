import BSON
import MongoFerry
import Testing

/// A replace looks at what it is going to lose before it drops anything.
@Suite struct ReplaceGuardTests {
    /// It is replaced in place, and last: if something before it is refused, it is not begun.
    @Test func aTimeSeriesThatWasNotBegunStandsInTheReport() throws {
        try withTestDatabase { source, folder in
            try source.create("t", ["timeseries": ["timeField": "ts"]])
            try source.insert([["_id": 1, "ts": .date(1000)]], into: "t")
            try source.insert([["_id": 1, "bad": 1]], into: "a")
            try source.run(["collMod": "a", "validator": ["bad": ["$exists": false]]])
            try source.export(to: folder.file("all.csv"))
            try withTestDatabase { database, _ in
                try database.create("t", ["timeseries": ["timeField": "ts"]])
                let report = try database.load(folder.file("all.csv"), .replace)
                #expect(report.status == .refused)
                #expect(
                    report.collections.map(\.name) == ["a", "t"] && report.collections.allSatisfy { $0.inserted == 0 })
            }
        }
    }

    /// Only the database tells that the rows of a file without metadata are measurements.
    @Test(arguments: [false, true]) func aTimeSeriesIsNotDroppedForRowsThatItCannotTake(isAll: Bool) throws {
        try withTestDatabase { database, folder in
            try database.create("t", ["timeseries": ["timeField": "ts"]])
            try database.insert((0..<30).map { ["_id": .int32($0), "ts": .date(Int64($0) * 1000)] }, into: "t")
            let rows = (0..<9).map { number in
                let isText = isAll || number == 4
                let time = isText ? "\"\"noon\"\"" : "{\"\"$date\"\":\"\"2024-01-01T00:00:0\(number)Z\"\"}"
                return "t,\"{\"\"_id\"\":\(number + 100),\"\"ts\"\":\(time)}\"\n"
            }
            try folder.write("collection,data\n" + rows.joined(), to: "t.csv")
            let before = try database.image()
            for isDryRun in [true, false] {
                let report = try database.load(folder.file("t.csv"), .replace) { $0.isDryRun = isDryRun }
                #expect(report.status == .refused)
                #expect(report.rejections.map(\.line) == (isAll ? Array(2...10) : [6]))
                #expect(
                    report.rejections.first?.reason
                        == "servers take no measurement without a date in its time field, ts")
                #expect(try database.image().differences(from: before) == [])
            }
            if isAll {
                // Nobody who sets rows aside wants a collection to be replaced by nothing.
                let error = #expect(throws: FerryError.self) {
                    try database.load(folder.file("t.csv"), .replace) { $0.maximumRejects = 9 }
                }
                #expect(
                    error?.text.hasPrefix("none of the 9 rows of t can be taken") == true,
                    "\(String(describing: error))")
                #expect(try database.image().differences(from: before) == [])
                return
            }
            let report = try database.load(folder.file("t.csv"), .replace) { $0.maximumRejects = 1 }
            #expect(report.status == .problems && report.totals.inserted == 8 && report.totals.rejected == 1)
            #expect(try database.count("t") == 8)
        }
    }

    /// The file does not say that the collection is capped, and the database's own is too small.
    @Test func aCappedCollectionIsNotReplacedByWhatItCannotKeep() throws {
        try withTestDatabase { database, folder in
            try database.create("k", ["capped": true, "size": 4096])
            try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "k")
            let rows = (0..<400).map {
                "k,\"{\"\"_id\"\":\($0 + 100),\"\"text\"\":\"\"\(String(repeating: "x", count: 100))\"\"}\"\n"
            }
            try folder.write("collection,data\n" + rows.joined(), to: "k.csv")
            let before = try database.image()
            let error = try #require(throws: FerryError.self) { try database.load(folder.file("k.csv"), .replace) }
            #expect(error.text.hasPrefix("k is capped, and too small: it keeps "), "\(error)")
            #expect(error.details == ["The live data were not touched."])
            #expect(try database.image().differences(from: before) == [])
            #expect(try database.names() == ["k"])
        }
    }

    /// What a full collection has pushed out is no target any more, though the file has it.
    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func referencesToWhatACappedCollectionHasNotKeptDangle(mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            let text = Value.string(String(repeating: "x", count: 100))
            try source.create("targets", mode == .merge ? [:] : ["capped": true, "size": 1_048_576])
            try source.insert((0..<200).map { ["_id": .int32($0 + 1000), "text": text] }, into: "targets")
            try source.insert((0..<200).map { ["_id": .int32($0), "targetId": .int32($0 + 1000)] }, into: "sources")
            try source.export(to: folder.file("all.csv")) {
                $0.configuration = try .parse(
                    yaml: "collections: {targets: , sources: {references: {targetId: targets}}}", file: "c.yaml")
            }
            if mode == .merge {
                try copy.create("targets", ["capped": true, "size": 4096])
                let report = try copy.load(folder.file("all.csv"), mode)
                let kept = try copy.count("targets")
                #expect(kept < 200 && report.danglingCount == 200 - kept, "\(kept) \(report.danglingCount)")
                #expect(report.references.first?.checked == 200)
            } else {
                let report = try copy.load(folder.file("all.csv"), mode)
                #expect(report.danglingCount == 0 && report.references.first?.checked == 200)
            }
        }
    }
}
