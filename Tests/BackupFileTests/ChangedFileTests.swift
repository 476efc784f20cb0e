import BackupFile
import Foundation
import MongoFerry
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A later pass reads what was checked before, or notices that the file has changed since.
struct ChangedFileTests {
    private static let names = ["small.csv", "small.csv.gz", "small.csv.zst"]
    /// Sets a modification time in whole seconds, which can be set again exactly.
    private static func setTime(of path: String) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_790_000_000)], ofItemAtPath: path)
    }

    /// Lends a reader that has read the whole file once, and the file's path.
    /// - Parameter check: the reader's.
    private static func lendRead(
        _ name: String, check: @escaping () throws -> Void = {},
        _ body: (BackupReader, SmallBackup, _ path: String) throws -> Void
    ) throws {
        try SmallBackup.lend { backup in
            try backup.write(name)
            try setTime(of: backup.path(name))
            let reader = try BackupReader(try OpenFile(reading: backup.path(name)), check: check)
            let batch = RecordBatch()
            while try reader.nextBatch(into: batch) {}
            #expect(reader.digest == reader.seal?.sha256)
            try reader.checkUnchanged()
            try body(reader, backup, backup.path(name))
        }
    }

    /// All rows, as a later pass reads them.
    private static func rows(of reader: BackupReader) throws -> [String] {
        var rows: [String] = []
        try reader.forEachBatch(from: reader.firstRow) { batch in
            batch.forEachRow { rows.append(String(decoding: $0.bytes, as: UTF8.self)) }
        }
        return rows
    }

    /// Repeats a change until the file's change time differs: many systems give all changes within a few milliseconds
    /// the same time.
    private static func change(_ path: String, _ body: () throws -> Void) throws {
        func changeTime() throws -> [Int] {
            var status = stat()
            try #require(stat(path, &status) == 0)
            #if canImport(Darwin)
                let time = status.st_ctimespec
            #else
                let time = status.st_ctim
            #endif
            return [Int(time.tv_sec), Int(time.tv_nsec)]
        }
        let before = try changeTime()
        let end = ContinuousClock.now + .seconds(5)
        repeat { try body() } while try changeTime() == before && ContinuousClock.now < end
    }

    private static func overwrite(_ path: String, with bytes: [UInt8]) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }

    private func expectChanged(_ reader: BackupReader) {
        let error = #expect(throws: BackupError.self) { try reader.checkUnchanged() }
        #expect(error?.reason == "the file was changed while it was read")
        #expect(throws: BackupError.self) { try reader.seek(to: reader.firstRow) }
    }

    @Test(arguments: names) func whatIsAppendedIsNoticed(name: String) throws {
        try Self.lendRead(name) { reader, _, path in
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("x".utf8))
            expectChanged(reader)
        }
    }

    /// `touch -r` sets a time like that.
    @Test(arguments: names) func anEditWhoseTimeIsSetBackIsNoticed(name: String) throws {
        try Self.lendRead(name) { reader, backup, path in
            var bytes = try backup.bytes(of: name)
            bytes[bytes.count / 2] ^= 1
            try Self.change(path) {
                try Self.overwrite(path, with: bytes)
                try Self.setTime(of: path)
            }
            expectChanged(reader)
        }
    }

    @Test(arguments: names) func aRenameARightAndAnotherFileOfTheNameAreNoChanges(name: String) throws {
        try Self.lendRead(name) { reader, backup, path in
            let manager = FileManager.default
            let rows = SmallBackup.customers + SmallBackup.policies
            try Self.change(path) { try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path) }
            #expect(try Self.rows(of: reader) == rows)
            try manager.moveItem(atPath: path, toPath: backup.path("moved"))
            #expect(try Self.rows(of: reader) == rows)
            try backup.write("other.csv", rows: [#"customers,"{""_id"":9}""#])
            // The file that was read has no name any more.
            #expect(rename(backup.path("other.csv"), backup.path("moved")) == 0)
            try reader.checkUnchanged()
            #expect(try Self.rows(of: reader) == rows)
        }
    }

    /// The check between two batches reads the whole file again; afterwards reading goes on where it was.
    @Test(arguments: names) func lookingAgainDoesNotMoveThePlace(name: String) throws {
        try SmallBackup.lend { backup in
            let many = (0..<60_000).map {
                #"customers,"{""_id"":\#($0),""text"":""\#(String(repeating: "x", count: 40))""}""#
            }
            try backup.write(name, rows: many)
            let reader = try BackupReader(try OpenFile(reading: backup.path(name)))
            let batch = RecordBatch()
            while try reader.nextBatch(into: batch) {}
            try reader.seek(to: reader.firstRow)
            var count = 0
            while try reader.nextBatch(into: batch) {
                batch.forEachRow { row in
                    if String(decoding: row.bytes, as: UTF8.self) == many[count] { count += 1 }
                }
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o640], ofItemAtPath: backup.path(name))
                try reader.checkUnchanged()
            }
            #expect(count == many.count)
        }
    }

    /// A seek in a compressed file reads it from the beginning, and the check of a changed file reads it again. Both
    /// must be possible to stop.
    @Test func whatIsReadForNobodyCanBeStopped() throws {
        let cancellation = Cancellation()
        try Self.lendRead("small.csv.gz", check: cancellation.check) { reader, backup, path in
            cancellation.cancel()
            let behind = RowPlace(offset: reader.firstRow.offset + 1, line: 1)
            let seekIsStopped = Self.isStopped { try reader.seek(to: behind) }
            #expect(seekIsStopped)
            try Self.change(path) {
                try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
            }
            let checkIsStopped = Self.isStopped { try reader.checkUnchanged() }
            #expect(checkIsStopped)
        }
    }

    private static func isStopped(_ body: () throws -> Void) -> Bool {
        do { try body() } catch { return error is CancellationError }
        return false
    }

    /// Before the first pass has ended there is no digest to compare with.
    @Test func beforeAPassAnEditWhoseTimeIsSetBackIsNoticedToo() throws {
        try SmallBackup.lend { backup in
            let bytes = try backup.write("small.csv")
            let path = backup.path("small.csv")
            try Self.setTime(of: path)
            let reader = try BackupReader(try OpenFile(reading: path))
            try Self.change(path) {
                try Self.overwrite(path, with: bytes.reversed())
                try Self.setTime(of: path)
            }
            expectChanged(reader)
        }
    }
}
