import BSON
import BackupFile
import Foundation
import MongoDriver
import Testing

@testable import MongoFerry

/// Large collections are read in ranges of `_id` by several cursors.
@Suite struct ParallelReadTests {
    /// Returns `_id`s of all types that sort differently, so that each bound of a range has other types on both sides.
    private static func id(_ index: Int) -> Value {
        switch index % 8 {
        case 0: .int32(Int32(index))
        case 1: .string("id \(index)")
        case 2: .objectID(ObjectID(high: UInt64(index) << 32, low: UInt32(index)))
        case 3: .date(Int64(index) * 1000)
        case 4: ["part": .int32(Int32(index)), "of": "whole"]
        case 5: .double(Double(index) + 0.5)
        case 6: .binary(subtype: 4, withUnsafeBytes(of: UInt128(index).bigEndian) { Array($0) })
        default: .int64(Int64(index) << 40)
        }
    }

    /// Inserts about 45 MB, enough to be split into ranges.
    private static func fill(_ database: TestDatabase, _ collection: String, options: Document = [:]) throws {
        try database.create(collection, options)
        let filling = String(repeating: "forty-five megabytes of it ", count: 550)
        for start in stride(from: 0, to: 3000, by: 500) {
            try database.insert(
                (start..<start + 500).map {
                    ["_id": id($0), "number": .int32(Int32($0)), "filling": .string(filling)]
                },
                into: collection)
        }
        for id in [Value.minKey, .maxKey, .null, .double(.nan), .double(-.infinity), .double(.infinity), .bool(true)] {
            try database.insert([["_id": id, "filling": .string(filling)]], into: collection)
        }
    }

    private static let count = 3007

    /// Returns the `find` commands, with their bounds, that the server's profiler has recorded.
    private static func bounds(_ database: TestDatabase, _ collection: String) throws -> [Document] {
        let seen = try database.documents(
            in: "system.profile",
            ["command.find": .string(collection), "appName": "mongoferry", "command.readConcern.level": "snapshot"])
        return seen.compactMap { $0["command"]?.document }
    }

    @Test func aLargeCollectionIsReadInRangesAndEveryTypeOfIdIsThereOnce() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source, "large")
            try source.create("small")
            try source.insert([["_id": 1]], into: "small")
            let expected = try source.image()
            try source.client.run(["profile": 2], on: source.name)
            defer { _ = try? source.client.run(["profile": 0], on: source.name) }
            let report = try source.export(to: folder.file("all.csv")) { $0.jobs = 4 }
            try source.client.run(["profile": 0], on: source.name)
            let commands = try Self.bounds(source, "large")
            #expect(commands.count > 2)
            let ranges = commands.filter { $0["filter"]?.document == [:] }
            #expect(ranges.count { $0["min"] == nil } == 1 && ranges.count { $0["max"] == nil } == 1)
            #expect(commands.count == ranges.count + 1, "the one for what lies at the end of the index")
            #expect(
                Set(commands.compactMap { $0["min"]?.document }) == Set(commands.compactMap { $0["max"]?.document }))
            #expect(report.collections.first { $0.name == "large" }?.read == Self.count)
            try copy.load(folder.file("all.csv"), .replace)
            #expect(try copy.image().differences(from: expected) == [])
        }
    }

    @Test func whatCannotBeCutAlongItsIdIndexIsReadByOneCursor() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, "collated", options: ["collation": ["locale": "de", "strength": 2]])
            try database.client.run(["profile": 2], on: database.name)
            defer { _ = try? database.client.run(["profile": 0], on: database.name) }
            let report = try database.export(to: folder.file("all.csv")) { $0.jobs = 4 }
            try database.client.run(["profile": 0], on: database.name)
            let commands = try Self.bounds(database, "collated")
            #expect(commands.count == 1 && commands.allSatisfy { $0["min"] == nil && $0["max"] == nil })
            #expect(report.totals.read == Self.count)
        }
    }

    /// Its documents have their `_id`s in a different order.
    @Test(arguments: [ExportOptions.Consistency.snapshot, .unprotected])
    func aLargeCappedCollectionStandsInTheOrderOfInsertion(consistency: ExportOptions.Consistency) throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, "log", options: ["capped": true, "size": 100_000_000])
            let report = try database.export(to: folder.file("log.csv")) {
                $0.jobs = 4
                $0.consistency = consistency
            }
            #expect(report.totals.read == Self.count)
            let numbers = try folder.text("log.csv").split(separator: "\n").compactMap {
                $0.firstMatch(of: /""number"":([0-9]+),/).flatMap { Int($0.1) }
            }
            #expect(numbers == Array(0..<3000))
        }
    }

    @Test func aReproducibleFileIsTheSameHoweverManyReadersThereAre() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, "large")
            for jobs in [1, 4] {
                try database.export(to: folder.file("\(jobs).csv")) {
                    $0.jobs = jobs
                    $0.reproducible = true
                }
            }
            #expect(try folder.text("1.csv") == folder.text("4.csv"))
        }
    }

    @Test func otherDocumentsThanTheSnapshotHasStopTheExport() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1], ["_id": 2], ["_id": 3]], into: "a")
            let connection = try Connection(try database.target, database: database.name, Cancellation())
            let entry = BackupMetadata.Collection(name: "a")
            let moment = try ReadMoment(connection, after: try connection.sizes(of: [entry]), wanted: .snapshot)
            let export = Export(
                try database.target,
                ExportOptions(destination: .file(path: folder.file("a.csv"), overwriting: false)))
            #expect(try export.checkSums([(entry, 3)], moment, connection) == [])
            for read in [2, 4] {
                let error = #expect(throws: FerryError.self) {
                    try export.checkSums([(entry, read)], moment, connection)
                }
                #expect(error?.text == "a: \(read) documents were read in ranges, the snapshot has 3")
            }
        }
    }

    /// Others write to the collection all the while: the ranges still belong to one point in time.
    @Test func theRangesOfASnapshotAddUpWhileOthersWrite() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, "large")
            let stop = Cancellation()
            let pool = database.pool
            let name = database.name
            let writer = Thread {
                var index: Int32 = 0
                while !stop.isCancelled {
                    index += 1
                    let command: Document = [
                        "insert": "large", "documents": [["_id": ["new": .int32(index)], "number": .int32(-index)]],
                    ]
                    do { try pool.withClient { _ = try $0.runWrite(command, on: name) } } catch { Issue.record(error) }
                }
            }
            writer.start()
            defer { stop.cancel() }
            try poll("the writer's first documents") { try database.count("large") > Self.count + 10 }
            let report = try database.export(to: folder.file("all.csv")) { $0.jobs = 4 }
            stop.cancel()
            let verified = try Verify(file: folder.file("all.csv"), target: nil).runBlocking(OperationContext())
            #expect(verified.status == .done)
            // The writer numbers its documents: a snapshot has the first ones, without a gap.
            let numbers = try folder.text("all.csv").matches(of: /""number"":-(\d+)\}/).compactMap { Int($0.1) }
                .sorted()
            #expect(numbers.count > 10)
            #expect(numbers == Array(1..<(numbers.count + 1)))
            #expect(report.totals.read == Self.count + numbers.count)
        }
    }
}
