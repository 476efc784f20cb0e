/// Appends elements to a BSON document. Meant for commands and small documents; rows use the codec.
public struct DocumentBuilder {
    private var bytes: [UInt8]

    public init() { bytes = [0, 0, 0, 0] }

    public init(copying document: Document) { bytes = Array(document.bytes.dropLast()) }

    public mutating func append(_ key: String, _ value: Value) {
        begin(value.type, key.utf8)
        value.appendBytes(to: &bytes)
    }

    /// Appends an element of another document, byte for byte.
    public mutating func append(copying element: RawElement) {
        begin(element.type, element.key)
        bytes.append(contentsOf: element.value)
    }

    /// Appends another document's value under the given name.
    public mutating func append(_ key: String, copying element: RawElement) {
        begin(element.type, key.utf8)
        bytes.append(contentsOf: element.value)
    }

    public mutating func append(_ key: String, copying document: RawDocument) {
        begin(.document, key.utf8)
        bytes.append(contentsOf: document.bytes)
    }

    public consuming func finish() -> Document {
        bytes.append(0)
        let count = bytes.count
        withUnsafeBytes(of: Int32(count).littleEndian) { length in
            for index in 0..<4 { bytes[index] = length[index] }
        }
        return Document(trusted: bytes)
    }

    /// A zero byte in a name from outside would end the name, and what follows it would become elements of its own. A
    /// question mark replaces it.
    private mutating func begin(_ type: ElementType, _ key: some Collection<UInt8>) {
        bytes.append(type.rawValue)
        bytes.append(contentsOf: key.lazy.map { $0 == 0 ? UInt8(ascii: "?") : $0 })
        bytes.append(0)
    }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
