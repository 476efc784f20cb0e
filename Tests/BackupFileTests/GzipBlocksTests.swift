import Foundation
import Testing

@testable import BackupFile

/// Several threads compress into one gzip file, which is the same for any number of threads.
@Suite struct GzipBlocksTests {
    private struct DiskIsFull: Error {}

    /// Five blocks and the beginning of a sixth.
    private static let content: [UInt8] = {
        var state: UInt32 = 7
        return (0..<(5 * GzipBlocks.blockBytes + 1000)).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            // Half of the content repeats a pattern; the rest is random.
            return index & 64 == 0 ? UInt8(index & 0x3F) : UInt8(state >> 24)
        }
    }()

    private static func help(_ blocks: GzipBlocks, times count: Int) -> DispatchGroup {
        let group = DispatchGroup()
        for _ in 0..<count {
            group.enter()
            Thread.detachNewThread {
                blocks.help()
                group.leave()
            }
        }
        return group
    }

    /// The compressed content, written in pieces of that many bytes, with that many helping threads.
    private static func deflated(pieces: Int, helpers: Int) throws -> [UInt8] {
        let blocks = try GzipBlocks("test")
        let group = help(blocks, times: helpers)
        var result: [UInt8] = []
        try content.withUnsafeBytes { content in
            for start in stride(from: 0, to: content.count, by: pieces) {
                let end = min(start + pieces, content.count)
                try blocks.write(UnsafeRawBufferPointer(rebasing: content[start..<end])) { result += $0 }
            }
        }
        try blocks.finish { result += $0 }
        blocks.dismissHelpers()
        group.wait()
        return result
    }

    /// What `gzip` decompresses; empty if it finds a fault, such as garbage after the last member.
    private static func gunzipped(_ bytes: [UInt8]) throws -> [UInt8] {
        let path = NSTemporaryDirectory() + "mongoferry-\(UUID().uuidString).gz"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sh", "-c", "gzip -t \"$0\" && gzip -dc \"$0\"", path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        return [UInt8](output.fileHandleForReading.readDataToEndOfFile())
    }

    @Test func gzipReadsItAndItIsTheSameWhoeverHelpsAndHoweverItComes() throws {
        let alone = try Self.deflated(pieces: 128 << 10, helpers: 0)
        #expect(try Self.gunzipped(alone) == Self.content)
        for (pieces, helpers) in [(1000, 0), (Self.content.count, 0), (128 << 10, 1), (3 << 20, 4), (70_001, 3)] {
            let bytes = try Self.deflated(pieces: pieces, helpers: helpers)
            #expect(bytes == alone, "in pieces of \(pieces), with \(helpers) that help")
        }
    }

    @Test func whatIsFinishedIsWholeAndMoreMayFollow() throws {
        let blocks = try GzipBlocks("test")
        var result: [UInt8] = []
        try blocks.finish { result += $0 }
        #expect(result.isEmpty)
        for text in ["rows\n", "seal\n"] {
            try Array(text.utf8).withUnsafeBytes { try blocks.write($0) { result += $0 } }
            let before = result.count
            try blocks.finish { result += $0 }
            #expect(result.count > before)
        }
        #expect(try Self.gunzipped(result) == Array("rows\nseal\n".utf8))
    }

    /// At that time helpers still have blocks to compress; they must end all the same.
    @Test func aDiskThatIsFullStopsTheWriterAndThoseThatHelpCanGo() throws {
        let blocks = try GzipBlocks("test")
        let group = Self.help(blocks, times: 3)
        #expect(throws: DiskIsFull.self) {
            try Self.content.withUnsafeBytes { try blocks.write($0) { _ in throw DiskIsFull() } }
            try blocks.finish { _ in throw DiskIsFull() }
        }
        blocks.dismissHelpers()
        #expect(group.wait(timeout: .now() + 60) == .success)
    }

    /// A helper that comes late finds nothing to do and does not wait.
    @Test func helpAfterTheEndEndsAtOnce() throws {
        let blocks = try GzipBlocks("test")
        blocks.dismissHelpers()
        #expect(Self.help(blocks, times: 1).wait(timeout: .now() + 60) == .success)
    }

    /// Also if the format leaves nothing to share.
    @Test(arguments: ["small.csv", "small.csv.gz", "small.csv.zst"]) func whoIsNotNeededAnyMoreGoes(name: String)
        throws
    {
        try SmallBackup.lend { backup in
            let writer = try BackupWriter(
                .file(path: backup.path(name), overwriting: false), compression: Compression(fileName: name),
                plain: false, metadata: SmallBackup.metadata)
            for row in SmallBackup.customers + SmallBackup.policies {
                try Array((row + "\n").utf8).withUnsafeBytes { try writer.write(rows: $0) }
            }
            try writer.finishRows()
            writer.dismissHelpers()
            writer.helpToCompress()
            try writer.finish(counts: ["customers": 2, "policies": 2, "receipts": 0])
            #expect(try backup.faults(of: name) == [])
        }
    }
}
