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

    /// Writes over the first bytes without anybody seeing by size or time that the file has changed.
    private func spoilBeginning(of path: String) throws {
        var before = stat()
        #expect(stat(path, &before) == 0)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.write(contentsOf: Data([0, 0, 0, 0]))
        try handle.close()
        #if canImport(Darwin)
            let times = [before.st_atimespec, before.st_mtimespec]
        #else
            let times = [before.st_atim, before.st_mtim]
        #endif
        #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    }

    /// A restore goes from collection to collection: to go to the beginning for each would take a compressed file of a
    /// thousand of them a thousand times.
    @Test(arguments: ["small.csv", "small.csv.gz", "small.csv.zst"])
    func whoStopsAtARowGoesOnThereWithoutReadingTheFileFromItsBeginning(name: String) throws {
        try SmallBackup.lend { backup in
            try backup.write(name)
            let reader = try BackupReader(try OpenFile(reading: backup.path(name)))
            let all = try rows(reader)
            #expect(all.map(\.text) == SmallBackup.customers + SmallBackup.policies)
            let place = all[2].place
            try reader.seek(to: reader.firstRow)
            #expect(try rows(reader, until: place.offset).map(\.text) == SmallBackup.customers)
            try spoilBeginning(of: backup.path(name))
            try reader.seek(to: place)
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
