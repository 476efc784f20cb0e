import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import TestServer
import Testing

/// A test's database, with MongoFerry's operations on it.
typealias TestDatabase = LentDatabase

extension LentDatabase {
    var target: Target { get throws { try Target(uri: testURI(), database: name) } }

    @discardableResult
    func run(_ command: Document) throws -> Document { try client.runWrite(command, on: name) }

    func drop(_ collection: String) throws { try run(["drop": .string(collection)]) }

    func create(_ collection: String, _ options: Document = [:], indexes: [Document] = []) throws {
        try run(
            Document {
                $0.append("create", .string(collection))
                for (key, value) in options.elements { $0.append(key, value) }
            })
        // Since MongoDB 6.3, servers create an index of their own, which may conflict with these.
        if options["timeseries"] != nil { try run(["dropIndexes": .string(collection), "index": "*"]) }
        guard !indexes.isEmpty else { return }
        try run(["createIndexes": .string(collection), "indexes": .array(indexes.map { .document($0) })])
    }

    /// Stores a document with empty timestamps at the top level, which an insert would set to the current time.
    func insertKeepingTimestamps(_ document: Document, into collection: String) throws {
        let bulk = try client.bulkWrite(to: namespace(collection))
        let id = try #require(document["_id"])
        try bulk.updateOne(
            filter: ["_id": ["$eq": id]],
            pipeline: [["$replaceWith": ["$literal": .document(document)]]], upsert: true)
        #expect(try bulk.execute().writeErrors.isEmpty)
    }

    func update(_ collection: String, _ filter: Document, _ update: Document, many: Bool = false) throws {
        let statement: Value = ["q": .document(filter), "u": .document(update), "multi": .bool(many)]
        try run(["update": .string(collection), "updates": [statement]])
    }

    func delete(_ collection: String, _ filter: Document) throws {
        try run(["delete": .string(collection), "deletes": [["q": .document(filter), "limit": 0]]])
    }

    /// Returns the names of collections and views, except the server's own.
    func names() throws -> [String] {
        try client.listCollections(in: name).map(\.name).filter { !$0.hasPrefix("system.") }.sorted()
    }

    /// Creates a collection `enc` as an encrypting client would, with one document.
    func fillQueryableEncryption() throws {
        let field: Value = [
            "keyId": .binary(subtype: 4, Array(repeating: 7, count: 16)), "path": "ssn", "bsonType": "string",
            "queries": [["queryType": "equality", "contention": .int64(0)]],
        ]
        try create("enc", ["encryptedFields": ["fields": [field]]])
        let cipher: [UInt8] = [7] + Array(repeating: 7, count: 16) + [2] + Array(repeating: 9, count: 80)
        let document: Document = [
            "_id": 1, "ssn": .binary(subtype: 6, cipher),
            "__safeContent__": [.binary(subtype: 0, Array(repeating: 5, count: 32))],
        ]
        try run(["insert": "enc", "documents": [.document(document)], "bypassDocumentValidation": true])
    }

    // MARK: MongoFerry's operations

    @discardableResult
    func export(
        to path: String, _ log: MessageLog = MessageLog(), _ configure: (inout ExportOptions) throws -> Void = { _ in }
    ) throws -> Report {
        var options = ExportOptions(destination: .file(path: path, overwriting: false))
        try configure(&options)
        return try Export(try target, options).runBlocking(log.context)
    }

    /// Imports a file; `configure` sets options other than the mode.
    @discardableResult
    func load(
        _ path: String, _ mode: ImportOptions.Mode = .merge, _ log: MessageLog = MessageLog(),
        _ configure: (inout ImportOptions) throws -> Void = { _ in }
    ) throws -> Report {
        var options = ImportOptions()
        options.mode = mode
        try configure(&options)
        return try Import(path, into: try target, options).runBlocking(log.context)
    }

    /// Returns everything in the database, for comparisons.
    func image() throws -> DatabaseImage {
        var collections: [String: DatabaseImage.Collection] = [:]
        for info in try client.listCollections(in: name) where !info.name.hasPrefix("system.") {
            let isView = info.kind == .view
            collections[info.name] = DatabaseImage.Collection(
                options: info.options,
                indexes: isView ? [] : Set(try client.listIndexes(of: namespace(info.name))),
                documents: isView ? [] : try documents(in: info.name).sorted(by: DatabaseImage.byBytes))
        }
        return DatabaseImage(collections: collections)
    }
}

