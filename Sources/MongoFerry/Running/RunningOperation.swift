/// Something that this library does with a file and a database: an export, an import, a check.
public protocol FerryOperation: Sendable {
    /// Runs on a thread of its own; cancelling the task stops it cleanly.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``, ``FileError``, ``BackupError``;
    ///   `CancellationError`.
    func run(_ operation: OperationContext) async throws -> Report

    /// Runs on the calling thread, which it blocks.
    /// - Throws: as ``run(_:)``.
    func runBlocking(_ operation: OperationContext) throws -> Report
}

extension Export: FerryOperation {}
extension Import: FerryOperation {}
extension Verify: FerryOperation {}

extension FerryOperation {
    public func run(_ operation: OperationContext = OperationContext()) async throws -> Report {
        try await Threads.run(cancelling: operation.cancellation) { try runBlocking(operation) }
    }

    /// Runs what the operation does, and adds to its report what that does not know: when it began, how long it took, and
    /// what was warned of meanwhile. So it is with the report in an error, which says that it failed as well.
    /// - Parameter target: warned of is also what its connection string says in vain.
    func reporting(
        on target: Target?, _ operation: OperationContext, _ body: (OperationContext) throws -> Report
    ) throws -> Report {
        let (watch, started, told) = (Stopwatch(), Clock.now, WarningsTold())
        func complete(_ report: inout Report) {
            report.note(told)
            report.started = started
            report.seconds = watch.seconds
        }
        let operation = operation.keepingWarnings(in: told)
        if let target { operation.warnOfIgnoredOptions(target) }
        do {
            var report = try body(operation)
            complete(&report)
            return report
        } catch var error as FerryError {
            guard var done = error.report else { throw error }
            complete(&done)
            done.fail(with: error)
            error.report = done
            throw error
        }
    }

    /// Starts the operation, and gives its progress and messages as sequences.
    ///
    ///     let running = Import("insurance.csv", into: target, options).start()
    ///     for await step in running.progress {
    ///         print(step.phase, step.collection ?? "", step.records, step.total ?? 0)
    ///     }
    ///     let report = try await running.report
    ///
    /// It runs whether or not somebody reads the sequences.
    public func start() -> RunningOperation { RunningOperation(self) }
}

/// An operation under way.
///
/// Any task may hold it and wait for its report; each of the two sequences is for one reader.
public struct RunningOperation: Sendable {
    /// What is being done, as it goes on; ends with the operation. A reader who is slow finds the latest steps: older
    /// ones are left out, so that none pile up.
    public let progress: AsyncStream<OperationProgress>
    /// What was worth saying, warnings among it; ends with the operation. None is left out.
    public let messages: AsyncStream<Message>

    private let task: Task<Report, any Error>

    private static let keptSteps = 64

    init(_ operation: some FerryOperation) {
        let (progress, steps) = AsyncStream.makeStream(
            of: OperationProgress.self, bufferingPolicy: .bufferingNewest(Self.keptSteps))
        let (messages, texts) = AsyncStream.makeStream(of: Message.self)
        self.progress = progress
        self.messages = messages
        task = Task {
            defer {
                steps.finish()
                texts.finish()
            }
            return try await operation.run(
                OperationContext(onProgress: { steps.yield($0) }, onMessage: { texts.yield($0) }))
        }
    }

    /// The outcome, once the operation has ended. Cancelling the task that waits for it cancels the operation.
    /// - Throws: what the operation throws; `CancellationError` where it was cancelled before there was anything to tell.
    public var report: Report {
        get async throws {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    /// Stops the operation cleanly, as soon as a batch is done.
    public func cancel() { task.cancel() }
}
