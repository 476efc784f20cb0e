import Foundation
import Testing

@testable import BackupFile

@Suite struct RecordBatchTests {
    private static func batch(_ json: String) throws -> RecordBatch {
        let path = NSTemporaryDirectory() + "batch-\(UUID().uuidString).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "collection,data\na,\"\(json)\"\n".write(toFile: path, atomically: true, encoding: .utf8)
        let reader = try BackupReader(try OpenFile(reading: path))
        let batch = RecordBatch()
        try #require(try reader.nextBatch(into: batch))
        return batch
    }

    /// `0,` becomes twelve bytes; a long text stays as long as it is.
    @Test func theBoundOfAHugeRowsDocumentFollowsItsText() throws {
        let zeros = try Self.batch("[" + String(repeating: "0,", count: 500_000) + "0]")
        let bound = zeros.bytesOfHugeDocuments(atMost: .max)
        #expect(bound >= 500_000 * 12 && bound < 500_000 * 14)
        #expect(zeros.bytesOfHugeDocuments(atMost: 1_000_000) == 1_000_000)
        let text = try Self.batch(String(repeating: "x", count: 1_000_000))
        let ofText = text.bytesOfHugeDocuments(atMost: .max)
        #expect(ofText >= 1_000_000 && ofText < 1_000_100)
    }

    @Test func smallRowsAreNotHuge() throws {
        let batch = try Self.batch("[" + String(repeating: "0,", count: 5_000) + "0]")
        #expect(batch.bytesOfHugeDocuments(atMost: .max) == 0)
    }
}
