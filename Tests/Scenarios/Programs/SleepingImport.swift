import BSON
import Foundation
import MongoDriver
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A merge or an insertion that is stopped between two of its commands, as on a laptop that is closed, while another
/// import takes over its lock and writes.
struct SleepingImport {
    private let program: Program
    private let database: TestDatabase
    private let wanted: DatabaseImage

    /// - Parameter command: the command during whose answer it falls asleep: `find`, a lookup of existing documents, or
    ///   `createIndexes`.
    init(
        _ server: OwnServer, _ database: TestDatabase, _ folder: TemporaryFolder, command: String, mode: String,
        isOfSeries: Bool = false
    ) throws {
        self.database = database
        let isOfIndexes = command == "createIndexes"
        func file(_ name: String, _ count: Int32, indexes: [Document] = []) throws -> String {
            for collection in try database.names() { try database.drop(collection) }
            for collection in ["c", "d"] {
                let series: Value = ["timeField": "at", "metaField": "m"]
                try database.create(collection, isOfSeries ? ["timeseries": series] : [:], indexes: indexes)
                let documents = (0..<count).map { (number: Int32) -> Document in
                    ["_id": .int32(number), "n": .string(name), "at": .date(Int64(number)), "m": .int32(number)]
                }
                try database.insert(documents, into: collection)
            }
            let export = try Program.run(
                ["export", "--uri", server.uri(), "--db", database.name, "-o", folder.file(name)]
                    + (isOfIndexes ? [] : ["--plain"]))
            #expect(export.status == 0, "\(export.text)")
            return folder.file(name)
        }
        let others = try file("others.csv", 30)
        let image = try database.image()
        let own = try file("own.csv", 40, indexes: isOfIndexes ? [["key": ["n": 1], "name": "n"]] : [])
        for collection in ["c", "d"] {
            if isOfIndexes {
                try database.run(["dropIndexes": .string(collection), "index": "n"])
            } else {
                try database.delete(collection, ["m": ["$gt": 9]])
            }
        }
        let pause = try FailPoint(
            server, [command], mode: .times(1),
            ["blockConnection": true, "blockTimeMS": 1500, "namespace": .string("\(database.name).c")],
            appName: "first")
        let words = ["--db", database.name] + (isOfIndexes ? [] : ["--no-legacy"])
        program = try Program(["import", own, "--mode", mode, "--uri", server.uri("", "appName=first")] + words)
        try pause.waitUntilEntered()
        program.send(SIGSTOP)
        #expect(try pause.off() == 1)
        try database.run([
            "update": "__mongoferry_lock",
            "updates": [["q": [:], "u": [["$set": ["beat": ["$subtract": ["$$NOW", 60_000]]]]]]],
        ])
        let other = try Program.run(["import", others, "--mode", "replace", "--yes", "--uri", server.uri()] + words)
        #expect(other.errors.contains("an earlier import"), "\(other.text)")
        wanted = try database.image()
        // Servers give the fields of measurements in orders of their own.
        if !isOfSeries { #expect(wanted.differences(from: image) == [], "\(other.text)") }
    }

    /// The differences from what the other import has left.
    var changes: [String] { get throws { try database.image().differences(from: wanted) } }

    func wake() throws -> Program.Outcome {
        program.send(SIGCONT)
        return try program.wait()
    }
}
