import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server that answers late is asked about several collections at once, and read by more cursors in larger batches: what
/// comes out must be the same as from a near one.
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

    @Test func aDistantServerGivesTheSameFileAndTakesTheSameImports() throws {
        let server = try #require(try ConnectionString(testURI()).hosts.first)
        let parts = server.split(separator: ":")
        guard parts.count == 2, parts[0] == "127.0.0.1", let port = Int(parts[1]), try !testURI().contains("@")
        else {
            print("NOT RUN: aDistantServerGivesTheSameFile… needs 127.0.0.1 and no users, not \(server)")
            return
        }
        // More than the four milliseconds that say enough.
        let proxy = try SlowProxy(port: port, milliseconds: 8)
        defer { proxy.end() }
        let far = "mongodb://127.0.0.1:\(proxy.port)/?directConnection=true"
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
                #expect(report.status == "done", "\(report.error ?? "")")
                #expect(report.totals.read == 50 * 61 + 3000)
                #expect(report.totals.unchanged == (mode == .merge ? report.totals.read : 0))
                #expect(try copy.image().differences(from: try source.image()) == [])
            }
        }
    }
}

/// `Scripts/lib/slow_proxy.py` on a port of its own.
private final class SlowProxy {
    let port: Int
    private let process = Process()

    init(port server: Int, milliseconds: Int) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Scripts/lib/slow_proxy.py").standardized.path
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script, "\(server)", "\(milliseconds)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)), "the proxy says: \(line)")
    }

    /// Not by the signal to terminate, which tests may have blocked for themselves and so for their children.
    func end() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
