import BSON
import Testing

/// How much memory the program uses at most, whatever a database contains.
@Suite(.serialized) struct MemoryTests {
    private static let limit = 150

    /// They follow so many small documents that the average does not reveal them, in more collections than may be read
    /// at once.
    @Test func documentsOfSixteenMegabytesInSeveralCollectionsStayUnderTheLimit() throws {
        let small = 20_000
        let jobs = ["--jobs", "4"]
        try withTestDatabase { database, folder in
            let payload = Value.binary(subtype: 0, [UInt8](repeating: 0xA5, count: 16_000_000))
            let collections = ["a", "b", "c", "d"]
            for name in collections {
                try database.insert((0..<Int32(small)).map { ["_id": .int32($0), "text": "small"] }, into: name)
                try database.insert([["_id": "huge", "payload": payload]], into: name)
            }
            let (file, target) = (folder.file("all.csv"), ["--uri", try testURI(), "--db", database.name])
            for run in [["export", "-o", file] + jobs, ["import", file] + jobs] {
                let outcome = try Program.run(run + target, measuresMemory: true)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run[0])")
            }
            for name in collections { #expect(try database.count(name) == small + 1) }
        }
    }

    /// Short rows make long documents, and each number could be a reference.
    @Test func documentsOfAMillionNumbersStayUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let numbers = Value.array((0..<1_250_000).map { .int32($0 % 1000) })
            for number in 0..<6 {
                try database.insert([["_id": .int32(Int32(number)), "numbers": numbers]], into: "a")
            }
            let (file, target) = (folder.file("all.csv"), ["--uri", try testURI(), "--db", database.name])
            for run in [["export", "-o", file], ["verify", file], ["import", file, "--mode", "replace", "--yes"]] {
                let outcome = try Program.run(run + target, measuresMemory: true)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run[0])")
            }
        }
    }

    /// Each value that seems to dangle is kept with its document's `_id`.
    @Test func danglingReferencesOfDocumentsWithLongIDsStayUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let padding = String(repeating: "x", count: 4000)
            try database.insert([["_id": 1]], into: "t")
            for start in stride(from: 0, to: 12_000, by: 2000) {
                try database.insert(
                    (start..<start + 2000).map { number in
                        Document {
                            $0.append("_id", .string("\(number)\(padding)"))
                            for name in ["a", "b", "c", "d"] { $0.append(name, .int32(Int32(number + 10))) }
                        }
                    }, into: "long")
            }
            try folder.write(
                "collections: {long: {references: {a: t, b: t, c: t, d: t}}}\n", to: "c.yaml")
            let target = ["--uri", try testURI(), "--db", database.name, "--config", folder.file("c.yaml")]
            let file = folder.file("all.csv")
            #expect(try Program.run(["export", "-o", file] + target).status == 0)
            for run in [["verify"], ["verify", file], ["import", file]] {
                let outcome = try Program.run(run + target, measuresMemory: true)
                #expect(outcome.text.contains("12,000 of 12,000"), "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run)")
            }
        }
    }

    @Test func aDocumentWithAMillionReferencesStaysUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "t")
            try database.insert([["_id": 1, "ids": .array((1...1_200_000).map { .int32($0) })]], into: "many")
            try folder.write("collections: {many: {references: {'ids[]': t}}}\n", to: "c.yaml")
            let target = ["--uri", try testURI(), "--db", database.name, "--config", folder.file("c.yaml")]
            let file = folder.file("all.csv")
            #expect(try Program.run(["export", "-o", file] + target).status == 0)
            for run in [["verify"], ["verify", file], ["import", file]] {
                let outcome = try Program.run(run + target, measuresMemory: true)
                #expect(outcome.text.contains("1,199,999 of 1,200,000"), "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run)")
            }
        }
    }

    /// An element that was added to an array, or taken away.
    @Test func arraysOfDifferentLengthsAreComparedUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let numbers = Value.array((0..<1_000_000).map { .int32($0) })
            try database.insert([["_id": 1, "a": numbers], ["_id": 2, "a": numbers]], into: "a")
            let (file, target) = (folder.file("all.csv"), ["--uri", try testURI(), "--db", database.name])
            #expect(try Program.run(["export", "-o", file] + target).status == 0)
            try database.update("a", ["_id": 1], ["$push": ["a": 7]], many: false)
            try database.update("a", ["_id": 2], ["$pop": ["a": 1]], many: false)
            let outcome = try Program.run(["verify", file] + target, measuresMemory: true)
            #expect(outcome.text.contains("a.1000000") && outcome.text.contains("a.999999"), "\(outcome.text)")
            #expect(outcome.status == 2 && outcome.peakMegabytes < Self.limit)
        }
    }

    /// Two bytes of text become twelve of a document, and as many of what is there now.
    @Test func documentsThatAreMuchLargerThanTheirTextStayUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let zeros = Value.array([Value](repeating: .int32(0), count: 1_280_000))
            for number in 0..<8 { try database.insert([["_id": .int32(Int32(number)), "a": zeros]], into: "a") }
            let (file, target) = (folder.file("all.csv"), ["--uri", try testURI(), "--db", database.name])
            #expect(try Program.run(["export", "-o", file] + target).status == 0)
            let runs = [
                ["import", file, "--mode", "replace", "--yes", "--jobs", "4"], ["import", file, "--jobs", "4"],
                ["verify", file],
            ]
            for run in runs {
                try database.update("a", [:], ["$set": ["z": 1]], many: true)
                let outcome = try Program.run(run + target, measuresMemory: true)
                #expect(outcome.status == (run[0] == "verify" ? 2 : 0), "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run)")
            }
        }
    }

    /// Each name is kept until it is known that none comes twice.
    @Test func documentsOfMillionsOfNamesStayUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let digits = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
            let names = (0..<2_600_000).map { number in
                String(
                    decoding: [0, 1, 2, 3].map { place in
                        digits[[1, 52, 2704, 140_608].map { number / $0 % 52 }[place]]
                    }, as: UTF8.self)
            }
            let wide = Document {
                $0.append("_id", 1); for name in names { $0.append(name, .null) }
            }
            for collection in ["a", "b"] { try database.insert([wide], into: collection) }
            let outcome = try Program.run(
                ["export", "-o", folder.file("all.csv"), "--uri", testURI(), "--db", database.name],
                measuresMemory: true)
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(outcome.peakMegabytes < 200)
        }
    }

    /// Two bytes of text become up to twelve bytes of a document.
    @Test func aRowWhoseDocumentWouldBeMuchLargerThanItsTextIsRefusedBeforeItIsBuilt() throws {
        try withTestDatabase { _, folder in
            let file = folder.file("zeros.csv")
            try folder.write(
                "collection,data\na,\"{\"\"_id\"\":1,\"\"s\"\":[" + String(repeating: "0,", count: 20_000_000)
                    + "1]}\"\n",
                to: "zeros.csv")
            let outcome = try Program.run(["verify", file], measuresMemory: true)
            #expect(outcome.status == 2)
            #expect(
                outcome.text.contains(
                    "line 2, a, _id 1: the document takes more than 67174400 bytes, servers take at most 16793600"),
                "\(outcome.text)")
            #expect(outcome.peakMegabytes < 200)
        }
    }

    /// No other documents have longer texts.
    @Test func documentsOfSixteenMegabytesOfControlCharactersStayUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let text = Value.string(String(repeating: "\u{1}", count: 16_700_000))
            for name in ["a", "b"] { try database.insert([["_id": 1, "text": text]], into: name) }
            let (file, target) = (folder.file("all.csv"), ["--uri", try testURI(), "--db", database.name])
            for run in [["export", "-o", file], ["import", file], ["verify", file]] {
                let outcome = try Program.run(run + target, measuresMemory: true)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.peakMegabytes < Self.limit, "\(run[0])")
            }
        }
    }

    /// Each repeated `_id` is a problem, and has to be found again in the file.
    @Test func aFileThatHasEveryRowTwiceIsVerifiedUnderTheLimit() throws {
        try withTestDatabase { _, folder in
            let count = 2_000_000
            let rows = (0..<count).map { "a,\"{\"\"_id\"\":\($0),\"\"n\"\":1.5}\"\n" }.joined()
            try folder.write("collection,data\n" + rows + rows, to: "twice.csv")
            let outcome = try Program.run(
                ["verify", folder.file("twice.csv"), "--no-legacy"], measuresMemory: true)
            #expect(outcome.status == 2)
            #expect(outcome.text.contains("2,000,000 rejected rows"), "\(outcome.text)")
            #expect(
                outcome.text.contains("line \(count + 2), a, _id 0: the same _id stands on line 2 already"),
                "\(outcome.text)")
            #expect(outcome.peakMegabytes < Self.limit)
        }
    }

    /// The hashes of the `_id`s and those of the keys take 16 bytes a record.
    @Test func rowsThatShareTheKeyOfAMergeAreFoundUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let count = 4_000_000
            let rows = (0..<count).map { "a,\"{\"\"_id\"\":\($0),\"\"k\"\":\($0 % (count / 2))}\"\n" }.joined()
            try folder.write("collection,data\n" + rows, to: "shared.csv")
            let outcome = try Program.run(
                [
                    "import", folder.file("shared.csv"), "--uri", testURI(), "--db", database.name, "--no-legacy",
                    "--upsert-keys", "k",
                ], measuresMemory: true)
            #expect(outcome.status == 2)
            #expect(outcome.text.contains("the file has 2,000,000 faults"), "\(outcome.text)")
            #expect(outcome.peakMegabytes < Self.limit + 16 * count / 1_000_000)
        }
    }

    /// Such a document is built anew, with its `_id` in front.
    @Test func hugeRowsWhoseIDIsTheirLastFieldStayUnderTheLimit() throws {
        try withTestDatabase { database, folder in
            let text = String(repeating: "x", count: 15_000_000)
            let rows = (0..<8).map { "a,\"{\"\"text\"\":\"\"\(text)\"\",\"\"_id\"\":\($0)}\"\n" }.joined()
            try folder.write("collection,data\n" + rows, to: "last.csv")
            let outcome = try Program.run(
                [
                    "import", folder.file("last.csv"), "--uri", testURI(), "--db", database.name, "--no-legacy",
                    "--mode", "replace", "--yes", "--jobs", "8",
                ], measuresMemory: true)
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.count("a") == 8)
            #expect(outcome.peakMegabytes < Self.limit)
        }
    }
}
