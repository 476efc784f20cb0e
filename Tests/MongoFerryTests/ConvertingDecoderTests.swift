import BackupFile
import Foundation
import Testing

@testable import MongoFerry

@Suite struct ConvertingDecoderTests {
    private struct Stop: Error {}

    private static let text = """
        collection,data
        customers,"{""_id"":1}"
        customers,"{""_id"":2"
        customers,"{""_id"":3}"

        """

    private func forEachRow(_ body: (borrowing RecordBatch.Row, inout ConvertingDecoder) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "mongoferry_rows_\(UInt64.random(in: 0 ... .max)).csv"
        try Data(Self.text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let reader = try BackupReader(try OpenFile(reading: path))
        let survey = FileSurvey(problems: ProblemList(limit: 20), maximumDocument: 16 << 20)
        var decoder = ConvertingDecoder(survey: survey, rules: nil)
        let batch = RecordBatch()
        while try reader.nextBatch(into: batch) {
            try batch.forEachRow { try body($0, &decoder) }
        }
    }

    @Test func rowsThatCannotBeReadArePassedOver() throws {
        var lines: [Int] = []
        try forEachRow { row, decoder in
            let line = row.line
            decoder.withDocument(row, in: { _ in true }) { _, _, _ in lines.append(line) }
        }
        #expect(lines == [2, 4])
    }

    /// Otherwise what was not looked at would pass for sound.
    @Test func whatIsThrownWhileADocumentIsLookedAtStopsIt() throws {
        var lines: [Int] = []
        #expect(throws: Stop.self) {
            try forEachRow { row, decoder in
                let line = row.line
                try decoder.withDocument(row, in: { _ in true }) { _, _, _ in
                    lines.append(line)
                    throw Stop()
                }
            }
        }
        #expect(lines == [2])
    }
}
