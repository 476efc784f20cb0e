import BSON
import BackupFile
import Testing

@testable import MongoFerry

/// Values of several types that a server treats as the same `_id`.
@Suite struct EqualIDTests {
    private static func decimal(_ text: String) -> Value {
        .decimal128(Decimal128(text) ?? Decimal128(low: 0, high: 0))
    }

    private static func symbol(_ text: String) -> Value {
        .other(.symbol, [UInt8(text.utf8.count + 1), 0, 0, 0] + Array(text.utf8) + [0])
    }

    private static let values: [Value] = {
        let numbers: [Double] = [
            0, 0.5, 0.1, 0.25, 1e22, 1e23, 1e30, 0x1p63, -0x1p63, 0x1p64, 0x1p-30, 0x1p-60, .leastNonzeroMagnitude, 1.5,
            -2.5, 1e15 + 0.5,
            .infinity, -.infinity, .nan, .greatestFiniteMagnitude, 3 * 0x1p70, 625 * 0x1p80,
        ]
        let decimals = [
            "0", "-0", "0E+10", "0.5", "0.50", "0.1", "0.25", "1E+22", "1E+23", "1E+30", "9223372036854775808",
            "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "9.31322574615478515625E-10", "1.5",
            "-2.50", "1000000000000000.5", "Infinity", "-Infinity", "NaN", "3541774862152233910272", "1E+6000",
            "755578637259143234191360000", "1.000000000000000000000000000000001",
        ]
        func scoped(_ code: String, _ scope: Document) -> Value {
            let text = withUnsafeBytes(of: Int32(code.utf8.count + 1).littleEndian) { [UInt8]($0) } + code.utf8 + [0]
            let body = text + scope.bytes
            return .other(
                .codeWithScope, withUnsafeBytes(of: Int32(body.count + 4).littleEndian) { [UInt8]($0) } + body)
        }
        let others: [Value] = [
            scoped("f", ["a": 1]), scoped("f", ["a": .double(1)]), scoped("f", ["b": 1]), scoped("g", ["a": 1]),
            scoped("f", [:]), .other(.code, [2, 0, 0, 0, 0x66, 0]),
            1, .int64(1), .int64(.min), .int64(.max), "abc", symbol("abc"), "ab", symbol(""), "", ["a": 1],
            ["a": .double(1)],
            ["a": decimal("1.0")], ["a": "x"], ["a": symbol("x")], ["b": 1], ["a": 1, "b": 2], ["b": 2, "a": 1],
            // Without marks of their own, the numbers and the ends of documents in these make the same words.
            ["k": .document([:]), "a": decimal("-18446744075343389537E+50")],
            ["k": decimal("18446744073709555213E+97"), "abca": 50],
            ["a": [1, 2]], ["a": [.double(1), .int64(2)]], ["a": [2, 1]], ["a": ["0": 1, "1": 2]], .bool(true), .null,
            .date(1), .timestamp(Timestamp(rawValue: 1)), .binary(subtype: 0, [1]), .binary(subtype: 5, [1]),
        ]
        return numbers.map(Value.double) + decimals.map(decimal) + others
    }()

    /// Checked against the server's own comparison, each value with each other.
    @Test func equalIsWhatTheServerTakesForEqual() throws {
        try withTestDatabase { database, _ in
            try database.insert(
                Self.values.enumerated().map { ["_id": .int32(Int32($0)), "v": $1] }, into: "values")
            var equal = 0
            for (index, value) in Self.values.enumerated() {
                let filter: Document = ["$expr": ["$eq": ["$v", ["$literal": value]]]]
                let found = Set(try database.documents(in: "values", filter).compactMap { $0["_id"]?.integer })
                let hash = Self.hash(value)
                for (other, candidate) in Self.values.enumerated() {
                    let isEqual = found.contains(other)
                    #expect(
                        ServerEquality.areEqual(value, candidate) == isEqual, "\(value) and \(candidate): \(isEqual)")
                    #expect((Self.hash(candidate) == hash) == isEqual, "\(value) and \(candidate): \(isEqual)")
                    if isEqual, other != index { equal += 1 }
                }
            }
            #expect(equal > 40, "there are equal ones among them")
        }
    }

    private static func hash(_ value: Value) -> UInt64? {
        (["": value] as Document).withRaw { $0.first.map(IDHash.hash) }
    }

    private static let pairs: [(Value, Value)] = [
        (.double(0.5), decimal("0.50")), (["k": 1], ["k": .double(1)]), ("abc", symbol("abc")),
        (.double(0x1p63), decimal("9223372036854775808")), (["k": ["n": "x"]], ["k": ["n": symbol("x")]]),
    ]

    /// A merge would write the second row over the first.
    @Test(arguments: 0..<5, ImportOptions.Mode.allCases)
    func twoRowsOfOneIDAreRefusedInEveryMode(pair: Int, mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, target, folder in
            let (left, right) = Self.pairs[pair]
            // They cannot be in one collection, so one of them is exported from another.
            for (name, id) in [("a", left), ("b", right)] {
                try source.insert([["_id": id, "from": .string(name)]], into: name)
            }
            try source.export(to: folder.file("two.csv")) { $0.plain = true }
            try folder.write(try folder.text("two.csv").replacing("\nb,", with: "\na,"), to: "one.csv")
            let report = try target.load(folder.file("one.csv"), mode)
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.reason) == ["the same _id stands on line 2 already"])
            #expect(try target.names() == [])
        }
    }

    @Test func valuesThatAReferenceLeadsToAreFoundInWhateverTypeTheyAre() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                [Self.decimal("0.5"), .double(0x1p63), Self.decimal("2.50"), .double(1e22), "s"].map { ["_id": $0] },
                into: "targets")
            let values: [Value] = [
                .double(0.5), Self.decimal("9223372036854775808"), .double(2.5), Self.decimal("1E+22"),
                Self.symbol("s"),
                .double(0.25),
            ]
            try database.insert(
                values.enumerated().map { ["_id": .int32(Int32($0)), "x": $1] }, into: "users")
            let file = folder.file("all.csv")
            let configuration = try Configuration.parse(
                yaml: "collections:\n  targets:\n  users: {references: {x: targets}}\n", file: "x")
            try database.export(to: file) { $0.configuration = configuration }
            for arguments in [[file], ["--db", database.name], [file, "--db", database.name]] {
                try folder.write("collections:\n  targets:\n  users: {references: {x: targets}}\n", to: "c.yaml")
                let outcome = try Program.run(
                    ["verify", "--uri", try testURI(), "--config", folder.file("c.yaml")] + arguments)
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.text.contains("users.x → targets: 1 of 6, such as 0.25"), "\(arguments): \(outcome.text)")
            }
        }
    }
}
