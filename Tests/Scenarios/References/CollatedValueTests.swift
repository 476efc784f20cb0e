import BSON
import MongoFerry
import Testing

/// Values that no index with a collation can hold: servers refuse to look them up there.
@Suite struct CollatedValueTests {
    private static let collation: Document = ["collation": ["locale": "en"]]

    private static let symbol = Value.other(.symbol, [2, 0, 0, 0, UInt8(ascii: "x"), 0])

    /// The value itself, then inside a document, then inside an array.
    private static let values: [Value] = [symbol, ["k": symbol], ["k": [symbol]]]

    private static let configuration = "collections:\n  targets:\n  users: {references: {x: targets.code}}\n"

    @Test func referencesAreDiscoveredBesideThem() throws {
        try withTestDatabase { database, folder in
            try database.create("targets", Self.collation)
            try database.insert(
                (0..<30).map { ["_id": ["k": .string("t\($0)")]] } + [["_id": "t"]], into: "targets")
            try database.insert(
                (0..<30).map { ["_id": .int32($0), "target": ["k": .string("t\($0)")]] }
                    + Self.values.enumerated().map { ["_id": .int32(100 + Int32($0)), "target": $1] }, into: "users")
            let report = try database.export(to: folder.file("all.csv"))
            #expect(report.totals.read == 64)
            #expect(try database.load(folder.file("all.csv")).totals.unchanged == 64)
        }
    }

    @Test func mergesRejectOnlyTheDocumentsThatTheServerCannotHold() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1], ["_id": "two"]] + Self.values.map { ["_id": $0] }, into: "items")
            try source.export(to: folder.file("items.csv"))
            try copy.create("items", Self.collation)
            let report = try copy.load(folder.file("items.csv"))
            #expect(report.totals.inserted == 2)
            #expect(report.rejectionCount == 3, "\(report.rejections.map(\.reason))")
            #expect(report.rejections.allSatisfy { $0.reason.contains("Symbol") }, "\(report.rejections.map(\.reason))")
            #expect(try copy.load(folder.file("items.csv")).totals.unchanged == 2)
        }
    }

    @Test func referencesByThemAreVerified() throws {
        try withTestDatabase { database, folder in
            try database.create(
                "targets", Self.collation, indexes: [["key": ["code": 1], "name": "code_1"]])
            try database.insert([["_id": 1, "code": "c"], ["_id": 2, "code": ["k": "x"]]], into: "targets")
            try database.insert(
                [["_id": 0, "x": "c"]]
                    + Self.values.enumerated().map { ["_id": .int32(1 + Int32($0)), "x": $1] }, into: "users")
            let file = folder.file("all.csv")
            let configuration = folder.file("c.yaml")
            try folder.write(Self.configuration, to: "c.yaml")
            #expect(
                try Program.run(
                    ["export", "--uri", testURI(), "--db", database.name, "-o", file, "--config", configuration]
                ).status == 0)
            for arguments in [[file], ["--db", database.name], [file, "--db", database.name]] {
                let outcome = try Program.run(["verify", "--uri", testURI(), "--config", configuration] + arguments)
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(outcome.text.contains("users.x → targets.code: 2 of 4"), "\(arguments): \(outcome.text)")
            }
        }
    }
}
