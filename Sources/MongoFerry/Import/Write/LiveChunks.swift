import MongoDriver

/// Takes documents from the thread that reads them to the one that looks at them, many at a time.
struct LiveChunks: Sendable {
    // What is in it is bounded by the bytes.
    private let queue = BoundedQueue<Batch>(capacity: 1000)
    private let budget: ByteBudget

    /// - Parameter isDistant: whether a question to the server takes long: then a whole batch has room as it comes, and
    ///   the next one is asked for.
    init(isDistant: Bool) {
        // A document that is larger goes by itself.
        budget = ByteBudget(isDistant ? 6 << 20 : 3 << 20)
    }

    // MARK: The reading thread

    /// - Throws: `CancellationError` where the other thread has failed.
    func put(_ batch: Batch) throws {
        for documents in try batch.parts(of: RawChunk.usualBytes) {
            guard budget.take(documents.byteCount), queue.push(documents) else { throw CancellationError() }
        }
    }

    /// Waits until most of it has been looked at.
    /// - Throws: as ``put(_:)``.
    func waitForRoom() throws {
        guard budget.waitForRoom() else { throw CancellationError() }
    }

    /// Nothing more comes.
    func end() { queue.close() }

    // MARK: The looking thread

    /// The next documents; nil at the end. ``finish(_:)`` must follow.
    func next() -> Batch? { queue.pop() }

    func finish(_ documents: Batch) { budget.give(back: documents.byteCount) }

    // MARK: Both

    /// Wakes up whoever waits: a thread has failed.
    func fail() {
        budget.close()
        queue.close()
    }
}
