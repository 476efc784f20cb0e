import BSON
import BackupFile
import Foundation
import MongoFerry
import Relations
import Testing

/// Rows that were set aside return to their collections, with their types, when they are imported as the report says.
@Suite struct RejectsFileTests {
    private static let id = "5c2aad80000000000000000a"
    private static let time = "2024-01-01T00:00:00.000Z"

    /// Runs the command that the report advises.
    private static func follow(_ report: Report) throws {
        let step = try #require(report.nextSteps.first { $0.contains("and import that file") }, "\(report.nextSteps)")
        let command = step.split(separator: "`")[1]
        let folder = URL(fileURLWithPath: try Program.path()).deletingLastPathComponent().path
        let outcome = try Program(
            ["-c", "PATH='\(folder)':\"$PATH\"; \(command)"], executable: "/bin/sh",
            environment: ["MONGODB_URI": try testURI()]
        ).wait()
        #expect(outcome.status == 0, "\(command): \(outcome.text)")
    }

    private static func configuration(_ folder: TemporaryFolder, _ yaml: String) throws -> Configuration {
        try folder.write(yaml, to: "c.yaml")
        return try Configuration.parse(yaml: yaml, file: folder.file("c.yaml"))
    }

    /// The name comes from the file's metadata, the configuration, `--rename`, or all of them.
    @Test(arguments: ["metadata", "configuration", "rename", "all"])
    func aRowComesBackToTheCollectionThatItWasFor(name: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "n": 1], ["_id": 2]], into: "coveragetypes")
            let file = folder.file("all.csv")
            let named = try Self.configuration(folder, "collections: {coverageTypes: {collection: coveragetypes}}")
            try source.export(to: file) { $0.configuration = named }
            let target = name == "metadata" ? "coveragetypes" : "other"
            var options = ImportOptions()
            if name == "configuration" || name == "all" {
                options.configuration = try Self.configuration(
                    folder,
                    "collections: {coverageTypes: {collection: \(name == "all" ? "coveragetypes" : "other")}}")
            }
            if name == "rename" || name == "all" { options.renames = ["coverageTypes": "other"] }
            try copy.create(target, ["validator": ["n": ["$exists": true]]])
            func load(_ file: String) throws -> Report {
                try copy.load(file) {
                    $0.configuration = options.configuration
                    $0.renames = options.renames
                }
            }
            let report = try load(file)
            #expect(report.rejections.map(\.id) == ["2"])
            let rejects = try #require(report.rejectsFile)
            try copy.run(["collMod": .string(target), "validator": [:]])
            try Self.follow(report)
            #expect(try copy.names() == [target] && copy.count(target) == 2)
            // The same options work, too.
            try copy.delete(target, ["_id": 2])
            #expect(try load(rejects).rejectionCount == 0)
            #expect(try copy.names() == [target] && copy.count(target) == 2)
        }
    }

    /// The collection's name in the metadata is another collection's name in the configuration.
    @Test func aNameThatMeansAnotherCollectionIsRenamedByWhatIsTold() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "n": 1], ["_id": 2]], into: "coveragetypes")
            let named = try Self.configuration(folder, "collections: {coverageTypes: {collection: coveragetypes}}")
            try source.export(to: folder.file("all.csv")) { $0.configuration = named }
            try copy.create("coveragetypes", ["validator": ["n": ["$exists": true]]])
            let other = try Self.configuration(folder, "collections: {coveragetypes: {collection: other}}")
            let report = try copy.load(folder.file("all.csv")) { $0.configuration = other }
            try copy.run(["collMod": "coveragetypes", "validator": [:]])
            try Self.follow(report)
            #expect(try copy.names() == ["coveragetypes"] && copy.count("coveragetypes") == 2)
        }
    }

    /// On its own, the row would count as one of a legacy file.
    @Test func aRowOfABareFileOfExtendedJSONKeepsItsTexts() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                #"""
                collection,data
                users,"{""_id"":{""$oid"":""\#(Self.id)""},""n"":1}"
                users,"{""_id"":""plain"",""to"":""\#(Self.id)"",""at"":""\#(Self.time)""}"

                """#, to: "bare.csv")
            try database.create("users", ["validator": ["n": ["$exists": true]]])
            let report = try database.load(folder.file("bare.csv"))
            #expect(report.rejections.map(\.id) == [#""plain""#])
            try database.run(["collMod": "users", "validator": [:]])
            try Self.follow(report)
            try Self.expectTexts(database)
            // It does not need `--no-infer`, either.
            try database.delete("users", ["_id": "plain"])
            try database.load(try #require(report.rejectsFile))
            try Self.expectTexts(database)
        }
    }

    private static func expectTexts(_ database: TestDatabase) throws {
        #expect(
            try database.documents(in: "users", ["_id": "plain"]) == [
                ["_id": "plain", "to": .string(id), "at": .string(time)]
            ])
    }

    /// The server refuses one row, and another cannot be read and is mended by hand.
    @Test(arguments: [false, true]) func aLegacyRowGetsTheTypesThatItWouldHaveHad(isConfigured: Bool) throws {
        try withTestDatabase { database, folder in
            let ids = (0..<4).map { "5c2aad80000000000000000\($0)" }
            let rows = ids.map {
                LegacyFile.row("users", json: #"{"_id":"\#($0)","to":"\#(ids[0])","at":"\#(Self.time)"}"#)
            }
            let broken = rows[3].replacing("}\"", with: "\"")
            try folder.write(LegacyFile.text(rows: rows[..<3] + [broken]), to: "legacy.csv")
            try database.create(
                "people", ["validator": ["_id": ["$ne": .objectID(try #require(ObjectID(hex: ids[2])))]]])
            let report = try database.load(folder.file("legacy.csv")) {
                $0.maximumRejects = 2
                $0.renames = ["users": "people"]
                if isConfigured {
                    $0.infers = false
                    $0.configuration = try Self.configuration(
                        folder, "collections: {users: {types: {at: date}, references: {to: users}}}")
                }
            }
            let lines = report.rejections.compactMap(\.line)
            #expect(report.rejections.count == 2 && Set(lines) == [4, 5])
            let rejects = try folder.text("legacy.csv.rejects.csv")
            try folder.write(rejects.replacing(broken, with: rows[3]), to: "legacy.csv.rejects.csv")
            try database.run(["collMod": "people", "validator": [:]])
            try Self.follow(report)
            #expect(try database.names() == ["people"])
            let native: Document = [
                "_id": ["$type": "objectId"], "to": ["$type": "objectId"], "at": ["$type": "date"],
            ]
            #expect(try database.count("people", native) == 4)
        }
    }

    /// The row repeats an `_id` and has an invalid date.
    @Test func aRowWithTwoFaultsIsOneRow() throws {
        try withTestDatabase { database, folder in
            let row = #"c,"{""_id"":""5c2aad800000000000000001"",""start"":""abc""}""#
            let other = row.replacing("0001", with: "0002").replacing("abc", with: "2026-01-01T00:00:00.000Z")
            try folder.write("collection,data\n\(row)\n\(row)\n\(other)\n", to: "c.csv")
            let report = try database.load(folder.file("c.csv")) {
                $0.maximumRejects = 2
                $0.configuration = try Self.configuration(folder, "collections: {c: {types: {start: date}}}")
            }
            #expect(report.rejections.count == 2 && Set(report.rejections.compactMap(\.line)) == [2, 3])
            #expect(report.collections.map(\.rejected) == [2] && report.collections.map(\.inserted) == [1])
        }
    }

    /// For example by an import of the same file into another database.
    @Test func aNameUnderWhichRowsAreBeingSetAsideNowIsTaken() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n", to: "c.csv")
            try database.create("c", ["validator": ["_id": ["$ne": 1]]])
            let other = try BackupWriter(
                .file(path: folder.file("c.csv.rejects.csv"), overwriting: false), compression: .none, plain: true,
                metadata: BackupMetadata(created: nil, program: "", database: ""))
            defer { other.abandon() }
            #expect(try database.load(folder.file("c.csv")).rejectsFile == folder.file("c.csv.rejects.2.csv"))
        }
    }

    /// Somebody may already have mended them.
    @Test func rowsThatWereSetAsideBeforeAreNotReplaced() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n", to: "c.csv")
            try database.create("c", ["validator": ["_id": ["$ne": 1]]])
            let log = MessageLog()
            for (number, name) in ["c.csv.rejects.csv", "c.csv.rejects.2.csv", "c.csv.rejects.3.csv"].enumerated() {
                let report = try database.load(folder.file("c.csv"), .merge, log)
                #expect(report.rejectsFile == folder.file(name))
                #expect(report.nextSteps.first?.contains(folder.file(name)) == true)
                #expect(log.warnings.last == "1 row was set aside in \(folder.file(name))")
                try folder.write("mended \(number)", to: name)
            }
            #expect(try folder.text("c.csv.rejects.csv") == "mended 0")
            #expect(try folder.text("c.csv.rejects.2.csv") == "mended 1")
        }
    }

    /// Its seal is valid, but some of its rows cannot be imported.
    @Test(arguments: ImportOptions.Mode.allCases)
    func aBadRowOfASealedFileThatIsWholeCanBeSetAside(mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<4).map { ["_id": .int32($0), "n": .int32($0)] }, into: "c")
            try source.export(to: folder.file("all.csv"))
            let rows = try folder.text("all.csv").replacing(#"{""_id"":2,"#, with: #"{""_id"":1,"#)
                .replacing(#"{""_id"":3,""n"":3}"#, with: #"{""_id"":3,""n"":}"#)
            let body = rows[..<(try #require(rows.range(of: "# seal")).lowerBound)]
            try folder.write(String(body), to: "body")
            let sum = try Program(["-c", "sha256sum < '\(folder.file("body"))'"], executable: "/bin/sh").wait().output
            let seal = #"# seal {"rows":4,"records":{"c":4},"sha256":"\#(sum.prefix(64))"}"#
            try folder.write(body + seal + "\n", to: "resealed.csv")
            try copy.insert([["_id": 0, "n": 0], ["_id": 1, "n": 0]], into: "c")
            let refused = try copy.load(folder.file("resealed.csv"), mode) { $0.maximumRejects = 1 }
            #expect(refused.status == .refused && refused.differences.isEmpty)
            #expect(refused.nextSteps == ["Export again, or set them aside with --max-rejects 2."])
            let report = try copy.load(folder.file("resealed.csv"), mode) { $0.maximumRejects = 2 }
            #expect(report.status == .problems && report.rejections.map(\.line) == [9, 10])
            let numbers = try copy.documents(in: "c").compactMap { $0["n"]?.integer }
            #expect(numbers == (mode == .insert ? [0, 0] : [0, 1]))
            let rejects = try folder.text("resealed.csv.rejects.csv")
            try folder.write(
                rejects.replacing(#"""n"":}"#, with: #"""n"":3}"#).replacing(
                    #"{""_id"":{""$numberInt"":""1""}"#, with: #"{""_id"":{""$numberInt"":""2""}"#),
                to: "resealed.csv.rejects.csv")
            try Self.follow(report)
            #expect(try copy.documents(in: "c").compactMap { $0["_id"]?.integer } == [0, 1, 2, 3])
        }
    }
}
