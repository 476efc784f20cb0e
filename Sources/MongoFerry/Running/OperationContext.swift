import Synchronization

/// What an operation is doing, for observers.
public struct OperationProgress: Sendable {
    public enum Phase: String, Sendable {
        /// Looks for references.
        case discover
        /// Reads an export's documents, or an import's input stream.
        case read
        /// Examines a file before anything is written; in a dry run, also counts what would be.
        case preflight
        /// Compares collections with the file, whole.
        case compare
        /// Writes the file's documents.
        case load
        /// Builds the indexes of a replace.
        case index
        /// Puts a replace's new collections in the place of the old ones.
        case swap
        /// Checks references, and compares a file with a database.
        case verify
    }

    public var phase: Phase
    /// The collection, by its name in the file; nil if the phase concerns no single one.
    public var collection: String?
    /// The number of records done in this phase and collection.
    public var records: Int
    /// The total number of records, if known.
    public var total: Int?
    /// The number of bytes done in this phase and collection: of the file if it is read or written, otherwise of
    /// documents.
    public var bytes: Int
    /// The total number of bytes, if it is known and ``total`` is not.
    public var totalBytes: Int?
}

/// What every operation is given: its cancellation, and where to send progress and messages.
public struct OperationContext: Sendable {
    /// Checked between batches. Cancelling the task that awaits an operation's `run` cancels it as well.
    public let cancellation: Cancellation
    private let onProgress: @Sendable (OperationProgress) -> Void
    private let onMessage: @Sendable (Message) -> Void

    /// - Parameters:
    ///   - cancellation: stops the operation.
    ///   - onProgress: called on the operation's threads, possibly concurrently; they wait until it returns.
    ///   - onMessage: called in the same way.
    public init(
        cancellation: Cancellation = Cancellation(),
        onProgress: @escaping @Sendable (OperationProgress) -> Void = { _ in },
        onMessage: @escaping @Sendable (Message) -> Void = { _ in }
    ) {
        self.cancellation = cancellation
        self.onProgress = onProgress
        self.onMessage = onMessage
    }

    /// Returns a context for a part of the work that can be stopped on its own.
    func part() -> OperationContext {
        OperationContext(
            cancellation: Cancellation(ofPartOf: cancellation), onProgress: onProgress, onMessage: onMessage)
    }

    /// Returns a context that also records its warnings in `kept`.
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

    /// Runs `body` and logs at debug level how long it took.
    func timed<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        let watch = Stopwatch()
        defer { debug("\(name): \(watch.seconds) s") }
        return try body()
    }

    func debug(_ text: String) { onMessage(Message(level: .debug, text: text)) }
    package func info(_ text: String) { onMessage(Message(level: .info, text: text)) }
    package func warning(_ text: String) { onMessage(Message(level: .warning, text: text)) }
}

/// Collects the warnings that an operation issued while it ran, for its report.
package final class WarningsTold: Sendable {
    private let all = Mutex<[String]>([])

    package init() {}

    /// The warnings in the order in which they were issued.
    var texts: [String] { all.withLock { $0 } }

    func add(_ text: String) { all.withLock { $0.append(text) } }
}
