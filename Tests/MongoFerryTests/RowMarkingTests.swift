import BSON
import ExtendedJSON
import Testing

@testable import MongoFerry

@Suite struct RowMarkingTests {
    /// As text, each quote would take three bytes of the row; as a whole, in base64, three bytes of a document take
    /// four.
    @Test func aHugeDocumentOfQuotesComesBackFromASmallerRow() throws {
        let document: Document = ["_id": 1, "text": .string(String(repeating: "\"", count: 16_000_000))]
        let encoder = ExtendedJSONEncoder(mode: .compact, quotes: .plain)
        let marked = try document.withRaw { try RowMarking().marked($0, encoder, isFirst: true) }
        let field = try #require(marked?.field)
        #expect(marked?.isWhole == true)
        #expect(field.count < 35_000_000)
        let decoded = ByteBuffer()
        let traits = try withExtendedLifetime(field) {
            try ExtendedJSONDecoder(quotes: .doubled).decode(
                UnsafeRawBufferPointer(rebasing: field.bytes[1..<field.count - 1]), into: decoded)
        }
        #expect(traits.contains(.rawBSON))
        // Compared outside of #expect, which would show both documents of 16 MB if they differed.
        let isSame = [UInt8](decoded.bytes) == document.bytes
        #expect(isSame)
    }
}
