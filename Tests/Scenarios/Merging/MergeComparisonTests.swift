import BSON
import Foundation
import MongoDriver
import MongoFerry
import RandomDocuments
import Testing

/// A merge finds existing documents by reading the live collection once, or by looking them up; either way it writes
/// only what differs.
@Suite struct MergeComparisonTests {
    private static func fill(_ database: TestDatabase, customers: Int, policies: Int) throws {
        try database.insert(
            (0..<customers).map { ["_id": .int32(Int32($0)), "name": .string("customer \($0)")] }, into: "customers")
        try database.insert(
            (0..<policies).map {
                [
                    "_id": .string("policy \($0)"), "customerId": .int32(Int32($0 % customers)),
                    "premium": .double(Double($0)),
                ]
            }, into: "policies")
        try database.run([
            "createIndexes": "policies", "indexes": [["key": ["customerId": 1], "name": "customerId_1"]],
        ])
    }

    private static func outcome(_ report: Report, _ name: String) throws -> CollectionOutcome {
        try #require(report.collections.first { $0.name == name })
    }

    /// Returns the entries of the oplog for the database's documents that were written while `body` ran.
    private static func writes(_ database: TestDatabase, _ body: () throws -> Void) throws -> [Document] {
        let before = try #require(try database.client.runRead(["ping": 1], on: database.name)["operationTime"])
        try body()
        var entries: [Document] = []
        try database.client.find(
            Namespace("local", "oplog.rs"),
            ["ts": ["$gt": before], "ns": ["$regex": .string("^\(database.name)\\.(customers|policies)$")]]
        ).forEach { entries.append(Document(copying: $0)) }
        return entries
    }

    @Test func equalDocumentsAreNotWrittenAndTheirReferencesAreCounted() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, customers: 500, policies: 2000)
            try database.export(to: folder.file("all.csv"))
            let entries = try Self.writes(database) {
                let report = try database.load(folder.file("all.csv"))
                #expect(report.status == .done)
                #expect(try Self.outcome(report, "policies").unchanged == 2000)
                #expect(report.totals.read == 2500 && report.totals.updated == 0 && report.totals.inserted == 0)
                let reference = try #require(report.references.first { $0.collection == "policies" })
                #expect(reference.checked == 2000 && reference.dangling == 0)
            }
            #expect(entries == [], "a merge of equal data has written")
        }
    }

    /// Each update is a minimal change of a single document.
    @Test func everyDifferenceIsSeenAndOnlyItIsWritten() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, customers: 500, policies: 2000)
            let expected = try database.image()
            try database.export(to: folder.file("all.csv"))
            try database.update("policies", ["_id": "policy 7"], ["$set": ["premium": .int32(7)]])
            try database.update("policies", ["_id": "policy 8"], ["$set": ["premium": .double(8.000000000000002)]])
            try database.update("policies", ["_id": "policy 9"], ["$set": ["customerId": .int64(9)]])
            try database.update("policies", ["_id": "policy 10"], ["$rename": ["premium": "Premium"]])
            try database.delete("policies", ["_id": "policy 11"])
            try database.delete("customers", ["_id": ["$gte": 490]])
            let entries = try Self.writes(database) {
                let report = try database.load(folder.file("all.csv"))
                let policies = try Self.outcome(report, "policies")
                #expect(policies.read == 2000 && policies.unchanged == 1995)
                #expect(policies.updated == 4 && policies.inserted == 1)
                #expect(try Self.outcome(report, "customers").inserted == 10)
                #expect(report.danglingCount == 0)
            }
            let written = entries.filter { $0["op"]?.string != "n" }
            #expect(written.count <= 15 && !written.isEmpty)
            #expect(try database.image().differences(from: expected) == [])
        }
    }

    /// Documents that only the database has stay, and their dangling references are reported.
    @Test(arguments: [100, 3000]) func strangersStayAndTheirReferencesCount(strangers: Int) throws {
        try withTestDatabase { database, folder in
            try Self.fill(database, customers: 50, policies: 200)
            try database.export(to: folder.file("all.csv"))
            // A hundred are compared by reading the collection; three thousand are too many, so the file's documents
            // are looked up.
            try database.insert(
                (0..<strangers).map { ["_id": .string("stranger \($0)"), "customerId": .int32(Int32(-1 - $0))] },
                into: "policies")
            let report = try database.load(folder.file("all.csv"))
            #expect(try Self.outcome(report, "policies").unchanged == 200)
            #expect(try database.count("policies") == 200 + strangers)
            let reference = try #require(report.references.first { $0.collection == "policies" })
            #expect(reference.checked == 200 + strangers && reference.dangling == strangers)
        }
    }

    @Test func randomDocumentsAreToldApartBitByBit() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try withTestDatabase { database, folder in
            try database.insert(FidelityTests.documents(seed: seed, count: 1500), into: "random")
            let expected = try database.documents(in: "random").sorted(by: DatabaseImage.byBytes)
            try database.export(to: folder.file("all.csv"))
            var unchanged = try database.load(folder.file("all.csv"))
            #expect(unchanged.totals.unchanged == expected.count && unchanged.totals.updated == 0, "seed \(seed)")
            for document in expected.prefix(300) {
                let id = try #require(document["_id"])
                try database.update("random", ["_id": ["$eq": id]], ["$set": ["changed here": true]])
            }
            let changed = try database.load(folder.file("all.csv"))
            #expect(changed.totals.updated == 300 && changed.totals.unchanged == expected.count - 300, "seed \(seed)")
            #expect(try database.documents(in: "random").sorted(by: DatabaseImage.byBytes) == expected, "seed \(seed)")
            unchanged = try database.load(folder.file("all.csv"))
            #expect(unchanged.totals.unchanged == expected.count, "seed \(seed)")
        }
    }

    /// In a new collection, indexes that cannot refuse a document are built after the documents are inserted.
    @Test func aMergeIntoNothingMakesEveryIndexAndCountsReferences() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source, customers: 20, policies: 100)
            try source.export(to: folder.file("all.csv"))
            let report = try copy.load(folder.file("all.csv"))
            #expect(report.status == .done && report.totals.inserted == 120)
            #expect(try copy.image().differences(from: try source.image()) == [])
            let reference = try #require(report.references.first { $0.collection == "policies" })
            #expect(reference.checked == 100 && reference.dangling == 0)
        }
    }
}
