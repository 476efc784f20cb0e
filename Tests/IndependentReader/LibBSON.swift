import BSON
import CLibMongoC

/// libbson's Extended JSON: the independent reader and writer that ours is compared with.
public enum LibBSON {
    /// The document that libbson reads from a text; nil if it refuses the text.
    public static func read(_ json: String) -> Document? {
        var error = bson_error_t()
        var json = json
        let parsed = json.withUTF8 { text in
            text.withMemoryRebound(to: UInt8.self) { bson_new_from_json($0.baseAddress, text.count, &error) }
        }
        guard let parsed else { return nil }
        defer { bson_destroy(parsed) }
        guard let data = bson_get_data(parsed) else { return nil }
        return try? Document(validating: Array(UnsafeBufferPointer(start: data, count: length(of: data))))
    }

    public static func canonical(_ document: Document) -> String? { write(document, bson_as_canonical_extended_json) }

    public static func relaxed(_ document: Document) -> String? { write(document, bson_as_relaxed_extended_json) }

    /// The length of a BSON document, which is in its first four bytes.
    private static func length(of data: UnsafePointer<UInt8>) -> Int {
        Int(Int32(littleEndian: UnsafeRawPointer(data).loadUnaligned(as: Int32.self)))
    }

    private static func write(
        _ document: Document,
        _ writer: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> UnsafeMutablePointer<CChar>?
    ) -> String? {
        document.bytes.withUnsafeBufferPointer { bytes -> String? in
            guard let bson = bson_new_from_data(bytes.baseAddress, bytes.count) else { return nil }
            defer { bson_destroy(bson) }
            var length = 0
            guard let text = writer(bson, &length) else { return nil }
            defer { bson_free(text) }
            return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
        }
    }
}
