import Dispatch
import Testing

/// Suites that kill the program and check what it leaves behind: one test after the other, on a server of their own.
/// The three chains take about the same time.
@Suite(
    .serialized, .onThreadOfItsOwn("own server"),
    .enabled("MONGOD_BINARY must name a mongod: Scripts/mongod path", { OwnServer.isPossible }))
enum OwnServerTests {
    static let server = Result { try OwnServer() }
}

/// Suites whose commands are blocked or stopped while others do something: most of the time they wait.
@Suite(
    .serialized, .onThreadOfItsOwn("meanwhile"),
    .enabled("MONGOD_BINARY must name a mongod: Scripts/mongod path", { OwnServer.isPossible }))
enum BusyServerTests {
    static let server = Result { try OwnServer() }
}

/// Suites whose server fails: one test after the other, since a fail point applies to all of a server's clients.
@Suite(
    .serialized, .onThreadOfItsOwn("faults"),
    .enabled("MONGOD_BINARY must name a mongod: Scripts/mongod path", { OwnServer.isPossible }))
enum FaultServerTests {
    static let server = Result { try OwnServer() }
}

/// Runs a suite's tests alongside all others. Most of the time they wait for servers and programs, which would occupy
/// one of the few threads that the tests share, as many as there are cores.
struct OnThreadOfItsOwn: SuiteTrait, TestScoping {
    let executor: OneThread

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        // High priority: between two tests it would otherwise wait behind all the others, of which there are hundreds.
        try await withoutActuallyEscaping(body) { body in
            try await Task(executorPreference: executor, priority: .high) { try await body() }.value
        }
    }

    final class OneThread: TaskExecutor {
        private let queue: DispatchQueue

        init(_ name: String) { queue = DispatchQueue(label: name) }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}

extension Trait where Self == OnThreadOfItsOwn {
    static func onThreadOfItsOwn(_ name: String) -> Self { Self(executor: Self.OneThread(name)) }
}
