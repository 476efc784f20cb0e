import Foundation
import Testing

@testable import MongoFerry
@testable import MongoFerryCLI

@Suite struct ProgressDisplayTests {
    /// A terminal is held up after Ctrl-S, for example, or by a pager that is not scrolled.
    @Test func nobodyWhoReportsWaitsForATerminalThatIsHeldUp() throws {
        let pipe = Pipe()
        let writing = pipe.fileHandleForWriting.fileDescriptor
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        let blanks = [UInt8](repeating: 0x20, count: 4096)
        while write(writing, blanks, blanks.count) > 0 {}
        while write(writing, blanks, 1) > 0 {}
        _ = fcntl(writing, F_SETFL, 0)
        let display = ProgressDisplay(isQuiet: false, terminal: Terminal(descriptor: writing), plainLine: 0)
        let operation = OperationContext(onProgress: display.update)
        let done = DispatchSemaphore(value: 0)
        let reporting = Thread {
            for records in 0..<100 {
                operation.progress(.load, "a", records: records)
                // Another thread draws the line.
                Thread.sleep(forTimeInterval: 0.005)
            }
            done.signal()
        }
        reporting.start()
        #expect(done.wait(timeout: .now() + 10) == .success)
        // Now somebody scrolls, and the line is written.
        let reading = pipe.fileHandleForReading
        var text = ""
        for _ in 0..<1000 where !text.contains("load") {
            text += String(decoding: reading.availableData, as: UTF8.self)
        }
        #expect(text.contains("load"))
        let draining = Thread { while !reading.availableData.isEmpty {} }
        draining.start()
        display.end()
        pipe.fileHandleForWriting.closeFile()
    }
}
