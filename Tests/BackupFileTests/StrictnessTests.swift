import BSON
import Foundation
import RandomDocuments
import Synchronization
import Testing

@testable import BackupFile

/// Files that are nearly right, and those whose sizes just fit.
@Suite struct StrictnessTests {
    private func texts(_ batch: RecordBatch) -> [String] {
        var rows: [String] = []
        batch.forEachRow { rows.append(String(decoding: $0.bytes, as: UTF8.self)) }
        return rows
    }

    @Test func readingGoesOnBehindALimit() throws {
        try SmallBackup.lend { backup in
            try backup.put(Array("collection,data\na,{}\nb,{}\nc,{}\n".utf8), "x.csv")
            let reader = try BackupReader(try OpenFile(reading: backup.path("x.csv")))
            let batch = RecordBatch()
            var rows: [String] = []
            while try reader.nextBatch(into: batch, until: reader.firstRow.offset + 5) { rows += texts(batch) }
            #expect(rows == ["a,{}"])
            while try reader.nextBatch(into: batch) { rows += texts(batch) }
            #expect(rows == ["a,{}", "b,{}", "c,{}"])
        }
    }

    @Test func soundRowsAreReadAgainAfterAFault() throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            try backup.put(Array(bytes.dropLast(120)), "cut.csv")
            let reader = try BackupReader(try OpenFile(reading: backup.path("cut.csv")))
            let batch = RecordBatch()
            let first = reader.firstRow
            #expect(try reader.nextBatch(into: batch))
            let rows = texts(batch)
            try reader.seek(to: first)
            #expect(try reader.nextBatch(into: batch, until: first.offset + 1) && texts(batch) == [rows[0]])
        }
    }

    @Test func aCollectionIsListedOnce() throws {
        let entry = #"{"name":"a","type":"collection"}"#
        #expect(throws: BackupError.self) {
            try BackupMetadata(
                json:
                    #"{"format":1,"database":"d","collections":[\#(entry),\#(entry)]}"#,
                path: "x", line: 4)
        }
    }

    @Test func anotherFormatIsNamed() throws {
        let error = #expect(throws: BackupError.self) {
            try BackupMetadata(json: #"{"format":2,"database":"d","collections":[]}"#, path: "x", line: 4)
        }
        #expect(error?.kind == .newerFormat)
    }

    @Test func noByteOfASealCanChange() throws {
        let seal = Seal(records: [("a", 1)], sha256: String(repeating: "0", count: 64))
        let line = seal.line.dropLast()
        #expect(Seal(line: Array(line.utf8)) == seal)
        for changed in [
            line.replacing("\"rows\":1", with: "\"rows\":1.0"), line.dropLast() + ",\"x\":1}",
            line.replacing("{\"rows\"", with: "{\"rows\":7,\"rows\""),
        ] {
            #expect(Seal(line: Array(changed.utf8)) == nil, "\(changed)")
        }
    }

    @Test func aSealNamesCollectionsWithQuotes() {
        for name in [#"a" b"#, #"a\ b"#, #"a\" b" c"#] {
            let seal = Seal(records: [(name, 1)], sha256: String(repeating: "0", count: 64))
            #expect(Seal(line: Array(seal.line.dropLast().utf8)) == seal, "\(name)")
        }
    }

    @Test(arguments: ["#a", "a ", " a", "a\rb", ""]) func namesThatNeedQuotesHaveThem(name: String) {
        #expect(CSVField.text(name) == "\"\(name)\"")
    }

    @Test(arguments: ["x.csv.zst", "x.csv.gz"]) func rowsThatDoNotShrinkAreWhole(name: String) throws {
        try SmallBackup.lend { backup in
            var random = SeededGenerator(seed: 1)
            let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
            let rows = (0..<3000).map { n in
                let text = String(decoding: (0..<1500).map { _ in letters[random.below(64)] }, as: UTF8.self)
                return #"customers,"{""_id"":\#(n),""t"":""\#(text)""}""#
            }
            try backup.write(name, rows: rows)
            #expect(try backup.faults(of: name) == [])
        }
    }

    @Test(arguments: [1, 65_534, 65_535, 65_536, 131_070, 131_071, 131_072, 131_073, 262_144])
    func blocksOfAnySizeAreRead(count: Int) throws {
        try SmallBackup.lend { backup in
            let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            for compression in [Compression.gzip, .zstd] {
                let framed = ByteBuffer()
                content.withUnsafeBytes { StoredMember.append($0, compression, to: framed) }
                try backup.put(Array(framed.bytes), "x")
                let (source, _) = try makeByteSource(try OpenFile(reading: backup.path("x")))
                let room = ByteBuffer(capacity: count + 64)
                var have = 0
                while case let got = try source.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: room.storage[have...])), got > 0
                { have += got }
                #expect(have == count && Array(UnsafeRawBufferPointer(rebasing: room.storage[..<have])) == content)
            }
        }
    }

    private final class Sink: ByteSink {
        let path = "sink"
        let isFinished = Mutex(false)
        func write(_ bytes: UnsafeRawBufferPointer) {}
        func finish() { isFinished.withLock { $0 = true } }
        func abandon() {}
    }

    @Test func theDestinationIsFinished() throws {
        let sink = Sink()
        let writer = try BackupWriter(.stream(sink), compression: .none, plain: false, metadata: SmallBackup.metadata)
        try writer.finish(counts: SmallBackup.noRows)
        #expect(sink.isFinished.withLock { $0 })
    }

    @Test func aQueryBelongsToItsOwnCollection() {
        var metadata = SmallBackup.metadata
        metadata.collections = [.init(name: "copy", databaseName: "a"), .init(name: "a", databaseName: "b")]
        metadata.queries = [CollectionQuery(name: "a", query: "{}")]
        #expect(
            metadata.query(of: metadata.collections[0]) == nil && metadata.query(of: metadata.collections[1]) == "{}")
    }
}
