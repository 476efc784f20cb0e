import BSON
import Testing

@Suite struct DocumentBuilderTests {
    /// A zero byte would end the name, and the bytes after it would be read as other elements.
    @Test func aZeroByteInANameStartsNoOtherElement() throws {
        let inner = "\u{10}b\0\u{1}\0\0\0"
        let document = Document {
            $0.append("a\0\u{8}\(inner)", 1)
            $0.append("c\0d", copying: ["x": 1])
        }
        #expect(document.keys == ["a?\u{8}\u{10}b?\u{1}???", "c?d"])
        #expect(document.elements.map(\.value) == [1, ["x": 1]])
    }
}

extension DocumentBuilder {
    fileprivate mutating func append(_ name: String, copying document: Document) {
        document.withRaw { append(name, copying: $0) }
    }
}
