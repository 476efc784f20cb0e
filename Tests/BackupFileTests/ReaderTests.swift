import BackupFile
import Foundation
import RandomDocuments
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct ReaderTests {
    private func rows(_ reader: BackupReader, until end: Int? = nil) throws -> [(text: String, place: RowPlace)] {
        var rows: [(String, RowPlace)] = []
        let batch = RecordBatch()
        while try reader.nextBatch(into: batch, until: end) {
            batch.forEachRow {
                rows.append((String(decoding: $0.bytes, as: UTF8.self), RowPlace(offset: $0.offset, line: $0.line)))
            }
        }
        return rows
    }

    /// A restore reads collection by collection. If each started at the file's beginning, a compressed file of a
    /// thousand collections would be decompressed a thousand times.
    @Test(arguments: ["small.csv", "small.csv.gz", "small.csv.zst"])
    func whoStopsAtARowGoesOnThereWithoutReadingTheFileFromItsBeginning(name: String) throws {
        try SmallBackup.lend { backup in
            try backup.write(name)
            let descriptor = open(backup.path(name), O_RDONLY)
            defer { close(descriptor) }
            let reader = try BackupReader(OpenFile(borrowing: descriptor, path: backup.path(name)))
            let all = try rows(reader)
            #expect(all.map(\.text) == SmallBackup.customers + SmallBackup.policies)
            let place = all[2].place
            try reader.seek(to: reader.firstRow)
            #expect(try rows(reader, until: place.offset).map(\.text) == SmallBackup.customers)
            // The whole file is in memory by now. Reading any of it again would change the descriptor's offset.
            let end = lseek(descriptor, 0, SEEK_CUR)
            #expect(end > 0 && lseek(descriptor, 0, SEEK_SET) == 0)
            try reader.seek(to: place)
            #expect(lseek(descriptor, 0, SEEK_CUR) == 0)
            #expect(lseek(descriptor, end, SEEK_SET) == end)
            let others = try rows(reader)
            #expect(
                others.map(\.text) == SmallBackup.policies && others.map(\.place.line) == all[2...].map(\.place.line))
            #expect(reader.seal?.rows == 4)
        }
    }

    /// A quoted field may contain anything, with quotes doubled: rows begin and end where RFC 4180 says, and a pass
    /// that starts at any row finds the same rows.
    @Test(arguments: 0..<20 as Range<UInt64>) func fieldsOfSeveralLinesThatLookLikeRowsAreNone(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", ",", "\"", "\n", "{", "}", " ", "# seal {", "b,{\"x", "b,\"{", "\"c\",", "\r\n", "#",
            "collection,data", ":1",
        ]
        func text(_ most: Int) -> String {
            (0...random.below(most)).map { _ in pieces[random.below(pieces.count)] }.joined()
        }
        func quoted(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }
        let wanted = (0..<2000).map { _ in quoted(text(6)) + "," + quoted(text(random.once(in: 50) ? 3000 : 12)) }
        try SmallBackup.lend { backup in
            try backup.put(Array(("collection,data\n" + wanted.joined(separator: "\n") + "\n").utf8), "x.csv")
            let reader = try BackupReader(try OpenFile(reading: backup.path("x.csv")))
            let all = try rows(reader)
            #expect(all.map(\.text) == wanted)
            var line = 2
            for row in all {
                #expect(row.place.line == line)
                line += row.text.utf8.count { $0 == 0x0A } + 1
            }
            for _ in 0..<5 {
                let (first, end) = (random.below(1000), 1000 + random.below(1000))
                try reader.seek(to: all[first].place)
                let part = try rows(reader, until: all[end].place.offset)
                #expect(part.map(\.text) == Array(wanted[first..<end]))
                #expect(part.map(\.place.line) == all[first..<end].map(\.place.line))
            }
        }
    }

    @Test func anEndBetweenTwoRowsAndAnEndBeforeAllAreEndsToo() throws {
        try SmallBackup.lend { backup in
            try backup.write("small.csv")
            let reader = try BackupReader(try OpenFile(reading: backup.path("small.csv")))
            let all = try rows(reader)
            for (end, count) in [(0, 0), (all[0].place.offset, 0), (all[0].place.offset + 1, 1), (Int.max, 4)] {
                try reader.seek(to: reader.firstRow)
                #expect(try rows(reader, until: end).count == count)
            }
        }
    }
}
