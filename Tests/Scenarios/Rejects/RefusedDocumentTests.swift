import BSON
import BackupFile
import ExtendedJSON
import Foundation
import MongoFerry
import Synchronization
import Testing

/// Documents and indexes that the server refuses are reported one by one; nothing is skipped silently.
@Suite struct RefusedDocumentTests {
    private static func unique(_ field: String) -> Document {
        ["key": [field: 1], "name": .string("\(field)_1"), "unique": true]
    }

    /// Writes a file whose rows violate the unique indexes in its metadata.
    private static func writeBrokenFile(_ database: TestDatabase, _ folder: TemporaryFolder) throws -> String {
        try database.create("users", indexes: [["key": ["email": 1], "name": "email_1"]])
        try database.insert(
            [
                ["_id": 1, "email": "a", "phone": 1], ["_id": 2, "email": "b", "phone": 2],
                ["_id": 3, "email": "a", "phone": 2], ["_id": 4, "email": "d", "phone": 4],
            ], into: "users")
        try database.export(to: folder.file("good.csv"))
        // As if the indexes had been unique, which no server allows: the file is sealed anew.
        let rows = try folder.text("good.csv").split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst()
        var entry = BackupMetadata.Collection(name: "users", records: 4)
        entry.indexes = [
            ["v": 2, "key": ["_id": 1], "name": "_id_"], unique("email").appending("v", 2),
            unique("phone").appending("v", 2), ["v": 2, "key": ["c": 1], "name": "c_1"],
        ]
        let writer = try BackupWriter(
            .file(path: folder.file("broken.csv"), overwriting: false), compression: .none, plain: false,
            metadata: BackupMetadata(created: nil, program: "mongoferry test", database: "test", collections: [entry]))
        for row in rows { try Array("\(row)\n".utf8).withUnsafeBytes { try writer.write(rows: $0) } }
        _ = try writer.finish(counts: ["users": 4])
        return folder.file("broken.csv")
    }

