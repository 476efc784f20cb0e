import BSON
import BackupFile
import Foundation
import MongoFerry
import Testing

/// Rows that cannot be imported: each is reported, and set aside if that was requested.
@Suite struct DamageRejectsTests {
    private static let legacy = #"""
        collection,data
        customers,"{""_id"":""5c2aad8000000000000000a1"",""name"":""Amara""}"
        customers,"{""_id"":""5c2aad8000000000000000a2"",""name"":""Bo"""
        customers,"{""name"":""nobody""}"
        customers,"{""_id"":""5c2aad8000000000000000a3"",""name"":""Cleo""}"
        customers,"{""_id"":[1],""name"":""Dee""}"
        customers,"{""_id"":""5c2aad8000000000000000a3"",""name"":""Cleo again""}"
        customers
        customers,"{""_id"":""5c2aad8000000000000000a4"",""name"":""Ed""}"

        """#

    /// Mended and imported, as the next steps advise, they would get into the collection that was to be left alone.
    @Test(arguments: [["--exclude", "users"], ["--collection", "customers"]])
    func badRowsOfCollectionsThatAreLeftOutAreNotSetAside(choice: [String]) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "n": 0]], into: "users")
            let rows = [
                #"customers,"{""_id"":1}""#, #"users,"{""_id"":1}""#, #"users,"{""_id"":1}""#,
                #"customers,"{""_id"":2}""#,
                "customers,nonsense",
            ]
            try folder.write("collection,data\n" + rows.joined(separator: "\n") + "\n", to: "old.csv")
            let words = [
                "import", folder.file("old.csv"), "--uri", try testURI(), "--db", database.name, "--max-rejects", "2",
            ]
            let refused = try Program.run(Array(words.dropLast()) + ["1"] + choice)
            #expect(refused.status == 2, "\(refused.text)")
            #expect(
                refused.errors.contains("One of these rows is of collections that are left out.")
                    && refused.errors.contains("go on without them with --max-rejects 2."), "\(refused.text)")
            #expect(try database.count("customers") == 0)
            let outcome = try Program.run(words + choice)
            #expect(outcome.status == 2, "\(outcome.text)")
            #expect(
                outcome.errors.contains("the file has 1 bad row of collections that are left out, first in line 4: "),
                "\(outcome.text)")
            #expect(try folder.text("old.csv.rejects.csv") == "collection,data\ncustomers,nonsense\n")
            #expect(try database.documents(in: "users") == [["_id": 1, "n": 0]])
            #expect(try database.count("customers") == 2)
        }
    }

    @Test func eachBadRowIsReportedWithLineCollectionIDAndReasonAndNothingIsWritten() throws {
        try withTestDatabase { database, folder in
            try folder.write(Self.legacy, to: "old.csv")
            let report = try database.load(folder.file("old.csv"))
            #expect(report.status == .refused && report.rejectionCount == 5)
            #expect(report.rejections.map(\.line) == [3, 4, 6, 7, 8])
            #expect(report.rejections.map(\.collection) == ["customers", "customers", "customers", "customers", nil])
            #expect(
                report.rejections.map(\.id) == [
                    #""5c2aad8000000000000000a2""#, nil, "[1]", #""5c2aad8000000000000000a3""#, nil,
                ])
            let reasons = report.rejections.map(\.reason)
            #expect(reasons[0].hasPrefix("not a JSON document: "))
            #expect(
                Array(reasons[1...]) == [
                    "the document has no _id", "servers take no _id of type array",
                    "the same _id stands on line 5 already", "there is one column, not two (collection,data)",
                ])
            #expect(try database.names() == [] && folder.names() == ["old.csv"])
            let tooMany = try database.load(folder.file("old.csv")) { $0.maximumRejects = 4 }
            #expect(tooMany.status == .refused)
            #expect(try database.names() == [])
        }
    }

    /// The server would only refuse the row once the import was under way.
    @Test func aRowWithTwoKeysIsFoundBeforeAnythingIsWritten() throws {
        try withTestDatabase { database, folder in
            let twice: Document = ["_id": 1, "n": 1, "_id": 2]
            #expect(try database.tryInsert([twice], into: "c").writeErrors.map(\.code) == [2])
            // One `_id` is escaped, one is carried as bytes; a repeated `_id` inside another value does not matter.
            let raw = JSONText.value(.binary(subtype: 0, Array(twice.bytes))).firstMatch(of: /"base64":"([^"]*)"/)?.1
            let rows = [
                #"{"_id":1,"n":1,"_id":2}"#, #"{"_id":3,"n":{"_id":1,"_id":2},"a":[{"_id":1,"_id":2}]}"#,
                #"{"_id":4,"\u005fid":5}"#, #"{"$rawBSON":"\#(raw ?? "")"}"#,
            ].map { "c,\"\($0.replacing("\"", with: "\"\""))\"\n" }
            try folder.write("collection,data\n" + rows.joined(), to: "old.csv")
            let report = try database.load(folder.file("old.csv"))
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.line) == [2, 4, 5])
            #expect(Set(report.rejections.map(\.reason)) == ["the document has two fields _id"])
            #expect(report.rejections.map(\.id) == ["1", "4", "1"])
        }
    }

    @Test func asManyRowsAsCanBeSaidMayBeSetAside() throws {
        try withTestDatabase { database, folder in
            try folder.write(Self.legacy, to: "old.csv")
            let outcome = try Program.run([
                "import", folder.file("old.csv"), "--uri", try testURI(), "--db", database.name, "--max-rejects",
                "\(Int.max)",
            ])
            #expect(outcome.status == 2, "\(outcome.text)")
            #expect(try database.count("customers") == 3)
        }
    }

    @Test func rowsThatWereSetAsideCanBeMendedAndImportedByThemselves() throws {
        try withTestDatabase { database, folder in
            try folder.write(Self.legacy, to: "old.csv")
            let report = try database.load(folder.file("old.csv")) { $0.maximumRejects = 5 }
            #expect(report.status == .problems && report.rejectionCount == 5)
            // Every row of a collection is in one of its counts, and the row that names none in the totals.
            #expect(report.collections.map(\.read) == [7] && report.collections.map(\.rejected) == [4])
            #expect(report.totals.read == 8 && report.totals.inserted == 3 && report.totals.rejected == 5)
            let lines = Self.legacy.split(separator: "\n")
            let rejects = try folder.text("old.csv.rejects.csv")
            #expect(rejects == ([0, 2, 3, 5, 6, 7].map { lines[$0] }.joined(separator: "\n") + "\n"))
            let mended = rejects.replacing(#"""Bo""""#, with: #"""Bo""}""#).replacing(
                #"{""name"":""nobody""}"#, with: #"{""_id"":""5c2aad8000000000000000a7"",""name"":""nobody""}"#
            ).replacing("[1]", with: #"""5c2aad8000000000000000a5"""#).replacing("customers\n", with: "").replacing(
                #"a3"",""name"":""Cleo again"#, with: #"a6"",""name"":""Cleo again"#)
            try folder.write(mended, to: "old.csv.rejects.csv")
            let second = try database.load(folder.file("old.csv.rejects.csv"))
            #expect(second.status == .done, "\(second.rejections)")
            #expect(try database.count("customers") == 7)
            #expect(try database.count("customers", ["_id": ["$type": "objectId"]]) == 7)
        }
    }

    /// A dry run has the counts and the exit status of the import that it stands for.
    @Test func aDryRunCountsTheRowsThatWouldBeSetAside() throws {
        try withTestDatabase { database, folder in
            try folder.write(Self.legacy, to: "old.csv")
            let file = folder.file("old.csv")
            let report = try database.load(file) {
                $0.maximumRejects = 5
                $0.isDryRun = true
            }
            #expect(report.status == .problems && report.rejectionCount == 5 && report.rejectsFile == nil)
            // The fifth row names no collection.
            #expect(report.totals.read == 8 && report.totals.inserted == 3 && report.totals.rejected == 5)
            let checked = try Verify(file: file, target: nil).runBlocking(OperationContext())
            #expect(checked.totals.read == 8 && checked.totals.rejected == 5)
            #expect(
                report.nextSteps == [
                    "5 rows would be set aside in \(file).rejects.csv: mend them before the import."
                ])
            let refused = try database.load(file) { $0.isDryRun = true }
            #expect(refused.status == .refused)
            #expect(refused.nextSteps == ["Mend these rows, or set them aside with --max-rejects 5."])
            try folder.write("", to: "old.csv.rejects.csv")
            let outcome = try Program.run([
                "import", file, "--uri", try testURI(), "--db", database.name, "--max-rejects", "5", "--dry-run",
            ])
            #expect(outcome.status == 2)
            #expect(
                outcome.errors.hasSuffix(
                    "problems were found: 5 rejected rows\n  5 rows would be set aside in \(file).rejects.2.csv: mend them before the import.\n"
                ), "\(outcome.errors)")
            #expect(try database.names() == [] && folder.names() == ["old.csv", "old.csv.rejects.csv"])
        }
    }

    @Test func rowsThatCannotBeSetAsideAreToldBeforeAnythingIsWritten() throws {
        try withTestDatabase { database, folder in
            // With the suffix of the rejects file, the name is too long for a file.
            let file = String(repeating: "o", count: 250)
            try folder.write(Self.legacy, to: file)
            let error = #expect(throws: FerryError.self) {
                try database.load(folder.file(file)) { $0.maximumRejects = 5 }
            }
            #expect(
                error?.text.hasPrefix("the rows that --max-rejects sets aside cannot be written: ") == true
                    && error?.details == ["Nothing was written."]
                    && error?.advice == ["Copy the backup to a folder that can be written, and import it from there."])
            #expect(try database.names() == [] && folder.names() == [file])
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func documentsThatTheServerRefusesAreSetAsideToo(mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            try database.create("c", indexes: [["key": ["email": 1], "name": "email_1", "unique": true]])
            try folder.write(
                #"""
                collection,data
                c,"{""_id"":1,""email"":""a""}"
                c,"{""_id"":2,""email"":""a""}"
                c,"{""_id"":3,""email"":""b""}"

                """#, to: "old.csv")
            if mode == .replace {
                try database.drop("c")
                try database.create("c", ["validator": ["_id": ["$ne": 2]]])
            }
            let report = try database.load(folder.file("old.csv"), mode) { $0.maximumRejects = 1 }
            #expect(report.status == .problems && report.rejectionCount == 1, "\(report.error ?? "")")
            #expect(report.rejections.first?.collection == "c")
            #expect(try database.count("c") == 2)
            let rejects = try folder.text("old.csv.rejects.csv")
            #expect(rejects.split(separator: "\n").count == 2 && rejects.contains("email"))
            #expect(mode == .merge || rejects.contains(#"""_id"":2"#))
        }
    }

    @Test func aReplaceInWhichMoreIsRefusedThanAllowedLeavesTheLiveDataAsTheyWere() throws {
        try withTestDatabase { database, folder in
            try database.create("c", ["validator": ["_id": ["$lt": 2]]])
            try database.insert([["_id": 0]], into: "c")
            try folder.write(
                "collection,data\nc,\"{\"\"_id\"\":1}\"\nc,\"{\"\"_id\"\":2}\"\nc,\"{\"\"_id\"\":3}\"\n", to: "old.csv")
            let report = try database.load(folder.file("old.csv"), .replace) { $0.maximumRejects = 1 }
            #expect(report.status == .refused && report.rejectionCount == 2)
            #expect(try database.documents(in: "c") == [["_id": 0]])
            #expect(try folder.text("old.csv.rejects.csv").split(separator: "\n").count == 3)
        }
    }

    /// With one quote too many in each of two rows, all rows between them would be read as one.
    @Test(arguments: ImportOptions.Mode.allCases, ["c", "\"c\"", "a:b"]) func rowsBetweenTwoQuotesTooManyAreRows(
        _ mode: ImportOptions.Mode, name: String
    ) throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<10).map { ["_id": .int32($0)] }, into: "c")
            var rows = (0..<10).map { "\(name),\"{\"\"_id\"\":\($0),\"\"n\"\":\"\"x\"\"}\"\n" }
            for number in [2, 8] { rows[number] = "\(name),\"{\"\"_id\"\":\(number),\"\"n\"\":\"\"A\"B\"\"}\"\n" }
            try folder.write("collection,data\n" + rows.joined(), to: "rows.csv")
            let report = try database.load(folder.file("rows.csv"), mode) { $0.maximumRejects = 1 }
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.line) == [4, 10], "\(report.rejections)")
            #expect(report.rejections.allSatisfy { $0.collection == (name == "a:b" ? name : "c") })
            #expect(try database.count("c") == 10 && folder.names() == ["rows.csv"])
            let rest = try database.load(folder.file("rows.csv"), mode) {
                $0.maximumRejects = 2
                $0.renames = [name == "a:b" ? name : "c": "d"]
            }
            #expect(rest.totals.read == 10 && rest.totals.inserted == 8 && rest.totals.rejected == 2)
            // The rejects are still two rows, unchanged.
            let rejects = folder.file("rows.csv.rejects.csv")
            #expect(
                try folder.text("rows.csv.rejects.csv")
                    == "collection,data\n"
                    + [2, 8].map { "\(name),\"{\"\"_id\"\":\($0),\"\"n\"\":\"\"A\"B\"\"}\"\n" }.joined())
            #expect(try database.load(rejects, .merge).rejections.map(\.line) == [2, 3])
            try FileManager.default.removeItem(atPath: rejects)
            // A document of several lines is one row, whatever is wrong with it.
            try folder.write(
                "collection,data\nc,\"{\n\"\"_id\"\": 5,\n\"\"n\"\": 1}\"\nc,nonsense\nc,\"{\n\"\"_id\"\": 6,\n\"\"n\"\": NaN}\"\n"
                    + "c,\"{\"\"_id\"\":7,\"\"text\"\":\"\"first line\nsecond, and last\"\"}\"\n", to: "two.csv")
            let taken = try database.load(folder.file("two.csv"), mode) { $0.maximumRejects = 3 }
            #expect(taken.rejections.map(\.line) == [5, 6, 9] && taken.totals.rejected == 3, "\(taken.rejections)")
        }
    }

    /// Nobody can tell whether two such rows are one: a second document must not be set aside with the first.
    @Test func rowsThatMayBeOneAreNotSetAsideAsOne() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 9]], into: "a")
            let rows = ["a,\"{\"\"_id\"\":1}", "a,{\"\"_id\"\":2}\"", "a,\"{\"\"_id\"\":3}\""]
            try folder.write("collection,data\n\(rows.joined(separator: "\n"))\n", to: "rows.csv")
            let report = try database.load(folder.file("rows.csv"), .replace) { $0.maximumRejects = 5 }
            #expect(report.status == .refused)
            #expect(
                report.differences.first?.detail.hasPrefix("line 2: one row up to line 3, which cannot be read")
                    == true,
                "\(report.differences)")
            #expect(report.nextSteps.contains("Mend the file, or take another copy of it."), "\(report.nextSteps)")
            #expect(try database.documents(in: "a") == [["_id": 9]] && folder.names() == ["rows.csv"])
        }
    }

    /// More may be missing after the cut: no number of allowed rejects makes a part whole.
    @Test func aFileThatEndsInTheMiddleOfARowIsRefusedHoweverManyRowsMayBeSetAside() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 9]], into: "c")
            for last in [#""a,b","{""_id"":2,""x"":""y""}""#, "c,\"{\n  \"\"_id\"\": 2\n}\"", #"c,{"_id":2}"#] {
                let start = "collection,data\nc,\"{\"\"_id\"\":1}\"\n"
                for length in 1..<last.utf8.count {
                    try folder.write(start + String(decoding: last.utf8.prefix(length), as: UTF8.self), to: "cut.csv")
                    let report = try database.load(folder.file("cut.csv"), .replace) { $0.maximumRejects = 5 }
                    #expect(report.status == .refused, "\(length) of \(last)")
                    #expect(report.differences.first?.detail.contains("it was cut") == true, "\(length) of \(last)")
                }
                try folder.write(start + last, to: "whole.csv")
                #expect(try database.load(folder.file("whole.csv")) { $0.isDryRun = true }.totals.read == 2)
            }
            #expect(try database.documents(in: "c") == [["_id": 9]] && database.names() == ["c"])
        }
    }

    /// A complete last row can be set aside, whether or not a line end follows; an incomplete one cannot, even if an
    /// editor has added a line end.
    @Test(arguments: [
        (#"c,"{""_id"":{""$oid"":""zz""}}""#, true), (#"c,"{""_id"":2,""n"":NaN}"\#n\#n"#, true),
        (#"c,"{""_id"":4}\#n\#n"#, true),
        (#"c,"{""_id"":2,""n""\#n"#, false), (#""x""\#n"#, false),
        ("c,\"{\"\"_id\"\":2,\"\"x\"\"\0\0\"\"a\"\"}\"\n", false),
    ])
    func theLastRowIsSetAsideWhereItIsWhole(last: String, isWhole: Bool) throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n" + last, to: "x.csv")
            let report = try database.load(folder.file("x.csv")) { $0.maximumRejects = 3 }
            #expect(report.status == (isWhole ? .problems : .refused), "\(report.differences) \(report.rejections)")
            #expect(report.totals.inserted == (isWhole ? 1 : 0))
        }
    }

    @Test func aNameThatIsNoTextDoesNotHideACut() throws {
        try withTestDatabase { database, folder in
            let bytes = Data("collection,data\nc,\"{\"\"_id\"\":1}\"\ncaf".utf8) + [0xE9] + Data(",\"{\"\"_id".utf8)
            try bytes.write(to: URL(fileURLWithPath: folder.file("x.csv")))
            #expect(try database.load(folder.file("x.csv")) { $0.maximumRejects = 3 }.status == .refused)
        }
    }

    @Test func blanksBeforeADocumentMakeNoOtherRowOfIt() throws {
        try withTestDatabase { database, folder in
            let rows = (1...6).map { number in
                "c, \"{\"\"_id\"\":\(number)}\"".replacing(", \"{", with: ",\" {")
            }
            var broken = rows
            broken[1] = rows[1].replacing("}\"", with: ",\"\"x\"\":\"\"a\"b\"\"}\"")
            broken[4] = rows[4].replacing("}\"", with: ",\"x\"\":1}\"")
            try folder.write("collection,data\n\(broken.joined(separator: "\n"))\n", to: "x.csv")
            let report = try database.load(folder.file("x.csv")) { $0.maximumRejects = 3 }
            #expect(report.rejections.map(\.line) == [3, 6] && report.totals.inserted == 4, "\(report.rejections)")
        }
    }

    /// Anything before the first comma may be taken for a name.
    @Test(.timeLimit(.minutes(1))) func thousandsOfNamesOfWhichNoRowCanBeReadAreCountedAtOnce() throws {
        try withTestDatabase { database, folder in
            let rows = (0..<20_000).map { "n\($0),\"{\"\"_id\"\":1}\"x\n" }.joined()
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n\(rows)", to: "x.csv")
            let report = try Verify(file: folder.file("x.csv"), target: nil).runBlocking(OperationContext())
            #expect(report.rejectionCount == 20_000 && report.collections.count == 101)
            let none = #expect(throws: FerryError.self) {
                try folder.write("collection,data\nd,\"{\"\"_id\"\":3}\"x\n", to: "y.csv")
                return try database.load(folder.file("y.csv")) { $0.maximumRejects = 2 }
            }
            #expect(none?.text.hasSuffix("nothing to import: none of the file's rows can be read") == true)
        }
    }

    @Test func aBrokenRowTakesNoOtherWithItWhereNamesHaveSeveralLines() throws {
        try withTestDatabase { database, folder in
            let rows = (1...3).map { "\"c\nx\",\"{\"\"_id\"\":\($0)}\"\n" }
            let text = "c,\"{\"\"_id\"\":9}\"\n" + rows[0].replacing("}\"\n", with: "}\n") + rows[1...].joined()
            try folder.write("collection,data\n\(text)c,\"{\"\"_id\"\":8}\"\n", to: "x.csv")
            let report = try database.load(folder.file("x.csv")) { $0.maximumRejects = 9 }
            #expect(report.rejections.map(\.line) == [3] && report.totals.inserted == 4, "\(report.rejections)")
            #expect(try database.documents(in: "c\nx") == [["_id": 2], ["_id": 3]])
        }
    }

    /// Also to readers that treat a quote as a delimiter only at the beginning of a field, such as Python's csv and
    /// spreadsheets.
    @Test(arguments: [
        "a\"b,\"{\"\"_id\"\":2}\"", "customers\",\"{\"\"_id\"\":2}", "c,\"{\"\"_id\"\":2}", "c,\"{\"_id\":2}\"",
        "c,{\"\"_id\"\":2}\"", "c,\"{\"\"_id\"\":2}\"x",
    ])
    func eachRowThatIsSetAsideIsOneRowToOthersToo(row: String) throws {
        try withTestDatabase { database, folder in
            try folder.write(
                "collection,data\nc,\"{\"\"_id\"\":1}\"\n\(row)\nc,\"{\"\"_id\"\":}\"\n", to: "x.csv")
            let report = try database.load(folder.file("x.csv")) { $0.maximumRejects = 5 }
            #expect(report.rejections.map(\.line) == [3, 4], "\(report.rejections)")
            let count = "import csv, sys; sys.exit(len(list(csv.reader(open(sys.argv[1], newline='')))))"
            let counting = try Program(
                ["python3", "-c", count, folder.file("x.csv.rejects.csv")], executable: "/usr/bin/env")
            let text = try folder.text("x.csv.rejects.csv")
            #expect(try counting.wait().status == 3, "\(text)")
        }
    }

    @Test func aCollectionOfWhichNoRowCanBeReadIsCounted() throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\nd,\"{\"\"_id\"\":3}\"x\n", to: "x.csv")
            let report = try Verify(file: folder.file("x.csv"), target: nil).runBlocking(OperationContext())
            #expect(report.collections.map { [$0.read, $0.rejected] } == [[1, 0], [1, 1]])
            try database.insert([["_id": 3]], into: "d")
            let loaded = try database.load(folder.file("x.csv")) { $0.maximumRejects = 1 }
            #expect(loaded.totals.read == 2 && loaded.totals.rejected == 1)
            #expect(try database.load(folder.file("x.csv"), .replace) { $0.maximumRejects = 1 }.totals.rejected == 1)
            #expect(try database.count("d") == 1)
            // A name that occurs only in unreadable rows creates no collection, and need not be valid for a server.
            try folder.write(
                "collection,data\nc,\"{\"\"_id\"\":1}\"\n$x,\"{\"\"_id\"\":3}\"x\ne,\"{}\"x\n", to: "y.csv")
            let others = try database.load(folder.file("y.csv")) { $0.maximumRejects = 2 }
            #expect(others.totals.rejected == 2 && others.totals.unchanged == 1)
            #expect(try database.names() == ["c", "d"])
        }
    }

    /// Whoever is asked whether to replace a collection must know how much of it is not restored.
    @Test func aPlanSaysHowManyRowsAreSetAside() throws {
        try withTestDatabase { database, folder in
            // The last row can be read, but is set aside as a duplicate.
            let again = "c,\"{\"\"_id\"\":1}\"\n"
            try folder.write("collection,data\nc,nonsense\n\(again)c,\"[1]\"\n\(again)", to: "old.csv")
            let log = MessageLog()
            let refused = #expect(throws: FerryError.self) {
                try database.load(folder.file("old.csv"), .replace, log) {
                    $0.maximumRejects = 5
                    $0.confirm = { plan in
                        #expect(log.text.hasSuffix(plan.lines.joined(separator: "\n")))
                        return false
                    }
                }
            }
            #expect(refused?.text == "not confirmed: nothing was written")
            #expect(
                log.text.contains("\n  set aside: 3 rows that cannot be taken, first line 2: "), "\(log.text)")
            #expect(log.text.contains(" replace, 1 record "), "\(log.text)")
        }
    }

    /// If all its rows were set aside, the collection would be emptied, however many rejects are allowed.
    @Test func aReplaceByRowsOfWhichNoneCanBeReadLeavesTheCollectionAsItIs() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 0], ["_id": 7]], into: "c")
            let bad = "collection,data\nc,nonsense\nc,\"[1]\"\n"
            try folder.write(bad + "d,\"{\"\"_id\"\":1}\"\n", to: "old.csv")
            func load(_ mode: ImportOptions.Mode, _ exclude: [Glob] = []) throws -> Report {
                try database.load(folder.file("old.csv"), mode) {
                    $0.maximumRejects = 5
                    $0.exclude = exclude
                }
            }
            let error = #expect(throws: FerryError.self) { try load(.replace) }
            #expect(error?.text.contains("none of the 2 rows of c can be taken") == true)
            #expect(error?.advice.contains { $0.contains("--exclude c") } == true)
            #expect(error?.report?.rejections.map(\.line) == [2, 3])
            #expect(try database.names() == ["c"] && database.count("c") == 2)
            let outcome = try Program.run([
                "import", folder.file("old.csv"), "--uri", try testURI(), "--db", database.name, "--mode", "replace",
                "--yes", "--max-rejects", "5", "--report", folder.file("r.json"),
            ])
            #expect(outcome.status == 2 && outcome.errors.contains("line 2, c: "), "\(outcome.text)")
            // The command already has that option.
            #expect(!outcome.errors.contains("--max-rejects"), "\(outcome.errors)")
            let written = try JSONSerialization.jsonObject(with: Data(folder.text("r.json").utf8)) as? [String: Any]
            #expect((written?["rejectedRows"] as? [Any])?.count == 2 && written?["status"] as? String == "refused")
            // Where nothing is deleted, nothing is lost.
            #expect(try load(.replace, [Glob("c")]).totals.inserted == 1)
            #expect(try load(.merge).totals.rejected == 2)
            #expect(try database.count("c") == 2)
            try database.delete("c", [:])
            #expect(try load(.replace).totals.rejected == 2)
        }
    }

    @Test func aReplaceByRowsOfWhichTheServerTakesNoneLeavesTheCollectionAsItIs() throws {
        try withTestDatabase { database, folder in
            try database.create("c", ["validator": ["v": ["$exists": true]]])
            try database.insert([["_id": 0, "v": 1], ["_id": 7, "v": 1]], into: "c")
            let before = try database.image()
            let rows = "collection,data\nc,\"{\"\"_id\"\":1}\"\nc,\"{\"\"_id\"\":2}\"\n"
            try folder.write(rows + "d,\"{\"\"_id\"\":1}\"\n", to: "old.csv")
            let error = #expect(throws: FerryError.self) {
                try database.load(folder.file("old.csv"), .replace) { $0.maximumRejects = 5 }
            }
            #expect(error?.text.contains("none of the 2 rows of c can be taken") == true, "\(error?.description ?? "")")
            #expect(error?.kind == .data && error?.details.contains("The live data were not touched.") == true)
            #expect(error?.report?.rejectionCount == 2)
            #expect(try database.image().differences(from: before) == [])
            // With one accepted document, the replace does what was requested.
            try folder.write(rows + "c,\"{\"\"_id\"\":3,\"\"v\"\":1}\"\n", to: "some.csv")
            let report = try database.load(folder.file("some.csv"), .replace) { $0.maximumRejects = 5 }
            #expect(report.totals.inserted == 1 && report.totals.rejected == 2)
            #expect(try database.documents(in: "c") == [["_id": 3, "v": 1]])
        }
    }

    /// Documents that the server refuses count together with the file's bad rows.
    @Test func badRowsAndRefusedDocumentsCountTogether() throws {
        try withTestDatabase { database, folder in
            try database.create("c", ["validator": ["_id": ["$lt": 2]]])
            try database.insert([["_id": 0]], into: "c")
            try folder.write(
                "collection,data\nc,\"{\"\"_id\"\":1}\"\nc,nonsense\nc,\"{\"\"_id\"\":3}\"\n", to: "old.csv")
            let report = try database.load(folder.file("old.csv"), .replace) { $0.maximumRejects = 1 }
            #expect(report.status == .refused && report.rejectionCount == 2)
            #expect(try database.documents(in: "c") == [["_id": 0]])
        }
    }

    @Test func aDamagedFileOfFormatOneIsRefusedWhateverMayBeSetAside() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "c")
            try database.export(to: folder.file("all.csv"))
            let damaged = try folder.text("all.csv").replacing(#"{""_id"":3}"#, with: #"{""_id"":3"#)
            try folder.write(damaged, to: "damaged.csv")
            for mode in ImportOptions.Mode.allCases {
                let report = try database.load(folder.file("damaged.csv"), mode) { $0.maximumRejects = 100 }
                #expect(report.status == .refused)
                #expect(report.rejections.count == 1 && report.differences.count == 1)
            }
            #expect(try database.count("c") == 5)
            #expect(try !folder.names().contains("damaged.csv.rejects.csv"))
        }
    }

    /// What `verify` refuses, an import refuses in every mode before its first write.
    @Test(arguments: ["", ".gz", ".zst"]) func aDamagedFileIsRefusedBeforeTheFirstWriteHoweverItWasDamaged(
        suffix: String
    )
        throws
    {
        try withTestDatabase { database, folder in
            try database.insert((0..<40).map { ["_id": .int32($0), "n": .int32($0 * 7)] }, into: "customers")
            try database.insert((0..<40).map { ["_id": .int32($0), "c": .int32($0)] }, into: "policies")
            let compression = Compression(fileName: "x.csv" + suffix)
            try database.export(to: folder.file("one.csv" + suffix)) { $0.compression = compression }
            try database.update("customers", [:], ["$inc": ["n": 1]], many: true)
            try database.export(to: folder.file("two.csv" + suffix)) { $0.compression = compression }
            let before = try database.image()
            func bytes(_ name: String) throws -> [UInt8] {
                [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file(name + suffix))))
            }
            let (one, two) = (try bytes("one.csv"), try bytes("two.csv"))
            var damaged: [(String, [UInt8])] = [
                ("cut in the middle", Array(one[..<(one.count / 2)])), ("cut by a byte", Array(one.dropLast())),
                ("without its first byte", Array(one.dropFirst())), ("extended", one + Array("x\n".utf8)),
                ("doubled", one + one), ("two in one", one + two),
                ("spliced", Array(one[..<(one.count / 2)] + two[(two.count / 2)...])),
                ("empty", []),
            ]
            for index in stride(from: 0, to: one.count, by: max(1, one.count / 40)) {
                var flipped = one
                flipped[index] ^= 0x10
                damaged.append(("byte \(index)", flipped))
            }
            if suffix.isEmpty {
                let lines = try folder.text("one.csv").split(separator: "\n", omittingEmptySubsequences: false)
                var swapped = lines
                swapped.swapAt(10, 60)
                damaged.append(("rows in another order", Array(swapped.joined(separator: "\n").utf8)))
                let rows = Array(lines[6..<(lines.count - 2)])
                var moved = Array(lines[..<6])
                moved += rows.filter { $0.hasPrefix("policies") }
                moved += rows.filter { !$0.hasPrefix("policies") }
                moved += lines[(lines.count - 2)...]
                damaged.append(("collections in another order", Array(moved.joined(separator: "\n").utf8)))
            }
            for (name, content) in damaged {
                try Data(content).write(to: URL(fileURLWithPath: folder.file("damaged")))
                var faults: [String] = []
                do {
                    faults =
                        try Verify(file: folder.file("damaged"), target: nil).runBlocking(OperationContext())
                        .status == .done ? [] : ["refused"]
                } catch { faults = ["\(error)"] }
                guard !faults.isEmpty else {
                    // The flipped bit of the compressed file has no meaning: the content is the same.
                    #expect(!suffix.isEmpty && name.hasPrefix("byte"), "\(name) passes")
                    continue
                }
                for mode in ImportOptions.Mode.allCases {
                    do {
                        let report = try database.load(folder.file("damaged"), mode)
                        #expect(report.status == .refused, "\(name), \(mode)")
                    } catch is FerryError {} catch is BackupError {} catch is FileError {}
                }
            }
            #expect(try database.image().differences(from: before) == [])
        }
    }

    /// Sets the time to a whole second, which can be restored exactly.
    private static func setTime(of path: String) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_790_000_000)], ofItemAtPath: path)
    }

    /// Between the check of the file and the writing, somebody may edit it and reset its modification time.
    @Test(arguments: ImportOptions.Mode.allCases, [true, false])
    func aFileThatIsChangedAfterItWasCheckedIsNotTaken(mode: ImportOptions.Mode, isInPlace: Bool) throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<40).map { ["_id": .int32($0), "n": .int32(1000 + $0)] }, into: "c")
            let path = folder.file("c.csv")
            try database.export(to: path)
            try database.update("c", [:], ["$set": ["n": 5]], many: true)
            let before = try database.image()
            let text = try folder.text("c.csv")
            try Self.setTime(of: path)
            var report: Report?
            var error: String?
            do {
                report = try database.load(path, mode) {
                    $0.confirm = { _ in
                        let edited = Data(text.replacing("1007", with: "6666").utf8)
                        if isInPlace {
                            let handle = try #require(FileHandle(forWritingAtPath: path))
                            try handle.write(contentsOf: edited)
                            try handle.close()
                            try Self.setTime(of: path)
                        } else {
                            // Another file takes over its name: the open file is still the one that was checked.
                            try edited.write(to: URL(fileURLWithPath: path), options: .atomic)
                        }
                        return true
                    }
                }
            } catch let thrown { error = "\(thrown)" }
            let now = try database.documents(in: "c")
            if isInPlace {
                #expect(report == nil && error?.contains("changed") == true, "\(error ?? "")")
                if mode != .merge { #expect(try database.image().differences(from: before) == []) }
            } else {
                #expect(error == nil, "\(error ?? "")")
                #expect(!now.contains { $0["n"] == 6666 })
            }
        }
    }
}
