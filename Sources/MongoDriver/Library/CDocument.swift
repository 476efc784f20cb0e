import BSON
import CLibMongoC

/// A `bson_t`. The struct requires more alignment than Swift's importer supports, so it is imported as opaque.
typealias CDocument = OpaquePointer

/// The size and alignment of a `bson_t`, from libbson's header: two cache lines.
enum CDocumentRoom {
    static let byteCount = 128
    static let alignment = 128
}

extension RawDocument {
    /// Lends the bytes to C without copying them; C must only read.
    @inline(__always)
    func withC<Result>(_ body: (CDocument) throws -> Result) throws -> Result {
        try withUnsafeTemporaryAllocation(
            byteCount: CDocumentRoom.byteCount, alignment: CDocumentRoom.alignment
        ) { room in
            guard let room = room.baseAddress, let base = bytes.baseAddress else {
                throw MongoError(driver: "a BSON document without bytes")
            }
            let document = CDocument(room)
            // Owns nothing, so it need not be destroyed.
            guard bson_init_static(document, base.assumingMemoryBound(to: UInt8.self), bytes.count) else {
                throw MongoError(driver: "a BSON document of \(bytes.count) bytes that libbson does not take")
            }
            return try body(document)
        }
    }

    /// Views a document that C owns; valid as long as C keeps it.
    init(_ document: CDocument) throws {
        guard let data = bson_get_data(document) else { throw MongoError(driver: "a BSON document without bytes") }
        let length = UnsafeRawPointer(data).loadUnaligned(as: Int32.self)
        try self.init(UnsafeRawBufferPointer(start: data, count: Int(Int32(littleEndian: length))))
    }
}

extension Document {
    /// Lends the bytes to C without copying them; C must only read.
    func withC<Result>(_ body: (CDocument) throws -> Result) throws -> Result {
        try withRaw { try $0.withC(body) }
    }

    init(copying document: CDocument) throws {
        self.init(copying: try RawDocument(document))
    }
}
