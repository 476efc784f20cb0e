import BSON
import CLibMongoC

extension Client {
    /// Asks a server about itself; any user may, and without a user too.
    /// - Parameter readPreference: which one is asked.
    /// - Throws: ``MongoError`` where none answers, or where user and password are refused.
    public func serverInfo(readPreference: ReadPreference = .connectionString) throws -> ServerInfo {
        let hello: Document
        do {
            hello = try run(["hello": 1], on: "admin", readPreference: readPreference)
        } catch let error as MongoError where error.isCommandNotFound {
            // Before 4.4.2.
            hello = try run(["isMaster": 1], on: "admin", readPreference: readPreference)
        }
        let buildInfo = try run(["buildInfo": 1], on: "admin", readPreference: readPreference)
        return ServerInfo(hello: hello, buildInfo: buildInfo)
    }

    /// What the primary takes in one message; known from watching it, so usually without asking.
    func limitsForWrites(_ context: String) throws -> ServerLimits {
        var error = bson_error_t()
        guard let server = mongoc_client_select_server(handle, true, nil, &error) else {
            throw MongoError(error, context: context)
        }
        defer { mongoc_server_description_destroy(server) }
        guard let hello = mongoc_server_description_hello_response(server) else {
            throw MongoError(driver: "the server did not answer hello", context: context)
        }
        return ServerLimits(try Document(copying: hello))
    }
}