    /// Of thousands of refused rows all are set aside; if they cannot be set aside, what was done is still reported.
    @Test(arguments: [true, false]) func everyRefusedRowIsSetAside(isWritable: Bool) throws {
        try withTestDatabase { database, folder in
            // With the suffix of the rejects file, the name is too long for a file.
            let file = isWritable ? "users.csv" : String(repeating: "u", count: 250)
            let rows = (0..<3000).map { "users,\"{\"\"_id\"\":\($0),\"\"age\"\":\"\"old\"\"}\"" }
            let good = "users,\"{\"\"_id\"\":3000,\"\"age\"\":1}\""
            try folder.write("collection,data\n\((rows + [good]).joined(separator: "\n"))\n", to: file)
            try database.create("users", ["validator": ["age": ["$type": "int"]]])
            let report = try database.load(folder.file(file))
            #expect(report.status == .problems && report.totals.inserted == 1 && report.rejectionCount == 3000)
            guard isWritable else {
                #expect(report.rejections.count == 1000 && report.rejectsFile == nil)
                #expect(report.warnings.first?.hasPrefix("the rows that were not taken could not be set aside") == true)
                #expect(
                    report.nextSteps == [
                        "Copy the backup to a folder that can be written and run the import again: the rows are set aside there."
                    ])
                return
            }
            let aside = try folder.text("users.csv.rejects.csv").split(separator: "\n")
            #expect(aside.dropFirst().map(String.init) == rows)
        }
    }

    /// A reply that names thousands of refusals, each with the rules and the values, would not fit into a message.
    @Test(arguments: [ImportOptions.Mode.merge, .replace], [true, false])
    func whatAValidatorRefusesIsNamedHoweverLongItsReasons(_ mode: ImportOptions.Mode, hasLongRules: Bool) throws {
        try withTestDatabase { database, folder in
            let (count, value) = hasLongRules ? (12_000, "?") : (400, String(repeating: "?", count: 20_000))
            let names = (0..<(hasLongRules ? 190 : 1)).map { Value.string("C\($0)") }
            var rules: Document = ["enum": .array(names)]
            if !hasLongRules {
                let patterns = (0..<6).map { Value.document(["pattern": .string("^[a-z]{\($0)}$")]) }
                rules = rules.appending("maxLength", 5).appending("allOf", .array(patterns))
            }
            try database.create(
                "people", ["validator": ["$jsonSchema": ["properties": ["country": .document(rules)]]]])
            let rows = (0..<count).map { #"{"_id":\#($0),"country":"\#(value)"}"# } + [#"{"_id":"good"}"#]
            try folder.write(LegacyFile.text(rows: rows.map { LegacyFile.row("people", json: $0) }), to: "people.csv")
            let report = try database.load(folder.file("people.csv")) {
                $0.mode = mode
                $0.maximumRejects = 20_000
            }
            #expect(report.status == .problems && report.totals.inserted == 1 && report.rejectionCount == count)
            #expect(try database.documents(in: "people") == [["_id": "good"]])
        }
    }

    /// Servers read no command that is nested deeper than about 200 levels, whichever document causes it.
    @Test(arguments: [ImportOptions.Mode.merge, .insert, .replace])
    func aDocumentThatIsNestedTooDeepIsNamedAndTheOthersAreTaken(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            func nested(_ depth: Int) -> String {
                String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            }
            let rows =
                (0..<20).map { #"{"_id":\#($0),"v":\#(nested($0 == 7 ? 250 : $0 == 8 ? 190 : 1))}"# }
                + [#"{"_id":{"a":\#(nested(240))}}"#, #"{"_id":20,"t":{"$timestamp":{"t":0,"i":0}}}"#]
            try folder.write(LegacyFile.text(rows: rows.map { LegacyFile.row("a", json: $0) }), to: "deep.csv")
            // In a merge, one of the documents that are too deep is to replace another.
            try database.insert([["_id": 3, "v": 0], ["_id": 7, "v": 0]], into: "a")
            let report = try database.load(folder.file("deep.csv"), mode) {
                $0.maximumRejects = 3
                $0.takesLegacyRows = false
            }
            let refused = mode == .insert ? [10, 22] : [9, 10, 22]
            #expect(report.rejections.compactMap(\.line).sorted() == refused, "\(report.rejections)")
            #expect(report.status == .problems)
            let ids = Set(try database.documents(in: "a").compactMap { $0["_id"]?.integer })
            #expect(ids == Set(0..<21).subtracting(mode == .replace ? [7, 8] : [8]))
        }
    }

    /// Somebody deletes a document that a replace has loaded: the count before the swap shows it, and there is no swap.
    @Test func aReplaceOfWhichADocumentIsGoneLeavesTheLiveDataAsTheyWere() throws {
        try withTwoTestDatabases { source, copy, folder in
            for name in ["customers", "policies"] {
                try source.insert((0..<20).map { ["_id": .int32($0), "number": .int32($0)] }, into: name)
                try copy.insert([["_id": "live"]], into: name)
            }
            let file = folder.file("all.csv")
            try source.export(to: file)
            let before = try copy.image()
            let (pool, name) = (copy.pool, copy.name)
            let taken = Mutex<Int>(0)
            let operation = OperationContext(onProgress: { progress in
                guard progress.phase == .index, progress.collection == "customers" else { return }
                let count = try? pool.withClient { client in
                    let staged = try client.listCollections(in: name).map(\.name)
                        .filter { $0.hasPrefix("__mongoferry_staging") }
                    return try staged.reduce(0) { count, collection in
                        let delete: Document = ["q": ["number": 7], "limit": 1]
                        let command: Document = ["delete": .string(collection), "deletes": [.document(delete)]]
                        return count + Int(try client.runWrite(command, on: name)["n"]?.integer ?? 0)
                    }
                }
                taken.withLock { $0 += count ?? 0 }
            })
            var options = ImportOptions()
            options.mode = .replace
            let error = #expect(throws: FerryError.self) {
                try Import(file, into: try Target(uri: testURI(), database: name), options).runBlocking(operation)
            }
            #expect(taken.withLock { $0 } == 1)
            let text = "\(try #require(error))"
            #expect(text.contains("customers: 20 documents were written, and another number is there"), "\(text)")
            #expect(text.contains("The live data were not touched."), "\(text)")
            #expect(try copy.image().differences(from: before) == [])
        }
    }

    /// In place, there is nothing to go back to: that documents are gone must be reported all the same.
    @Test func aReplaceInPlaceOfWhichADocumentIsGoneIsNotCalledDone() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<20).map { ["_id": .int32($0), "number": .int32($0)] }, into: "customers")
            let file = folder.file("all.csv")
            try source.export(to: file)
            let (pool, name) = (copy.pool, copy.name)
            let operation = OperationContext(onProgress: { progress in
                guard progress.phase == .index else { return }
                let delete: Document = ["q": ["number": 7], "limit": 1]
                _ = try? pool.withClient {
                    try $0.runWrite(["delete": "customers", "deletes": [.document(delete)]], on: name)
                }
            })
            var options = ImportOptions()
            options.mode = .replace
            options.inPlace = true
            let error = #expect(throws: FerryError.self) {
                try Import(file, into: try Target(uri: testURI(), database: name), options).runBlocking(operation)
            }
            #expect(try copy.count("customers") == 19)
            let text = "\(try #require(error))"
            #expect(text.contains("customers: 20 documents were written, and another number is there"), "\(text)")
            let told = try copy.export(to: folder.file("live.csv")).warnings
            #expect(told.first?.contains("was interrupted while it replaced customers in place") == true, "\(told)")
            #expect(try copy.load(file).totals.inserted == 1)
            #expect(try copy.export(to: folder.file("whole.csv")).warnings == [])
        }
    }

    /// Each document counts, even a single one, and until the old collection gives way.
    @Test(arguments: [OperationProgress.Phase.index, .swap])
    func oneDocumentThatCameWhileTheNewCollectionWasLoadedIsTold(_ phase: OperationProgress.Phase) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "c")
            try copy.insert([["_id": 1]], into: "c")
            let file = folder.file("c.csv")
            try source.export(to: file)
            let (pool, name) = (copy.pool, copy.name)
            let operation = OperationContext(onProgress: { progress in
                guard progress.phase == phase else { return }
                _ = try? pool.withClient {
                    try $0.runWrite(["insert": "c", "documents": [["_id": "late"]]], on: name)
                }
            })
            var options = ImportOptions()
            options.mode = .replace
            let report = try Import(file, into: try Target(uri: testURI(), database: name), options)
                .runBlocking(operation)
            #expect(report.status == .problems)
            #expect(
                report.warnings == [
                    "c: 1 document came from other programs after the plan was made, and went with the old collection"
                ])
        }
    }

    /// What a server refuses in an `_id` is found before anything is written, and nothing else is.
    @Test func whatServersRefuseInsideAnIDIsFoundBeforehand() throws {
        try withTestDatabase { database, folder in
            let ids: [Document] = [
                ["a": ["$x": 1]], ["a": [["$x": 1]]], ["a": ["b": ["$set": 1]]], ["$ref": "c", "$id": 1],
                ["a": ["$ref": "c", "$id": 1, "$db": "d", "x": 2]], ["a": ["$ref": "c", "$id": 1, "$db": 5]],
                ["a": ["$ref": 1, "$id": 1]], ["a": ["$ref": "c"]], ["a": ["$id": 1, "$ref": "c"]],
                ["a": ["x": 1, "$ref": "c", "$id": 1]], ["a": [["$ref": "c", "$id": 1]]],
                ["$ref": "c", "$id": ["$x": 1]], ["$ref": "c", "$id": 1, "z": ["$x": 1]],
                ["$ref": "c", "$id": 1, "$db": 5], ["": 1, "a.b": [1, ["c": 2]]],
            ]
            var refused = 0
            for (number, id) in ids.enumerated() {
                let document: Document = ["_id": .document(id)]
                let isRefused = try !database.tryInsert([document], into: "c").writeErrors.isEmpty
                let file = folder.file("\(number).csv")
                let whole = Data(document.bytes).base64EncodedString()
                try folder.write("collection,data\nc,\"{\"\"$rawBSON\"\":\"\"\(whole)\"\"}\"\n", to: "\(number).csv")
                let report = try Verify(file: file, target: nil).runBlocking(OperationContext())
                #expect(report.rejections.isEmpty != isRefused, "\(id.elements)")
                refused += isRefused ? 1 : 0
            }
            #expect(refused > 5 && refused < ids.count - 4)
        }
    }

    /// What a capped collection has lost is reported to the last document.
    @Test func oneDocumentThatACappedCollectionHasNotKeptIsTold() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<5).map { ["_id": .int32($0)] }, into: "log")
            let file = folder.file("log.csv")
            try source.export(to: file)
            try copy.create("log", ["capped": true, "size": 4096, "max": 4])
            let report = try copy.load(file)
            #expect(report.warnings == ["log is capped and full: of 5 documents the server has kept 4"])
        }
    }

    /// Servers quote the values in their messages.
    @Test func aValueThatLooksLikeTheNameOfTheIndexOfIdsIsNone() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "note": "index: _id_ "]], into: "notes")
            try source.export(to: folder.file("notes.csv"))
            try copy.insert([["_id": 2, "note": "index: _id_ "]], into: "notes")
            try copy.run([
                "createIndexes": "notes", "indexes": [["key": ["note": 1], "name": "note_1", "unique": true]],
            ])
            let report = try copy.load(folder.file("notes.csv"), .insert)
            #expect(report.rejectionCount == 1)
            #expect(report.rejections.first?.reason.contains("note_1") == true, "\(report.rejections)")
            #expect(report.rejections.first?.reason.contains("collation") == false, "\(report.rejections)")
        }
    }

    /// The plan must not say that the existing documents stay: the oldest ones are pushed out.
    @Test(arguments: [ImportOptions.Mode.insert, .merge])
    func aPlanSaysThatACappedCollectionMayLoseDocuments(mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((10..<13).map { ["_id": .int32($0)] }, into: "log")
            try source.insert([["_id": 1]], into: "plain")
            let file = folder.file("log.csv")
            try source.export(to: file)
            try copy.create("log", ["capped": true, "size": 4096, "max": 4])
            try copy.insert((0..<4).map { ["_id": .int32($0)] }, into: "log")
            try copy.insert([["_id": 2]], into: "plain")
            let log = MessageLog()
            _ = try copy.load(file, mode, log) { $0.isDryRun = true }
            #expect(log.text.contains("it is capped: where it is full, what is added pushes out its oldest documents"))
            #expect(log.text.contains("the 1 document that is there now stays as it is") == (mode == .insert))
            #expect(!log.text.contains("stay as they are"))
            _ = try copy.load(file, mode)
            #expect(try copy.documents(in: "log").map { $0["_id"] } == [3, 10, 11, 12])
        }
    }

    /// The file has the document, but the database does not.
    @Test func aReferenceToADocumentThatTheServerRefusedDangles() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<20).map { ["_id": .int32($0 + 1000)] }, into: "customers")
            try source.insert((0..<20).map { ["_id": .int32($0), "customerId": .int32($0 + 1000)] }, into: "policies")
            let configuration = try Configuration.parse(
                yaml: "collections: {policies: {references: {customerId: customers}}}", file: "c")
            let file = folder.file("all.csv")
            try source.export(to: file) { $0.configuration = configuration }
            try copy.create("customers", ["validator": ["_id": ["$ne": 1007]]])
            let report = try copy.load(file)
            #expect(report.rejections.map(\.id) == ["1007"])
            #expect(report.danglingCount == 1)
        }
    }

    @Test func replaceKeepsTheLiveDataWhenUniqueIndexesCannotBeBuilt() throws {
        try withTestDatabase { database, folder in
            let file = try Self.writeBrokenFile(database, folder)
            try database.delete("users", ["_id": 1])
            let before = try database.image()
            let report = try database.load(file, .replace)
            #expect(report.status == .refused)
            #expect(report.warnings.count == 2, "\(report.warnings)")
            #expect(report.warnings.contains { $0.contains("index email_1 on users") && $0.contains(#"email: "a""#) })
            #expect(report.warnings.contains { $0.contains("index phone_1 on users") && $0.contains("phone: 2") })
            for key in [#"{"email":"a"} in _id 1 and 3"#, #"{"phone":2} in _id 2 and 3"#] {
                #expect(
                    report.warnings.contains { $0.contains("; the keys that collide: \(key)") }, "\(report.warnings)")
            }
            #expect(report.error == "the live data were not touched: the server refused 2 indexes")
            #expect(report.totals.inserted == 0)
            #expect(try database.image().differences(from: before) == [])
        }
    }

    /// Nothing was loaded on which an index could be created.
    @Test func aReplaceThatIsRefusedForAnIndexSaysHowTheDocumentsGetInAllTheSame() throws {
        try withTestDatabase { database, folder in
            let file = try Self.writeBrokenFile(database, folder)
            func isAdvised(_ report: Report, _ beginning: String) -> Bool {
                report.nextSteps == [
                    "\(beginning) where the backup comes from; or import with --mode merge, which goes on without an "
                        + "index that cannot be built, and sets aside what one that is there refuses."
                ]
            }
            let report = try database.load(file, .replace)
            #expect(isAdvised(report, "The documents named above collide. Mend them"), "\(report.nextSteps)")
            try database.drop("users")
            let merged = try database.load(file)
            #expect(merged.status == .problems && merged.totals.inserted == 4)
            #expect(
                merged.nextSteps == [
                    "Create the refused indexes by hand once the documents that stand in their way are mended."
                ])
            try database.drop("users")
            try database.create("users", indexes: [Self.unique("email")])
            let beside = try database.load(file)
            #expect(beside.status == .problems && beside.rejectionCount > 0 && beside.rejectsFile != nil)

            let parallel = try Self.writeFile(
                folder.file("parallel.csv"), [["_id": 1, "a": [1, 2], "b": [1, 2]]],
                ["v": 2, "key": ["a": 1, "b": 1], "name": "a_b"])
            let other = try database.load(parallel, .replace)
            #expect(other.error == "the live data were not touched: the server refused 1 index")
            #expect(isAdvised(other, "Mend what the server names above"), "\(other.nextSteps)")
        }
    }

    /// Writes a sealed file of the collection `c`.
    private static func writeFile(_ path: String, _ documents: [Document], _ index: Document) throws -> String {
        var entry = BackupMetadata.Collection(name: "c", records: documents.count)
        entry.indexes = [["v": 2, "key": ["_id": 1], "name": "_id_"], index]
        let writer = try BackupWriter(
            .file(path: path, overwriting: false), compression: .none, plain: false,
            metadata: BackupMetadata(created: nil, program: "test", database: "test", collections: [entry]))
        let buffer = ByteBuffer()
        for document in documents {
            buffer.append("c,\"")
            _ = document.withRaw { ExtendedJSONEncoder().encode($0, into: buffer) }
            buffer.append("\"\n")
        }
        try writer.write(rows: buffer.bytes)
        _ = try writer.finish(counts: ["c": documents.count])
        return path
    }

    /// Servers name one key; the report lists those that collide, as the index sees them.
    @Test(
        arguments: [
            ([["_id": 1], ["_id": 2, "a": .null], ["_id": 3]], [:], [#"{"a":null} in _id 1 and 3 and 1 more"#]),
            (
                [["_id": 1], ["_id": 2], ["_id": 3, "a": 1], ["_id": 4, "a": 1.0]], ["sparse": true],
                [#"{"a":1} in _id 3 and 4"#]
            ),
            (
                [["_id": 1, "a": ["x", "y"]], ["_id": 2, "a": ["y", "z"]], ["_id": 3, "a": ["q", "q"]]], [:],
                [#"{"a":"y"} in _id 1 and 2"#]
            ),
            (
                [["_id": 1, "a": "x"], ["_id": 2, "a": "X"]], ["collation": ["locale": "en", "strength": 2]],
                [#"{"a":"x"} in _id 1 and 2"#]
            ),
            (
                [["_id": 1, "a": 5], ["_id": 2, "a": 5], ["_id": 3, "a": 50], ["_id": 4, "a": 50]],
                ["partialFilterExpression": ["a": ["$gt": 10]]], [#"{"a":50} in _id 3 and 4"#]
            ),
            ((0..<20).map { ["_id": .int32($0), "a": .int32($0 / 2)] }, [:], ["; …"]),
        ] as [([Document], Document, [String])])
    func theKeysThatCollideAreTold(_ documents: [Document], _ options: Document, _ texts: [String]) throws {
        try withTestDatabase { database, folder in
            var index: Document = ["v": 2, "key": ["a": 1], "name": "a_1", "unique": true]
            for (key, value) in options.elements { index = index.appending(key, value) }
            let file = try Self.writeFile(folder.file("c.csv"), documents, index)
            let report = try database.load(file, .replace)
            #expect(report.status == .refused)
            let warning = report.warnings.first ?? ""
            for text in texts { #expect(warning.contains(text), "\(warning)") }
            #expect(warning.split(separator: " in _id ").count <= 6)
            #expect(try database.names() == [])
        }
    }

    @Test func inPlaceSaysThatTheLiveDataAreGoneWhenAnIndexCannotBeBuilt() throws {
        try withTestDatabase { database, folder in
            let file = try Self.writeBrokenFile(database, folder)
            let report = try database.load(file, .replace) { $0.inPlace = true }
            #expect(report.status == .problems)
            #expect(
                report.error == "replaced without the 2 indexes that the server refused")
            #expect(try database.count("users") == 4)
            #expect(try database.image().collections["users"]?.indexes.count == 2)
        }
    }

    @Test func mergeReportsEachDocumentThatAUniqueIndexRefuses() throws {
        try withTestDatabase { database, folder in
            try database.create("users", indexes: [Self.unique("email"), Self.unique("phone")])
            try database.insert(
                (0..<100).map { ["_id": .int32($0), "email": .int32($0), "phone": .int32($0)] }, into: "users")
            try database.export(to: folder.file("users.csv"))
            try database.delete("users", ["_id": ["$lt": 50]])
            try database.insert(
                [["_id": "x", "email": 10, "phone": -1], ["_id": "y", "email": -2, "phone": 20]], into: "users")
            let report = try database.load(folder.file("users.csv"))
            #expect(report.status == .problems)
            #expect(report.totals.inserted == 48)
            #expect(report.totals.rejected == 2)
            #expect(Set(report.rejections.map(\.id)) == ["10", "20"])
            #expect(report.rejections.allSatisfy { $0.reason.hasPrefix("the value is taken in a unique index: ") })
            let lines = try folder.text("users.csv").split(separator: "\n", omittingEmptySubsequences: false)
            for rejection in report.rejections {
                let line = try #require(rejection.line)
                #expect(lines[line - 1].contains(#"{""_id"":\#(rejection.id ?? "?"),"#))
            }
            #expect(try database.count("users") == 100)
        }
    }

    @Test func rowsThatTheServerRefusesAreSetAsideForMending() throws {
        try withTestDatabase { database, folder in
            try database.create("users", indexes: [Self.unique("email")])
            try database.insert((0..<10).map { ["_id": .int32($0), "email": .int32($0)] }, into: "users")
            let expected = try database.image()
            try database.export(to: folder.file("users.csv"))
            try database.delete("users", ["_id": 5])
            try database.insert([["_id": "x", "email": 5]], into: "users")
            try database.load(folder.file("users.csv"))
            #expect(
                try folder.text("users.csv.rejects.csv")
                    == "collection,data\nusers,\"{\"\"_id\"\":{\"\"$numberInt\"\":\"\"5\"\"},\"\"email\"\":{\"\"$numberInt\"\":\"\"5\"\"}}\"\n",
                "in a form that nobody takes for a legacy row")
            try database.delete("users", ["_id": "x"])
            try database.load(folder.file("users.csv.rejects.csv"))
            #expect(try database.image().differences(from: expected) == [])
        }
    }

    /// Without the metadata, their strings could be taken for ids and dates.
    @Test func rowsThatWereSetAsideKeepTheirTypes() throws {
        try withTwoTestDatabases { source, copy, folder in
            let id = "5c2aad80000000000000000a"
            let documents: [Document] = [
                ["_id": .string(id), "at": "2024-01-01T00:00:00.000Z"],
                ["_id": .string(id.replacing("a", with: "b")), "number": 1], ["_id": "plain", "to": .string(id)],
                ["_id": 4, "at": .date(5), "price": 1.5],
            ]
            try source.insert(documents, into: "users")
            let file = folder.file("users.csv")
            try source.export(to: file)
            try copy.create("users", ["validator": ["missing": ["$exists": true]]])
            let report = try copy.load(file)
            #expect(report.rejectionCount == 4)
            try copy.run(["collMod": "users", "validator": [:]])
            let configuration = try Configuration.parse(
                yaml: "collections: {users: {types: {at: date, price: decimal}, references: {to: users}}}", file: "c")
            try copy.load(folder.file("users.csv.rejects.csv")) { $0.configuration = configuration }
            let restored = try copy.documents(in: "users")
            #expect(Set(restored) == Set(documents))
        }
    }

    /// Servers silently remove the oldest documents of a full capped collection.
    @Test func whatACappedCollectionHasNotKeptIsTold() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<5).map { ["_id": .int32($0)] }, into: "log")
            let file = folder.file("log.csv")
            try source.export(to: file)
            let small: Document = ["capped": true, "size": 4096, "max": 2]
            for mode in [ImportOptions.Mode.merge, .insert] {
                try copy.create("log", small)
                let report = try copy.load(file, mode)
                #expect(report.status == .problems)
                #expect(report.warnings == ["log is capped and full: of 5 documents the server has kept 2"])
                try copy.drop("log")
            }
            try copy.create("log", ["capped": true, "size": 1_048_576])
            try copy.load(file)
            #expect(try copy.count("log") == 5)
            // With a file without metadata, the live collection's options stay.
            try copy.drop("log")
            try copy.create("log", small)
            try source.export(to: folder.file("plain.csv")) { $0.plain = true }
            let report = try copy.load(folder.file("plain.csv"), .replace)
            #expect(report.status == .problems && report.warnings.count == 1)
        }
    }

    /// Servers treat "A" and "a" as the same `_id` in a collection that ignores case.
    @Test func mergeReportsAnIDThatTheCollationTakesForAnother() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "a", "n": 1], ["_id": "b", "n": 1]], into: "names")
            try database.export(to: folder.file("names.csv"))
            try database.drop("names")
            try database.create("names", ["collation": ["locale": "en", "strength": 2]])
            try database.insert([["_id": "A", "n": 2]], into: "names")
            let report = try database.load(folder.file("names.csv"))
            #expect(report.rejections.map(\.id) == ["\"a\""])
            #expect(
                Set(try database.documents(in: "names")) == [["_id": "A", "n": 2], ["_id": "b", "n": 1]])
        }
    }

    // MARK: Validators

    /// Inserts documents before setting the validator, which does not affect them as long as nobody writes them.
    private static func fillWithOldDocuments(_ database: TestDatabase) throws {
        try database.create("items")
        try database.insert((0..<10).map { ["_id": .int32($0), "n": .int32($0)] }, into: "items")
        try database.run([
            "collMod": "items", "validator": ["n": ["$gte": 3]], "validationLevel": "moderate",
        ])
    }

    @Test func replaceKeepsTheLiveDataWhenTheValidatorRefusesDocuments() throws {
        try withTestDatabase { database, folder in
            try Self.fillWithOldDocuments(database)
            let before = try database.image()
            try database.export(to: folder.file("items.csv"))
            let report = try database.load(folder.file("items.csv"), .replace)
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.id) == ["0", "1", "2"])
            #expect(report.rejections.allSatisfy { $0.reason.hasPrefix("the collection's validator refuses it") })
            #expect(report.error == "the live data were not touched: the server refused 3 documents")
            #expect(
                report.nextSteps.last
                    == "What is older than the collection's validator is written by --bypass-validation all the same.")
            #expect(try database.image().differences(from: before) == [])
            #expect(try folder.text("items.csv.rejects.csv").split(separator: "\n").count == 4)
        }
    }

    /// A backup has documents that the validator would refuse, since the database has them, too.
    @Test(arguments: [
        ["--mode", "replace", "--yes"], ["--mode", "replace", "--in-place", "--yes"], [], ["--mode", "insert"],
    ])
    func documentsOlderThanTheValidatorComeBackWhereItIsPassedBy(mode: [String]) throws {
        try withTestDatabase { database, folder in
            try Self.fillWithOldDocuments(database)
            let before = try database.image()
            try database.export(to: folder.file("items.csv"))
            try database.delete("items", [:])
            let outcome = try Program.run(
                ["import", folder.file("items.csv"), "--uri", testURI(), "--db", database.name, "--bypass-validation"]
                    + mode)
            #expect(outcome.status == 0, "\(outcome.text)")
            let text = "its validator is passed by: documents that it refuses are written all the same"
            #expect(outcome.errors.contains(text), "\(outcome.text)")
            // The validator is restored, and still applies to others.
            #expect(try database.image().differences(from: before) == [])
            #expect(try database.tryInsert([["_id": 100, "n": 1]], into: "items").writeErrors.count == 1)
        }
    }

    /// Documents that are deleted and inserted again in a transaction bypass the validator, too.
    @Test func exchangedValuesAreWrittenWhereTheValidatorIsPassedBy() throws {
        try withTestDatabase { database, folder in
            try database.create("items", indexes: [["key": ["n": 1], "name": "n_1", "unique": true]])
            try database.insert([["_id": 1, "n": 1], ["_id": 2, "n": 2]], into: "items")
            try database.export(to: folder.file("items.csv"))
            try database.delete("items", [:])
            try database.insert([["_id": 1, "n": 2], ["_id": 2, "n": 1]], into: "items")
            try database.run(["collMod": "items", "validator": ["n": ["$gte": 3]]])
            #expect(try database.load(folder.file("items.csv")).totals.rejected == 2)
            let report = try database.load(folder.file("items.csv")) { $0.bypassesValidation = true }
            #expect(report.rejections.map(\.reason) == [] && report.totals.updated == 2)
            #expect(
                Set(try database.documents(in: "items")) == [["_id": 1, "n": 1], ["_id": 2, "n": 2]])
        }
    }

    /// Documents with an empty timestamp go their own way, and wait for a value like all others.
    @Test func valuesAreExchangedWithADocumentThatHasAnEmptyTimestamp() throws {
        try withTestDatabase { database, folder in
            try database.create("items", indexes: [["key": ["n": 1], "name": "n_1", "unique": true]])
            try database.insertKeepingTimestamps(
                ["_id": 1, "n": 1, "t": .timestamp(Timestamp(rawValue: 0))], into: "items")
            try database.insert([["_id": 2, "n": 2], ["_id": 3, "n": 3]], into: "items")
            let before = try database.image()
            try database.export(to: folder.file("items.csv"))
            try database.delete("items", [:])
            try database.insert([["_id": 1, "n": 2], ["_id": 2, "n": 1], ["_id": 3, "n": 4]], into: "items")
            let report = try database.load(folder.file("items.csv"))
            #expect(report.rejections.map(\.reason) == [] && report.totals.updated == 3)
            #expect(try database.image().differences(from: before) == [])
        }
    }

    @Test func mergeLeavesUnchangedDocumentsThatAValidatorWouldRefuse() throws {
        try withTestDatabase { database, folder in
            try Self.fillWithOldDocuments(database)
            let before = try database.image()
            try database.export(to: folder.file("items.csv"))
            #expect(try database.load(folder.file("items.csv")).status == .done)
            #expect(try database.image().differences(from: before) == [])
            try database.delete("items", [:])
            let report = try database.load(folder.file("items.csv"))
            #expect(report.status == .problems)
            #expect(report.totals.inserted == 7)
            #expect(report.totals.rejected == 3)
        }
    }

    /// The importer keeps less of huge documents: they are still reported by line and `_id`, the others are imported.
    @Test(arguments: [ImportOptions.Mode.replace, .merge, .insert])
    func hugeDocumentsThatAreRefusedAreToldToo(mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            let filling = Value.string(String(repeating: "x", count: 9 << 20))
            let documents = (0..<6).map { ["_id": .int32($0), "n": .int32($0), "filling": filling] as Document }
            try database.create("items")
            for document in documents { try database.insert([document], into: "items") }
            try database.run(["collMod": "items", "validator": ["n": ["$nin": [1, 4]]]])
            try database.export(to: folder.file("items.csv"))
            if mode != .replace { try database.delete("items", [:]) }
            let before = try database.image()
            let report = try database.load(folder.file("items.csv"), mode)
            #expect(Set(report.rejections.map(\.id)) == ["1", "4"])
            #expect(report.rejections.allSatisfy { $0.reason.hasPrefix("the collection's validator refuses it") })
            // Foundation's method is optimized in every build.
            let lines = try folder.text("items.csv").components(separatedBy: "\n")
            for rejection in report.rejections {
                let line = try #require(rejection.line)
                #expect(lines[line - 1].hasPrefix(#"items,"{""_id"":\#(rejection.id ?? "?"),"#))
            }
            if mode == .replace {
                #expect(report.status == .refused)
                #expect(try database.image().differences(from: before) == [])
            } else {
                #expect(report.status == .problems)
                #expect(report.totals.inserted == 4)
                #expect(Set(try database.documents(in: "items")) == Set([0, 2, 3, 5].map { documents[$0] }))
            }
        }
    }
}
