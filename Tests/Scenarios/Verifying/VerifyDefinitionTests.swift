import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// A backup has more than documents: whatever else the database lacks or has differently is reported.
@Suite struct VerifyDefinitionTests {
    private static func verify(
        _ file: String, _ database: TestDatabase, _ configure: (inout Verify) -> Void = { _ in }
    ) throws -> Report {
        var verify = Verify(file: file, target: try database.target)
        configure(&verify)
        return try verify.runBlocking(OperationContext())
    }

    private static func texts(_ report: Report) -> [String] {
        #expect(report.differences.allSatisfy { $0.kind == .definition })
        return report.differences.map { "\($0.collection): \($0.detail)" }
    }

    private static let validator: Value = ["n": ["$type": "int"]]

    /// Creates a collection with a validator and two indexes, a view on it and a time series.
    private static func fill(_ database: TestDatabase) throws {
        try database.create(
            "c", ["validator": validator],
            indexes: [["key": ["n": 1], "name": "n_1", "unique": true], ["key": ["m": 1], "name": "m_1"]])
        try database.insert([["_id": 1, "n": 1, "m": 1], ["_id": 2, "n": 2, "m": 1]], into: "c")
        try database.create("v", ["viewOn": "c", "pipeline": [["$match": ["n": 1]]]])
        try database.create("ticks", ["timeseries": ["timeField": "at"]])
        try database.run(["insert": "ticks", "documents": [["_id": 1, "at": .date(1000)]]])
    }

