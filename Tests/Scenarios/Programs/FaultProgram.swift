import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The built program, run as users run it.
struct Program {
    struct Outcome {
        /// Nil if a signal ended the program.
        var status: Int32?
        var signal: Int32?
        var output: String
        var errors: String
        /// Its peak memory in megabytes; `Int.max` if it was not measured, which exceeds every limit.
        var peakMegabytes: Int
        var text: String { output + errors }
    }

    struct NotBuilt: Error, CustomStringConvertible {
        var description: String { "the program 'mongoferry' is not beside the tests: run swift build" }
    }

    /// The path of the program, next to the tests' bundle.
    static func path() throws -> String {
        let executable = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let folders = [executable, Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
        for folder in folders.compactMap(\.self) {
            let path = folder.appendingPathComponent("mongoferry").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw NotBuilt()
    }

    /// Whether a tool is on the PATH with which tests examine the program from outside.
    static func isInstalled(_ tool: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)")
        }
    }

    /// Whether its signal handlers are installed. Source: proc(5), `SigCgt`; true on systems without that file.
    var catchesSignals: Bool {
        guard FileManager.default.fileExists(atPath: "/proc/self/status") else { return true }
        let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let caught = text.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }?.split(separator: "\t").last
        return caught.flatMap { UInt64($0, radix: 16) }.map { $0 & (1 << UInt64(SIGINT - 1)) != 0 } ?? false
    }

    let process: pid_t
    /// What it was started with, for the message if it does not end.
    private let words: [String]
    private let measuresMemory: Bool
    private let outputPath: String
    private let errorsPath: String

    /// Starts the program; its output goes to files in the temporary folder.
    /// - Parameters:
    ///   - environment: added to this process's own, without its `MONGODB_URI`.
    ///   - output: a descriptor to use instead of a file.
    ///   - measuresMemory: whether to poll its memory all the time, which takes part of a core.
    init(
        _ arguments: [String], executable: String? = nil, environment: [String: String] = [:],
        input: String = "/dev/null",
        output: Int32? = nil, fileSizeLimit: Int? = nil, measuresMemory: Bool = false
    ) throws {
        self.measuresMemory = measuresMemory
        let base = NSTemporaryDirectory() + "mongoferry_run_\(UInt64.random(in: 0 ... .max))"
        outputPath = base + ".out"
        errorsPath = base + ".err"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        posix_spawn_file_actions_addopen(&actions, 2, errorsPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Default signal handling, as a shell passes on, whatever this process does with its own signals.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // The test's thread may block signals, which would be inherited as well.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var variables = ProcessInfo.processInfo.environment
        variables["MONGODB_URI"] = nil
        // libmongoc keeps counters in shared memory named by its process id, and complains on standard error if a
        // killed process had that id before: these tests kill many.
        variables["MONGOC_DISABLE_SHM"] = "1"
        variables.merge(environment) { $1 }
        var path = try executable ?? Self.path()
        var words = [path] + arguments
        if let fileSizeLimit {
            words = ["/bin/sh", "-c", "ulimit -f \(fileSizeLimit / 512); exec \"$0\" \"$@\"", path] + arguments
            path = "/bin/sh"
        }
        var pointers = words.map { strdup($0) } + [nil]
        var settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in pointers + settings { free(pointer) } }
        var process: pid_t = 0
        let code = OwnDescriptors.starting.withLock {
            posix_spawn(&process, path, &actions, &attributes, &pointers, &settings)
        }
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
        self.process = process
        self.words = words
    }

    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String = "/dev/null", output: Int32? = nil,
        fileSizeLimit: Int? = nil, measuresMemory: Bool = false
    ) throws -> Outcome {
        try Program(
            arguments, environment: environment, input: input, output: output, fileSizeLimit: fileSizeLimit,
            measuresMemory: measuresMemory
        ).wait()
    }

    /// Whether it has ended; `wait` must still be called.
    var isOver: Bool {
        var info = siginfo_t()
        return waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    func send(_ signal: Int32) { kill(process, signal) }

    /// What it has written to standard error so far.
    var errorsSoFar: String { (try? String(contentsOfFile: errorsPath, encoding: .utf8)) ?? "" }

    /// Waits for its end.
    /// - Parameter seconds: the time after which it is killed.
    /// - Throws: ``TooLate`` with what it has written, if it had to be killed. A program that waits forever would
    ///   otherwise stop all tests without a word on which of them it was.
    func wait(seconds: Double = 300) throws -> Outcome {
        var peak: Int?
        let end = try ChildProcess(id: process).wait(seconds: seconds) {
            // Not `ru_maxrss`: on Linux that starts with the memory of the process that spawned this one.
            if measuresMemory, let now = highWaterMegabytes { peak = max(peak ?? 0, now) }
        }
        defer { for path in [outputPath, errorsPath] { unlink(path) } }
        #if canImport(Darwin)
            if measuresMemory { peak = end.usage.ru_maxrss >> 20 }
        #endif
        let outcome = Outcome(
            status: end.status, signal: end.signal,
            output: (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "", errors: errorsSoFar,
            peakMegabytes: peak ?? .max)
        if end.isTooLate {
            throw TooLate(what: "the end of \(words.joined(separator: " ")); it wrote: \(outcome.text.suffix(4000))")
        }
        return outcome
    }
}

/// Creates descriptors that are not inherited by a program that another test starts at this moment: it would hold a
/// pipe open or keep a port taken for as long as it runs.
enum OwnDescriptors {
    /// Held while a program is started.
    static let starting = NSLock()

    static func make(_ make: () -> [Int32]) -> [Int32] {
        starting.withLock {
            let made = make()
            for descriptor in made { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            return made
        }
    }

    static func newSocket() -> Int32 { make { [socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)] }[0] }

    /// - Returns: the end to read from and the one to write to.
    static func newPipe() throws -> (reading: Int32, writing: Int32) {
        var code: Int32 = 0
        let ends = make {
            var ends: [Int32] = [-1, -1]
            code = pipe(&ends)
            return ends
        }
        guard code == 0 else { throw POSIXError(.EMFILE) }
        return (ends[0], ends[1])
    }
}

extension Program {
    /// Its peak memory so far; nil if it cannot be seen, such as that of a program that has ended. The kernel keeps this
    /// high-water mark, so looking now and then is enough.
    var highWaterMegabytes: Int? {
        // For a moment after it was spawned, it has this process's memory.
        func program(_ process: String) -> String? {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
        }
        guard program("\(process)") != program("self"),
            let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { return nil }
        return kilobytes / 1024
    }
}

struct TooLate: Error, CustomStringConvertible {
    var what: String
    var description: String { "waited in vain for: \(what)" }
}

/// Checks a condition repeatedly until it holds.
func poll(_ what: String, seconds: Double = 30, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw TooLate(what: what) }
        usleep(5000)
    }
}
