import BSON
import Foundation
import MongoDriver
import MongoFerry
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension Trait where Self == ConditionTrait {
    fileprivate static var whereAServerCanBeDistant: Self {
        .enabled("the tests' server must be at 127.0.0.1 and know no users") { try nearPort() != nil }
    }
}

/// The port of the tests' server, or nil if no proxy can be placed in front of it.
private func nearPort() throws -> Int? {
    let parts = try ConnectionString(testURI()).hosts.first?.split(separator: ":") ?? []
    guard parts.count == 2, parts[0] == "127.0.0.1", try !testURI().contains("@") else { return nil }
    return Int(parts[1])
}

/// A server that answers late is asked about several collections at once, and read with more cursors in larger batches:
/// the results must be the same as from a near one.
@Suite struct DistantServerTests {
    private static func fill(_ database: TestDatabase) throws {
        for number in 0..<12 {
            let name = "collection \(number)"
            let index: Document = ["key": ["number": 1, "part": -1], "name": .string("index \(number)")]
            try database.create(name, indexes: [index])
            try database.insert(
                (0..<(number == 5 ? 3000 : 50 * number)).map {
                    ["_id": .int32(Int32($0)), "number": .int32(Int32(number)), "part": .int64(Int64($0) << 33)]
                }, into: name)
        }
        try database.run(["create": "a view", "viewOn": "collection 5", "pipeline": [["$match": ["part": 0]]]])
    }

    /// Runs `body` with a connection string through which the test server answers that much later.
    private static func fromAfar(milliseconds: Int, _ body: (_ far: String) throws -> Void) throws {
        let proxy = try SlowProxy(port: try #require(try nearPort()), milliseconds: milliseconds)
        defer { proxy.end() }
        try body("mongodb://127.0.0.1:\(proxy.port)/?directConnection=true")
    }

    @Test(.whereAServerCanBeDistant) func aDistantServerGivesTheSameFileAndTakesTheSameImports() throws {
        // More than the 4 ms at which a server is certainly distant.
        try Self.fromAfar(milliseconds: 8) { far in try sameFileAndImports(far) }
    }

    private func sameFileAndImports(_ far: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("near.csv")) { $0.reproducible = true }
            var options = ExportOptions(destination: .file(path: folder.file("far.csv"), overwriting: false))
            options.reproducible = true
            let target = try Target(uri: far, database: source.name)
            let report = try Export(target, options).runBlocking(OperationContext())
            #expect(report.collections.map(\.name).count == 12 && report.totals.read == 50 * 61 + 3000)
            #expect(
                FileManager.default.contentsEqual(
                    atPath: folder.file("near.csv"), andPath: folder.file("far.csv")))

