import BackupFile
import Foundation
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

    /// A restore goes from collection to collection: to go to the beginning for each would take a compressed file of a
    /// thousand of them a thousand times.
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
            // The whole file is in memory by now: whoever reads any of it again leaves another place than this.
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
