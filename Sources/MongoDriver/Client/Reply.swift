import BSON
import CLibMongoC

/// A document that C fills in: valid from the start, and destroyed exactly once.
final class Reply {
    let pointer: CDocument
    private let room: UnsafeMutableRawPointer

    init() {
        room = .allocate(byteCount: CDocumentRoom.byteCount, alignment: CDocumentRoom.alignment)
        pointer = CDocument(room)
        // An empty document owns no memory, so the call that initialises it again leaks nothing.
        bson_init(pointer)
    }

    /// Lends the bytes.
    func withRaw<Result>(_ body: (RawDocument) throws -> Result) throws -> Result {
        try body(try RawDocument(pointer))
    }

    func copy() throws -> Document { try Document(copying: pointer) }

    deinit {
        bson_destroy(pointer)
        room.deallocate()
    }
}
