import BSON
import Foundation
import MongoDriver
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server of the tests' own, which can be killed, stepped down and made to fail without disturbing others.
// @unchecked: the lock guards the state.
final class OwnServer: @unchecked Sendable {
    private let lock = NSLock()
    private let arguments: [String]
    private let folder: String
    let port: Int
    /// The options at the end of the connection string, from the first `&`.
    private let options: String
    /// The replica set's name; nil for a standalone server.
    private let setName: String?
    private var process: Program?

    static var isPossible: Bool { ProcessInfo.processInfo.environment["MONGOD_BINARY"]?.isEmpty == false }

    // Every server that was created and not removed: they end with the tests. Modified only under `allLock`.
    nonisolated(unsafe) private static var all: [OwnServer] = []
    private static let allLock = NSLock()

    private static let atEnd: Void = {
        atexit { for server in OwnServer.all { try? server.remove() } }
    }()

    /// Starts a replica set of one member, or a standalone server.
    /// - Parameters:
    ///   - arguments: of `mongod`.
    ///   - options: for the connection string, such as `tls=true`.
    ///   - set: the replica set that it is to be a member of, which is not initiated here.
    init(
        _ arguments: [String] = [], options: String = "", folder: String? = nil, isStandalone: Bool = false,
        memberOf set: String? = nil
    ) throws {
        setName = set ?? (isStandalone ? nil : "rs0")
        self.folder = folder ?? NSTemporaryDirectory() + "mongoferry_mongod_\(UInt32.random(in: 0 ... .max))"
        self.arguments = arguments
        self.options = options
        port = try Self.freePort()
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        _ = Self.atEnd
        Self.allLock.withLock { Self.all.append(self) }
        try start()
        if isStandalone || set != nil { return }
        let client = try directClient()
        let member: Value = ["_id": 0, "host": .string("127.0.0.1:\(port)")]
        try client.run(
            ["replSetInitiate": ["_id": "rs0", "members": .array([member])]], on: "admin", readPreference: .primaryOrAny
        )
        try waitForPrimary(client)
    }

    func uri(_ credentials: String = "", _ more: String = "") -> String {
        let all = [setName.map { "replicaSet=\($0)" } ?? "", "heartbeatFrequencyMS=500", options, more].filter {
            !$0.isEmpty
        }.joined(
            separator: "&")
        return "mongodb://\(credentials)127.0.0.1:\(port)/?\(all)"
    }

    func pool(_ credentials: String = "") throws -> ClientPool {
        try ClientPool(try ConnectionString(uri(credentials)), applicationName: "mongoferry tests")
    }

    func directClient() throws -> Client {
        let more = options.isEmpty ? "" : "&" + options
        let uri = "mongodb://127.0.0.1:\(port)/?directConnection=true\(more)"
        return try ClientPool(try ConnectionString(uri), applicationName: "mongoferry tests").makeClient()
    }

    func start() throws {
        let binary = try #require(ProcessInfo.processInfo.environment["MONGOD_BINARY"])
        let data = folder + "/data"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let started = try Program(
            (setName.map { ["--replSet", $0] } ?? []) + [
                "--bind_ip", "127.0.0.1", "--port", "\(port)", "--dbpath", data, "--logpath",
                folder + "/log", "--logappend", "--nounixsocket", "--oplogSize", "64", "--wiredTigerCacheSizeGB",
                "0.25",
                "--setParameter", "enableTestCommands=1", "--setParameter", "diagnosticDataCollectionEnabled=false",
                // Removes expired documents every second instead of every minute.
                "--setParameter", "ttlMonitorSleepSecs=1",
            ] + arguments, executable: binary)
        lock.withLock { process = started }
        try poll("mongod listens on \(port)") {
            if started.isOver {
                throw Ended(port: port, log: try String(contentsOfFile: folder + "/log", encoding: .utf8))
            }
            return Self.isOpen(port)
        }
    }

    struct Ended: Error, CustomStringConvertible {
        var port: Int
        var log: String
        var description: String { "the mongod of port \(port) has ended: \(log.suffix(4000))" }
    }

