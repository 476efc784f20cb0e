import BSON
import Foundation
import MongoFerry
import Testing

@testable import BackupFile

/// A file of format 1 is either whole or refused.
@Suite struct DamageTests {
    @Test(arguments: [
        ("bzip2", [0x42, 0x5A, 0x68, 0x39] as [UInt8]), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        ("lz4", [4, 0x22, 0x4D, 0x18, 0x64]),
    ])
    func whatAnotherProgramHasCompressedIsNamed(program: String, bytes: [UInt8]) throws {
        let path = NSTemporaryDirectory() + "mongoferry-\(UUID().uuidString)"
        try Data(bytes + [1, 2, 3]).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: BackupError.self) { try BackupReader(try OpenFile(reading: path)) }
        #expect(error?.kind == .notABackup && error?.reason.contains("compressed by \(program)") == true)
    }

    private static let names = ["small.csv", "small.csv.gz", "small.csv.zst"]

    @Test(arguments: names) func aWholeFileIsSound(name: String) throws {
        try SmallBackup.lend { backup in
            try backup.write(name)
            #expect(try backup.faults(of: name) == [])
        }
    }

    @Test(arguments: names) func aFileThatWasCutAtAnyByteIsRefused(name: String) throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write(name)
            for length in 0..<bytes.count {
                let faults = try backup.faults(in: Array(bytes[..<length]))
                try #require(!faults.isEmpty, "the first \(length) of \(bytes.count) bytes pass for a whole file")
            }
        }
    }

    /// A few bits of a compressed file have no effect, such as the operating system in a gzip header: a flipped bit
    /// must be noticed or change nothing.
    @Test(arguments: names) func aBitThatFlippedAnywhereIsNoticed(name: String) throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write(name)
            let content = try backup.content(of: name)
            for index in bytes.indices {
                var damaged = bytes
                damaged[index] ^= 1 << (index % 8)
                if try backup.faults(in: damaged).isEmpty {
                    let isSame = try backup.content(of: "damaged.csv") == content
                    try #require(isSame && name != "small.csv", "bit \(index % 8) of byte \(index) of \(name)")
                }
            }
        }
    }

    @Test func aFlippedBitInTheSealIsNoticedWhicheverItIs() throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            let start = try #require(bytes.dropLast().lastIndex(of: 0x0A)) + 1
            for index in start..<bytes.count {
                for bit in 0..<8 {
                    var damaged = bytes
                    damaged[index] ^= 1 << bit
                    let faults = try backup.faults(in: damaged)
                    try #require(!faults.isEmpty, "bit \(bit) of byte \(index - start) of the seal")
                }
            }
        }
    }

    @Test func aSealThatAnotherProgramHasWrittenWithBlanksFits() throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            let text = try backup.text(of: "small.csv")
            let start = try #require(text.range(of: "# seal ")).upperBound
            let spaced = text[start...].replacing("\":", with: "\": ").replacing(",\"", with: ", \"")
            #expect(spaced != text[start...])
            #expect(try backup.faults(in: Array((text[..<start] + spaced).utf8)) == [])
            let wrong = spaced.replacing("\"rows\": ", with: "\"rows\": 1")
            let faults = try backup.faults(in: Array((text[..<start] + wrong).utf8))
            #expect(wrong != spaced && !faults.isEmpty)
        }
    }

    @Test func anEditedRowIsRefusedWithTheSealNamed() throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            let edited = try backup.text(of: "small.csv").replacing("Amara", with: "Amira")
            #expect(
                try backup.faults(in: Array(edited.utf8)) == [
                    "the seal does not fit: bytes were changed, lost or added since the file was written"
                ])
        }
    }

    /// As if somebody had edited the file and sealed it again.
    @Test func otherCountsInTheMetadataThanInTheSealAreRefused() throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            let text = try backup.text(of: "small.csv")
            var seal = try #require(try SealFinder.find(in: try OpenFile(reading: backup.path("small.csv"))))
            let end = try #require(text.range(of: "# seal ")).lowerBound
            var content = String(text[..<end])
            content.replace("\"records\":2", with: "\"records\":3", maxReplacements: 1)
            content.replace("\"records\":4", with: "\"records\":5", maxReplacements: 1)
            let sum = try SHA256Sum(of: "")
            try content.withUTF8 { try sum.update(UnsafeRawBufferPointer($0)) }
            seal.sha256 = try sum.finish()
            #expect(
                try backup.faults(in: Array((content + seal.line).utf8)) == [
                    "the metadata say 3 records of customers, the seal says 2"
                ])
        }
    }

    @Test func reorderedRowsAreRefused() throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            var lines = try backup.text(of: "small.csv").split(separator: "\n", omittingEmptySubsequences: false)
            lines.swapAt(6, 7)
            let faults = try backup.faults(in: Array(lines.joined(separator: "\n").utf8))
            #expect(faults.contains { $0.hasPrefix("the seal does not fit") })
        }
    }

    @Test func aRowThatIsMissingOrStandsTwiceIsCounted() throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            var lines = try backup.text(of: "small.csv").split(separator: "\n", omittingEmptySubsequences: false)
            let row = lines.remove(at: 6)
            #expect(
                try backup.faults(in: Array(lines.joined(separator: "\n").utf8)).contains(
                    "the seal says 2 records of customers, there is 1"))
            lines.insert(row, at: 6)
            lines.insert(row, at: 6)
            let faults = try backup.faults(in: Array(lines.joined(separator: "\n").utf8))
            #expect(faults.contains("the seal says 2 records of customers, there are 3"))
            #expect(faults.contains("line 8: the same _id stands on line 7 already"))
        }
    }

    @Test(arguments: names) func aFileThatStandsTwiceInItselfIsRefused(name: String) throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write(name)
            #expect(try backup.faults(in: bytes + bytes) == ["line 12: another backup follows the seal"])
            // Whoever follows the advice gets both backups.
            try backup.put(bytes + bytes, "twice.csv")
            let error = #expect(throws: BackupError.self) {
                let reader = try BackupReader(try OpenFile(reading: backup.path("twice.csv")))
                let batch = RecordBatch()
                while try reader.nextBatch(into: batch) {}
            }
            let unpacking =
                name.hasSuffix(".gz") ? "gzip -dc < FILE | " : name.hasSuffix(".zst") ? "zstd -dc < FILE | " : ""
            for (filter, new) in [("head -n 11", "twice.first.csv"), ("tail -n +12", "twice.second.csv")] {
                let source = backup.path("twice.csv")
                let command =
                    (unpacking.isEmpty ? "\(filter) < FILE" : "\(unpacking)\(filter)").replacing("FILE", with: source)
                    + " > \(backup.path(new))"
                #expect(error?.advice?.contains("`\(command)`") == true, "\(String(describing: error))")
            }
        }
    }

    /// Without the quote, everything after it would be one row, but the file's end is not missing.
    @Test func aQuoteThatIsLostIsNotCalledACut() throws {
        try SmallBackup.lend { backup in
            var bytes = try backup.write("small.csv")
            let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            let place =
                lines[..<6].reduce(0) { $0 + $1.count + 1 } + (lines[6].firstIndex(of: 0x22) ?? 0) - lines[6].startIndex
            bytes[place] = 0
            let faults = try backup.faults(in: bytes)
            #expect(
                faults.contains { $0.hasPrefix("line 7: the second field does not begin with a quote, ") }
                    && !faults.contains { $0.contains("cut") }, "\(faults)")
            #expect(faults.contains { $0.hasPrefix("the seal does not fit") } && faults.count == 2, "\(faults)")
        }
    }

    @Test(arguments: names) func aFileWithSomethingBehindItIsRefused(name: String) throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write(name)
            // Zeros alone after a .gz are the padding of a last block: see below.
            let zero = name.hasSuffix(".gz") ? [] : ["\u{0}"]
            for tail in ["\n", "x", "customers,\"{\"\"_id\"\":3}\"\n", "\u{0}x"] + zero {
                #expect(try !backup.faults(in: bytes + Array(tail.utf8)).isEmpty)
            }
        }
    }

    @Test func aFileThatWasSplicedFromTwoIsRefused() throws {
        try SmallBackup.lend { backup in
            let first = try backup.write("small.csv")
            let second = try backup.write(
                "other.csv",
                rows: SmallBackup.customers.map { $0.replacing("Amara", with: "Cleo") } + SmallBackup.policies)
            let middle = try #require(
                first.indices.first { first[$0...].starts(with: Array("policies,".utf8)) })
            #expect(first.count == second.count || first.count == second.count + 1)
            let cut = second.count - (first.count - middle)
            let faults = try backup.faults(in: Array(first[..<middle]) + Array(second[cut...]))
            #expect(faults.contains { $0.hasPrefix("the seal does not fit") })
        }
    }

    @Test func changedLineEndsAndAByteOrderMarkAreNamed() throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(
                try backup.faults(in: Array(text.replacing("\n", with: "\r\n").utf8)) == [
                    "line 1: the line ends were changed to \\r\\n, as some transfers do; the seal cannot fit"
                ])
            #expect(
                try backup.faults(in: [0xEF, 0xBB, 0xBF] + bytes) == [
                    "line 1: a byte-order mark was put in front, as spreadsheets do; the seal cannot fit"
                ])
        }
    }

    private static func isInstalled(_ name: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    /// Somebody with only one copy can do nothing but follow the advice.
    @Test(
        arguments: [
            "line ends", "mark", "last line end", "tail", "both", "UTF-16", "UTF-16LE", "gzip",
        ] + ["bzip2", "xz"].filter(isInstalled),
        [false, true])
    func whatIsSaidToTakeAFaultAwayDoes(fault: String, isCompressed: Bool) throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            let carried = Array(String(decoding: bytes, as: UTF8.self).replacing("\n", with: "\r\n").utf8)
            let damaged =
                switch fault {
                case "line ends": carried
                case "mark": [0xEF, 0xBB, 0xBF] + bytes
                case "last line end": Array(bytes.dropLast())
                case "tail": bytes + Array("\nx\n".utf8)
                case "UTF-16", "UTF-16LE", "gzip", "bzip2", "xz": bytes
                default: [0xEF, 0xBB, 0xBF] + carried
                }
            try backup.put(damaged, "0")
            let filters = [
                "UTF-16": "iconv -f UTF-8 -t UTF-16", "UTF-16LE": "iconv -f UTF-8 -t UTF-16LE", "gzip": "gzip -c",
                "bzip2": "bzip2 -c", "xz": "xz -c",
            ]
            if let filter = filters[fault] {
                // A file that is compressed by gzip once is not damaged.
                let twice = fault != "gzip" || isCompressed ? "" : " | \(filter)"
                try Self.shell("\(filter) < \(backup.path("0"))\(twice) > x && mv x \(backup.path("0"))", backup)
            }
            if isCompressed { try Self.shell("gzip -c < \(backup.path("0")) > x && mv x \(backup.path("0"))", backup) }
            var steps = 0
            var name = "0"
            while try !backup.faults(of: name).isEmpty {
                try #require(steps < 3)
                name = try Self.mended(name, backup)
                steps += 1
            }
            #expect(steps == (fault == "both" ? 2 : 1))
            #expect(try backup.bytes(of: name) == bytes)
        }
    }

    @Test(arguments: ["tar", "tar of a folder", "zip", "mongodump"]) func archivesAreCalledSo(kind: String) throws {
        try SmallBackup.lend { backup in
            _ = try backup.write("small.csv")
            switch kind {
            case "tar": try Self.shell("tar -cf an\\ archive small.csv", backup)
            case "tar of a folder": try Self.shell("mkdir d && cp small.csv d && tar -cf an\\ archive d", backup)
            case "zip":
                try Self.shell(
                    "python3 -c \"import zipfile; zipfile.ZipFile('an archive', 'w').write('small.csv')\"", backup)
            default: try backup.put([0x6D, 0xE2, 0x99, 0x81, 1, 0, 0, 0], "an archive")
            }
            let report = try Verify(file: backup.path("an archive"), target: nil).runBlocking(OperationContext())
            let name = kind.prefix { $0 != " " }
            #expect(report.rejections.first?.reason.contains("\(name)") == true, "\(report.rejections)")
            let advice = try #require(report.nextSteps.first)
            #expect(advice.contains("mongorestore") == (kind == "mongodump"), "\(advice)")
            guard kind.hasPrefix("tar") else { return }
            let commands = advice.matches(of: /`([^`]*)`/).map { String($0.1) }
            #expect(commands.count == 2)
            let bytes = try backup.bytes(of: "small.csv")
            try Self.shell("rm small.csv", backup)
            for command in commands { try Self.shell(command, backup) }
            #expect(try backup.bytes(of: kind == "tar" ? "small.csv" : "d/small.csv") == bytes)
        }
    }

    /// "ustar" occurs in words, by chance also at the place where a tar archive has it.
    @Test func aTextWithTheMagicOfAnArchiveIsNone() throws {
        try SmallBackup.lend { backup in
            for length in 0..<5 {
                let name = String(repeating: "mustard", count: 70).dropFirst(length)
                let row = "\(name),\"{\"\"_id\"\":1}\"\n"
                try backup.put(Array("collection,data\n\(row)".utf8), "old.csv")
                #expect(try backup.faults(of: "old.csv") == [])
            }
        }
    }

    private static let tails: [(name: String, tail: String)] =
        ["small.csv.gz", "small.csv.zst"].flatMap { name in
            ["\n", "xxxxx", "\u{0}x"].map { (name, $0) }
        }
        // After a .gz they are tolerated.
        + [("small.csv.zst", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}")]

    /// The rows and their seal are intact, whatever was appended.
    @Test(arguments: tails)
    func whatCameBehindACompressedFileGoesAsItIsSaid(name: String, tail: String) throws {
        try SmallBackup.lend { backup in
            try backup.put(backup.write(name) + Array(tail.utf8), "0")
            #expect(try backup.faults(of: Self.mended("0", backup)) == [])
        }
    }

    /// Follows the advice about a file to the letter.
    /// - Returns: the new file's name.
    private static func mended(_ name: String, _ backup: SmallBackup) throws -> String {
        let report = try Verify(file: backup.path(name), target: nil).runBlocking(OperationContext())
        #expect(report.status == .problems)
        let advice = try #require(report.nextSteps.first)
        let command = try #require(advice.firstMatch(of: /`([^`]* > ([^`]*))`/))
        try shell(String(command.1), backup)
        return URL(fileURLWithPath: String(command.2)).lastPathComponent
    }

    /// It does not overwrite a file that has the name already, and a name may contain any character.
    @Test func theNewFileHasANameOfItsOwn() throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            let name = "it's a \"backup\".CSV"
            try backup.put([0xEF, 0xBB, 0xBF] + bytes, name)
            let new = ["it's a \"backup\".mended.csv", "it's a \"backup\".mended2.csv"]
            for expected in new {
                let report = try Verify(file: backup.path(name), target: nil).runBlocking(OperationContext())
                let command = try #require(report.nextSteps.first?.firstMatch(of: /`(.*)`, then/)).1
                try Self.shell(String(command), backup)
                #expect(try backup.bytes(of: expected) == bytes)
            }
        }
    }

    private static func shell(_ command: String, _ backup: SmallBackup) throws {
        #expect(try Shell.status(of: command, in: backup.folder) == 0, "\(command)")
    }

    @Test(arguments: ["9223372036854775807", "-1", "1000000000000"])
    func countsThatNoCollectionHasAreAFaultAndNoCrash(count: String) throws {
        try SmallBackup.lend { backup in
            let text = String(decoding: try backup.write("small.csv"), as: UTF8.self)
            let inSeal = text.replacing(
                #""records":{"customers":2,"policies":2"#,
                with: #""records":{"customers":\#(count),"policies":\#(count)"#)
            #expect(inSeal != text)
            #expect(try backup.faults(in: Array(inSeal.utf8)).count > 0)
            #expect(try SealFinder.find(in: try OpenFile(reading: backup.path("damaged.csv"))) == nil)
            let inMetadata = text.replacing(/"records":2/, with: "\"records\":\(count)")
            #expect(inMetadata != text)
            #expect(
                try backup.faults(in: Array(inMetadata.utf8)).first?.contains("gives customers \(count) records")
                    == true)
        }
    }

    /// A replace would drop what is there, and make something else in its place.
    @Test(arguments: [
        (#""type":"collection""#, #""nothing":1"#, "does not say what receipts is"),
        (#""type":"collection""#, #""type":"view""#, "contradicts itself: receipts is a 'view'"),
        (#""type":"collection""#, #""type":"timeseries""#, "contradicts itself: receipts is a 'timeseries'"),
        (#""options":{}"#, #""options":{"viewOn":"policies","pipeline":[]}"#, "receipts is a 'collection'"),
        (#""options":{}"#, #""options":{"timeseries":{"timeField":"t"}}"#, "receipts is a 'collection'"),
        (#""options":{}"#, #""options":{"viewOn":5}"#, "receipts is a 'collection'"),
    ])
    func metadataWhoseTypeIsNotThatOfTheOptionsAreAFault(part: String, other: String, fault: String) throws {
        try SmallBackup.lend { backup in
            let text = String(decoding: try backup.write("small.csv"), as: UTF8.self)
            let start = try #require(text.range(of: #"{"name":"receipts""#)).lowerBound
            let changed = String(text[..<start]) + text[start...].replacing(part, with: other, maxReplacements: 1)
            #expect(changed != text)
            let faults = try backup.faults(in: Array(changed.utf8))
            #expect(faults.count == 1 && faults[0].contains(fault), "\(faults)")
        }
    }

    @Test(arguments: [
        (#""records":4"#, #""records":5"#, "says 5 records in all, and 4 by collections"),
        (
            #"{"v":2,"key":{"_id":1},"name":"_id_"}"#,
            #"{"v":2,"key":{"_id":1},"name":"_id_"},{"v":2,"key":{"a":1},"name":"_id_"}"#,
            "lists the index _id_ of customers twice"
        ),
    ])
    func metadataThatContradictThemselvesAreAFault(part: String, other: String, fault: String) throws {
        try SmallBackup.lend { backup in
            let text = String(decoding: try backup.write("small.csv"), as: UTF8.self)
            let changed = text.replacing(part, with: other, maxReplacements: 1)
            #expect(changed != text)
            #expect(try backup.faults(in: Array(changed.utf8)) == ["line 5: the metadata line \(fault)"])
        }
    }

    @Test func metadataThatAreNotUTF8AreAFault() throws {
        try SmallBackup.lend { backup in
            var bytes = try backup.write("small.csv")
            let place = try #require(bytes.firstRange(of: Array(#""database":"insurance""#.utf8))).lowerBound
            bytes[place + 12] = 0xFF
            let faults = try backup.faults(in: bytes)
            #expect(faults == ["line 5: the metadata line is not UTF-8"])
        }
    }

    /// The damaged reference must not hide that the seal does not fit.
    @Test func aDamagedReferenceIsToldBesideTheSealThatDoesNotFit() throws {
        try SmallBackup.lend { backup in
            var metadata = SmallBackup.metadata
            metadata.references = [
                ["collection": "policies", "path": "customerId", "target": "customers", "targetPath": "_id"]
            ]
            let text = String(decoding: try backup.write("small.csv", metadata: metadata), as: UTF8.self)
            #expect(try backup.faults(of: "small.csv") == [])
            let faults = try backup.faults(
                in: Array(text.replacing("customerId\",\"target", with: "customer[d\",\"target").utf8))
            #expect(faults.contains { $0.contains("the seal does not fit") }, "\(faults)")
            #expect(faults.contains { $0.contains("a reference in the metadata is not understood") }, "\(faults)")
        }
    }

    @Test func aDamagedOptionOfTheMetadataIsToldWithItsLine() throws {
        try SmallBackup.lend { backup in
            let metadata = String(decoding: try backup.write("small.csv"), as: UTF8.self)
                .replacing(#""name":"policies","#, with: #""name":"policies","options":{"$rawBSON":"AAAA"},"#)
            let faults = try backup.faults(in: Array(metadata.utf8))
            #expect(
                faults.count == 1
                    && faults[0].contains("line 5: the metadata line has the options of policies that cannot be read"),
                "\(faults)")
        }
    }

    /// If a value of the wrong type were ignored, nobody might ever notice what is lost.
    @Test(arguments: [
        (#""references":[]"#, #""references":["x"]"#, "'references[0]' that is not a document"),
        (#""references":[]"#, #""references":5"#, "'references' that is not a list"),
        (#""indexes":[]"#, #""indexes":5"#, "'indexes' of policies that is not a list"),
        (#""indexes":[]"#, #""indexes":["_id_"]"#, "'indexes[0]' of policies that is not a document"),
        (#""options":{}"#, #""options":[]"#, "'options' of customers that is not a document"),
        (#""records":2"#, #""records":"2""#, "'records' of customers that is not a whole number"),
        (#""hosts":["localhost:27017"]"#, #""hosts":[5]"#, "'hosts[0]' that is not a string"),
        (#""excluded":[]"#, #""excluded":[{"reason":"x"}]"#, "something excluded without a name"),
        (#""countsAreExact":true"#, #""countsAreExact":1"#, "'countsAreExact' that is not true or false"),
        (#""snapshot":"2026-11-23T20:04:44Z""#, #""snapshot":4"#, "'snapshot' that is not a string"),
    ])
    func metadataOfAWrongTypeAreADamagedFile(part: String, wrong: String, reason: String) throws {
        try SmallBackup.lend { backup in
            let text = String(decoding: try backup.write("small.csv"), as: UTF8.self)
            let place = try #require(text.range(of: part))
            let faults = try backup.faults(in: Array(text.replacingCharacters(in: place, with: wrong).utf8))
            #expect(faults == ["line 5: the metadata line has \(reason)"])
        }
    }

    /// The hash does not cover the seal, and to Swift, canonically equivalent strings are equal.
    @Test func aNameThatOnlyLooksTheSameInTheSealIsNoticed() throws {
        try SmallBackup.lend { backup in
            var metadata = SmallBackup.metadata
            metadata.collections[2].name = "caf\u{E9}"
            let text = String(decoding: try backup.write("small.csv", metadata: metadata), as: UTF8.self)
            #expect(try backup.faults(of: "small.csv") == [])
            let seal = try #require(text.range(of: "# seal"))
            let decomposed = text[seal.lowerBound...].replacing("caf\u{E9}", with: "cafe\u{301}")
            #expect(!decomposed.utf8.elementsEqual(text[seal.lowerBound...].utf8))
            let faults = try backup.faults(in: Array(text[..<seal.lowerBound].utf8) + Array(decomposed.utf8))
            #expect(faults == ["the seal names other collections than the metadata"])
        }
    }

    /// An import would drop them, since a view stores no documents.
    @Test func rowsOfAViewAreAFault() throws {
        try SmallBackup.lend { backup in
            var metadata = SmallBackup.metadata
            metadata.collections.append(
                BackupMetadata.Collection(
                    name: "adults", kind: .view, options: ["viewOn": "customers", "pipeline": []]))
            let row = #"adults,"{""_id"":1}""#
            try backup.write(
                "small.csv", rows: SmallBackup.customers + SmallBackup.policies + [row], metadata: metadata)
            #expect(try backup.faults(of: "small.csv") == ["line 11: rows of adults, which is a view"])
        }
    }

    @Test func rowsOfManyNamesThatTheMetadataDoNotKnowAreToldByTheFirst() throws {
        try SmallBackup.lend { backup in
            let strangers = (0..<1000).map { "x\($0),\"{\"\"_id\"\":1}\"" }
            try backup.write("small.csv", rows: SmallBackup.customers + SmallBackup.policies + strangers)
            let faults = try backup.faults(of: "small.csv")
            #expect(faults == (0..<20).map { "line \($0 + 11): rows of x\($0), which the metadata do not know" })
        }
    }

    @Test func aFloodOfEmptyLinesIsCalledWhatItIs() throws {
        try SmallBackup.lend { backup in
            let faults = try backup.faults(in: [UInt8](repeating: 0x0A, count: 34 << 20))
            #expect(faults.count == 1)
            #expect(
                faults.first?.hasSuffix("lines, over 32 MB, and no column header 'collection,data' among them") == true,
                "\(faults)")
        }
    }

    /// Some writers put a frame of other data first.
    @Test func aZstandardFileMayBeginWithAFrameThatIsSkipped() throws {
        try SmallBackup.lend { backup in
            let whole = try backup.write("small.csv.zst")
            for kind in [0x50, 0x5F] as [UInt8] {
                let skipped: [UInt8] = [kind, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
                #expect(try backup.faults(in: skipped + whole) == [])
                let inspection = try Inspection(backup.path("damaged.csv"))
                #expect(inspection.compression == .zstd && inspection.seal?.rows == 4)
            }
        }
    }

    /// Tapes and `dd conv=sync` pad the last block.
    @Test(arguments: [1, 10_239, 300_000]) func aGzipFileMayBeFilledUpWithZeros(count: Int) throws {
        try SmallBackup.lend { backup in
            let whole = try backup.write("small.csv.gz")
            let padded = whole + [UInt8](repeating: 0, count: count)
            #expect(try backup.faults(in: padded) == [])
            #expect(try backup.content(of: "damaged.csv") == backup.content(of: "small.csv.gz"))
            #expect(try backup.faults(in: padded + [1]) != [])
        }
    }

    /// In an emergency it matters which backup half a file belongs to.
    @Test(arguments: ["small.csv.gz", "small.csv.zst"])
    func aCutCompressedFileStillSaysWhatItIsOf(name: String) throws {
        try SmallBackup.lend { backup in
            let rows = (0..<2000).map { #"customers,"{""_id"":\#($0),""text"":""\#($0 &* 7919 ^ $0 << 17)""}""# }
            let whole = try backup.write(name, rows: rows)
            for count in [whole.count / 2, whole.count - 1] {
                try backup.put(Array(whole[..<count]), "cut.csv")
                let inspection = try Inspection(backup.path("cut.csv"))
                #expect(inspection.metadata?.collections.map(\.records) == [2000, 0, 0] && inspection.seal == nil)
                #expect(inspection.lines.last?.hasPrefix("no seal stands at the end") == true && inspection.isCut)
                let reader = try BackupReader(try OpenFile(reading: backup.path("cut.csv")))
                let batch = RecordBatch()
                let error = #expect(throws: BackupError.self) { while try reader.nextBatch(into: batch) {} }
                #expect(error?.kind == .damaged && error?.reason.contains("too early") == true)
            }
        }
    }

    /// Only in a file that this program has compressed is the seal sure to be found from the end.
    @Test(arguments: ["gzip -c"] + (isInstalled("zstd") ? ["zstd -qc"] : []))
    func aFileThatAnotherProgramHasCompressedIsNotCalledCut(_ command: String) throws {
        try SmallBackup.lend { backup in
            // Enough rows for several of zstd's blocks.
            let rows = (0..<20_000).map { #"customers,"{""_id"":\#($0),""text"":""\#($0 &* 7919 ^ $0 << 17)""}""# }
            try backup.write("small.csv", rows: rows)
            try Self.shell("\(command) small.csv > other.csv", backup)
            let bytes = try backup.bytes(of: "other.csv")
            #expect(try Inspection(backup.path("other.csv")).seal?.rows == rows.count)
            try backup.put(Array(bytes[..<(bytes.count / 2)]), "other.csv")
            let inspection = try Inspection(backup.path("other.csv"))
            #expect(inspection.metadata != nil && inspection.seal == nil && !inspection.isCut)
            #expect(inspection.lines.last?.hasPrefix("no seal was found without reading the whole file") == true)
        }
    }

    /// Every third byte looks like the beginning of a member.
    @Test func inABadCompressedFileTheSealIsNotSearchedForLong() throws {
        try SmallBackup.lend { backup in
            let flood = [[UInt8]](repeating: [0x1F, 0x8B, 8], count: 300_000).flatMap(\.self)
            try backup.put(flood, "flood.csv.gz")
            let start = ContinuousClock.now
            #expect(try SealFinder.find(in: try OpenFile(reading: backup.path("flood.csv.gz"))) == nil)
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test(arguments: names) func theSealOfAWholeFileIsFoundFromItsEnd(name: String) throws {
        try SmallBackup.lend { backup in
            // More than the search reads at first.
            let rows = (0..<4000).map { _ in "customers,\"{\"\"_id\"\":\(UInt32.random(in: 0 ... .max))}\"" }
            try backup.write(name, rows: rows)
            #expect(try SealFinder.find(in: try OpenFile(reading: backup.path(name)))?.rows == 4000)
        }
    }

    @Test func oldFilesMayHaveBothAndStayReadable() throws {
        try SmallBackup.lend { backup in
            let rows = SmallBackup.customers.joined(separator: "\r\n")
            try backup.put([0xEF, 0xBB, 0xBF] + Array("collection,data\r\n\(rows)\r\n\r\n".utf8), "old.csv")
            #expect(try backup.faults(of: "old.csv") == [])
        }
    }

    private static let badRows: [(row: String, reason: String)] = [
        ("customers", "there is one column, not two (collection,data)"),
        (#"customers,"{""_id"":1}",x"#, "the second field's closing quote is missing, or there is a third column"),
        (#"cust"omers,"{""_id"":1}"""#, "a quote inside an unquoted field"),
        (#""customers"x,"{""_id"":1}""#, "text behind the first field's closing quote"),
        (#","{""_id"":1}""#, "the collection's name is empty"),
    ]

    @Test(arguments: badRows) func aRowThatIsNotTwoFieldsIsReportedWithItsLine(row: String, reason: String) throws {
        try SmallBackup.lend { backup in
            let text = "collection,data\n\(SmallBackup.customers[0])\n\(row)\n\(SmallBackup.customers[1])\n"
            try backup.put(Array(text.utf8), "old.csv")
            #expect(try backup.faults(of: "old.csv") == ["line 3: \(reason)"])
        }
    }

    @Test(arguments: [
        #"customers,  "{""_id"":1}""#, #"customers, "{""_id"":1,""a"":2}""#,
        "customers,\t\"{\"\"_id\"\":1,\"\"a\"\":2}\"",
    ])
    func aBlankBeforeTheQuoteIsCalledOne(row: String) throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("collection,data\n\(row)\n".utf8), "old.csv")
            let faults = try backup.faults(of: "old.csv")
            #expect(faults == ["line 2: a blank stands between the comma and the quote, where CSV has none"])
        }
    }

    @Test func aFirstRowWithoutACollectionsNameIsReported() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("collection,data\n,\"{\"\"_id\"\":1}\"\n".utf8), "old.csv")
            #expect(try backup.faults(of: "old.csv") == ["line 2: the collection's name is empty"])
        }
    }

    @Test(arguments: [
        #"customers,"{""_id"":1}","{""_id"":2}""#, #"customers,{"_id":1},{"_id":2}"#, "customers,", "customers,\"\"",
    ])
    func aRowOfMoreOrLessThanOneDocumentIsReportedWithItsLine(row: String) throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("collection,data\n\(row)\n\(SmallBackup.customers[1])\n".utf8), "old.csv")
            let faults = try backup.faults(of: "old.csv")
            #expect(faults.count == 1 && faults.first?.hasPrefix("line 2: ") == true)
        }
    }

    @Test func aQuoteThatIsNeverClosedIsReportedWhereItsRowStarts() throws {
        try SmallBackup.lend { backup in
            let open = #"customers,"{""_id"":3,""name"":""x"}""#
            try backup.put(
                Array("collection,data\n\(SmallBackup.customers[0])\n\(open)\n\(SmallBackup.customers[1])\n".utf8),
                "old.csv")
            #expect(try backup.faults(of: "old.csv") == ["line 3: \(Self.unclosed)"])
        }
    }

    private static let unclosed = "a quoted field that starts here is never closed: a quote is missing, or one too many"

    /// Whoever mends a file wants to know all faults at once, instead of one more with each run.
    @Test(arguments: ["", "\"", ",\"", "unquoted"], [false, true])
    func aQuoteThatIsMissingHidesNoOtherFault(missing: String, isSealed: Bool) throws {
        try SmallBackup.lend { backup in
            var rows = (0..<40).map { #"customers,"{""_id"":\#($0),""name"":""x""}""# }
            if missing == "unquoted" { rows = (0..<40).map { #"customers,{"_id":\#($0),"name":"x"}"# } }
            rows[5] = #"customers,"{""_id"":}""#
            switch missing {
            case "": rows[10] = String(rows[10].dropLast())
            case "\"": rows[10] += "\""
            case ",\"": rows[10] = rows[10].replacing(",\"{", with: ",{")
            default: rows[10] = #"customers,"{""_id"":10}"#
            }
            rows[20] = #"customers,"{""_id"":3}""#
            rows[30] = #"customers,"{""_id"":30}"x"#
            rows[39] = String(rows[39].dropLast())
            let name: String
            let first: Int
            if isSealed {
                try backup.write("small.csv", rows: rows)
                (name, first) = ("small.csv", 7)
            } else {
                try backup.put(Array("collection,data\n\(rows.joined(separator: "\n"))\n".utf8), "old.csv")
                (name, first) = ("old.csv", 2)
            }
            let faults = try backup.faults(of: name)
            for number in [5, 10, 20, 30, 39] {
                let isTold = faults.contains { $0.hasPrefix("line \(first + number): ") }
                #expect(isTold, "\(number): \(faults)")
            }
            #expect(faults.count { $0.hasPrefix("line ") } == 5, "\(faults)")
        }
    }

    @Test(arguments: ["small.csv", "small.csv.gz", "small.csv.zst"]) func aCutHidesNoOtherFault(name: String) throws {
        try SmallBackup.lend { backup in
            var rows = (0..<20_000).map { #"customers,"{""_id"":\#($0),""name"":""\#($0 &* 7919 ^ $0 << 17)""}""# }
            rows[5] = #"customers,"{""_id"":}""#
            let bytes = try backup.write(name, rows: rows)
            let faults = try backup.faults(in: Array(bytes.dropLast(bytes.count / 3)))
            #expect(faults.contains { $0.hasPrefix("line 12: ") }, "\(faults)")
            #expect(faults.contains { $0.contains("cut") } && faults.count == 2, "\(faults)")
            // No plan is drawn from the readable half, either.
            try backup.write("plain", rows: rows, plain: true)
            try Self.shell("gzip -c < plain | head -c 50000 > half", backup)
            let error = #expect(throws: FerryError.self) {
                try PlanGraph(file: backup.path("half"), configuration: Configuration(), OperationContext())
            }
            #expect(error?.kind == .data && error?.text.contains("cut") == true, "\(String(describing: error))")
        }
    }

    @Test(arguments: ["2", "9", "10", "12"]) func aNewerFormatIsNotGuessedAt(number: String) throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            let newer = try backup.text(of: "small.csv").replacing("format 1\n", with: "format \(number)\n")
            try backup.put(Array(newer.utf8), "newer.csv")
            let verify = Verify(file: backup.path("newer.csv"), target: nil)
            let error = #expect(throws: BackupError.self) { try verify.runBlocking(OperationContext()) }
            #expect(error?.kind == .newerFormat)
        }
    }
}
