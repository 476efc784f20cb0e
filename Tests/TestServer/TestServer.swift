import Foundation

/// The server of the tests that need one.
package enum TestServer {
    /// - Throws: ``NoServer`` if none is named.
    package static var uri: String {
        get throws {
            guard let uri = ProcessInfo.processInfo.environment["MONGODB_URI"], !uri.isEmpty else { throw NoServer() }
            return uri
        }
    }
}

struct NoServer: Error, CustomStringConvertible {
    var description: String { "these tests need a MongoDB server: set MONGODB_URI (Scripts/mongod start gives one)" }
}
