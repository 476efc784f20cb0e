import Synchronization

/// What an operation is doing, for whoever watches it.
public struct OperationProgress: Sendable {
    /// `read` takes an export's documents or an import's stream; `preflight` looks at a file before anything is
    /// written; `load` compares or writes its documents; `index` and `swap` are a replace's; `verify` checks references
    /// and compares.
    public enum Phase: String, Sendable {
        case discover, read, preflight, load, index, swap, verify
    }

    public var phase: Phase
    /// The collection, by its name in the file; nil where the phase concerns none.
    public var collection: String?
    /// Records done in this phase and collection.
    public var records: Int
    /// How many there will be, where that is known.
    public var total: Int?
    /// Bytes done in this phase and collection: of the file where it is read or written, else of documents.
    public var bytes: Int
    /// How many bytes there will be, where that is known and ``total`` is not.
    public var totalBytes: Int?
}

/// What every operation gets: whether to stop, and whom to tell.
public struct OperationContext: Sendable {
    /// Looked at between batches. Cancelling the task that awaits an operation's `run` cancels it as well.
    public let cancellation: Cancellation
    private let onProgress: @Sendable (OperationProgress) -> Void
    private let onMessage: @Sendable (Message) -> Void

    /// - Parameters:
    ///   - cancellation: to stop the operation by.
    ///   - onProgress: called on the operation's threads, by several at the same time; it holds them up.
    ///   - onMessage: the same.
    public init(
        cancellation: Cancellation = Cancellation(),
        onProgress: @escaping @Sendable (OperationProgress) -> Void = { _ in },
        onMessage: @escaping @Sendable (Message) -> Void = { _ in }
    ) {
        self.cancellation = cancellation
        self.onProgress = onProgress
        self.onMessage = onMessage
    }

    /// The same of a part of the work that can be stopped by itself.
    func part() -> OperationContext {
        OperationContext(
            cancellation: Cancellation(ofPartOf: cancellation), onProgress: onProgress, onMessage: onMessage)
    }

    /// The same, whose warnings are kept as well as told.
    package func keepingWarnings(in kept: WarningsTold) -> OperationContext {
        let onMessage = onMessage
        return OperationContext(cancellation: cancellation, onProgress: onProgress) { message in
            if message.level == .warning { kept.add(message.text) }
            onMessage(message)
        }
    }

    func progress(
        _ phase: OperationProgress.Phase, _ collection: String? = nil, records: Int = 0, total: Int? = nil,
        bytes: Int = 0, totalBytes: Int? = nil
    ) {
        onProgress(
            OperationProgress(
                phase: phase, collection: collection, records: records, total: total, bytes: bytes,
                totalBytes: totalBytes))
    }

    /// Runs a part of the work and says, at debug level, how long it took.
    func timed<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        let watch = Stopwatch()
        defer { debug("\(name): \(watch.seconds) s") }
        return try body()
    }

    func debug(_ text: String) { onMessage(Message(level: .debug, text: text)) }
    package func info(_ text: String) { onMessage(Message(level: .info, text: text)) }
    package func warning(_ text: String) { onMessage(Message(level: .warning, text: text)) }
}

/// What an operation warned of while it ran, for its report.
package final class WarningsTold: Sendable {
    private let all = Mutex<[String]>([])

    package init() {}

    /// In the order in which they were said.
    var texts: [String] { all.withLock { $0 } }

    func add(_ text: String) { all.withLock { $0.append(text) } }
}
