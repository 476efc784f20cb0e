import BSON
import MongoDriver
import Testing

@testable import MongoFerry

@Suite struct DocumentSampleTests {
    private func look(whereTheServerSays said: Int, _ database: TestDatabase) throws -> (Bool, Int) {
        let sample = DocumentSample(
            namespace: database.namespace("c"), kind: .collection, timeField: nil,
            size: CollectionSize(count: said, averageDocument: 30), effort: .quick, canSortOnDisk: true)
        var came = 0
        let all = try sample.forEach(database.client) { _ in came += 1 }
        return (all, came)
    }

    /// After a crash, a server's count may be wrong; documents that were not seen must not be considered missing.
    @Test func onlyWhereNoneIsLeftHaveAllBeenSeen() throws {
        try withTestDatabase { database, _ in
            try database.insert((1...250).map { ["_id": .int32($0)] }, into: "c")
            for (said, all, least) in [
                (250, true, 250), (251, true, 250), (249, false, 249), (100, false, 100), (0, false, 1),
            ] {
                let (cameAll, came) = try look(whereTheServerSays: said, database)
                #expect(cameAll == all && came >= least, "\(said): \(cameAll), \(came)")
            }
        }
    }

    @Test func aLargeCollectionIsNeverSeenWhole() throws {
        try withTestDatabase { database, _ in
            try database.insert((1...3000).map { ["_id": .int32($0)] }, into: "c")
            let (cameAll, came) = try look(whereTheServerSays: 3000, database)
            #expect(!cameAll && (400...700).contains(came), "\(came)")
        }
    }

    /// So that a dry run predicts an import.
    @Test func aSteadySampleIsTheSameEachTimeAndFromAllOver() throws {
        try withTestDatabase { database, _ in
            try database.insert((0..<30_000).map { ["_id": .int32($0)] }, into: "c")
            func ids() throws -> [Value] {
                let sample = DocumentSample(
                    namespace: database.namespace("c"), kind: .collection, timeField: nil,
                    size: CollectionSize(count: 30_000, averageDocument: 30), effort: .steady, canSortOnDisk: true)
                var ids: [Value] = []
                let areAll = try sample.forEach(database.client) { if let id = $0["_id"] { ids.append(id.copy) } }
                #expect(!areAll)
                return ids
            }
            let first = try ids()
            #expect(try first == ids())
            #expect((4_500...5_000).contains(first.count) && Set(first).count == first.count, "\(first.count)")
            let places = Set(first.map { ($0.integer ?? 0) / 3_000 })
            #expect(places.count == 10, "\(places.sorted())")
        }
    }
}
