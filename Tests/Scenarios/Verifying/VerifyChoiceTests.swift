import MongoFerry
import Relations
import Testing

/// Comparisons of a part of a file with a database.
@Suite struct VerifyChoiceTests {
    /// What was not imported need not exist, nor need the targets of its references.
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

    /// An `_id` may take megabytes, of which the report shows little.
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
