import BSON
import BackupFile
import ExtendedJSON
import Foundation
import IndependentReader
import InsuranceLedger
import MongoDriver
import MongoFerry
import Relations
import Testing

/// The insurance database of the old backup screen, whose faults must be gone for good.
@Suite struct LedgerTests {
    static let ledger = Ledger(scale: 0.01)

    static func fill(_ database: TestDatabase, backwards: Bool = false) throws {
        for collection in backwards ? ledger.collections.reversed() : ledger.collections {
            let indexes = backwards ? collection.indexes.reversed() : collection.indexes
            try database.create(collection.name, collection.options, indexes: indexes)
            let documents = (0..<collection.count).map(collection.document)
            try database.insert(backwards ? documents.reversed() : documents, into: collection.name)
        }
    }

    /// Runs `body` with a filled database and its backup.
    func withLedger(_ body: (TestDatabase, _ backup: String, TemporaryFolder) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.export(to: folder.file("backup.csv"))
            try body(database, folder.file("backup.csv"), folder)
        }
    }

    // MARK: The seeds of the old review

    @Test func everyCollectionIsInTheFileAndComesBack() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let report = try source.export(to: folder.file("all.csv"))
            #expect(Set(report.collections.map(\.name)) == Set(Self.ledger.collections.map(\.name)))
            #expect(report.excluded.isEmpty)
            try copy.load(folder.file("all.csv"))
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }

    @Test func everyDataCellIsADocumentToAnIndependentReader() throws {
        try withLedger { database, backup, folder in
            let rows = CSVRows.read(try folder.text("backup.csv"))
            #expect(rows.count == Self.ledger.collections.reduce(0) { $0 + $1.count })
            var documents: [String: [Document]] = [:]
            for row in rows {
                try #require(row.count == 2)
                documents[row[0], default: []].append(try #require(LibBSON.read(row[1]), "\(row)"))
            }
            for collection in Self.ledger.collections {
                #expect(Set(documents[collection.name] ?? []) == Set(try database.documents(in: collection.name)))
            }
        }
    }

    @Test func theFileIsNotEmptyAndSaysWhatIsInIt() throws {
        try withLedger { _, backup, folder in
            let text = try folder.text("backup.csv")
            #expect(text.hasPrefix("# mongoferry backup, format 1\n"))
            let inspection = try Inspection(backup)
            let counts = Dictionary(
                uniqueKeysWithValues: try #require(inspection.metadata).collections.map {
                    ($0.name, $0.records)
                })
            #expect(counts == Dictionary(uniqueKeysWithValues: Self.ledger.collections.map { ($0.name, $0.count) }))
            #expect(inspection.seal?.rows == counts.values.reduce(0, +))
        }
    }

    @Test func mergeRestoresAChangedDocument() throws {
        try withLedger { database, backup, _ in
            let before = try database.image()
            try database.update("policies", ["status": "active"], ["$set": ["status": "changed"]])
            try database.update("customers", [:], ["$unset": ["address": ""]])
            let report = try database.load(backup)
            #expect(try database.image().differences(from: before) == [])
            #expect(report.totals.updated == 2)
            #expect(report.totals.inserted == 0)
        }
    }

    @Test func mergeKeepsDocumentsThatOnlyTheDatabaseHas() throws {
        try withLedger { database, backup, _ in
            try database.insert([["_id": 1, "email": "new@example.org"]], into: "customers")
            try database.load(backup)
            #expect(try database.count("customers") == Self.ledger.customerCount + 1)
        }
    }

    @Test(arguments: [false, true]) func replaceRestoresDeletedDocuments(_ inPlace: Bool) throws {
        try withLedger { database, backup, _ in
            let before = try database.image()
            try database.delete("customers", ["address.city": "Accra"])
            try database.drop("payments")
            try database.insert([["_id": 1, "email": "new@example.org"]], into: "customers")
            try database.load(backup, .replace) { $0.inPlace = inPlace }
            #expect(try database.image().differences(from: before) == [])
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func policiesPaymentsAndReceiptsStillFindWhatTheyReferTo(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("all.csv"))
            let report = try copy.load(folder.file("all.csv"), mode)
            for (collection, path) in [
                ("policies", "customerId"), ("payments", "policyId"), ("receipts", "paymentId"),
                ("policies", "vehicles[].drivers[].customerId"),
            ] {
                let outcome = try #require(
                    report.references.first { $0.collection == collection && $0.path == path }, "\(collection).\(path)")
                #expect(outcome.checked > 0)
                #expect(outcome.dangling == 0)
            }
            let verified = try Verify(file: folder.file("all.csv"), target: try copy.target)
                .runBlocking(OperationContext())
            #expect(verified.status == .done, "\(verified.differences)")
        }
    }

    // MARK: What is exported

    @Test func whatIsLeftOutIsSaidByName() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let report = try database.export(to: folder.file("part.csv")) {
                $0.exclude = [Glob("audit*"), Glob("receipts")]
            }
            #expect(Set(report.excluded.map(\.name)) == ["auditlogs", "receipts"])
            #expect(!report.collections.map(\.name).contains("receipts"))
            let metadata = try #require(try Inspection(folder.file("part.csv")).metadata)
            #expect(Set(metadata.excluded.map(\.name)) == ["auditlogs", "receipts"])
        }
    }

    @Test func onlyTheCollectionsAskedForAreExported() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let report = try database.export(to: folder.file("part.csv")) { $0.collections = [Glob("p*")] }
            #expect(Set(report.collections.map(\.name)) == ["policies", "payments"])
            let error = #expect(throws: FerryError.self) {
                try database.export(to: folder.file("none.csv")) { $0.collections = [Glob("polices")] }
            }
            #expect(error?.advice == ["Did you mean 'policies'?"])
            #expect(try folder.names() == ["part.csv"])
        }
    }

    @Test func aQueryTakesOnlyTheDocumentsThatItFinds() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let active = try database.documents(in: "policies", ["status": "active"])
            try #require(!active.isEmpty)
            let report = try database.export(to: folder.file("active.csv")) {
                $0.queries = [CollectionQuery(name: "policies", query: #"{"status": "active"}"#)]
                $0.collections = [Glob("policies"), Glob("users")]
            }
            #expect(report.collections.first { $0.name == "policies" }?.read == active.count)
            #expect(report.collections.first { $0.name == "users" }?.read == 50)
            let metadata = try #require(try Inspection(folder.file("active.csv")).metadata)
            #expect(metadata.queries.map(\.name) == ["policies"])
            #expect(metadata.collection(named: "policies")?.records == active.count)
        }
    }

    @Test func aPlainFileHasOnlyTheColumnsAndTheRows() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("plain.csv")) { $0.plain = true }
            let text = try folder.text("plain.csv")
            #expect(text.hasPrefix("collection,data\n"))
            #expect(!text.contains("\n#"))
            try copy.load(folder.file("plain.csv"))
            let (here, there) = (try copy.image().collections, try source.image().collections)
            for (name, collection) in there { #expect(here[name]?.documents == collection.documents) }
        }
    }

    @Test func equalDataGiveTheSameReproducibleFile() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.export(to: folder.file("one.csv")) { $0.reproducible = true }
            for name in try database.names() { try database.drop(name) }
            try Self.fill(database, backwards: true)
            // After this, the server keeps an empty list of views.
            try database.create("view", ["viewOn": "customers", "pipeline": []])
            try database.drop("view")
            try database.export(to: folder.file("two.csv")) { $0.reproducible = true }
            #expect(try folder.text("one.csv") == folder.text("two.csv"))
        }
    }

    /// References are searched for in a sample: the same one, whatever the order of insertion.
    @Test func aReproducibleFileDoesNotDependOnWhichDocumentsWereLookedAt() throws {
        try withTestDatabase { database, folder in
            for (place, name) in ["one.csv", "two.csv", "three.csv"].enumerated() {
                for name in try database.names() { try database.drop(name) }
                let customers = (0..<2000).map { ["_id": .string("c\($0)")] as Document }
                let policies = (0..<3000).map { number -> Document in
                    let customer: Value = number % 9 == 0 ? .string("c\(number * 31 % 1900)") : .null
                    return ["_id": .string("p\(number * 7919 % 3000)"), "customer": customer]
                }
                try database.insert(customers, into: "customers")
                try database.insert(place == 1 ? policies.reversed() : policies, into: "policies")
                try database.export(to: folder.file(name)) { $0.reproducible = true }
            }
            #expect(try folder.text("one.csv").contains(#""path":"customer""#))
            #expect(try folder.text("one.csv") == folder.text("two.csv"))
            #expect(try folder.text("one.csv") == folder.text("three.csv"))
        }
    }

    // MARK: What is imported

    @Test func onlyTheCollectionsAskedForAreImported() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("all.csv"))
            try copy.load(folder.file("all.csv")) {
                $0.collections = [Glob("p*"), Glob("customers")]
                $0.exclude = [Glob("payments")]
            }
            #expect(try copy.names() == ["customers", "policies"])
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func aCollectionCanBeRenamedOnItsWay(_ mode: ImportOptions.Mode) throws {
        try withLedger { database, backup, _ in
            let before = try database.image()
            try database.load(backup, mode) {
                $0.renames = ["customers": "customers.restored"]
                $0.collections = [Glob("customers")]
            }
            var expected = before
            expected.collections["customers.restored"] = before.collections["customers"]
            #expect(try database.image().differences(from: expected) == [])
        }
    }

    @Test func insertWritesOnlyWhatIsMissing() throws {
        try withLedger { database, backup, _ in
            try database.update("users", ["email": "user1@example.org"], ["$set": ["name": "changed"]])
            try database.delete("users", ["email": "user2@example.org"])
            let report = try database.load(backup, .insert)
            #expect(report.totals.inserted == 1)
            #expect(report.totals.updated == 0)
            #expect(try database.count("users") == 50)
            #expect(try database.count("users", ["name": "changed"]) == 1)
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func aDryRunCountsWhatThenHappens(_ mode: ImportOptions.Mode) throws {
        try withLedger { database, backup, _ in
            try database.update("policies", ["status": "active"], ["$set": ["status": "changed"]], many: true)
            try database.delete("customers", ["address.city": "Accra"])
            try database.drop("payments")
            let before = try database.image()
            let planned = try database.load(backup, mode) { $0.isDryRun = true }
            #expect(planned.status == .planned)
            #expect(try database.image().differences(from: before) == [])
            let done = try database.load(backup, mode)
            #expect(planned.collections.count == done.collections.count && !done.collections.isEmpty)
            for (plan, outcome) in zip(planned.collections, done.collections) {
                #expect(plan.name == outcome.name)
                #expect(plan.inserted == outcome.inserted)
                #expect(plan.updated == outcome.updated)
                #expect(plan.unchanged == outcome.unchanged)
                #expect(plan.deleted == outcome.deleted)
            }
        }
    }

    @Test func aDryRunOfReplaceCountsWhatWillBeDifferent() throws {
        try withLedger { database, backup, _ in
            try database.update("users", ["email": "user1@example.org"], ["$set": ["name": "changed"]])
            try database.delete("users", ["email": "user2@example.org"])
            try database.insert((0..<3).map { ["_id": .int32($0), "email": .int32($0)] }, into: "users")
            let planned = try database.load(backup, .replace) { $0.isDryRun = true }
            let users = try #require(planned.collections.first { $0.name == "users" })
            let counts: [Int] = [users.inserted, users.updated, users.unchanged, users.deleted]
            #expect(counts.elementsEqual([1, 1, 48, 3]), "\(counts)")
            #expect(try database.count("users") == 52)
        }
    }

    @Test func mergingTwiceWritesNothingTheSecondTime() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("all.csv"))
            try copy.load(folder.file("all.csv"))
            let start = try copy.client.runRead(["ping": 1], on: copy.name)["operationTime"]?.timestamp
            let report = try copy.load(folder.file("all.csv"))
            #expect(report.totals.inserted + report.totals.updated == 0)
            #expect(report.totals.unchanged == report.totals.read)
            #expect(try copy.written(since: try #require(start), orDefined: true) == [])
        }
    }

    @Test func collectionsAreWrittenInTheOrderOfTheirReferences() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("all.csv"))
            let start = try copy.client.runRead(["ping": 1], on: copy.name)["operationTime"]?.timestamp
            try copy.load(folder.file("all.csv"))
            let order = try copy.written(since: try #require(start))
            #expect(Set(order).count == order.count, "one collection after the other: \(order)")
            let places = Dictionary(order.enumerated().map { ($1, $0) }) { first, _ in first }
            for (later, earlier) in [
                ("policies", "customers"), ("policies", "coveragetypes"), ("payments", "policies"),
                ("receipts", "payments"), ("customers", "users"), ("users", "rolepermissions"),
                ("statementrecipients", "customers"),
            ] {
                #expect(try #require(places[later]) > #require(places[earlier]), "\(later) after \(earlier)")
            }
        }
    }

    @Test func otherFieldsThanTheIDCanTellWhichDocumentIsMeant() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                [["_id": 1, "code": "A", "n": 1], ["_id": 2, "code": "B", "n": 2]], into: "types")
            try database.insert([["_id": 3, "code": "C", "n": 3]], into: "types")
            try database.export(to: folder.file("types.csv"))
            try database.drop("types")
            try database.insert(
                [["_id": 11, "code": "A", "n": 0], ["_id": 3, "code": "other", "n": 0]], into: "types")
            let report = try database.load(folder.file("types.csv")) { $0.upsertKeys = ["code"] }
            // The live A keeps its own _id; C's _id belongs to another document, which is not overwritten.
            #expect(
                Set(try database.documents(in: "types")) == [
                    ["_id": 11, "code": "A", "n": 1], ["_id": 2, "code": "B", "n": 2],
                    ["_id": 3, "code": "other", "n": 0],
                ])
            #expect(report.rejectionCount == 1)
            #expect(report.rejections.first?.id == "3")
            #expect(report.status == .problems)
        }
    }

    @Test func aRowWithoutTheUpsertKeyIsReported() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "code": "A"], ["_id": 2]], into: "types")
            try database.export(to: folder.file("types.csv"))
            try database.drop("types")
            let planned = try database.load(folder.file("types.csv")) {
                $0.upsertKeys = ["code"]
                $0.isDryRun = true
            }
            #expect(planned.rejections.map(\.id) == ["2"])
            let report = try database.load(folder.file("types.csv")) { $0.upsertKeys = ["code"] }
            #expect(report.rejections.map(\.id) == ["2"])
            #expect(report.rejections.first?.reason == "it has no value for code, by which the merge finds it")
            let expected: [Document] = [["_id": 1, "code": "A"]]
            #expect(try database.documents(in: "types") == expected)
        }
    }
}