    /// The size of its log in bytes.
    var logSize: UInt64 {
        get throws {
            let log = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder + "/log"))
            defer { try? log.close() }
            return try log.seekToEnd()
        }
    }

    /// Whether a fail point has blocked a command since the log had this size. A log has several megabytes: only the
    /// new part is read.
    func hasHeldUp(since logSize: UInt64) throws -> Bool {
        let log = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder + "/log"))
        defer { try? log.close() }
        try log.seek(toOffset: logSize)
        return try log.readToEnd()?.range(of: Data("Blocking command via 'failCommand'".utf8)) != nil
    }

    func waitForPrimary(_ client: Client? = nil) throws {
        let client = try client ?? directClient()
        try poll("a primary") {
            (try? client.run(["hello": 1], on: "admin", readPreference: .primaryOrAny))?["isWritablePrimary"]?.bool
                == true
        }
    }

    /// Kills it, as a power failure would.
    func killNow() throws {
        let ended = lock.withLock { process }
        guard let ended else { return }
        ended.send(SIGKILL)
        _ = try ended.wait()
        lock.withLock { process = nil }
    }

    /// Kills it and removes its data.
    func remove() throws {
        Self.allLock.withLock { Self.all.removeAll { $0 === self } }
        try killNow()
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Returns a port below the range that systems use for outgoing connections: it must be free again after a restart.
    private static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000..<32_000)
            if withSocket(port, bind) == 0 { return port }
        }
        throw TooLate(what: "a free port")
    }

    private static func isOpen(_ port: Int) -> Bool { withSocket(port, connect) == 0 }

    /// Returns the result of a call that is given a new socket and the local address with a port.
    private static func withSocket(
        _ port: Int, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        let descriptor = OwnDescriptors.newSocket()
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

extension ReadPreference {
    /// Over a direct connection, every member answers.
    fileprivate static var primaryOrAny: ReadPreference { .connectionString }
}

/// Provides a temporary database on a server, and checks that nothing of MongoFerry's remains in it.
func withDatabase(
    on server: OwnServer, credentials: String = "", _ body: (TestDatabase, TemporaryFolder) throws -> Void
) throws {
    try lendDatabase(of: try server.pool(credentials), "mongoferry_fault", body)
}

/// Makes the next commands of a program fail or wait.
struct FailPoint {
    enum Mode {
        case alwaysOn
        /// After this many commands.
        case skip(Int32)
        /// For the next commands, this many.
        case times(Int32)

        var value: Value {
            switch self {
            case .alwaysOn: "alwaysOn"
            case .skip(let count): ["skip": .int32(count)]
            case .times(let count): ["times": .int32(count)]
            }
        }
    }

    let admin: Client
    private let commands: [String]
    private let server: OwnServer
    private let before: UInt64
    private let enteredBefore: Int

    init(_ server: OwnServer, _ commands: [String], mode: Mode, _ data: Document, appName: String = "mongoferry")
        throws
    {
        self.commands = commands
        self.server = server
        before = try server.logSize
        admin = try server.pool().makeClient()
        let all = data.appending("failCommands", .array(commands.map { .string($0) }))
            .appending("appName", .string(appName))
        let reply = try admin.run(
            ["configureFailPoint": "failCommand", "mode": mode.value, "data": .document(all)], on: "admin")
        enteredBefore = reply["count"]?.integer ?? 0
    }

    /// Waits until it blocks a command, according to the server's log.
    func waitUntilEntered() throws {
        try poll("a command that is held up: \(commands)") { try server.hasHeldUp(since: before) }
    }

    /// Switches it off, and checks that it was hit.
    func end(times: Int? = nil, _ location: SourceLocation = #_sourceLocation) throws {
        let count = try off()
        #expect(
            times.map { $0 == count } ?? (count > 0), "\(commands): met \(count) times", sourceLocation: location)
    }

    /// - Returns: the number of commands that it has blocked or made to fail.
    func off() throws -> Int {
        let reply = try admin.run(["configureFailPoint": "failCommand", "mode": "off"], on: "admin")
        return (reply["count"]?.integer ?? 0) - enteredBefore
    }
}

extension Program {
    /// Sends Ctrl-C once the fail point blocks it, and waits for its end.
    func interrupted(at pause: FailPoint) throws -> Outcome {
        try pause.waitUntilEntered()
        send(SIGINT)
        let outcome = try wait()
        try pause.end()
        return outcome
    }
}

extension OwnServer {
    /// Runs a program and blocks one of its commands while `body` runs; the command then proceeds as `answer` says.
    /// - Parameter times: how many commands are blocked and answered so; `body` runs during the first.
    func hold(
        _ command: String, _ namespace: String, _ milliseconds: Int32 = 1000, times: Int32 = 1, answer: Document,
        of program: [String], _ body: () throws -> Void
    ) throws -> Program.Outcome {
        let data = answer.appending("blockConnection", true).appending("blockTimeMS", .int32(milliseconds))
        let pause = try FailPoint(
            self, [command], mode: .times(times),
            namespace.isEmpty ? data : data.appending("namespace", .string(namespace)))
        let running = try Program(program)
        try pause.waitUntilEntered()
        try body()
        let outcome = try running.wait()
        try pause.end()
        return outcome
    }
}
