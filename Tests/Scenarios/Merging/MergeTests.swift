import BSON
import Foundation
import MongoFerry
import RandomDocuments
import Synchronization
import Testing

/// Documents that a merge cannot write one by one.
@Suite struct MergeTests {
    private static let zero = Value.timestamp(Timestamp(rawValue: 0))

    /// The document is not at fault: to the collation, its `_id` is another document's.
    @Test func anIDThatACollationTakesForAnothersIsRefusedWithThatReason() throws {
        try withTwoTestDatabases { source, database, folder in
            try source.insert([["_id": "A", "n": 1]], into: "c")
            try source.export(to: folder.file("c.csv"))
            try database.create("c", ["collation": ["locale": "en", "strength": 2]])
            try database.insert([["_id": "a", "n": 2]], into: "c")
            let report = try database.load(folder.file("c.csv"), .merge)
            #expect(report.status == .problems)
            let reason = try #require(report.rejections.first?.reason)
            #expect(reason.hasPrefix("the server takes its _id for that of another document, as a collation can: "))
            #expect(try database.documents(in: "c") == [["_id": "a", "n": 2]])
        }
    }

    /// No query finds such a document, and a server refuses a filter with the value.
    @Test func aRowWhoseUpsertKeyIsUndefinedIsRejected() throws {
        try withTestDatabase { database, folder in
            let rows = [#"{""_id"":1,""email"":{""$undefined"":true}}"#, #"{""_id"":2,""email"":""b""}"#]
            try folder.write("collection,data\n" + rows.map { "users,\"\($0)\"\n" }.joined(), to: "users.csv")
            let report = try database.load(folder.file("users.csv")) { $0.upsertKeys = ["email"] }
            #expect(report.rejections.map(\.reason) == ["it has no value for email, by which the merge finds it"])
            #expect(try database.documents(in: "users") == [["_id": 2, "email": "b"]])
        }
    }

    /// The command that is advised for them must not blame the key.
    @Test func rowsThatWereSetAsideForLackOfAnUpsertKeyAreSoAgain() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nusers,\"{\"\"_id\"\":1}\"\n", to: "users.csv.rejects.csv")
            let report = try database.load(folder.file("users.csv.rejects.csv")) { $0.upsertKeys = ["email"] }
            #expect(report.status == .problems)
            #expect(report.rejections.map(\.reason) == ["it has no value for email, by which the merge finds it"])
        }
    }

    @Test(arguments: [true, false]) func anUpsertKeyThatNoRowHasIsAMistake(isDryRun: Bool) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "email": "a"], ["_id": 2, "email": "b"]], into: "users")
            try database.insert([["_id": 1, "n": 1]], into: "others")
            try database.export(to: folder.file("all.csv"))
            try database.delete("users", [:])
            let error = try #require(throws: FerryError.self) {
                try database.load(folder.file("all.csv")) {
                    $0.upsertKeys = ["emial"]
                    $0.isDryRun = isDryRun
                }
            }
            #expect(error.kind == .usage)
            #expect(error.text == "--upsert-keys: no row that would be merged has a value for emial")
            #expect(error.details == ["Nothing was written."])
            #expect(try database.documents(in: "users") == [])
        }
    }

    /// With repeated names, a pipeline update crashes MongoDB 6.0.5, and no other update accepts these documents.
    @Test func changedDocumentsWithRepeatedNamesAndNamesThatUpdatesRefuseAreMerged() throws {
        try withTestDatabase { database, folder in
            let documents: [Document] = [
                ["_id": 1, "a": 1, "a": 2, "t": Self.zero], ["_id": 2, "n": ["a": 1, "a": 2], "$set": ["b": 1]],
                ["_id": 3, "a": 1, "a": 2, "t": Self.zero, "$x": 1], ["_id": "four", "t": Self.zero],
                ["_id": ["x": 5], "$y": 1],
                ["_id": 6, "a": 1, "a": 2],
                // In an `_id`, it is an ordinary value, which needs no pipeline.
                ["_id": Self.zero, "a": 1, "a": 2],
            ]
            for document in documents { try database.insertKeepingTimestamps(document, into: "odd") }
            #expect(Set(try database.documents(in: "odd")) == Set(documents))
            try database.export(to: folder.file("odd.csv"))
            try database.drop("odd")
            // Repeated names in existing documents are as dangerous.
            try database.insert(
                documents.map { ["_id": $0["_id"] ?? .null, "b": 1, "b": 2] }, into: "odd")
            let report = try database.load(folder.file("odd.csv"))
            #expect(report.rejections.map(\.reason) == [])
            #expect(report.totals.updated == documents.count && report.totals.inserted == 0)
            #expect(Set(try database.documents(in: "odd")) == Set(documents))
            #expect(try database.load(folder.file("odd.csv")).totals.unchanged == documents.count)
        }
    }

    /// A server sees only one of the values, and the document is there all the same.
    @Test func aKeyThatIsThereTwiceIsMerged() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "F", "mail": "a", "mail": "b", "v": "new"]], into: "users")
            try database.export(to: folder.file("users.csv"))
            try database.drop("users")
            try database.insert([["_id": "L", "mail": "b", "v": "old"]], into: "users")
            let report = try database.load(folder.file("users.csv")) { $0.upsertKeys = ["mail"] }
            #expect(report.totals.updated == 1 && report.totals.inserted == 0, "\(report.totals)")
            #expect(
                try database.documents(in: "users") == [["_id": "L", "mail": "a", "mail": "b", "v": "new"]])
        }
    }

    /// Whichever way the server is queried: by values that are unique to each row, along an index, or for a grid of
    /// values, which also finds other documents.
    @Test(arguments: ["telling", "grid", "indexed grid"])
    func aMergeBySeveralFieldsFindsEachRowsOwnDocument(_ kind: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            let size = kind == "telling" ? 1 : 60
            func seat(_ number: Int, _ note: String) -> Document {
                let id = ObjectID(high: note == "live" ? 1 : 2, low: UInt32(number))
                return [
                    "_id": .objectID(id), "row": .int32(Int32(number / size)),
                    "seat": ["number": .int32(Int32(number % size))],
                    "note": .string(note),
                ]
            }
            // Every other live document is to be changed, and as many are new.
            try copy.insert((0..<3600).map { seat($0, "live") }, into: "seats")
            try source.insert((0..<7200).filter { $0 % 2 == 0 }.map { seat($0, "file") }, into: "seats")
            let keys = ["row", "seat.number"]
            if kind == "indexed grid" {
                try copy.run([
                    "createIndexes": "seats",
                    "indexes": [["key": ["seat.number": 1, "row": -1, "note": 1], "name": "place"]],
                ])
            }
            try source.export(to: folder.file("seats.csv"))
            let report = try copy.load(folder.file("seats.csv")) { $0.upsertKeys = keys }
            #expect(report.totals.updated == 1800 && report.totals.inserted == 1800)
            let found = try copy.documents(in: "seats")
            #expect(found.count == 5400)
            for document in found {
                let id = try #require(document["_id"]?.objectID)
                let isNew = id.low >= 3600
                #expect(id.high == (isNew ? 2 : 1), "a document keeps its _id")
                #expect(document["note"] == (id.low % 2 == 0 ? "file" : "live"))
            }
            #expect(try copy.load(folder.file("seats.csv")) { $0.upsertKeys = keys }.totals.unchanged == 3600)
        }
    }

    /// For every few thousand rows, the server scans the whole collection: with many documents, that takes hours.
    @Test func aMergeByFieldsWithoutAnIndexIsToldToBeSlow() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert(
                (0..<10_000).map { ["_id": .int32($0), "mail": .string("\($0)@x"), "n": .int32($0)] }, into: "users")
            try source.export(to: folder.file("users.csv"))
            func told(_ keys: [String]) throws -> String? {
                let log = MessageLog()
                try copy.load(folder.file("users.csv"), .merge, log) {
                    $0.upsertKeys = keys
                    $0.isDryRun = true
                }
                return log.all.first { $0.contains("no index begins with") }
            }
            #expect(try told(["mail", "n"])?.contains("no index begins with mail or n: ") == true)
            #expect(try told(["_id"]) == nil)
            try copy.create("users", indexes: [["key": ["n": 1], "name": "n_1"]])
            #expect(try told(["mail", "n"]) == nil)
            #expect(try told(["mail"])?.contains("an index on it makes") == true)
        }
    }

    private func expectMerged(
        _ live: [Document], _ file: [Document], index: Document, options: Document = [:], refused: Int = 0,
        _ keys: [String] = ["_id"]
    ) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert(file, into: "seats")
            try source.export(to: folder.file("seats.csv"))
            try copy.create("seats", options, indexes: [index])
            try copy.insert(live, into: "seats")
            let report = try copy.load(folder.file("seats.csv")) { $0.upsertKeys = keys }
            #expect(report.rejectionCount == refused, "\(report.rejections.map(\.reason))")
            #expect(report.totals.read == file.count)
            let totals = report.totals
            #expect(totals.inserted + totals.updated + totals.unchanged + totals.rejected == file.count)
            #expect(
                report.rejections.allSatisfy { $0.reason.hasPrefix("the value is taken in a unique index: ") },
                "\(report.rejections.map(\.reason))")
            let bad = Set(report.rejections.map(\.id))
            let expected = file.filter { !bad.contains("\($0["_id"]?.integer ?? -1)") }
            let found = Set(try copy.documents(in: "seats"))
            for document in expected { #expect(found.contains(document), "\(document.elements)") }
            let ids = Set((live + file).map { $0["_id"] ?? .null })
            #expect(
                found.count <= ids.count && found.count >= Set(live.map { $0["_id"] ?? .null }).count, "none is lost")
        }
    }

    private static func seats(_ seats: [(Int32, Value)]) -> [Document] {
        seats.map { ["_id": .int32($0), "seat": $1] }
    }

    private static let unique: Document = ["key": ["seat": 1], "name": "seat", "unique": true]

    @Test func documentsThatExchangeTheValuesOfAUniqueIndexAreMerged() throws {
        try expectMerged(
            Self.seats([(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]),
            Self.seats([(1, "b"), (2, "a"), (3, "d"), (4, "e"), (5, "c")]), index: Self.unique)
    }

    @Test(arguments: [true, false]) func aWholeRowThatMovesUpByOneIsMerged(isForward: Bool) throws {
        let live = Self.seats((0..<300).map { ($0, .int32($0)) })
        let file = Self.seats((0..<300).map { ($0, .int32($0 + (isForward ? 1 : -1))) })
        try expectMerged(live, file, index: Self.unique)
        // Also if new documents take the values that others give up.
        try expectMerged(live, file + Self.seats([(300, .int32(isForward ? 0 : 299))]), index: Self.unique)
    }

    @Test func whoseValueStaysTakenIsRefusedAndTheOthersAreMerged() throws {
        // 9 is not in the file: its seat stays taken, and so does the one that 1 would have given up.
        try expectMerged(
            Self.seats([(1, "a"), (2, "b"), (3, "c"), (4, "d"), (9, "z")]),
            Self.seats([(1, "z"), (2, "a"), (3, "d"), (4, "c"), (10, "z")]), index: Self.unique, refused: 3)
    }

    /// Two of them take the room of the transaction that would write all.
    @Test func whatIsTooMuchToBeExchangedIsToldToBeThat() throws {
        try withTestDatabase { database, folder in
            let text = String(repeating: "x", count: 6 << 20)
            let rows = [(1, "b"), (2, "c"), (3, "a")].map {
                "seats,\"{\"\"_id\"\":\($0),\"\"seat\"\":\"\"\($1)\"\",\"\"text\"\":\"\"\(text)\"\"}\"\n"
            }
            try folder.write("collection,data\n" + rows.joined(), to: "seats.csv")
            try database.create("seats", indexes: [Self.unique])
            try database.insert(Self.seats([(1, "a"), (2, "b"), (3, "c")]), into: "seats")
            let report = try database.load(folder.file("seats.csv"))
            #expect(report.totals.rejected == 3 && report.totals.updated == 0)
            #expect(
                report.warnings.contains { $0.hasPrefix("seats: ") && $0.contains("no more can be at once") },
                "\(report.warnings)")
        }
    }

    @Test func anExchangeUnderACollationAndInNestedAndManyValuesIsMerged() throws {
        try expectMerged(
            Self.seats([(1, "a"), (2, "b"), (9, "z")]), Self.seats([(1, "B"), (2, "A"), (3, "Z")]),
            index: Self.unique.appending("collation", ["locale": "en", "strength": 2]), refused: 1)
        try expectMerged(
            Self.seats([(1, [["n": 1], ["n": 2]]), (2, ["n": 3])]),
            Self.seats([(1, ["n": 3]), (2, [["n": 2], ["n": 4]])]),
            index: ["key": ["seat.n": 1], "name": "seat", "unique": true])
    }

    /// A document that is not in the index, or has only one of its values, is in nobody's way.
    @Test func whoHasAValueWithoutHoldingItInTheIndexDoesNotPreventAnExchange() throws {
        func document(_ id: Int32, _ seat: Value, isOn: Bool) -> Document {
            ["_id": .int32(id), "seat": seat, "on": .bool(isOn)]
        }
        let others = [document(8, "a", isOn: false), document(9, "b", isOn: false)]
        try expectMerged(
            others + [document(1, "a", isOn: true), document(2, "b", isOn: true)],
            [document(1, "b", isOn: true), document(2, "a", isOn: true)],
            index: Self.unique.appending("partialFilterExpression", ["on": true]))
        // Of the 101 documents with a refused document's value, only one is indexed, and that one is not in the file.
        var (taken, holding): ([Document], [Document]) = ([], [])
        for number: Int32 in 20..<32 {
            taken.append(document(number, .int32(number), isOn: true))
            for other: Int32 in 0...100 {
                holding.append(document(number * 1000 + other, .int32(number), isOn: other == 0))
            }
        }
        try expectMerged(
            holding + [document(1, "a", isOn: true), document(2, "b", isOn: true)],
            taken + [document(1, "b", isOn: true), document(2, "a", isOn: true)],
            index: Self.unique.appending("partialFilterExpression", ["on": true]), refused: 12)
        // The same if nobody can tell which document has a value: the server shows only what a collation makes of it.
        let many = (20..<40).map { number in document(Int32(number), ["n": .string("x\(number)")], isOn: true) }
        try expectMerged(
            (1020..<1040).map { document(Int32($0), ["n": .string("X\($0 - 1000)")], isOn: true) }
                + [document(1, ["n": "a"], isOn: true), document(2, ["n": "b"], isOn: true)],
            many + [document(1, ["n": "b"], isOn: true), document(2, ["n": "a"], isOn: true)],
            index: [
                "key": ["seat.n": 1], "name": "seat", "unique": true, "collation": ["locale": "en", "strength": 2],
            ], refused: 20)
        func nested(_ id: Int32, _ row: Int32, _ seat: Value) -> Document {
            ["_id": .int32(id), "in": ["row": .int32(row)], "seat": seat]
        }
        try expectMerged(
            [nested(8, 2, "A"), nested(9, 2, "B"), nested(1, 1, "a"), nested(2, 1, "b")],
            [nested(1, 1, "b"), nested(2, 1, "a")],
            index: [
                "key": ["in.row": 1, "seat": 1], "name": "seat", "unique": true,
                "collation": ["locale": "en", "strength": 2],
            ])
    }

    /// With a key other than `_id`, a document with the same `_id` is a different one and stays.
    @Test func anExchangeByOtherKeysKeepsTheLiveIDs() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                """
                collection,data
                seats,"{""_id"":1,""name"":""ann"",""seat"":""b""}"
                seats,"{""_id"":2,""name"":""bob"",""seat"":""a""}"

                """, to: "seats.csv")
            try database.create("seats", indexes: [Self.unique])
            try database.insert(
                [["_id": 11, "name": "ann", "seat": "a"], ["_id": 12, "name": "bob", "seat": "b"]], into: "seats")
            let report = try database.load(folder.file("seats.csv")) { $0.upsertKeys = ["name"] }
            #expect(report.rejections.map(\.reason) == [] && report.totals.updated == 2)
            #expect(
                Set(try database.documents(in: "seats")) == [
                    ["_id": 11, "name": "ann", "seat": "b"], ["_id": 12, "name": "bob", "seat": "a"],
                ])
        }
    }

    @Test(arguments: [false, true])
    func rowsThatShareTheKeyOfAMergeAreAFaultBeforeAnythingIsWritten(isDryRun: Bool) throws {
        try withTestDatabase { database, folder in
            try folder.write(
                """
                collection,data
                others,"{""_id"":1,""email"":""a""}"
                others,"{""_id"":2,""email"":""a""}"
                users,"{""_id"":1,""email"":""a"",""n"":1}"
                users,"{""_id"":2,""email"":""b"",""n"":2}"
                users,"{""_id"":3,""email"":""a"",""n"":3}"
                users,"{""_id"":4,""n"":4}"

                """, to: "users.csv")
            try database.insert([["_id": 11, "email": "a", "n": 0]], into: "users")
            let before = try database.image()
            func load(_ more: (inout ImportOptions) throws -> Void = { _ in }) throws -> Report {
                try database.load(folder.file("users.csv")) { options in
                    options.upsertKeys = ["email"]
                    options.isDryRun = isDryRun
                    options.collections = [Glob("users")]
                    try more(&options)
                }
            }
            let report = try load()
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.line) == [6])
            #expect(
                report.rejections.first?.reason
                    == "the same email, by which the merge finds documents, stands on line 4 already")
            #expect(try database.image() == before)
            // If the row is set aside, the import goes on; another row has no email at all.
            let second = try load { $0.maximumRejects = 1 }
            #expect(Set(second.rejections.map(\.line)) == [6, 7], "\(second.rejections)")
            guard !isDryRun else { return }
            #expect(
                Set(try database.documents(in: "users")) == [
                    ["_id": 11, "email": "a", "n": 1], ["_id": 2, "email": "b", "n": 2],
                ])
        }
    }

    @Test func aRowThatIsSetAsideForItsIDSharesItsKeyWithNoOther() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                """
                collection,data
                users,"{""_id"":1,""email"":""a""}"
                users,"{""_id"":1,""email"":""b""}"
                users,"{""_id"":2,""email"":""b""}"

                """, to: "users.csv")
            let report = try database.load(folder.file("users.csv")) {
                $0.upsertKeys = ["email"]
                $0.maximumRejects = 1
            }
            #expect(report.rejections.map(\.line) == [3], "\(report.rejections)")
            #expect(
                Set(try database.documents(in: "users")) == [["_id": 1, "email": "a"], ["_id": 2, "email": "b"]])
        }
    }

    /// What prevents an index may be in a document that the merge puts right.
    @Test(
        arguments: [
            (["loc": "2dsphere"], ["loc": ["type": "Point", "coordinates": [4.9, 52.4]]], ["loc": "unknown"]),
            (["h": "hashed"], ["h": 1], ["h": [1, 2]]), (["a": 1, "b": 1], ["a": [1], "b": 2], ["a": [1], "b": [2]]),
        ] as [(Document, Document, Document)])
    func anIndexThatTheMergeMakesPossibleIsBuiltAtOnce(_ key: Document, _ sound: Document, _ damaged: Document) throws {
        try withTestDatabase { database, folder in
            func document(_ fields: Document) -> Document {
                Document { document in
                    document.append("_id", 1)
                    for (name, value) in fields.elements { document.append(name, value) }
                }
            }
            try database.create("p", indexes: [["key": .document(key), "name": "ix"]])
            try database.insert([document(sound)], into: "p")
            let before = try database.image()
            try database.export(to: folder.file("p.csv"))
            try database.drop("p")
            try database.insert([document(damaged), ["_id": 2]], into: "p")
            let report = try database.load(folder.file("p.csv"))
            #expect(report.status == .done, "\(report.warnings)")
            try database.delete("p", ["_id": 2])
            #expect(try database.image().differences(from: before) == [])
        }
    }

    @Test func aRowWhoseKeySeveralDocumentsOfTheDatabaseHaveIsNotTaken() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                """
                collection,data
                users,"{""_id"":1,""email"":""a"",""n"":1}"
                users,"{""_id"":2,""email"":""b"",""n"":2}"

                """, to: "users.csv")
            try database.insert(
                [
                    ["_id": 11, "email": "a", "n": 0], ["_id": 12, "email": "a", "n": 5],
                    ["_id": 13, "email": "b", "n": 6], ["_id": 14, "email": "b", "n": 5],
                    ["_id": 15, "email": "b", "n": 2],
                ], into: "users")
            let before = try database.documents(in: "users")
            let report = try database.load(folder.file("users.csv")) { $0.upsertKeys = ["email"] }
            #expect(report.status == .problems)
            #expect(
                report.rejections.map(\.reason) == [
                    "several documents of the database have its email, by which the merge finds it"
                ])
            #expect(report.totals.unchanged == 1 && report.totals.updated == 0)
            #expect(try database.documents(in: "users") == before)
        }
    }

    /// Whatever numeric type the `_id` has.
    @Test func aDryRunKnowsWhichNewDocumentsHaveAnothersID() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                (1...3).map { ["_id": .int32($0), "email": .string("\($0)@example.org")] }, into: "users")
            try database.export(to: folder.file("users.csv"))
            try database.delete("users", [:])
            try database.insert(
                [["_id": 2.0, "email": "other"], ["_id": 9, "email": "3@example.org"]], into: "users")
            func load(isDryRun: Bool) throws -> Report {
                try database.load(folder.file("users.csv")) {
                    $0.upsertKeys = ["email"]
                    $0.isDryRun = isDryRun
                }
            }
            let (dryRun, report) = (try load(isDryRun: true), try load(isDryRun: false))
            for result in [dryRun, report] {
                #expect(result.status == .problems)
                let totals = result.totals
                #expect(totals.inserted == 1 && totals.unchanged == 1 && totals.rejected == 1, "\(totals)")
                #expect(result.rejections.map(\.id) == ["2"], "\(result.rejections)")
            }
        }
    }

    /// An index can hold the value, but no filter accepts it.
    @Test func aDocumentThatIsInTheWayWithAnUndefinedValueRejectsOneAndStopsNothing() throws {
        try withTestDatabase { database, folder in
            func load(_ ids: [Int], and more: String) throws -> Report {
                let rows = ids.map { #"seats,"{""_id"":\#($0),""seat"":{""$undefined"":true}}""# } + [more]
                try folder.write("collection,data\n" + rows.joined(separator: "\n") + "\n", to: "rows.csv")
                return try database.load(folder.file("rows.csv"))
            }
            try database.create("seats", indexes: [Self.unique])
            #expect(try load([9], and: #"seats,"{""_id"":2,""seat"":5}""#).totals.inserted == 2)
            let report = try load([2], and: #"second,"{""_id"":1}""#)
            #expect(report.status == .problems && report.rejections.map(\.id) == ["2"], "\(report.rejections)")
            #expect(report.totals.inserted == 1 && report.totals.rejected == 1)
            #expect(try database.documents(in: "seats").contains(["_id": 2, "seat": 5]))
        }
    }

    /// Composed and decomposed, `é` looks the same; to the server these are two indexes.
    @Test func anIndexThatLooksLikeAnotherIsStillMissing() throws {
        try withTestDatabase { database, folder in
            let indexes: [Document] = [
                ["key": ["a": 1], "name": "caf\u{E9}"], ["key": ["b": 1], "name": "cafe\u{301}"],
            ]
            try database.create("c", indexes: indexes)
            let before = try database.image()
            try database.export(to: folder.file("c.csv"))
            try database.run(["dropIndexes": "c", "index": "caf\u{E9}"])
            let report = try database.load(folder.file("c.csv"))
            #expect(report.differences.map(\.detail) == ["the database has no index caf\u{E9}"])
            #expect(try database.image().differences(from: before) == [])
            try database.run(["dropIndexes": "c", "index": "cafe\u{301}"])
            #expect(try !database.image().differences(from: before).isEmpty)
        }
    }

    /// The index of a clustered collection is defined by its option: there is nothing else to build.
    @Test func ofAClusteredCollectionOnlyTheOptionDiffersFromAnOrdinaryOne() throws {
        try withTestDatabase { database, folder in
            try database.create("items", ["clusteredIndex": ["key": ["_id": 1], "unique": true, "name": "ids"]])
            try database.insert([["_id": 1]], into: "items")
            try database.export(to: folder.file("items.csv"))
            try database.drop("items")
            try database.insert([["_id": 2]], into: "items")
            let before = try database.image().collections["items"]
            let log = MessageLog()
            let report = try database.load(folder.file("items.csv"), .merge, log)
            #expect(report.status == .done && report.totals.inserted == 1, "\(report.warnings)")
            let details = report.differences.map(\.detail)
            #expect(details.count == 1, "\(details)")
            #expect(details.first?.hasPrefix("option clusteredIndex: ") == true, "\(details)")
            #expect(details.first?.hasSuffix(" in the file, none in the database; it stays as it is") == true)
            #expect(!log.text.contains("index ids"), "\(log.text)")
            let after = try database.image().collections["items"]
            #expect(after?.indexes == before?.indexes && after?.options == before?.options)
        }
    }

    /// Composed and decomposed, `é` looks the same; to the server these are two collections.
    @Test(arguments: [ImportOptions.Mode.merge, .replace, .insert])
    func aCollectionThatLooksLikeAnotherOfTheDatabaseIsNotMixedUpWithIt(mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\ncaf\u{E9},\"{\"\"_id\"\":1}\"\n", to: "cafe.csv")
            try database.insert([["_id": 2]], into: "cafe\u{301}")
            let before = try database.image()
            let error = #expect(throws: FerryError.self) { try database.load(folder.file("cafe.csv"), mode) }
            #expect(error?.description.contains("looks the same as a collection of") == true)
            #expect(try database.image() == before)
        }
    }

    /// To the collection, "a" and "A" are the same; to this program, they are two documents.
    @Test func aDocumentThatACollationTakesForAnotherIsNeverDeleted() throws {
        try withTestDatabase { database, folder in
            try database.insertKeepingTimestamps(["_id": "a", "t": Self.zero, "n": 1, "n": 2], into: "names")
            try database.export(to: folder.file("names.csv"))
            try database.drop("names")
            try database.create("names", ["collation": ["locale": "en", "strength": 2]])
            let live: Document = ["_id": "A", "m": 1, "m": 2]
            try database.insert([live], into: "names")
            for mode in [ImportOptions.Mode.merge, .insert] {
                let report = try database.load(folder.file("names.csv"), mode)
                #expect(report.rejections.map(\.id) == ["\"a\""] && report.totals.unchanged == 0, "\(mode)")
                #expect(try database.documents(in: "names") == [live])
            }
        }
    }

    /// A document that does not exist must not count as existing.
    @Test(arguments: [false, true])
    func anInsertRejectsWhatACollationTakesForAnotherDocument(isThere: Bool) throws {
        try withTestDatabase { database, folder in
            try folder.write(
                "collection,data\nc,\"{\"\"_id\"\":\"\"a\"\",\"\"n\"\":1}\"\nc,\"{\"\"_id\"\":\"\"A\"\",\"\"n\"\":2}\"\n",
                to: "c.csv")
            try database.create("c", ["collation": ["locale": "en", "strength": 2]])
            if isThere { try database.insert([["_id": "a", "n": 9]], into: "c") }
            let report = try database.load(folder.file("c.csv"), .insert) { $0.jobs = 1 }
            #expect(report.rejections.map(\.id) == ["\"A\""] && report.status == .problems)
            #expect(
                report.rejections.first?.reason.hasPrefix(
                    "the collection's collation takes its _id for that of another document: ") == true)
            #expect(report.totals.unchanged == (isThere ? 1 : 0) && report.totals.inserted == (isThere ? 0 : 1))
            #expect(try database.documents(in: "c").compactMap { $0["_id"] } == ["a"])
        }
    }

    /// A document that prevents an index may be one that the merge corrects.
    @Test func anIndexThatTheMergedDocumentsNoLongerBreakIsBuilt() throws {
        try withTestDatabase { database, folder in
            let unique: Document = ["key": ["u": 1], "name": "u", "unique": true]
            try database.create("c", indexes: [unique, ["key": ["w": 1], "name": "w", "unique": true]])
            try database.insert((0..<100).map { ["_id": .int32($0), "u": .int32($0), "w": .int32($0)] }, into: "c")
            let indexes = try database.image().collections["c"]?.indexes
            try database.export(to: folder.file("c.csv"))
            try database.run(["dropIndexes": "c", "index": "u"])
            try database.update("c", ["_id": 2], ["$set": ["u": 1]])
            let report = try database.load(folder.file("c.csv"))
            #expect(report.status == .done && report.warnings == [], "\(report.warnings)")
            #expect(try database.image().collections["c"]?.indexes == indexes)
            // One that only the database has still prevents it.
            try database.run(["dropIndexes": "c", "index": "u"])
            try database.insert([["_id": 100, "u": 1, "w": 100]], into: "c")
            try database.update("c", ["_id": 2], ["$set": ["w": 2000]])
            let refused = try database.load(folder.file("c.csv"))
            #expect(refused.warnings.count == 1 && refused.warnings[0].contains("the server refuses index u on c"))
        }
    }

    @Test func aValueTakenByAnotherTypeOfTheSameIDIsReplaced() throws {
        try withTestDatabase { database, folder in
            var symbol: [UInt8] = []
            Value.string("same").appendBytes(to: &symbol)
            try database.insert([["_id": .other(.symbol, symbol), "n": 1]], into: "ids")
            try database.export(to: folder.file("ids.csv"))
            let expected = try database.documents(in: "ids")
            try database.drop("ids")
            try database.insert([["_id": "same", "n": 2]], into: "ids")
            let report = try database.load(folder.file("ids.csv"))
            let found = try database.documents(in: "ids")
            #expect(found.count == 1)
            #expect(found == expected, "\(found.map(\.elements))")
            #expect(report.rejectionCount == 0)
        }
    }

    /// Others write all the while: in the end, what the file has is there, all else is theirs, and nothing fails.
    @Test func documentsThatChangeWhileTheyAreMergedEndUpAsInTheFile() throws {
        try withTestDatabase { database, folder in
            let documents: [Document] = (0..<3000).map {
                $0 % 10 == 0
                    ? ["_id": .int32($0), "t": Self.zero, "a": 1, "a": 2] : ["_id": .int32($0), "n": .int32($0)]
            }
            for document in documents where document["t"] != nil {
                try database.insertKeepingTimestamps(document, into: "busy")
            }
            try database.insert(documents.filter { $0["t"] == nil }, into: "busy")
            try database.export(to: folder.file("busy.csv"))
            let (pool, name) = (database.pool, database.name)
            let stop = Atomic<Bool>(false)
            let thread = Thread {
                do {
                    let other = TestDatabase(pool: pool, client: try pool.makeClient(), name: name)
                    var random = SeededGenerator(seed: 7)
                    while !stop.load(ordering: .relaxed) {
                        let id = Int32(random.below(3000))
                        switch random.below(3) {
                        case 0: try other.delete("busy", ["_id": .int32(id)])
                        case 1: try other.update("busy", ["_id": .int32(id)], ["_id": .int32(id), "b": 1, "b": 2])
                        default:
                            // Either may be there already.
                            _ = try other.tryInsert(
                                [["_id": .int32(id), "late": true], ["_id": .int32(id + 10_000)]], into: "busy")
                        }
                    }
                } catch { Issue.record(error) }
            }
            thread.start()
            defer { stop.store(true, ordering: .relaxed) }
            try poll("the writer's first one") { try database.count("busy", ["_id": ["$gte": 10_000]]) > 0 }
            var written = 0
            for _ in 0..<4 {
                let report = try database.load(folder.file("busy.csv"))
                #expect(report.rejections.map(\.reason) == [])
                let totals = report.totals
                #expect(totals.inserted + totals.updated + totals.unchanged == 3000)
                written += totals.inserted + totals.updated
            }
            #expect(written > 0, "no merge has found anything changed")
            stop.store(true, ordering: .relaxed)
            try poll("the writer has ended") { thread.isFinished }
            try database.load(folder.file("busy.csv"))
            #expect(Set(try database.documents(in: "busy", ["_id": ["$lt": 3000]])) == Set(documents))
        }
    }

    /// The server is queried with the unescaped name.
    @Test func aKeyWhoseNameMustBeEscapedFindsWhatIsThere() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((1...3).map { ["_id": .int32($0), "k[1]": .int32($0)] }, into: "c")
            try copy.insert((1...3).map { ["_id": .int32(10 + $0), "k[1]": .int32($0)] }, into: "c")
            try source.export(to: folder.file("c.csv"))
            let report = try copy.load(folder.file("c.csv")) { $0.upsertKeys = [#"k\[1\]"#] }
            #expect(report.status == .done && report.totals.unchanged == 3, "\(report.warnings)")
            #expect(try copy.count("c") == 3)
            #expect(throws: FerryError.self) {
                try copy.load(folder.file("c.csv")) { $0.upsertKeys = [#"a\.b"#] }
            }
        }
    }

    /// Transactions support three read concerns, connection strings five.
    @Test(arguments: ["available", "linearizable", "majority"])
    func theConnectionStringsReadConcernIsNoneOfATransactions(level: String) throws {
        try withTestDatabase { database, folder in
            try database.create("a", indexes: [["key": ["n": 1], "name": "n", "unique": true]])
            try database.insert([["_id": 1, "n": 1], ["_id": 2, "n": 2]], into: "a")
            try database.export(to: folder.file("a.csv"))
            let before = try database.image()
            for (id, number) in [(1, 3), (2, 1), (1, 2)] as [(Int32, Int32)] {
                try database.update("a", ["_id": .int32(id)], ["$set": ["n": .int32(number)]])
            }
            let uri = try testURI()
            let address = uri + (uri.contains("?") ? "&" : "/?") + "readConcernLevel=\(level)"
            let outcome = try Program.run(["import", folder.file("a.csv"), "--uri", address, "--db", database.name])
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: before) == [])
        }
    }
}