            for mode in [ImportOptions.Mode.replace, .merge] {
                var options = ImportOptions()
                options.mode = mode
                let target = try Target(uri: far, database: copy.name)
                let report = try Import(folder.file("far.csv"), into: target, options).runBlocking(OperationContext())
                #expect(report.status == .done, "\(report.error ?? "")")
                #expect(report.totals.read == 50 * 61 + 3000)
                #expect(report.totals.unchanged == (mode == .merge ? report.totals.read : 0))
                #expect(try copy.image().differences(from: try source.image()) == [])
            }
        }
    }

    /// Five round trips are made before the first collection is read: hello, connecting, the list with the version, and
    /// two for sizes and indexes. Twelve small collections on four cursors need three more, and discovery before them
    /// five. The collections are listed both before and after discovery, since they may have changed.
    @Test(.whereAServerCanBeDistant) func anExportWaitsForADistantServerAFewTimesOnly() throws {
        try Self.fromAfar(milliseconds: 100) { far in
            try withTestDatabase { source, folder in
                try Self.fill(source)
                func export(_ yaml: String, from uri: String) throws -> Double {
                    var options = ExportOptions(destination: .file(path: folder.file("far.csv"), overwriting: true))
                    options.jobs = 4
                    options.configuration = try Configuration.parse(yaml: yaml, file: "test.yaml")
                    let export = Export(try Target(uri: uri, database: source.name), options)
                    return try export.runBlocking(OperationContext()).seconds
                }
                let known = "collections: {collection 1: {references: {number: collection 2}}, collection 2: {}}"
                #expect(try Self.waiting(for: far, wanted: 1.1) { try export(known, from: $0) } < 1.1)
                #expect(try Self.waiting(for: far, wanted: 1.7) { try export("", from: $0) } < 1.7)
            }
        }
    }

    /// Nothing announces a huge document before it arrives, and many collections are queried at once.
    @Test(.whereAServerCanBeDistant) func hugeDocumentsFromADistantServerStayUnderTheLimit() throws {
        try Self.fromAfar(milliseconds: 8) { far in
            try withTestDatabase { source, folder in
                let payload = Value.binary(subtype: 0, [UInt8](repeating: 0xA5, count: 16_000_000))
                for name in ["a", "b", "c", "d", "e"] {
                    try source.insert((0..<20_000).map { ["_id": .int32($0), "text": "small"] }, into: name)
                    try source.insert([["_id": "huge", "payload": payload]], into: name)
                }
                let file = folder.file("all.csv")
                let outcome = try Program.run(
                    ["export", "-o", file, "--uri", far, "--db", source.name], measuresMemory: true)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.peakMegabytes < 150)
            }
        }
    }

    /// Three round trips for each collection, to load, index and rename it, and about twenty more.
    @Test(.whereAServerCanBeDistant) func aReplaceWaitsForADistantServerThreeTimesACollection() throws {
        try Self.fromAfar(milliseconds: 50) { far in
            try withTwoTestDatabases { source, copy, folder in
                try Self.fill(source)
                let file = folder.file("near.csv")
                try source.export(to: file)
                var options = ImportOptions()
                options.mode = .replace
                let seconds = try Self.waiting(for: far, wanted: 4.5) { uri in
                    let replace = Import(file, into: try Target(uri: uri, database: copy.name), options)
                    return try replace.runBlocking(OperationContext()).seconds
                }
                #expect(seconds < 4.5)
            }
        }
    }

    /// Fifteen round trips: to find the server, ask what it has, take the lock, see what earlier imports have sent,
    /// compare, see what others have done meanwhile, and release the lock. The delay is so long that two more of them
    /// exceed what a busy machine adds.
    @Test(.whereAServerCanBeDistant) func aMergeOfEqualDataWaitsForADistantServerAFewTimesOnly() throws {
        try Self.fromAfar(milliseconds: 300) { far in
            try withTestDatabase { source, folder in
                try Self.fill(source)
                let file = folder.file("near.csv")
                try source.export(to: file)
                let seconds = try Self.waiting(for: far, wanted: 5.04) { uri in
                    let merge = Import(file, into: try Target(uri: uri, database: source.name))
                    return try merge.runBlocking(OperationContext()).seconds
                }
                #expect(seconds < 5.04)
            }
        }
    }

    /// Returns how many seconds longer an operation takes from afar than from the server itself: the time that the
    /// machine needs for it, however busy, is no waiting. Takes the shortest of up to five runs, since other tests
    /// delay them.
    private static func waiting(
        for far: String, wanted: Double, _ seconds: (_ uri: String) throws -> Double
    ) throws -> Double {
        var shortest = Double.infinity
        for _ in 0..<5 where shortest >= wanted {
            let own = try seconds(try testURI())
            shortest = min(shortest, try seconds(far) - own)
        }
        print("from afar: \(shortest) s, at most \(wanted)")
        return shortest
    }

    /// Workers and queries stay within the connection string's limit; what must not wait still finds a connection.
    @Test(arguments: [1, 3]) func aSmallPoolIsEnough(limit: Int) throws {
        try smallPool(try testURI(), limit)
    }

    @Test(.whereAServerCanBeDistant, arguments: [1, 3]) func aSmallPoolIsEnoughFromAfar(limit: Int) throws {
        try Self.fromAfar(milliseconds: 8) { far in try smallPool(far, limit) }
    }

    private func smallPool(_ uri: String, _ limit: Int) throws {
        let uri = uri + (uri.contains("?") ? "&" : "?") + "maxPoolSize=\(limit)"
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            let file = folder.file("all.csv")
            try counting(limit, uri, source) { uri, operation in
                let options = ExportOptions(destination: .file(path: file, overwriting: false))
                let report = try Export(try Target(uri: uri, database: source.name), options).runBlocking(operation)
                #expect(report.totals.read == 50 * 61 + 3000)
            }
            for mode in [ImportOptions.Mode.replace, .merge] {
                try counting(limit, uri, source) { uri, operation in
                    var options = ImportOptions()
                    options.mode = mode
                    let target = try Target(uri: uri, database: copy.name)
                    let report = try Import(file, into: target, options).runBlocking(operation)
                    #expect(report.status == .done, "\(report.error ?? "")")
                }
            }
            #expect(try copy.image().differences(from: try source.image()) == [])
        }
    }

    /// Runs `body` and counts the connections of its operation at each progress report.
    private func counting(
        _ limit: Int, _ uri: String, _ database: TestDatabase, _ body: (String, OperationContext) throws -> Void
    ) throws {
        let program = "pool-\(UInt64.random(in: .min ... .max))"
        let most = Mutex<Int>(0)
        let pool = database.pool
        let operation = OperationContext(onProgress: { _ in
            let open = try? pool.withClient { client in
                let pipeline: [Document] = [
                    ["$currentOp": ["allUsers": true, "idleConnections": true]],
                    ["$match": ["appName": .string(program)]],
                ]
                var count = 0
                try client.aggregate(database: "admin", pipeline: pipeline).forEach { _ in count += 1 }
                return count
            }
            most.withLock { $0 = max($0, open ?? Int.max) }
        })
        try body(uri + "&appName=\(program)", operation)
        // Two more monitor the server, one is the import lock's, and one is for queries that must not wait.
        #expect((1...limit + 4).contains(most.withLock { $0 }), "\(most.withLock { $0 }) connections")
    }
}

/// Runs `Scripts/lib/slow_proxy.py` on a port of its own.
private final class SlowProxy {
    let port: Int
    private let process: Program

    init(port server: Int, milliseconds: Int) throws {
        let script = ProjectFile.path("Scripts/lib/slow_proxy.py")
        let output = Pipe()
        for end in [output.fileHandleForReading, output.fileHandleForWriting] {
            _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        // Foundation's own way of waiting for a process can wait forever if others end at the same time.
        process = try Program(
            ["python3", script, "\(server)", "\(milliseconds)"], executable: "/usr/bin/env",
            output: output.fileHandleForWriting.fileDescriptor)
        try output.fileHandleForWriting.close()
        // The line may arrive in parts.
        var said = Data()
        while said.last != 0x0A {
            let part = output.fileHandleForReading.availableData
            if part.isEmpty { break }
            said += part
        }
        let line = String(decoding: said, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)), "the proxy says: \(line)")
    }

    /// Does not send SIGTERM, which tests may have blocked for themselves and so for their child processes.
    func end() {
        process.send(SIGKILL)
        _ = try? process.wait()
    }
}
