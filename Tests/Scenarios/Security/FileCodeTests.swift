import BSON
import BackupFile
import MongoFerry
import Testing

/// A file contains names of fields from which commands are built: none of them may become a command of its own.
@Suite struct FileCodeTests {
    private static let message = "code of the file runs"

    private static func function(padding: Int = 0) -> Document {
        let body = "function () { throw new Error('\(message)') }" + String(repeating: " ", count: padding)
        return ["$function": ["body": .string(body), "args": [], "lang": "js"]]
    }

    /// Returns a document's bytes as a string, padded until they are valid UTF-8.
    private static func text(_ prefix: String, _ suffix: String) throws -> String {
        for padding in 0..<200 {
            let bytes = Array(prefix.utf8) + function(padding: padding).bytes + Array(suffix.utf8)
            if let text = String(validating: bytes, as: UTF8.self) { return text }
        }
        throw FerryError("no padding makes it UTF-8")
    }

    private func write(_ metadata: BackupMetadata, _ rows: [String], to path: String) throws {
        let writer = try BackupWriter(
            .file(path: path, overwriting: true), compression: .none, plain: false, metadata: metadata)
        for row in rows { try Array((row + "\n").utf8).withUnsafeBytes { try writer.write(rows: $0) } }
        try writer.finish(counts: Dictionary(metadata.collections.map { ($0.name, $0.records) }) { $1 })
    }

    @Test func theTimeFieldOfAFileIsNoFilter() throws {
        try withTestDatabase { database, folder in
            try database.create("m", ["timeseries": ["timeField": "t"]])
            // Inserted by a command: the driver would add an `_id`, which the file's document does not have.
            try database.run(["insert": "m", "documents": [["t": .date(1_700_000_000_000), "v": 1]]])
            let names = [
                try Self.text("$comment\0\u{5}\0\0\0\0\u{3}$expr\0", "\u{3}$comment"), "$where", "$expr", "other",
            ]
            for name in names {
                let entry = BackupMetadata.Collection(
                    name: "m", kind: .timeseries,
                    options: ["timeseries": ["timeField": .string(name)]], records: 2)
                try write(
                    BackupMetadata(created: nil, program: "x", database: "y", collections: [entry]),
                    [
                        #"m,"{""t"":{""$date"":{""$numberLong"":""1700000000000""}},""v"":1}""#,
                        #"m,"{""t"":{""$date"":{""$numberLong"":""1700000000005""}},""v"":2,""$expr"":[1,1]}""#,
                    ], to: folder.file("m.csv"))
                for words in [["import", "--dry-run"], ["verify"], ["import"]] {
                    let outcome = try Program.run(
                        words + [folder.file("m.csv"), "--uri", try testURI(), "--db", database.name])
                    #expect(!outcome.text.contains(Self.message), "\(words): \(outcome.text)")
                }
                // Measurements are looked up by the server's own time field.
                let found = try database.documents(in: "m", ["v": 1])
                #expect(found.count == 1, "\(name): \(found)")
            }
        }
    }

    @Test func aReferenceOfAFileIsNoExpression() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 10, "p": 1]], into: "b")
            let references: [Document] = [
                [
                    "collection": "b", "path": "p", "target": "a", "found": "by config",
                    "when": [
                        "field": .string(try Self.text("z\0\u{1}\0\0\0\u{3}k\0", "\u{10}q")), "equals": "x",
                    ],
                ],
                ["collection": "b", "path": "p", "target": "a", "targetPath": "$expr", "found": "by config"],
            ]
            for reference in references {
                let metadata = BackupMetadata(
                    created: nil, program: "x", database: "y",
                    collections: ["a", "b"].map { BackupMetadata.Collection(name: $0, records: 1) },
                    references: [reference])
                let code =
                    #"[{""$function"":{""body"":""function () { throw new Error('\#(Self.message)') }"",""args"":[],""lang"":""js""}},1]"#
                try write(
                    metadata, [#"a,"{""_id"":1}""#, #"b,"{""_id"":1,""p"":\#(code)}""#], to: folder.file("x.csv"))
                for (words, status) in [(["import", "--dry-run"], 0), (["import"], 0), (["verify"], 2)]
                    as [([String], Int32)]
                {
                    let outcome = try Program.run(
                        words + [folder.file("x.csv"), "--uri", try testURI(), "--db", database.name])
                    #expect(outcome.status == status, "\(words): \(outcome.text)")
                    #expect(outcome.errors.contains("a reference in the metadata is not understood"), "\(outcome.text)")
                    #expect(!outcome.errors.contains("JSInterpreterFailure"), "\(words): \(outcome.text)")
                    #expect(!outcome.errors.contains("Executor error"), "\(words): \(outcome.text)")
                }
            }
        }
    }
}
