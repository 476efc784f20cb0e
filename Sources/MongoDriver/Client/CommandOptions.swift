import BSON
import CLibMongoC

/// The options document of a libmongoc call: what does not belong in the command itself.
struct CommandOptions {
    var session: Session?
    var serverID: UInt32?
    var writeConcern: WriteConcern?

    /// Lends the document to C.
    func withC<Result>(_ body: (CDocument) throws -> Result) throws -> Result {
        let document = Document {
            if let serverID { $0.append("serverId", .int64(Int64(serverID))) }
            if let writeConcern { $0.append("writeConcern", .document(writeConcern.document)) }
        }
        guard let session else { return try document.withC(body) }
        // Copied, since libmongoc appends the session's id to it.
        guard let copy = bson_new_from_data(document.bytes, document.bytes.count) else {
            throw MongoError(driver: "out of memory")
        }
        defer { bson_destroy(copy) }
        try session.append(to: copy)
        return try body(copy)
    }
}
