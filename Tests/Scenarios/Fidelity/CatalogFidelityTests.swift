import BSON
import BackupFile
import Foundation
import MongoFerry
import Relations
import Testing

/// Collections, views, indexes and options are restored as they were.
@Suite struct CatalogFidelityTests {
    /// Exports `source`, and imports it into an empty database by merge and by replace, then over itself by each.
    static func expectTheSameCatalog(_ source: TestDatabase, _ copy: TestDatabase, _ folder: TemporaryFolder) throws {
        let expected = try source.image()
        let file = folder.file("catalog.csv")
        try source.export(to: file)
        let merged = try copy.load(file)
        #expect(merged.warnings == [])
        #expect(merged.status == .done)
        #expect(try copy.image().differences(from: expected) == [], "merged")
        let verified = try Verify(file: file, target: copy.target).runBlocking(OperationContext())
        #expect(verified.differences.map(\.detail) == [] && verified.warnings == [])
        for name in try copy.names() { try copy.drop(name) }
        try copy.load(file, .replace)
        #expect(try copy.image().differences(from: expected) == [], "replaced nothing")
        let replaced = try copy.load(file, .replace)
        #expect(replaced.warnings == [])
        #expect(replaced.differences.map(\.detail) == [])
        #expect(try copy.image().differences(from: expected) == [], "replaced itself")
        let again = try copy.load(file)
        #expect(again.totals.inserted + again.totals.updated == 0)
        #expect(again.differences.map(\.detail) == [])
        #expect(try copy.image().differences(from: expected) == [], "merged once more")
    }

    @Test func indexesOfEveryKindComeBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            let german: Value = ["locale": "de", "strength": 2]
            try source.create(
                "indexed",
                indexes: [
                    ["key": ["unique": 1], "name": "unique", "unique": true],
                    ["key": ["b": -1, "a": 1], "name": "compound", "sparse": true],
                    [
                        "key": ["status": 1], "name": "partial",
                        "partialFilterExpression": ["status": ["$gt": "a"], "amount": ["$exists": true]],
                    ],
                    ["key": ["status": 1], "name": "partial, empty filter", "partialFilterExpression": [:]],
                    ["key": ["status": 1], "name": "partial, german", "collation": german],
                    ["key": ["at": 1], "name": "ttl", "expireAfterSeconds": 1_000_000_000],
                    [
                        "key": ["title": "text", "body": "text", "lang": 1], "name": "text",
                        "weights": ["title": 10, "body": 2], "default_language": "german",
                        "language_override": "sprache",
                    ],
                    ["key": ["place": "2dsphere", "a": 1], "name": "sphere", "2dsphereIndexVersion": 2],
                    ["key": ["flat": "2d"], "name": "flat", "bits": 20, "min": -500.5, "max": 500.5],
                    ["key": ["$**": 1], "name": "wild", "wildcardProjection": ["a": 0, "b.c": 0]],
                    ["key": ["sub.$**": 1], "name": "wild below"], ["key": ["h": 1], "name": "hidden", "hidden": true],
                    ["key": ["hash": "hashed"], "name": "hashed"], ["key": ["_id": "hashed"], "name": "hashed id"],
                    ["key": ["old": 1], "name": "old version", "v": 1],
                    ["key": ["name\nwith": 1], "name": "line\nbreak, \"quotes\" # and 💶"],
                    ["key": ["deep.er": 1, "x": -1], "name": "background", "background": true],
                ])
            try source.insert(
                [["_id": 1, "unique": 1, "at": .date(1_700_000_000_000), "place": [1, 2]], ["_id": 2, "unique": 2]],
                into: "indexed")
            try Self.expectTheSameCatalog(source, copy, folder)
        }
    }

    @Test func indexesOfACollectionWithACollationComeBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            let simple: Value = ["locale": "simple"]
            try source.create(
                "collated", ["collation": ["locale": "de", "strength": 2]],
                indexes: [
                    ["key": ["a": 1], "name": "inherited"], ["key": ["a": 1], "name": "simple", "collation": simple],
                    ["key": ["a": 1], "name": "french", "collation": ["locale": "fr"], "unique": true],
                    ["key": ["t": "text"], "name": "text", "collation": simple],
                    ["key": ["p": "2d"], "name": "flat", "collation": simple],
                    ["key": ["$**": 1], "name": "wild", "collation": simple],
                ])
            try source.insert([["_id": "a", "a": "x"], ["_id": "ä", "a": "X"]], into: "collated")
            try Self.expectTheSameCatalog(source, copy, folder)
        }
    }

    @Test func aSimpleIndexStaysSimpleInALiveCollectionWithACollation() throws {
        try withTestDatabase { database, folder in
            try database.create("names", indexes: [["key": ["a": 1], "name": "a"]])
            try database.export(to: folder.file("names.csv"))
            let expected = try database.image().collections["names"]?.indexes.filter { $0["name"] == "a" }
            try database.drop("names")
            try database.create("names", ["collation": ["locale": "de"]])
            try database.load(folder.file("names.csv"))
            #expect(try database.image().collections["names"]?.indexes.filter { $0["name"] == "a" } == expected)
        }
    }

    @Test func optionsOfEveryKindComeBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("empty")
            try source.create("capped", ["capped": true, "size": 5000, "max": 7])
            try source.create(
                "clustered",
                [
                    "clusteredIndex": ["key": ["_id": 1], "unique": true, "name": "mine"],
                    "expireAfterSeconds": .int64(1_000_000_000),
                ])
            try source.create(
                "validated",
                [
                    "validator": [
                        "name": ["$not": .other(.regularExpression, Array("^\\$where\"\u{0}i\u{0}".utf8))],
                        "at": ["$ne": ["$date": 1]], "sub": ["$ne": ["$oid": "x", "$where": "no"]],
                        "$expr": ["$ne": ["$a", ["$literal": ["$numberLong": "1"]]]],
                        "$and": [["n": ["$ne": .int64(1)]], ["d": ["$ne": .double(1)]], ["t": ["$ne": .date(1)]]],
                    ], "validationLevel": "moderate", "validationAction": "warn",
                ])
            try source.create("schema", ["validator": ["$jsonSchema": ["required": ["a"], "title": "A, \"b\"\n#"]]])
            try source.create("collated", ["collation": ["locale": "fr", "backwards": true, "strength": 2]])
            try source.create("images", ["changeStreamPreAndPostImages": ["enabled": true]])
            try source.create("engine", ["storageEngine": ["wiredTiger": ["configString": "block_compressor=zlib"]]])
            try source.insert((0..<10).map { ["_id": .int32(9 - $0)] }, into: "capped")
            try source.insert([["_id": "x"], ["_id": 1]], into: "clustered")
            try source.insert([["_id": 1, "a": 1, "name": "x"]], into: "validated")
            try Self.expectTheSameCatalog(source, copy, folder)
            #expect(try copy.documents(in: "capped") == source.documents(in: "capped"), "in the order of insertion")
        }
    }

    /// It has no snapshot; what no majority of the members has may be rolled back, and is in no file all the same.
    @Test(arguments: [nil, .collection, .unprotected] as [ExportOptions.Consistency?])
    func ofACappedCollectionAMajorityHasWhatAnExportReads(consistency: ExportOptions.Consistency?) throws {
        try withTestDatabase { database, folder in
            try database.create("log", ["capped": true, "size": 4096])
            try database.insert([["_id": 1]], into: "log")
            try database.client.run(["profile": 2], on: database.name)
            defer { _ = try? database.client.run(["profile": 0], on: database.name) }
            try database.export(to: folder.file("all.csv")) { $0.consistency = consistency }
            try database.client.run(["profile": 0], on: database.name)
            let reads = try database.documents(
                in: "system.profile", ["command.find": "log", "command.limit": ["$exists": false]])
            let levels = reads.map { $0["command"]?.document?["readConcern"]?.document?["level"]?.string }
            #expect(
                !levels.isEmpty && levels.allSatisfy { $0 == (consistency == .unprotected ? nil : "majority") },
                "\(levels)")
        }
    }

    /// Where no collection has a snapshot, it is nothing special that a capped one has none.
    @Test func aCappedCollectionBesideASnapshotOfTheOthersIsTold() throws {
        try withTestDatabase { database, folder in
            try database.create("log", ["capped": true, "size": 4096])
            let told =
                "servers give no snapshots of capped collections: log may hold what was written during the export"
            for consistency in ExportOptions.Consistency.allCases {
                let report = try database.export(to: folder.file("\(consistency).csv")) {
                    $0.consistency = consistency
                }
                #expect(report.warnings == (consistency == .unprotected ? [] : [told]), "\(consistency)")
            }
        }
    }

    @Test func namesOfEveryKindComeBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            let long = String(repeating: "n", count: 200)
            let names = [
                "line\nbreak", "\"quoted\"", "a,b", "a/b", "100%", "#front", "space in", " front", "tail ", "ünïcödé",
                "名前", "💶", "a.b.c", "tail.", "'", "tab\t", "\r\n", "collection", "data", "=1+1", "-1", "\\", long,
                "{}", "null", "e\u{301}", "systemish", "a..b",
                // Characters next to these combine with them for people, but not for CSV readers.
                "#\u{FE0F}\u{20E3}tags", "a\"\u{1F3FD}b", "\u{600}\"z", "c\n\u{301}", ",\u{301}d", " \u{301}e",
                "f\u{600} ",
                "\u{301}g", "\u{E31}h", "\u{200D}i", "#\u{301}", "\u{600}#", "k.\u{301}", "'\u{301}'",
            ]
            for (index, name) in names.enumerated() {
                try source.create(name)
                if index % 2 == 0 { try source.insert([["_id": .int32(Int32(index))]], into: name) }
            }
            try Self.expectTheSameCatalog(source, copy, folder)
            #expect(try copy.names().count == names.count)
        }
    }

    /// Servers compare names by their bytes, people by their looks.
    @Test func namesThatOnlyLookTheSameAreRefused() throws {
        try withTestDatabase { database, folder in
            try database.create("caf\u{E9}")
            try database.create("cafe\u{301}")
            let error = #expect(throws: FerryError.self) { try database.export(to: folder.file("names.csv")) }
            #expect(error?.text.hasPrefix("two collections have names that look the same") == true)
            let rows = "caf\u{E9},{\"_id\":1}\ncafe\u{301},{\"_id\":1}\n"
            try folder.write(
                "collection,data\n" + rows.replacing("{\"_id\":1}", with: "\"{\"\"_id\"\":1}\""), to: "rows.csv")
            let report = try database.load(folder.file("rows.csv"))
            #expect(report.status == .refused)
            #expect(try database.count("caf\u{E9}") == 0)
        }
    }

    /// Rows with the other name are set aside and inserted into no collection.
    @Test(arguments: ImportOptions.Mode.allCases) func rowsOfALookAlikeAreSetAside(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            func row(_ name: String, _ id: Int, _ n: Int) -> String {
                "\(name),\"{\"\"_id\"\":\(id),\"\"n\"\":\(n)}\"\n"
            }
            try folder.write(
                "collection,data\n" + row("caf\u{E9}", 1, 1) + row("cafe\u{301}", 1, 2) + row("caf\u{E9}", 3, 3),
                to: "rows.csv")
            let report = try database.load(folder.file("rows.csv"), mode) { $0.maximumRejects = 1 }
            #expect(report.totals.inserted == 2 && report.rejections.map(\.line) == [3])
            #expect(try database.documents(in: "caf\u{E9}") == [["_id": 1, "n": 1], ["_id": 3, "n": 3]])
            #expect(try database.names() == ["caf\u{E9}"])
        }
    }

    @Test(arguments: ImportOptions.Mode.allCases)
    func aNameThatLooksLikeTwoOfTheDatabaseIsRefused(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "caf\u{E9}")
            try source.export(to: folder.file("one.csv"))
            for name in ["caf\u{E9}", "cafe\u{301}"] { try copy.create(name) }
            let error = #expect(throws: FerryError.self) { try copy.load(folder.file("one.csv"), mode) }
            #expect(error?.text.contains("looks the same as a collection of \(copy.name)") == true)
            #expect(try copy.count("caf\u{E9}") == 0)
        }
    }

    /// The names differ in the file, but those in the database still look the same.
    @Test func lookAlikesOfTheDatabaseAreRefusedUnderOtherNamesToo() throws {
        try withTestDatabase { database, folder in
            try database.create("caf\u{E9}")
            try database.create("cafe\u{301}")
            let configuration = try Configuration.parse(
                yaml: "collections: {one: {collection: \"caf\u{E9}\"}, two: {collection: \"cafe\u{301}\"}}", file: "c")
            let error = #expect(throws: FerryError.self) {
                try database.export(to: folder.file("names.csv")) { $0.configuration = configuration }
            }
            #expect(error?.text.hasPrefix("two collections have names that look the same") == true)
        }
    }

    @Test func twoCollectionsThatWouldHaveOneNameInTheFileAreBothNamed() throws {
        try withTestDatabase { database, folder in
            for name in ["coveragetypes", "coverageTypes"] { try database.create(name) }
            let configuration = try Configuration.parse(
                yaml: "collections: {coverageTypes: {collection: coveragetypes}}", file: "c")
            let error = #expect(throws: FerryError.self) {
                try database.export(to: folder.file("names.csv")) { $0.configuration = configuration }
            }
            #expect(error?.text == "coverageTypes and coveragetypes would both be called 'coverageTypes' in the file")
        }
    }

    @Test func equalMeasurementsGiveEqualFilesInWhateverOrderTheyCame() throws {
        try withTwoTestDatabases { source, copy, folder in
            let measurements = (0..<30).map { (number: Int32) -> Document in
                let time = Int64(number % 10) * 1000
                return ["at": .date(time), "from": .int32(number % 3), "_id": .int32(number % 29)]
            }
            for (database, documents) in [(source, measurements), (copy, measurements.reversed())] {
                try database.create("log", ["timeseries": ["timeField": "at", "metaField": "from"]])
                for document in documents { try database.insert([document], into: "log") }
            }
            func text(_ database: TestDatabase, _ name: String) throws -> [Substring] {
                try database.export(to: folder.file(name)) { $0.reproducible = true }
                return try folder.text(name).split(separator: "\n").filter { $0.hasPrefix("log,") }
            }
            let rows = try text(source, "one.csv")
            #expect(try rows == text(copy, "two.csv") && rows.count == 30)
        }
    }

    /// At most 5000 paths of a collection are considered: the same ones for equal data.
    @Test func equalDocumentsOfVeryManyFieldsGiveEqualFilesInWhateverOrderTheyCame() throws {
        try withTwoTestDatabases { source, copy, folder in
            let documents = (0..<3).map { number in
                Document {
                    $0.append("_id", .int32(Int32(number)))
                    for field in 0..<2000 { $0.append("flag\(number)_\(field)", true) }
                    $0.append("customer\(number)", Self.customer)
                }
            }
            for (database, documents) in [(source, documents), (copy, documents.reversed())] {
                try database.insert([["_id": Self.customer]], into: "customers")
                for document in documents { try database.insert([document], into: "wide") }
            }
            func text(_ database: TestDatabase, _ name: String) throws -> String {
                try database.export(to: folder.file(name)) {
                    $0.reproducible = true
                    $0.sourceName = "wide"
                }
                return try folder.text(name)
            }
            let file = try text(source, "one.csv")
            #expect(try file == text(copy, "two.csv"))
            #expect(file.contains("customer1") && file.contains("references"))
        }
    }

    private static let customer = Value.objectID(ObjectID(high: 0x5C2A_AD80_0000_0001, low: 7))

    /// Servers accept any bytes as a name.
    @Test func aNameThatIsNotUTF8IsRefusedAndNotRepaired() throws {
        try withTestDatabase { database, folder in
            let name = Value.other(.string, [4, 0, 0, 0, 0x61, 0xFF, 0x62, 0])
            try database.run(["create": name])
            try database.insert([["_id": 1]], into: "good")
            let error = #expect(throws: FerryError.self) { try database.export(to: folder.file("all.csv")) }
            #expect(error?.text.contains("is not UTF-8") == true)
            #expect(try folder.names() == [])
            let report = try database.export(to: folder.file("all.csv")) { $0.exclude = [Glob("a*b")] }
            #expect(report.excluded.count == 1 && report.totals.read == 1)
        }
    }

    @Test func theServersOwnCollectionsAreNotExportedByNameEither() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "good")
            try database.insert([["_id": "f", "value": 1]], into: "system.js")
            let error = #expect(throws: FerryError.self) {
                try database.export(to: folder.file("all.csv")) { $0.collections = [Glob("system.js")] }
            }
            #expect(error?.text.hasPrefix("'system.js' is not exported: server-side functions") == true)
        }
    }

    @Test func viewsComeBackAfterWhatTheyStandOn() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("m.base", ["collation": ["locale": "de"]])
            try source.create(
                "z.first",
                [
                    "viewOn": "m.base", "collation": ["locale": "de"],
                    "pipeline": [
                        ["$match": ["b": 1, "a": ["$not": .other(.regularExpression, Array("x\u{0}i\u{0}".utf8))]]],
                        ["$set": ["d": ["$literal": ["$date": 1]]]],
                    ],
                ])
            try source.create("a.second", ["viewOn": "z.first", "pipeline": [], "collation": ["locale": "de"]])
            try source.create("nowhere", ["viewOn": "not there", "pipeline": [["$limit": .int64(5)]]])
            try source.insert([["_id": 1, "b": 1], ["_id": 2, "b": 2]], into: "m.base")
            try Self.expectTheSameCatalog(source, copy, folder)
            #expect(try copy.documents(in: "a.second").map { $0["_id"] } == [1])
        }
    }

    /// Somebody has named the wrong database: an older backup must not be overwritten by an empty one.
    @Test func aDatabaseOfOnlyWhatIsNeverExportedIsNotExported() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "f", "value": 1]], into: "system.js")
            try folder.write("older", to: "all.csv")
            let file = folder.file("all.csv")
            let outcome = try Program.run(
                ["export", "--db", database.name, "-o", file, "--force"], environment: ["MONGODB_URI": try testURI()])
            #expect(outcome.status == 1, "\(outcome.text)")
            let text = "there are no collections in '\(database.name)' but such as are never exported"
            #expect(outcome.errors.contains(text) && outcome.errors.contains("system.js: "), "\(outcome.errors)")
            #expect(try folder.text("all.csv") == "older")
        }
    }

    @Test func aFileWithoutMetadataIsSaidToLackWhatItCannotHave() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "bare")
            #expect(try database.export(to: folder.file("bare.csv")) { $0.plain = true }.warnings == [])
            try database.create(
                "ruled", ["validator": ["n": ["$gte": 0]]], indexes: [["key": ["n": 1], "name": "n_1"]])
            try database.create("seen", ["viewOn": "bare", "pipeline": []])
            let report = try database.export(to: folder.file("all.csv")) { $0.plain = true }
            #expect(
                report.warnings == [
                    "--plain leaves out views (seen), collections without documents (ruled), options (ruled) and indexes (ruled): an import of the file makes none of them"
                ])
        }
    }

    /// Nobody remembers with which option a file was written.
    @Test func aFileThatHasLostTypesSaysSoBeforeItIsImportedAndWhenItIsVerified() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "n": .int64(5)]], into: "a")
            let file = folder.file("all.csv")
            try database.export(to: file) { $0.json = .relaxed }
            let text = "the file was written with --json relaxed, which loses a type of numbers"
            let log = MessageLog()
            try database.load(file, .merge, log) { $0.isDryRun = true }
            #expect(log.all.contains { $0.contains(text) })
            let report = try Verify(file: file, target: nil).runBlocking(OperationContext())
            #expect(report.warnings.contains { $0.hasPrefix(text) } && report.status == .done)
        }
    }

    @Test func whatIsTheServersOwnIsNamedAmongWhatWasLeftOut() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                [["_id": "f", "value": .other(.code, [3, 0, 0, 0, 0x78, 0x78, 0])]], into: "system.js")
            try Self.fillSeries(database)
            try database.create("view", ["viewOn": "series", "pipeline": []])
            try database.create("__mdb_internal_search")
            let report = try database.export(to: folder.file("all.csv"))
            #expect(report.collections.map(\.name) == ["series"])
            let reasons = Dictionary(uniqueKeysWithValues: report.excluded.map { ($0.name, $0.reason) })
            #expect(
                reasons == [
                    "system.js": "server-side functions; copy them by hand if you use them",
                    "system.buckets.series": "the server's own storage of a time series",
                    "system.views": "the server's own", "__mdb_internal_search": "the server's own",
                ])
            // A reproducible file does not list what comes and goes while the data stay equal.
            try database.export(to: folder.file("equal.csv")) { $0.reproducible = true }
            let file = try BackupReader(try OpenFile(reading: folder.file("equal.csv")))
            #expect(file.metadata?.excluded.map(\.name) == ["system.js"])
        }
    }

    /// More rows than a batch holds: several writers would each insert their part as one block.
    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aCappedCollectionOfManyBatchesKeepsTheOrderOfInsertion(mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("log", ["capped": true, "size": 64_000_000])
            let filling = Value.string(String(repeating: "x", count: 2000))
            let ids = Array((0..<6000).reversed())
            for start in stride(from: 0, to: ids.count, by: 1000) {
                try source.insert(
                    ids[start..<start + 1000].map { ["_id": .int32(Int32($0)), "filling": filling] }, into: "log")
            }
            try source.export(to: folder.file("log.csv"))
            let report = try copy.load(folder.file("log.csv"), mode) { $0.jobs = 4 }
            #expect(report.totals.inserted == 6000 && report.warnings == [], "\(report.warnings)")
            #expect(try copy.documents(in: "log").compactMap { $0["_id"]?.integer } == ids)
        }
    }

    /// The file's collection is not capped: the existing one decides.
    @Test(arguments: [ImportOptions.Mode.merge, .insert], [(10_000_000, 500), (64_000_000, 0)])
    func aCappedCollectionThatIsThereKeepsTheFilesLastDocuments(mode: ImportOptions.Mode, limits: (Int32, Int32)) throws
    {
        try withTwoTestDatabases { source, copy, folder in
            let filling = Value.string(String(repeating: "x", count: 2000))
            let ids = Array(0..<6000)
            for start in stride(from: 0, to: ids.count, by: 1000) {
                try source.insert(
                    ids[start..<start + 1000].map { ["_id": .int32(Int32($0)), "filling": filling] }, into: "log")
            }
            try source.export(to: folder.file("log.csv"))
            let (size, limit) = limits
            let options = Document {
                $0.append("capped", true)
                $0.append("size", .int32(size))
                if limit > 0 { $0.append("max", .int32(limit)) }
            }
            try copy.create("log", options)
            let report = try copy.load(folder.file("log.csv"), mode) { $0.jobs = 4 }
            #expect(report.totals.inserted == 6000)
            let kept = limit > 0 ? Int(limit) : 6000
            #expect(try copy.documents(in: "log").compactMap { $0["_id"]?.integer } == Array(ids.suffix(kept)))
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aCappedCollectionKeepsTheOrderOfInsertionWithWhateverIsInIt(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("log", ["capped": true, "size": 1_048_576])
            for index in (0..<40).reversed() {
                // A document with an empty timestamp at the top level is written in a different way.
                let time: Value = index % 3 == 0 ? .timestamp(Timestamp(rawValue: 0)) : 1
                try source.insertKeepingTimestamps(["_id": .int32(Int32(index)), "t": time], into: "log")
            }
            try source.export(to: folder.file("log.csv")) { $0.reproducible = true }
            try copy.load(folder.file("log.csv"), mode)
            #expect(try copy.documents(in: "log") == source.documents(in: "log"))
        }
    }

    // MARK: Time series

    private static func fillSeries(_ database: TestDatabase) throws {
        try database.create(
            "series",
            [
                "timeseries": ["timeField": "at", "metaField": "sensor", "granularity": "minutes"],
                "expireAfterSeconds": .int64(1_000_000_000),
            ], indexes: [["key": ["sensor": 1, "at": 1], "name": "by sensor"]])
        let start: Int64 = 1_700_000_000_000
        // Some share an `_id`, others have none: both are allowed in a time series.
        try database.run([
            "insert": "series",
            "documents": .array(
                (0..<50).map { index in
                    .document(
                        Document {
                            $0.append("at", .date(start + Int64(index / 2) * 60_000))
                            $0.append("sensor", ["id": .int32(Int32(index % 3))])
                            if index % 5 == 0 { $0.append("_id", 1) }
                            $0.append("value", .double(Double(index / 4)))
                        })
                }),
        ])
    }

    /// Returns the measurements with sorted fields: buckets do not preserve the order of fields.
    private static func measurements(_ database: TestDatabase) throws -> [Document] {
        try database.documents(in: "series").map { document in
            Document { for (key, value) in document.elements.sorted(by: { $0.key < $1.key }) { $0.append(key, value) } }
        }.sorted(by: DatabaseImage.byBytes)
    }

    @Test func timeSeriesAreReplacedInPlaceAndThePlanSaysSo() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fillSeries(source)
            try source.export(to: folder.file("series.csv"))
            try Self.fillSeries(copy)
            try copy.run([
                "insert": "series", "documents": [["at": .date(0), "sensor": 1, "value": "only here"]],
            ])
            let log = MessageLog()
            let report = try copy.load(folder.file("series.csv"), .replace, log)
            #expect(log.text.contains("series  replace in place, 50 records (51 there now)"), "\(log.text)")
            #expect(report.status == .done)
            #expect(try Self.measurements(copy) == Self.measurements(source))
            let (mine, theirs) = (try copy.image().collections, try source.image().collections)
            #expect(mine["series"]?.options == theirs["series"]?.options)
            #expect(mine["series"]?.indexes == theirs["series"]?.indexes)
        }
    }

    /// Servers close a bucket when an older measurement arrives, so several writers would make many small buckets.
    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aTimeSeriesOfManyBatchesHasNoMoreBucketsThanBefore(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("series", ["timeseries": ["timeField": "at", "metaField": "sensor"]])
            let filling = Value.string(String(repeating: "x", count: 500))
            for start in stride(from: 0, to: 20_000, by: 1000) {
                try source.insert(
                    (start..<start + 1000).map {
                        [
                            "_id": .int32(Int32($0)), "at": .date(Int64($0) * 1000), "sensor": .int32(Int32($0 % 3)),
                            "filling": filling,
                        ]
                    }, into: "series")
            }
            try source.export(to: folder.file("series.csv")) { $0.reproducible = true }
            let report = try copy.load(folder.file("series.csv"), mode) { $0.jobs = 4 }
            #expect(report.totals.inserted == 20_000)
            let (mine, theirs) = (
                try copy.documents(in: "system.buckets.series").count,
                try source.documents(in: "system.buckets.series").count
            )
            #expect(theirs > 3 && mine <= theirs, "\(mine), \(theirs)")
        }
    }

    /// Since MongoDB 6.3, servers create an index `sensor_1_at_1` on each of these time series.
    @Test(arguments: [ImportOptions.Mode.replace, .merge])
    func aTimeSeriesHasTheFilesIndexesAndNoneOfTheServersOwn(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            let indexes: [String: [Document]] = [
                "none": [],
                "same": [["key": ["sensor": 1, "at": 1], "name": "sensor_1_at_1"]],
                "named": [["key": ["sensor": 1, "at": 1], "name": "mine"]],
                "hidden": [["key": ["sensor": 1, "at": 1], "name": "sensor_1_at_1", "hidden": true]],
                "other": [["key": ["sensor.id": 1], "name": "sensor_1_at_1"]],
            ]
            for (name, indexes) in indexes {
                try source.create(
                    name, ["timeseries": ["timeField": "at", "metaField": "sensor"]], indexes: indexes)
                try source.insert([["at": .date(0), "sensor": ["id": 1]]], into: name)
            }
            try source.export(to: folder.file("series.csv"))
            let log = MessageLog()
            let report = try copy.load(folder.file("series.csv"), mode, log)
            #expect(report.status == .done && report.warnings == [], "\(log.text)")
            let (mine, theirs) = (try copy.image().collections, try source.image().collections)
            for (name, wanted) in indexes {
                #expect(theirs[name]?.indexes.count == wanted.count)
                #expect(mine[name]?.indexes == theirs[name]?.indexes, "\(name)")
            }
        }
    }

    /// For an index on measured fields, a server lists no version and accepts only the newest; an index on the
    /// metaField has versions.
    @Test(arguments: [ImportOptions.Mode.replace, .merge])
    func sphericalIndexesOfATimeSeriesComeBack(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create(
                "series", ["timeseries": ["timeField": "at", "metaField": "sensor"]],
                indexes: [
                    ["key": ["place": "2dsphere"], "name": "measured"],
                    ["key": ["sensor.place": "2dsphere"], "name": "sensor's", "2dsphereIndexVersion": 2],
                ])
            let point: Value = ["type": "Point", "coordinates": [1, 2]]
            try source.insert([["at": .date(0), "sensor": ["place": point], "place": point]], into: "series")
            try source.export(to: folder.file("series.csv"))
            let log = MessageLog()
            let report = try copy.load(folder.file("series.csv"), mode, log)
            #expect(report.status == .done && report.warnings == [], "\(log.text)")
            #expect(!log.text.contains("2dsphereIndexVersion"), "\(log.text)")
            let indexes = try copy.image().collections["series"]?.indexes
            #expect(try indexes == source.image().collections["series"]?.indexes)
            #expect(indexes?.contains { $0["name"] == "measured" } == true)
        }
    }

    @Test func mergingATimeSeriesTwiceDoublesNothing() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fillSeries(source)
            try source.export(to: folder.file("series.csv"))
            #expect(try copy.load(folder.file("series.csv")).totals.inserted == 50)
            #expect(try Self.measurements(copy) == Self.measurements(source))
            let again = try copy.load(folder.file("series.csv"))
            #expect(again.totals.inserted == 0)
            #expect(again.totals.unchanged == 50)
            #expect(try Self.measurements(copy) == Self.measurements(source))
            try copy.drop("series")
            try copy.load(folder.file("series.csv"), .insert)
            #expect(try Self.measurements(copy) == Self.measurements(source))
            let verified = try Verify(file: folder.file("series.csv"), target: try copy.target)
                .runBlocking(OperationContext())
            #expect(verified.differences.map(\.detail) == [])
        }
    }

    // MARK: What differs between file and database

    @Test func differencesStandInThePlanAndInTheReport() throws {
        try withTestDatabase { database, folder in
            try database.create(
                "items", ["validator": ["a": 1], "validationAction": "warn"],
                indexes: [
                    ["key": ["a": 1], "name": "a"], ["key": ["b": 1], "name": "b", "unique": true],
                    ["key": ["c": 1], "name": "c"],
                ])
            try database.create("view", ["viewOn": "items", "pipeline": []])
            let expected = try database.image()
            try database.export(to: folder.file("items.csv"))
            try database.drop("items")
            try database.drop("view")
            try database.create(
                "items", ["validator": ["a": 2], "validationAction": "warn"],
                indexes: [
                    ["key": ["a": 1], "name": "a"], ["key": ["b": 1], "name": "b"], ["key": ["d": 1], "name": "d"],
                ])
            try database.create("view", ["viewOn": "other", "pipeline": []])
            let live = try database.image()
            let planned = try database.load(folder.file("items.csv"), .replace) { $0.isDryRun = true }
            #expect(
                planned.differences.map(\.detail) == [
                    "option validator: {\"a\":1} in the file, {\"a\":2} in the database; the file's counts",
                    "index b differs from the file's in unique (true in the file, none in the database); the file's counts",
                    "the database has no index c",
                    "index d is not in the file; it will be gone",
                    "option viewOn: \"items\" in the file, \"other\" in the database; the file's counts",
                ])
            let log = MessageLog()
            let merged = try database.load(folder.file("items.csv"), .merge, log)
            let differences = [
                "option validator: {\"a\":1} in the file, {\"a\":2} in the database; it stays as it is",
                "index b differs from the file's in unique (true in the file, none in the database); it stays as it is",
                "the database has no index c",
                "index d is not in the file; it stays",
                "option viewOn: \"items\" in the file, \"other\" in the database; it stays as it is",
            ]
            #expect(merged.differences.map(\.detail) == differences)
            #expect(merged.status == .done)
            for difference in differences {
                // The plan says what becomes of it.
                let text = difference == "the database has no index c" ? "index c will be created" : difference
                #expect(log.text.contains(text), "\(log.text)")
            }
            var afterMerge = live
            let created = expected.collections["items"]?.indexes.filter { $0["name"] == "c" } ?? []
            afterMerge.collections["items"]?.indexes.formUnion(created)
            #expect(try database.image().differences(from: afterMerge) == [])
            let replaced = try database.load(folder.file("items.csv"), .replace)
            #expect(
                replaced.differences.map(\.detail) == [
                    "option validator: {\"a\":1} in the file, {\"a\":2} in the database; the file's counts",
                    "index b differs from the file's in unique (true in the file, none in the database); the file's counts",
                    "index d is not in the file; it will be gone",
                    "option viewOn: \"items\" in the file, \"other\" in the database; the file's counts",
                ])
            #expect(try database.image().differences(from: expected) == [])
        }
    }

    /// Once it is gone, nothing else says what it was.
    @Test func aViewThatACollectionReplacesStandsInTheReport() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "x")
            try source.export(to: folder.file("x.csv"))
            let stages: [Value] = (0..<40).map { ["$match": ["field\($0)": ["$exists": false]]] }
            try copy.create("x", ["viewOn": "y", "pipeline": .array(stages)])
            let log = MessageLog()
            let dryRun = try copy.load(folder.file("x.csv"), .replace, log) { $0.isDryRun = true }
            let pipeline = JSONText.value(.array(stages))
            for report in [dryRun, try copy.load(folder.file("x.csv"), .replace)] {
                #expect(
                    report.differences.map { "\($0.collection) \($0.kind): \($0.detail)" } == [
                        "x target: the view {\"viewOn\":\"y\",\"pipeline\":\(pipeline)} has that name now; the file's collection takes its place"
                    ])
            }
            #expect(log.text.contains("     the view {\"viewOn\":\"y\",\"pipeline\":["), "\(log.text)")
            #expect(!log.text.contains(pipeline))
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func aViewIsNeverTakenForACollectionNorTheOtherWayRound(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("x")
            try source.insert([["_id": 1]], into: "x")
            try source.create("y", ["viewOn": "x", "pipeline": []])
            try source.export(to: folder.file("xy.csv"))
            try copy.create("y")
            try copy.insert([["_id": 2]], into: "y")
            try copy.create("x", ["viewOn": "y", "pipeline": []])
            let before = try copy.image()
            for (name, text) in [
                ("x", "'x' is a view in \(copy.name), and a collection in the file"),
                ("y", "'y' is a collection in \(copy.name), and a view in the file"),
            ] {
                let error = #expect(throws: FerryError.self) {
                    try copy.load(folder.file("xy.csv"), mode) { $0.collections = [Glob(name)] }
                }
                #expect(error?.text == text)
            }
            #expect(try copy.image().differences(from: before) == [])
        }
    }

    @Test func replaceAsksBeforeAViewTakesACollectionsPlace() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("x")
            try source.insert([["_id": 1]], into: "x")
            try source.create("y", ["viewOn": "x", "pipeline": []])
            let expected = try source.image()
            try source.export(to: folder.file("xy.csv"))
            try copy.create("y")
            try copy.insert([["_id": 2], ["_id": 3]], into: "y")
            try copy.create("x", ["viewOn": "y", "pipeline": []])
            let before = try copy.image()
            #expect(throws: FerryError.self) {
                try copy.load(folder.file("xy.csv"), .replace) {
                    $0.confirm = { plan in
                        #expect(
                            plan.lines.contains("  replaced and gone afterwards: the 2 documents that are there now"))
                        return false
                    }
                }
            }
            #expect(try copy.image().differences(from: before) == [])
            try copy.load(folder.file("xy.csv"), .replace)
            #expect(try copy.image().differences(from: expected) == [])
        }
    }

    /// The remains of a damaged time series must not be mistaken for the server's internal collections.
    @Test func bucketsWithoutTheirTimeSeriesAreNamedAsWhatIsMissing() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "c")
            try database.insert([["_id": 1]], into: "system.buckets.lost")
            let report = try database.export(to: folder.file("c.csv"))
            #expect(
                report.excluded.map { "\($0.name): \($0.reason)" } == [
                    "system.buckets.lost: buckets of 'lost', which is no time series: their measurements are not in the file"
                ])
            #expect(report.collections.map(\.name) == ["c"])
        }
    }

    /// The server lists the index with the collation that it inherits, and refuses a partial index that has one.
    @Test func aPartialIndexOfATimeSeriesWithACollationComesBack() throws {
        try withTestDatabase { database, folder in
            try database.create(
                "ticks", ["timeseries": ["timeField": "at"], "collation": ["locale": "fr"]],
                indexes: [["key": ["n": 1], "name": "some", "partialFilterExpression": ["n": ["$gt": 3]]]])
            try database.run(["insert": "ticks", "documents": [["at": .date(1), "n": 4]]])
            let expected = try database.image()
            try database.export(to: folder.file("ticks.csv"))
            for mode in [ImportOptions.Mode.replace, .merge] {
                if mode == .merge { try database.drop("ticks") }
                let report = try database.load(folder.file("ticks.csv"), mode)
                #expect(report.status == .done, "\(report.warnings)")
                #expect(try database.image().differences(from: expected) == [])
            }
        }
    }

    /// An index scan would return, and so insert, documents in its order. A text search always uses an index.
    @Test(arguments: [#"{"level":{"$gt":1}}"#, #"{"_id":{"$lt":100}}"#, #"{"$text":{"$search":"disk"}}"#])
    func aPartOfACappedCollectionComesInTheOrderOfInsertion(query: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create(
                "log", ["capped": true, "size": 100_000],
                indexes: [["key": ["level": 1], "name": "level"], ["key": ["text": "text"], "name": "text"]])
            let documents: [Document] = [(3, 9), (1, 3), (2, 5), (200, 0)].map {
                ["_id": .int32($0), "level": .int32($1), "text": "disk"]
            }
            try source.insert(documents, into: "log")
            let file = folder.file("log.csv")
            let report = try source.export(to: file) { $0.queries = [CollectionQuery(name: "log", query: query)] }
            let isTold = report.warnings.contains { $0.contains("not in that of insertion") }
            #expect(isTold == query.contains("$text"), "\(report.warnings)")
            try copy.load(file)
            let found = try copy.documents(in: "log")
            if query.contains("text") {
                #expect(Set(found) == Set(documents))
            } else {
                #expect(found == Array(documents.dropLast()))
            }
        }
    }

    /// The documents have a field that servers accept only from encrypting clients, or when validation is bypassed.
    @Test(arguments: ImportOptions.Mode.allCases)
    func documentsOfQueryableEncryptionComeBack(mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.fillQueryableEncryption()
            try source.export(to: folder.file("enc.csv"))
            let report = try copy.load(folder.file("enc.csv"), mode)
            #expect(report.rejections.map(\.reason) == [] && report.status == .done)
            #expect(try copy.image().differences(from: source.image()) == [])
            // Servers do not let most users rename it.
            let plan = try Program.run([
                "import", folder.file("enc.csv"), "--uri", testURI(), "--db", copy.name, "--mode", "replace",
                "--dry-run",
            ])
            #expect(plan.status == 0 && plan.text.contains("replace in place"), "\(plan.text)")
        }
    }

    /// A view takes a collection's place when the collection is renamed, which servers refuse for Queryable Encryption.
    @Test func aViewInThePlaceOfQueryableEncryptionIsRefusedBeforehand() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "a")
            try source.create("enc", ["viewOn": "a", "pipeline": []])
            try source.export(to: folder.file("view.csv"))
            try copy.fillQueryableEncryption()
            try copy.insert([["_id": 2]], into: "a")
            let before = try copy.image()
            let error = #expect(throws: FerryError.self) { try copy.load(folder.file("view.csv"), .replace) }
            #expect(
                error?.text.contains("is a collection of Queryable Encryption") == true, "\(String(describing: error))")
            #expect(try copy.image().differences(from: before) == [])
        }
    }

    /// The name of its buckets is longer: that must not be discovered after the old collection of that name is gone.
    @Test(arguments: ImportOptions.Mode.allCases)
    func aTimeSeriesWhoseStorageWouldHaveTooLongANameIsRefusedBeforehand(mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            let name = String(repeating: "s", count: 250 - database.name.utf8.count)
            var series = BackupMetadata.Collection(name: name, records: 0)
            series.kind = .timeseries
            series.options = ["timeseries": ["timeField": "t"]]
            try Self.write(series, to: folder.file("series.csv"))
            let error = #expect(throws: FerryError.self) { try database.load(folder.file("series.csv"), mode) }
            #expect(
                error?.text.hasSuffix("what servers put in front of a time series' it is longer than 255 bytes") == true
            )
            #expect(try database.names() == [])
        }
    }

    // MARK: What a server does not know

    /// Writes a file without documents, as a newer server's export could be.
    private static func write(
        _ collection: BackupMetadata.Collection, to path: String, plus: [BackupMetadata.Collection] = []
    ) throws {
        let writer = try BackupWriter(
            .file(path: path, overwriting: true), compression: .none, plain: false,
            metadata: BackupMetadata(
                created: nil, program: "mongoferry test", database: "test", collections: [collection] + plus))
        _ = try writer.finish(counts: Dictionary(([collection] + plus).map { ($0.name, 0) }) { $1 })
    }

    /// Such an option would change the command that creates the collection.
    @Test(arguments: ["writeConcern", "comment", "$db"], [ImportOptions.Mode.merge, .replace])
    func anOptionThatNoCollectionCanHaveIsRefused(option: String, mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            var entry = BackupMetadata.Collection(name: "items")
            entry.options = [option: "x"]
            try Self.write(entry, to: folder.file("odd.csv"))
            let error = #expect(throws: FerryError.self) { try database.load(folder.file("odd.csv"), mode) }
            let text = "items: the file has an option '\(option)', which no collection can have"
            #expect(error?.text == text, "\(String(describing: error))")
            #expect(try database.names() == [])
        }
    }

    @Test func anIndexOptionThatTheServerDoesNotKnowIsNamed() throws {
        try withTestDatabase { database, folder in
            var entry = BackupMetadata.Collection(name: "items")
            entry.indexes = [
                ["v": 2, "key": ["_id": 1], "name": "_id_"], ["v": 2, "key": ["a": 1], "name": "good"],
                ["v": 2, "key": ["b": 1], "name": "new", "quantum": true],
            ]
            try Self.write(entry, to: folder.file("new.csv"))
            try database.create("items")
            try database.insert([["_id": 1]], into: "items")
            let before = try database.image()
            let replaced = try database.load(folder.file("new.csv"), .replace)
            #expect(replaced.status == .refused)
            #expect(replaced.warnings.count == 1)
            #expect(replaced.warnings.first?.contains("index new on items: ") == true)
            #expect(replaced.warnings.first?.contains("quantum") == true)
            #expect(try database.image().differences(from: before) == [])
            let merged = try database.load(folder.file("new.csv"))
            #expect(merged.status == .problems)
            #expect(merged.warnings.first?.contains("quantum") == true)
            #expect(try database.image().collections["items"]?.indexes.count == 2)
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aCollectionOptionThatTheServerDoesNotKnowIsNamed(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            try Self.write(
                BackupMetadata.Collection(name: "items", options: ["quantum": true]), to: folder.file("new.csv"))
            let error = #expect(throws: FerryError.self) { try database.load(folder.file("new.csv"), mode) }
            #expect(error?.text.contains("quantum") == true)
            #expect(try database.names() == [])
        }
    }

    @Test func aViewThatTheServerRefusesIsFoundBeforeAnythingIsReplaced() throws {
        try withTestDatabase { database, folder in
            try Self.write(
                BackupMetadata.Collection(name: "items"), to: folder.file("new.csv"),
                plus: [
                    BackupMetadata.Collection(
                        name: "view", kind: .view, options: ["viewOn": "items", "pipeline": [["$quantum": 1]]])
                ])
            try database.create("items")
            try database.insert([["_id": 1]], into: "items")
            try database.create("view", ["viewOn": "items", "pipeline": []])
            let before = try database.image()
            let error = #expect(throws: FerryError.self) { try database.load(folder.file("new.csv"), .replace) }
            #expect(error?.text.contains("quantum") == true)
            #expect(try database.image().differences(from: before) == [])
        }
    }

    /// A file as it could come from an old server, or from one that does not exist yet.
    @Test func whatAServerMayRefuseStandsInThePlanBeforeAnythingIsWritten() throws {
        try withTestDatabase { database, folder in
            var entry = BackupMetadata.Collection(name: "items")
            func index(_ name: String, _ value: Value, _ more: Document = [:]) -> Document {
                var result: Document = ["v": 2, "key": ["a": value], "name": .string(name)]
                for (key, value) in more.elements { result = result.appending(key, value) }
                return result
            }
            let refused = [
                index("true", true), index("zero", 0), index("empty", ""), index("null", .null),
                index("hay", "geoHaystack", ["bucketSize": 1]), index("new", 1, ["quantum": true]),
            ]
            entry.indexes =
                [["v": 2, "key": ["_id": 1], "name": "_id_"]] + refused
                + [index("tiny", 0.0001), index("sphere", "2dsphere"), index("good", -1), index("long", .int64(1))]
                + [index("ttl", -1, ["expireAfterSeconds": .double(.nan), "sparse": true])]
            try Self.write(entry, to: folder.file("old.csv"))
            let lines = [
                "index true: the key a: true is one that only old servers took",
                "index zero: the key a: 0 is one that only old servers took",
                "index empty: the key a: \"\" is one that only old servers took",
                "index hay: the key a: \"geoHaystack\" is of a type that many servers do not have",
                "index new: option quantum is not known to this program; a server that does not know it refuses the index",
                "index tiny: the key a: 0.0001 has a direction that servers have read in different ways",
                "index sphere: no 2dsphereIndexVersion, which means 1; it is built as that",
                "index ttl: expireAfterSeconds is {\"$numberDouble\":\"NaN\"}; servers from 5.0 keep whole seconds",
            ]
            for mode in ImportOptions.Mode.allCases {
                let error = #expect(throws: FerryError.self) {
                    try database.load(folder.file("old.csv"), mode) {
                        $0.confirm = { plan in
                            let text = plan.lines.joined(separator: "\n")
                            for line in lines { #expect(text.contains(line), "\(text)") }
                            #expect(!text.contains("good") && !text.contains("long"))
                            return false
                        }
                    }
                }
                #expect(error?.text == "not confirmed: nothing was written")
                #expect(try database.names() == [])
            }
            // The plan for an existing collection says so, too, but only for the indexes that it lacks.
            try database.create("items", indexes: [["key": ["a": 0.5], "name": "tiny"]])
            let second = #expect(throws: FerryError.self) {
                try database.load(folder.file("old.csv")) {
                    $0.confirm = { plan in
                        let text = plan.lines.joined(separator: "\n")
                        for line in lines where !line.contains("index tiny") { #expect(text.contains(line), "\(text)") }
                        #expect(!text.contains("index tiny: the key"), "\(text)")
                        return false
                    }
                }
            }
            #expect(second?.text == "not confirmed: nothing was written")
            try database.drop("items")
            // Each index is built separately: those that the server accepts exist, and each of the others is reported.
            let report = try database.load(folder.file("old.csv"))
            #expect(report.status == .problems)
            for index in refused {
                let name = index["name"]?.string ?? ""
                #expect(report.warnings.contains { $0.contains("index \(name) on items: ") }, "\(report.warnings)")
            }
            let built = try database.image().collections["items"]?.indexes ?? []
            let names = Set(built.compactMap { $0["name"]?.string })
            #expect(names.subtracting(["ttl"]) == ["_id_", "tiny", "sphere", "good", "long"])
            // Servers before 7.0 accept NaN as `expireAfterSeconds`.
            #expect(names.contains("ttl") != report.warnings.contains { $0.contains("index ttl on items: ") })
            #expect(built.first { $0["name"] == "sphere" }?["2dsphereIndexVersion"] == 1)
        }
    }

    @Test func anOptionThatThisProgramDoesNotKnowStandsInThePlan() throws {
        try withTestDatabase { database, folder in
            try Self.write(
                BackupMetadata.Collection(name: "items", options: ["quantum": true]), to: folder.file("new.csv"))
            let log = MessageLog()
            _ = #expect(throws: FerryError.self) { try database.load(folder.file("new.csv"), .merge, log) }
            #expect(log.text.contains("option quantum of the file is not known to this program"), "\(log.text)")
        }
    }

    @Test func anOptionThatNewerServersRefuseStandsInThePlan() throws {
        try withTestDatabase { database, folder in
            try Self.write(
                BackupMetadata.Collection(name: "items", options: ["recordPreImages": true]), to: folder.file("old.csv")
            )
            let log = MessageLog()
            // Whether this server accepts the option does not matter.
            _ = try? database.load(folder.file("old.csv"), .merge, log)
            #expect(log.text.contains("option recordPreImages: servers from 6.2 have"), "\(log.text)")
        }
    }

    @Test func aViewThatIsTheSameIsLeftAndOneThatDiffersIsChangedInOneStep() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "a": 1]], into: "base")
            for name in ["same", "other", "collated"] {
                try database.create(name, ["viewOn": "base", "pipeline": [["$match": ["a": 1]]]])
            }
            let expected = try database.image()
            try database.export(to: folder.file("views.csv"))
            for name in ["other", "collated"] { try database.drop(name) }
            try database.create("other", ["viewOn": "elsewhere", "pipeline": [["$limit": 1]]])
            try database.create(
                "collated", ["viewOn": "base", "pipeline": [["$match": ["a": 1]]], "collation": ["locale": "de"]])
            try database.load(folder.file("views.csv"), .replace)
            #expect(try database.image().differences(from: expected) == [])
        }
    }
}
