import BSON
import Foundation
import MongoDriver
import MongoFerry
import Synchronization
import Testing

/// Other programs write, and lock documents, while an import runs.
@Suite struct BusyDatabaseTests {
    /// Runs `body` while another program inserts a document every 2 ms.
    private func withWriter(
        _ database: TestDatabase, _ collection: String, _ document: @escaping @Sendable (Int32) -> Document,
        _ body: () throws -> Void
    ) throws {
        let (pool, name) = (database.pool, database.name)
        let stop = Atomic<Bool>(false)
        let thread = Thread {
            do {
                let other = TestDatabase(pool: pool, client: try pool.makeClient(), name: name)
                var number: Int32 = 0
                while !stop.load(ordering: .relaxed) {
                    // Whether an insert fails during a drop does not matter in these tests.
                    _ = try? other.run(["insert": .string(collection), "documents": [.document(document(number))]])
                    number += 1
                    usleep(2000)
                }
            } catch { Issue.record(error) }
        }
        thread.start()
        defer { stop.store(true, ordering: .relaxed) }
        try body()
        stop.store(true, ordering: .relaxed)
        try poll("the writer has ended") { thread.isFinished }
    }

    /// As soon as a name is free, another program's insert creates a plain collection of that name.
    @Test func aTimeSeriesIsReplacedWhileOthersWriteToIt() throws {
        try withTestDatabase { database, folder in
            try database.create(
                "ticks", ["timeseries": ["timeField": "at", "metaField": "m"]],
                indexes: [["key": ["m": 1, "at": 1], "name": "m_at"]])
            let documents: [Value] = (0..<2000).map { ["at": .date(Int64($0) * 1000), "m": 1, "n": .int32($0)] }
            try database.run(["insert": "ticks", "documents": .array(documents)])
            try database.export(to: folder.file("ticks.csv"))
            var disturbed = 0
            try withWriter(database, "ticks", { ["at": .date(1_800_000_000_000), "m": 2, "n": .int32($0)] }) {
                try poll("the writer's first one") { try database.count("ticks", ["m": 2]) > 0 }
                for _ in 0..<4 {
                    let report = try database.load(folder.file("ticks.csv"), .replace)
                    if !report.warnings.isEmpty { disturbed += 1 }
                    // What was written meanwhile is reported, whether before the drop or after it.
                    let told = ["came from other programs", "other programs wrote to it"]
                    #expect(report.warnings.allSatisfy { warning in told.contains { warning.contains($0) } })
                    #expect(report.status == (report.warnings.isEmpty ? .done : .problems), "\(report.warnings)")
                    let info = try database.client.listCollections(in: database.name).first { $0.name == "ticks" }
                    #expect(info?.kind == .timeseries)
                    #expect(try database.documents(in: "ticks", ["m": 1]).count == 2000)
                    let indexes = try database.client.listIndexes(of: database.namespace("ticks"))
                    #expect(indexes.contains { $0["name"] == "m_at" })
                }
            }
            #expect(disturbed > 0, "nobody has written meanwhile")
        }
    }

    @Test func whatOthersWriteWhileTheNewCollectionIsLoadedIsTold() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<20_000).map { ["_id": .int32($0)] }, into: "c")
            try database.insert([["_id": 1]], into: "quiet")
            try database.export(to: folder.file("c.csv"))
            try withWriter(database, "c", { ["x": .string("other \($0)")] }) {
                let report = try database.load(folder.file("c.csv"), .replace)
                #expect(report.status == .problems && report.totals.inserted == 20_001)
                let warning = try #require(report.warnings.first)
                let others = try #require(warning.split(separator: " ").dropFirst().first.flatMap { Int($0) })
                #expect(
                    warning.hasSuffix(
                        "came from other programs after the plan was made, and went with the old collection")
                        && warning.hasPrefix("c: ") && report.warnings.count == 1, "\(report.warnings)")
                #expect(others > 0 && report.collections.first { $0.name == "c" }?.deleted ?? 0 > 20_000)
            }
            #expect(try database.count("c", ["_id": ["$type": "int"]]) == 20_000)
        }
    }

    @Test func whatOthersWriteDuringAReplaceInPlaceIsToldAndEveryIndexIsBuilt() throws {
        try withTestDatabase { database, folder in
            try database.create(
                "c", ["validator": ["x": ["$exists": true]]],
                indexes: [
                    ["key": ["x": 1], "name": "x", "unique": true],
                    ["key": ["at": 1], "name": "at", "expireAfterSeconds": 100_000_000],
                ])
            let text = String(repeating: "q", count: 200)
            try database.insert(
                (0..<20_000).map { ["_id": .int32($0), "x": .int32($0), "t": .string(text)] }, into: "c")
            let expected = try database.image()
            try database.export(to: folder.file("c.csv"))
            try withWriter(database, "c", { ["x": .string("other \($0)")] }) {
                let report = try database.load(folder.file("c.csv"), .replace) { $0.inPlace = true }
                #expect(report.status == .problems && report.totals.inserted == 20_000)
                let last = try #require(report.warnings.last)
                #expect(
                    last.hasPrefix("c: 20,000 documents were written, and ")
                        && last.hasSuffix("other programs wrote to it while it was replaced in place"),
                    "\(report.warnings)")
                // Some were also written before the collection was dropped, and before it was created again.
                #expect(
                    report.warnings.dropLast().allSatisfy { $0.contains("came from other programs") },
                    "\(report.warnings)")
            }
            let image = try database.image()
            #expect(image.collections["c"]?.indexes == expected.collections["c"]?.indexes)
            #expect(image.collections["c"]?.options == expected.collections["c"]?.options)
            #expect(try database.count("c", ["x": ["$type": "int"]]) == 20_000)
        }
    }

    /// In a transaction, servers do not wait for another writer as they do outside of one.
    @Test func aMergeWaitsForADocumentThatAnotherTransactionHolds() throws {
        try withTestDatabase { database, folder in
            // These can only be written in a transaction.
            let documents: [Document] = (0..<5).map { ["_id": .int32($0), "n": 1, "n": 2, "$x": 1] }
            try database.insert(documents, into: "c")
            try database.export(to: folder.file("c.csv"))
            try database.delete("c", [:])
            try database.insert((0..<5).map { ["_id": .int32($0), "old": 1] }, into: "c")
            let (pool, name) = (database.pool, database.name)
            let isHeld = Atomic<Bool>(false)
            let thread = Thread {
                do {
                    let client = try pool.makeClient()
                    let session = try client.startSession()
                    try session.withTransaction {
                        let statement: Value = ["q": ["_id": 3], "u": ["$set": ["z": 1]]]
                        try client.run(["update": "c", "updates": [statement]], on: name, session: session)
                        isHeld.store(true, ordering: .relaxed)
                        usleep(1_500_000)
                    }
                } catch { Issue.record(error) }
            }
            thread.start()
            try poll("the document is held") { isHeld.load(ordering: .relaxed) }
            let report = try database.load(folder.file("c.csv"))
            #expect(report.rejections.map(\.reason) == [] && report.status == .done)
            #expect(Set(try database.documents(in: "c")) == Set(documents))
            try poll("the transaction has ended") { thread.isFinished }
        }
    }
}
