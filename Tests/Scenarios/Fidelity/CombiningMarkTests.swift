import BSON
import Foundation
import MongoFerry
import Testing

/// Quotes, commas, dots and the like before a mark that combines with them, such as an accent or a skin tone. Swift's
/// `Character` treats them as different characters; CSV readers, servers and shells do not.
@Suite struct CombiningMarkTests {
    private static let marks = ["\u{301}", "\u{FE0F}\u{20E3}", "\u{1F3FD}", "\u{200D}", "\u{E31}"]

    @Test func valuesComeBackFromAPlainFileToo() throws {
        try withTwoTestDatabases { source, copy, folder in
            let documents = Self.marks.flatMap { mark in
                ["\"", "#", ",", "\n", "\\", "{", "$", ""].map { $0 + mark }
            }.enumerated().map { index, text -> Document in
                ["_id": .int32(Int32(index)), "tone": .string(text), "last": .string("x" + text)]
            }
            try source.insert(documents, into: "tones")
            try source.export(to: folder.file("tones.csv")) { $0.plain = true }
            try copy.load(folder.file("tones.csv"))
            #expect(try copy.documents(in: "tones") == source.documents(in: "tones"))
        }
    }

    /// A separate accent makes it a different name.
    @Test func aFieldWhoseNameOnlyLooksTheSameIsAnother() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "caf\u{E9}": 1], ["_id": 2, "x": ["e\u{301}": 1, "z": 1]]], into: "c")
            try database.export(to: folder.file("c.csv"))
            try database.delete("c", ["_id": ["$in": [1, 2]]])
            try database.insert([["_id": 1, "cafe\u{301}": 1], ["_id": 2, "x": ["z": 1, "\u{E9}": 1]]], into: "c")
            let report = try Verify(file: folder.file("c.csv"), target: database.target)
                .runBlocking(OperationContext())
            #expect(
                report.differences.map(\.detail) == [
                    "2 documents: _id 1 in caf\u{E9}, cafe\u{301}; _id 2 in x.e\u{301}, x.\u{E9}"
                ])
        }
    }

    @Test func rowsThatAreSetAsideCanBeReadAgain() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert(
                Self.marks.enumerated().map { ["_id": .int32(Int32($0)), "n": 1, "tone": .string($1)] }, into: "tones")
            try source.export(to: folder.file("tones.csv"))
            try copy.create("tones", ["validator": ["n": ["$gt": 5]]])
            let report = try copy.load(folder.file("tones.csv"))
            #expect(report.rejections.count == Self.marks.count)
            try copy.run(["collMod": "tones", "validator": [:]])
            try copy.load(folder.file("tones.csv.rejects.csv"))
            #expect(try copy.documents(in: "tones") == source.documents(in: "tones"))
        }
    }

    @Test(arguments: marks)
    func aNameThatOthersHaveQuotedIsReadAsTheyMeanIt(mark: String) throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\n\"a\"\"\(mark)b\",\"{\"\"_id\"\":1}\"\n", to: "hand.csv")
            try database.load(folder.file("hand.csv"))
            #expect(try database.names().map { Array($0.utf8) } == [Array("a\"\(mark)b".utf8)])
        }
    }

    /// The second line of such a row looks like the start of another row, or like a seal, until the first field ends.
    @Test(
        arguments: [
            "a\nb,{", "p\nq,{  ", "x\n# seal {", "a\nb,", "a\nb,\"", "a\n\"b\",", "a\n,{", "\n", "a\nb,{\"x",
            "a\n# seal {\"rows",
            "a\n\"b\",\"{", "a\nb,\"{\"", "\"\n\"", "a\n# seal \"x", "c\nx", "a\n\"", "\r\n\"\r\n",
        ], [false, true])
    func rowsOfNamesOfSeveralLinesAreRead(name: String, isPlain: Bool) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1], ["_id": 2, "text": "a,\"{\nb,{\"x\n"]], into: name)
            try source.insert([["_id": 1]], into: "b")
            try source.export(to: folder.file("x.csv")) { $0.plain = isPlain }
            try copy.load(folder.file("x.csv"))
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }

    @Test(arguments: marks)
    func aFileOfSuchANameIsWritten(mark: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "a")
            let file = folder.file("\(mark).csv")
            let outcome = try Program.run(["export", "--uri", testURI(), "--db", database.name, "-o", file])
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try folder.names().map { Array($0.utf8) } == [Array("\(mark).csv".utf8)])
        }
    }

    @Test(arguments: marks)
    func aPasswordThatBeginsWithOneIsNotShown(mark: String) throws {
        let outcome = try Program.run(["export", "mongodb://bob:\(mark)s3cret@127.0.0.1:1/db"])
        #expect(outcome.status == 64)
        #expect(!outcome.text.contains("s3cret"), "\(outcome.text)")
    }

    @Test(arguments: marks)
    func aRenameMayLeadToSuchAName(mark: String) throws {
        try withTestDatabase { database, folder in
            try folder.write("collection,data\nplain,\"{\"\"_id\"\":1}\"\n", to: "a.csv")
            let outcome = try Program.run([
                "import", folder.file("a.csv"), "--uri", testURI(), "--db", database.name, "--rename", "plain=\(mark)x",
            ])
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.names().map { Array($0.utf8) } == [Array("\(mark)x".utf8)])
        }
    }
}