    @Test(arguments: ImportOptions.Mode.allCases) func whatAnImportMadeIsEqual(mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.load(file, mode)
            let report = try Self.verify(file, copy)
            #expect(report.status == .done && Self.texts(report) == [] && report.warnings == [])
            // A view has no rows to count.
            #expect(Set(report.collections.map(\.name)) == ["c", "ticks"])
            // Additional indexes and views in the database are no difference.
            try copy.run(["createIndexes": "c", "indexes": [["key": ["x": 1], "name": "x_1"]]])
            try copy.create("w", ["viewOn": "c", "pipeline": []])
            #expect(try Self.verify(file, copy).status == .done)
        }
    }

    /// The documents and the validator are the file's, and yet others may come.
    @Test(arguments: ["validationLevel", "validationAction"]) func aValidatorThatWasSwitchedOffIsTold(option: String)
        throws
    {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let file = folder.file("all.csv")
            try database.export(to: file)
            let value = option == "validationLevel" ? "off" : "warn"
            try database.run(["collMod": "c", option: .string(value)])
            #expect(
                Self.texts(try Self.verify(file, database)) == [
                    "c: option \(option): none in the file, \"\(value)\" in the database"
                ])
        }
    }

    @Test func anotherCollationOfAViewIsTold() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let file = folder.file("all.csv")
            try database.export(to: file)
            try database.drop("v")
            try database.create(
                "v",
                [
                    "viewOn": "c", "pipeline": [["$match": ["n": 1]]], "collation": ["locale": "en", "strength": 1],
                ])
            let texts = Self.texts(try Self.verify(file, database))
            #expect(texts.count == 1 && texts[0].hasPrefix("v: option collation: none in the file, "), "\(texts)")
        }
    }

    /// A server has one index of a key, whatever its other options, and one text index.
    @Test func anIndexThatTheServerTakesForAnotherIsToldByThePlanAndByVerify() throws {
        try withTwoTestDatabases { source, copy, folder in
            let (hidden, text): (Document, Document) = (
                ["key": ["a": 1], "name": "x", "hidden": true], ["key": ["b": "text"], "name": "t"]
            )
            try source.create("c", indexes: [hidden, text])
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.create(
                "c",
                indexes: [["key": ["a": 1], "name": "y"], ["key": ["d": "text"], "name": "u", "weights": ["d": 2]]])
            let log = MessageLog()
            let report = try copy.load(file, .merge, log) { $0.isDryRun = true }
            #expect(
                report.differences.map(\.detail).sorted() == [
                    "index t is like u in the database, with other options: weights (at b 1 in the file, none in the database); it stays as it is, and the server takes no second one",
                    "index x is like y in the database, with other options: hidden (true in the file, none in the database); it stays as it is, and the server takes no second one",
                ])
            #expect(
                Self.texts(try Self.verify(file, copy)) == [
                    "c: index t is not there; u is like it, with other options: weights (at b 1 in the file, none in the database)",
                    "c: index x is not there; y is like it, with other options: hidden (true in the file, none in the database)",
                ])
            #expect(try copy.load(file, .merge).warnings.count == 2)
            #expect(try copy.load(file, .replace).status == .done)
            #expect(try Self.verify(file, copy).status == .done)
        }
    }

    @Test func whatTheDatabaseLacksOrHasOtherwiseIsToldAndAnImportMendsIt() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.load(file)
            try copy.run(["dropIndexes": "c", "index": ["n_1", "m_1"]])
            try copy.run(["createIndexes": "c", "indexes": [["key": ["n": 1], "name": "n_1"]]])
            try copy.run(["collMod": "c", "validator": [:], "validationLevel": "moderate"])
            try copy.drop("v")
            let report = try Self.verify(file, copy)
            #expect(report.status == .problems)
            #expect(
                Self.texts(report) == [
                    #"c: option validator: {"n":{"$type":"int"}} in the file, none in the database"#,
                    #"c: option validationLevel: none in the file, "moderate" in the database"#,
                    "c: index m_1 is not there",
                    "c: index n_1 differs from the file's in unique (true in the file, none in the database)",
                    "v: the view is not there",
                ])
            #expect(report.nextSteps.count == 1 && report.nextSteps[0].contains("--mode replace takes the file's"))
            let outcome = try Program.run([
                "verify", file, "--uri", testURI(), "--db", copy.name, "--report", folder.file("r.json"),
            ])
            #expect(outcome.status == 2, "\(outcome.text)")
            #expect(outcome.errors.contains("c: definition: index m_1 is not there\n"), "\(outcome.errors)")
            let kinds = try JSONValue(folder.text("r.json"))["differences"]?.array.compactMap { $0["kind"]?.string }
            #expect(kinds == Array(repeating: "definition", count: 5))
            // A merge creates some of it, and leaves the rest as it is.
            try copy.load(file)
            #expect(try Self.texts(Self.verify(file, copy)).count == 3)
            try copy.load(file, .replace)
            #expect(try Self.verify(file, copy).status == .done)
        }
    }

    /// They begin alike, and only their ends would differ in a text that is cut.
    @Test func whatDiffersInLongDefinitionsIsTold() throws {
        try withTestDatabase { database, folder in
            func rules(_ last: Value) -> Value {
                let rules: Document = Document { result in
                    for number in 0..<30 { result.append("field\(number)", ["$exists": true]) }
                    result.append("last", ["$gt": last])
                }
                return .document(rules)
            }
            func create(_ last: Value) throws {
                try database.create(
                    "c", ["validator": rules(last)],
                    indexes: [["key": ["a": 1], "name": "a_1", "partialFilterExpression": ["a": ["$gt": last]]]])
            }
            try create(1)
            let file = folder.file("all.csv")
            try database.export(to: file)
            try database.drop("c")
            try create(2)
            let texts = [
                "option validator: at last.$gt 1 in the file, 2 in the database",
                "index a_1 differs from the file's in partialFilterExpression (at a.$gt 1 in the file, 2 in the database)",
            ]
            #expect(Self.texts(try Self.verify(file, database)) == texts.map { "c: \($0)" })
            let plan = try Program.run([
                "import", file, "--uri", testURI(), "--db", database.name, "--dry-run", "--report",
                folder.file("r.json"),
            ])
            let details = try JSONValue(folder.text("r.json"))["differences"]?.array.compactMap { $0["detail"]?.string }
            #expect(details == texts.map { "\($0); it stays as it is" })
            for text in texts { #expect(plan.errors.contains(text), "\(plan.text)") }
        }
    }

    @Test func anotherKindOfCollectionIsTold() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.load(file)
            try copy.drop("ticks")
            try copy.insert([["_id": 1, "at": .date(1000)]], into: "ticks")
            try copy.drop("v")
            try copy.create("v", [:])
            let report = try Self.verify(file, copy)
            #expect(
                Set(Self.texts(report)) == [
                    "ticks: it is no time series in the database, and its documents were not compared",
                    "v: a collection has the view's name",
                ])
            try copy.drop("v")
            try copy.create("v", ["viewOn": "c", "pipeline": [["$match": ["n": 2]]]])
            let view = try Self.verify(file, copy) { $0.exclude = [Glob("ticks")] }
            #expect(Self.texts(view).count == 1 && Self.texts(view)[0].hasPrefix("v: option pipeline: "))
            #expect(try Self.verify(file, copy) { $0.exclude = [Glob("ticks"), Glob("v")] }.status == .done)
            #expect(try Self.verify(file, copy) { $0.collections = [Glob("c")] }.status == .done)
        }
    }

    /// Such an index has the same effect.
    @Test func anIndexUnderAnotherNameIsThere() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let file = folder.file("all.csv")
            try source.export(to: file)
            try copy.load(file) { $0.renames = ["c": "d"] }
            try copy.run(["dropIndexes": "d", "index": ["n_1", "m_1"]])
            let indexes: Value = [
                ["key": ["n": 1], "name": "other", "unique": true], ["key": ["m": -1], "name": "opposite"],
            ]
            try copy.run(["createIndexes": "d", "indexes": indexes])
            let report = try Self.verify(file, copy) { $0.renames = ["c": "d"] }
            #expect(Self.texts(report) == ["c: index m_1 is not there"])
            // Servers do not build a second index like it.
            let merged = try copy.load(file) { $0.renames = ["c": "d"] }
            #expect(merged.status == .done && merged.warnings == [])
            #expect(
                merged.differences.map(\.detail) == [
                    "the database has no index m_1", "index n_1 is other in the database; it stays as it is",
                    "index opposite is not in the file; it stays",
                ])
            #expect(try Self.verify(file, copy) { $0.renames = ["c": "d"] }.status == .done)
            let replaced = try copy.load(file, .replace) { $0.renames = ["c": "d"] }
            #expect(replaced.status == .done)
            #expect(try Self.verify(file, copy) { $0.renames = ["c": "d"] }.status == .done)
            #expect(try copy.load(file) { $0.renames = ["c": "d"] }.differences.isEmpty)
        }
    }

    /// A file without metadata requires no options and indexes.
    @Test func aBareFileIsOnlyItsDocuments() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let bare = folder.file("bare.csv")
            try database.export(to: bare) { $0.plain = true }
            try database.drop("v")
            try database.run(["dropIndexes": "c", "index": "n_1"])
            #expect(try Self.verify(bare, database).status == .done)
        }
    }
}
