import BackupFile
import Foundation
import Synchronization
import Testing

@Suite struct OpenFileTests {
    /// Whoever reads may have made it one that does not wait.
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
        // A pipe holds 64 kB: the writer is ahead by now, or soon.
        let read = FileHandle(fileDescriptor: reading, closeOnDealloc: false)
        var data = Data()
        while let part = try read.read(upToCount: 10_000), !part.isEmpty { data += part }
        #expect(String(decoding: data, as: UTF8.self) == text)
        #expect(failure.withLock { $0 } == nil)
    }
}
