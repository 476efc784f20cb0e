import BSON
import MongoDriver
import Relations
import Testing

@testable import MongoFerry

/// A collection that very many values refer to is read once instead of being queried for each.
@Suite struct TargetValuesTests {
    private func fill(_ database: TestDatabase, users: Int32) throws {
        try database.insert((0..<users).map { ["_id": .int32($0), "more": "than the id"] }, into: "users")
    }

    private func hash(of id: Value) throws -> UInt64 {
        let document: Document = ["_id": id]
        return try document.withRaw { IDHash.hash(try #require($0.first)) }
    }

    @Test func whatIsReadIsExactlyWhatIsThere() throws {
        try withTestDatabase { database, _ in
            try fill(database, users: 30_000)
            let ids = TargetValues(Cancellation())
            let users = database.namespace("users")
            for _ in 0..<3 { #expect(try ids.hashes(of: .id, users, askingFor: 6_000, database.client) == nil) }
            let hashes = try #require(try ids.hashes(of: .id, users, askingFor: 6_000, database.client))
            #expect(hashes.count == 30_000)
            // Whatever the numeric type.
            let there: [Value] = [.int32(0), .int64(29_999), .double(17)]
            for id in there { #expect(hashes.contains(try hash(of: id)), "\(id)") }
            let elsewhere: [Value] = [.int32(30_000), .int32(-1), .double(0.5), "0"]
            for id in elsewhere { #expect(!hashes.contains(try hash(of: id)), "\(id)") }
            // The next call need not read the collection again.
            #expect(try ids.hashes(of: .id, users, askingFor: 1, database.client)?.count == 30_000)
        }
    }

    @Test func oneThatIsMuchLargerIsReadWhenMoreWasAskedFor() throws {
        try withTestDatabase { database, _ in
            try fill(database, users: 70_000)
            let ids = TargetValues(Cancellation())
            let users = database.namespace("users")
            #expect(try ids.hashes(of: .id, users, askingFor: 20_000, database.client) == nil)
            #expect(try ids.hashes(of: .id, users, askingFor: 4_000, database.client)?.count == 70_000)
        }
    }

    /// Reading a view may take as long as everything else.
    @Test func viewsAndWhatIsNotThereAreNotRead() throws {
        try withTestDatabase { database, _ in
            try fill(database, users: 10)
            try database.create("some", ["viewOn": "users", "pipeline": []])
            let ids = TargetValues(Cancellation())
            for name in ["some", "none"] {
                for _ in 0..<2 {
                    #expect(
                        try ids.hashes(of: .id, database.namespace(name), askingFor: 50_000, database.client) == nil)
                }
            }
        }
    }

    @Test func collectionsWhoseNamesLookAlikeAreTwo() throws {
        try withTestDatabase { database, _ in
            let names = ["caf\u{E9}", "cafe\u{301}"]
            for (index, name) in names.enumerated() {
                try database.insert([["_id": .int32(Int32(index))]], into: name)
                try database.insert([["_id": 1, "to": .int32(Int32(index))]], into: "from\(name)")
            }
            let ids = TargetValues(Cancellation())
            for (index, name) in names.enumerated() {
                let found = try ids.hashes(of: .id, database.namespace(name), askingFor: 20_000, database.client)
                let hashes = try #require(found)
                #expect(try hashes.count == 1 && hashes.contains(hash(of: .int32(Int32(index)))))
            }
            let check = ReferenceCheck(
                connection: try Connection(try database.target, database: database.name, Cancellation()),
                operation: OperationContext()
            ) { $0 }
            let outcomes = try check.run(
                names.map { Reference(collection: "from\($0)", path: try FieldPath(parsing: "to"), target: $0) })
            #expect(outcomes.count == 2)
            #expect(outcomes.allSatisfy { $0.checked == 1 && $0.dangling == 0 })
        }
    }

    @Test func whoWantsToStopNeedNotWait() throws {
        try withTestDatabase { database, _ in
            try fill(database, users: 10)
            let cancellation = Cancellation()
            let ids = TargetValues(cancellation)
            cancellation.cancel()
            #expect(throws: CancellationError.self) {
                try ids.hashes(of: .id, database.namespace("users"), askingFor: 20_000, database.client)
            }
        }
    }

    /// Without an index, each query would scan all documents.
    @Test func anotherFieldIsReadOnceToo() throws {
        try withTestDatabase { database, _ in
            try database.insert(
                (0..<25_000).map { ["_id": .int32($0), "mails": [.string("\($0)@x"), .string("\($0)@y")]] },
                into: "users")
            let path = try FieldPath(parsing: "mails[]")
            let users = database.namespace("users")
            let ids = TargetValues(Cancellation())
            // There are twice as many values as documents, and more than three times as many as were asked for.
            #expect(try ids.hashes(of: path, users, askingFor: 16_000, database.client) == nil)
            let hashes = try #require(try ids.hashes(of: path, users, askingFor: 16_000, database.client))
            #expect(hashes.count == 50_000)
            #expect(try hashes.contains(hash(of: "24999@y")) && !hashes.contains(hash(of: "25000@x")))
            // Queries for its ids are counted separately.
            #expect(try ids.hashes(of: .id, users, askingFor: 1, database.client) == nil)

            try database.insert(
                (0..<60_000).map { ["_id": .int32($0), "mail": .string("\($0 / 2)@y")] }, into: "orders")
            let configuration = try Configuration.parse(
                yaml: "collections: {users: {}, orders: {references: {mail: 'users.mails[]'}}}", file: "test.yaml")
            let report = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            let outcome = try #require(report.references.first)
            #expect(outcome.checked == 60_000 && outcome.dangling == 10_000)
        }
    }

    /// If the documents have too many values, these are not kept until more were asked for.
    @Test func aFieldOfVeryManyValuesIsAskedFor() throws {
        try withTestDatabase { database, _ in
            let many = Value.array((0..<500).map { .int32($0) })
            try database.insert((0..<200).map { ["_id": .int32($0), "seen": many] }, into: "users")
            let path = try FieldPath(parsing: "seen[]")
            let ids = TargetValues(Cancellation())
            #expect(try ids.hashes(of: path, database.namespace("users"), askingFor: 20_000, database.client) == nil)
            #expect(try ids.hashes(of: path, database.namespace("users"), askingFor: 10_000, database.client) == nil)
            #expect(
                try ids.hashes(of: path, database.namespace("users"), askingFor: 10_000, database.client)?.count
                    == 100_000)
        }
    }

    /// The first values are queried, the others are looked up in what was read; dangling ones are found either way.
    @Test func aCheckCountsAllThatLeadNowhere() throws {
        try withTestDatabase { database, _ in
            try fill(database, users: 30_000)
            try database.insert(
                (0..<60).map { (group: Int32) in
                    ["_id": .int32(group), "members": .array((0..<1000).map { .int32($0 * 60 + group) })]
                }, into: "groups")
            let configuration = try Configuration.parse(
                yaml: """
                    collections:
                      users: {}
                      groups: {references: {"members[]": users}}
                    """, file: "test.yaml")
            let report = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            let outcome = try #require(report.references.first)
            #expect(outcome.checked == 60_000 && outcome.dangling == 30_000)
            #expect(outcome.examples.allSatisfy { ($0.value.integer ?? 0) >= 30_000 })
        }
    }
}