/// The content of a database: options and indexes as the server lists them, documents byte for byte in any order.
struct DatabaseImage: Equatable {
    struct Collection: Equatable {
        var options: Document
        var indexes: Set<Document>
        var documents: [Document]
    }

    var collections: [String: Collection]

    static func byBytes(_ left: Document, _ right: Document) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Returns a line for each difference, so that a failing test tells where to look; empty if the two are equal.
    func differences(from other: DatabaseImage) -> [String] {
        Set(collections.keys).union(other.collections.keys).sorted().flatMap { name -> [String] in
            guard let mine = collections[name] else { return ["\(name) is missing"] }
            guard let theirs = other.collections[name] else { return ["\(name) should not be there"] }
            var lines: [String] = []
            if mine.options != theirs.options {
                lines.append("\(name): options \(Self.text(mine.options)), not \(Self.text(theirs.options))")
            }
            lines += mine.indexes.subtracting(theirs.indexes).map { "\(name): index only here: \(Self.text($0))" }
            lines += theirs.indexes.subtracting(mine.indexes).map { "\(name): index only there: \(Self.text($0))" }
            guard mine.documents != theirs.documents else { return lines }
            let here = Set(mine.documents).subtracting(theirs.documents)
            let there = Set(theirs.documents).subtracting(mine.documents)
            lines.append("\(name): \(mine.documents.count) documents, not \(theirs.documents.count)")
            lines += here.prefix(3).map { "\(name): only here: \(Self.text($0))" }
            lines += there.prefix(3).map { "\(name): only there: \(Self.text($0))" }
            return lines
        }
    }

    static func text(_ document: Document) -> String { String("\(document.elements)".prefix(400)) }
}

/// Keeps the messages of an operation.
// @unchecked: the lock guards the state.
final class MessageLog: @unchecked Sendable {
    private let lock = NSLock()
    private var messages: [Message] = []

    var all: [String] { lock.withLock { messages.map(\.text) } }
    var warnings: [String] { lock.withLock { messages.filter { $0.level == .warning }.map(\.text) } }
    var text: String { all.joined(separator: "\n") }

    func makeContext(cancellation: Cancellation = Cancellation()) -> OperationContext {
        OperationContext(cancellation: cancellation, onMessage: add)
    }

    @Sendable func add(_ message: Message) { lock.withLock { messages.append(message) } }

    var context: OperationContext { makeContext() }
}

/// A folder that is removed after its test.
struct TemporaryFolder {
    let path: String

    func file(_ name: String) -> String { path + "/" + name }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: file(name))), as: UTF8.self)
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    }

    /// The names of its files, including hidden ones.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func testURI() throws -> String {
    try TestServer.uri
}

func withTestDatabase(_ body: (TestDatabase, TemporaryFolder) throws -> Void) throws {
    try lendDatabase(
        of: try ClientPool(try ConnectionString(try testURI()), applicationName: "mongoferry tests"), "mongoferry_test",
        body)
}

/// Provides a database and a folder, removes them afterwards, and checks that MongoFerry has left nothing of its own in
/// either.
func lendDatabase(
    of pool: ClientPool, _ prefix: String, _ body: (TestDatabase, TemporaryFolder) throws -> Void
) throws {
    try LentDatabase.lend(of: pool, prefix) { database in
        let folder = TemporaryFolder(path: NSTemporaryDirectory() + database.name)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        try body(database, folder)
        let litter = try pool.makeClient().listCollections(in: database.name).map(\.name)
            .filter { $0.hasPrefix("__mongoferry") }
        #expect(litter == [], "left in the database")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix(".") }
        #expect(files == [], "left in the folder")
    }
}

/// Provides two databases: one to export from and one to import into.
func withTwoTestDatabases(_ body: (_ source: TestDatabase, _ copy: TestDatabase, TemporaryFolder) throws -> Void) throws
{
    try withTestDatabase { source, folder in
        try withTestDatabase { copy, _ in try body(source, copy, folder) }
    }
}
