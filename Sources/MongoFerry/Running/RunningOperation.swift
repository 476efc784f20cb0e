/// An operation on a file and a database: an export, an import or a verification.
public protocol FerryOperation: Sendable {
    /// Runs on a separate thread; cancelling the task stops the operation cleanly.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``, ``FileError``, ``BackupError``;
    ///   `CancellationError`.
    func run(_ operation: OperationContext) async throws -> Report

    /// Runs on the calling thread and blocks it.
    /// - Throws: the same errors as ``run(_:)``.
    func runBlocking(_ operation: OperationContext) throws -> Report
}

extension Export: FerryOperation {}
extension Import: FerryOperation {}
extension Verify: FerryOperation {}

extension FerryOperation {
    public func run(_ operation: OperationContext = OperationContext()) async throws -> Report {
        try await Threads.run(cancelling: operation.cancellation) { try runBlocking(operation) }
    }

    /// Runs `body` and adds to its report when the operation began, how long it took, and which warnings were issued.
    /// Does the same for a report attached to a thrown ``FerryError``, and marks that one as failed.
    /// - Parameter target: its connection string's ignored options are warned of, too.
    func reporting(
        on target: Target?, _ operation: OperationContext, _ body: (OperationContext) throws -> Report
    ) throws -> Report {
        let (watch, started, told) = (Stopwatch(), Clock.now, WarningsTold())
        func complete(_ report: inout Report) {
            report.note(told)
            report.started = started
            report.seconds = max(0, watch.seconds - report.secondsAsked)
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

    /// Starts the operation and returns its progress and messages as sequences.
    ///
    ///     let running = Import("insurance.csv", into: target, options).start()
    ///     for await step in running.progress {
    ///         print(step.phase, step.collection ?? "", step.records, step.total ?? 0)
    ///     }
    ///     let report = try await running.report
    ///
    /// The operation runs whether or not anybody reads the sequences.
    public func start() -> RunningOperation { RunningOperation(self) }
}

/// An operation in progress.
///
/// Any task may hold it and wait for its report; each of the two sequences is for a single reader.
public struct RunningOperation: Sendable {
    /// The operation's progress; finishes with the operation. A slow reader gets only the latest steps: older ones are
    /// dropped, so that they do not pile up.
    public let progress: AsyncStream<OperationProgress>
    /// The operation's messages, including warnings; finishes with the operation. None is dropped.
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

    /// The report, once the operation has ended. Cancelling the task that awaits it cancels the operation.
    /// - Throws: what the operation throws; `CancellationError` if it was cancelled before there was anything to
    ///   report.
    public var report: Report {
        get async throws {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    /// Stops the operation cleanly, as soon as the current batch is done.
    public func cancel() { task.cancel() }
}
