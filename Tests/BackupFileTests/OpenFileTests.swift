import Foundation
import Synchronization
import Testing

@testable import BackupFile

@Suite struct OpenFileTests {
    /// The reading program may have made the pipe non-blocking.
    @Test func aPipeThatDoesNotWaitTakesEverything() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        try #require(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
        let text = String((0..<200_000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        let failure = Mutex<(any Error)?>(nil)
        let thread = Thread {
            do { try OpenFile(borrowing: writing, path: "pipe").write(text) } catch { failure.withLock { $0 = error } }
            close(writing)
        }
        thread.start()
        // A pipe holds 64 kB: the writer has filled it by now, or soon will.
        let read = FileHandle(fileDescriptor: reading, closeOnDealloc: false)
        var data = Data()
        while let part = try read.read(upToCount: 10_000), !part.isEmpty { data += part }
        #expect(String(decoding: data, as: UTF8.self) == text)
        #expect(failure.withLock { $0 } == nil)
    }

    /// The system reports a failed write only once, with whatever error the disk or a remote machine gave.
    @Test func onlyACallThatIsNotThereIsNoFailedWrite() {
        let failures = [EIO, ENOSPC, EDQUOT, ENODATA, ESTALE, ETIMEDOUT]
        #expect(failures.filter(OpenFile.meansNoSuchCall) == [])
        let refusals = [ENOSYS, EINVAL, ESPIPE, EOPNOTSUPP]
        #expect(refusals.filter(OpenFile.meansNoSuchCall) == refusals)
    }

    @Test func theRoomThatIsLeftIsAPartOfTheFileSystem() throws {
        let room = try #require(try OpenFile(temporaryIn: NSTemporaryDirectory()).room)
        #expect(room.left >= 0 && room.left <= room.whole && room.whole >= Double(1 << 20))
    }

    #if os(Linux)
        /// Standard output may be a file on a network drive, which reports only at its flush that it is full.
        @Test func theEndOfWhatIsWrittenToAnOpenFileWaitsForTheDisk() throws {
            let path = NSTemporaryDirectory() + "mongoferry_flushed_\(UInt64.random(in: 0 ... .max))"
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            try #require(descriptor >= 0)
            defer {
                close(descriptor)
                unlink(path)
            }
            let file = OpenFile(borrowing: descriptor, path: path)
            try [UInt8](repeating: 7, count: 1 << 20).withUnsafeBytes { try file.write($0) }
            try file.finish()
            #expect(!Self.hasNoPlaceYet(descriptor))
        }

        /// Whether a part of a file has no place on the disk yet, since the file system allocates it only when writing
        /// it; false if the file system does not say. Source: the kernel's `Documentation/filesystems/fiemap.rst`.
        private static func hasNoPlaceYet(_ descriptor: Int32) -> Bool {
            let most = 32
            // `struct fiemap`: the start, the length, the flags and the number of extents found, the number that fit;
            // then seven words for each extent.
            var map = [UInt64](repeating: 0, count: 4 + most * 7)
            map[1] = .max
            map[3] = UInt64(most)
            // FS_IOC_FIEMAP
            guard ioctl(descriptor, 0xC020_660B, &map) == 0 else { return false }
            let parts = Int(map[2] >> 32)
            let isDelayed: UInt64 = 4
            return (0..<min(parts, most)).contains { map[4 + $0 * 7 + 5] & isDelayed != 0 }
        }
    #endif
}
