import BSON
import ExtendedJSON
import Testing

@Suite struct SwellingTests {
    private static func text(_ part: String, _ count: Int) -> Value { .string(String(repeating: part, count: count)) }

    private static let swelling: [Value] = [
        text("\u{1}", 5000), text("\u{1}x", 5000), .array(Array(repeating: text("\u{1F}", 100), count: 50)),
        .document(["a": .document(["b": text("\u{2}", 5000)])]),
    ]

    private static let others: [Value] = [
        text("text\n", 1000), text("\"", 5000), .binary(subtype: 0, [UInt8](repeating: 1, count: 5000)), .int32(1),
    ]

    @Test(arguments: swelling.map { ($0, true) } + others.map { ($0, false) })
    func onlyTextsOfControlCharactersSwell(_ value: Value, _ swells: Bool) throws {
        let document: Document = ["_id": 1, "value": value]
        #expect(try document.withRaw(Swelling.isLikely) == swells)
        guard swells else { return }
        let buffer = ByteBuffer(capacity: 1 << 16)
        document.withRaw { _ = ExtendedJSONEncoder(mode: .compact, quotes: .doubled).encode($0, into: buffer) }
        #expect(buffer.count > 2 * document.bytes.count)
    }
}