extension TestDatabase {
    /// Returns the collections that were written to according to the oplog, in order; consecutive writes to one are
    /// listed once.
    /// - Parameter orDefined: whether to include those that were created, dropped or changed, or whose indexes were.
    func written(since start: Timestamp, orDefined: Bool = false) throws -> [String] {
        var names: [String] = []
        func note(_ namespace: String) {
            let name = String(namespace.dropFirst(self.name.count + 1))
            if namespace.hasPrefix(self.name + "."), !name.hasPrefix("__mongoferry"), names.last != name {
                names.append(name)
            }
        }
        let filter: Document = ["ts": ["$gt": .timestamp(start)], "op": ["$in": ["i", "u", "d", "c"]]]
        try client.find(Namespace("local", "oplog.rs"), filter).forEach { entry in
            if let inner = entry["o"]?.document?["applyOps"]?.document {
                try inner.forEach { if let namespace = $0.document?["ns"]?.string { note(namespace) } }
            } else if entry["op"]?.string != "c", let namespace = entry["ns"]?.string {
                note(namespace)
            } else if orDefined, entry["ns"]?.string == name + ".$cmd",
                let collection = entry["o"]?.document?.first?.string
            {
                note("\(name).\(collection)")
            }
        }
        return names
    }
}

/// A minimal parser of RFC 4180: an independent reader of what the program writes.
enum CSVRows {
    /// The rows below the column header, without comment lines.
    static func read(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field = ""
        var isQuoted = false
        var isLineStart = true
        var isComment = false
        var scalars = text.unicodeScalars.makeIterator()
        var waiting: Unicode.Scalar?
        while let scalar = waiting ?? scalars.next() {
            waiting = nil
            if isComment {
                isComment = scalar != "\n"
                continue
            }
            if isLineStart, scalar == "#" {
                isComment = true
                continue
            }
            isLineStart = false
            switch scalar {
            case "\"" where isQuoted:
                waiting = scalars.next()
                if waiting == "\"" {
                    field.unicodeScalars.append("\"")
                    waiting = nil
                } else {
                    isQuoted = false
                }
            case "\"" where field.isEmpty: isQuoted = true
            case "," where !isQuoted:
                row.append(field)
                field = ""
            case "\n" where !isQuoted:
                rows.append(row + [field])
                row = []
                field = ""
                isLineStart = true
            default: field.unicodeScalars.append(scalar)
            }
        }
        return Array(rows.dropFirst())
    }
}
