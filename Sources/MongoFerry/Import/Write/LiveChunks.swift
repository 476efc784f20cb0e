import MongoDriver

/// Passes documents, many at a time, from the thread that reads them to the one that looks at them.
struct LiveChunks: Sendable {
    // The bytes limit what is in it.
    private let queue = BoundedQueue<Batch>(capacity: 1000)
    private let budget: ByteBudget

    /// - Parameter isDistant: whether a round trip to the server takes long: then there is room for a whole batch as it
    ///   comes, and the next one is requested.
    init(isDistant: Bool) {
        // A larger document is passed alone.
        budget = ByteBudget(isDistant ? 6 << 20 : 3 << 20)
    }

    // MARK: The reading thread

    /// - Throws: `CancellationError` if the other thread has failed.
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

    /// Called when nothing more comes.
    func end() { queue.close() }

    // MARK: The looking thread

    /// The next documents; nil at the end. ``finish(_:)`` must follow.
    func next() -> Batch? { queue.pop() }

    func finish(_ documents: Batch) { budget.give(back: documents.byteCount) }

    // MARK: Both

    /// Wakes up whoever waits, after a thread has failed.
    func fail() {
        budget.close()
        queue.close()
    }
}
