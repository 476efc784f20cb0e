import BSON
import ExtendedJSON
import Testing

@testable import MongoFerry

@Suite struct RowMarkingTests {
    /// In a row each quote would take three bytes; whole, a document takes four for three of its own.
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
        // Two documents of 16 MB are nothing to show where they differ.
        let isSame = [UInt8](decoded.bytes) == document.bytes
        #expect(isSame)
    }
}
