import MongoFerry
import Relations
import Testing

/// A file held against a database in part.
@Suite struct VerifyChoiceTests {
    /// What was not imported need not be there, nor what it leads to.
    @Test func referencesOfWhatIsNotComparedAreNotLookedUp() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<20).map { ["_id": .int32($0)] }, into: "users")
            try source.insert((0..<20).map { ["_id": .int32($0), "userId": .int32($0)] }, into: "orders")
            try source.insert([["_id": 1]], into: "customers")
            let file = folder.file("all.csv")
            try source.export(to: file) {
                $0.exclude = [Glob("users")]
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {users: {}, orders: {references: {userId: users}}}\n", file: "x")
            }
            try copy.load(file) { $0.collections = [Glob("customers")] }
            var verify = Verify(file: file, target: try copy.target)
            verify.collections = [Glob("customers")]
            let report = try verify.runBlocking(OperationContext())
            #expect(report.status == .done && report.references.isEmpty, "\(report.references)")
            verify.collections = []
            let whole = try verify.runBlocking(OperationContext())
            #expect(whole.references.map(\.dangling) == [20])
        }
    }

    @Test func aViewInTheCollectionsPlaceIsCalledOne() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "users")
            try source.export(to: folder.file("all.csv"))
            try copy.create("users", ["viewOn": "others", "pipeline": []])
            let report = try Verify(file: folder.file("all.csv"), target: try copy.target)
                .runBlocking(OperationContext())
            #expect(report.differences.map(\.detail) == ["a view has its name; the file has 1 record"])
        }
    }

    /// An `_id` may take megabytes.
    @Test func longIDsAreTold() throws {
        try withTwoTestDatabases { source, copy, folder in
            let long = String(repeating: "x", count: 100_000)
            try source.insert([["_id": .string(long)]], into: "users")
            try source.export(to: folder.file("all.csv"))
            try copy.insert([["_id": .string(long + "y")]], into: "users")
            let report = try Verify(file: folder.file("all.csv"), target: try copy.target)
                .runBlocking(OperationContext())
            #expect(report.differences.map(\.kind) == [.missing, .extra])
            #expect(report.differences.allSatisfy { $0.detail.count < 300 }, "\(report.differences)")
        }
    }
}
