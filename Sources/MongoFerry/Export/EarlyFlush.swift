import Foundation

/// Has the disk keep up with a file that is being written, so that the flush at its end finds little left to do.
///
/// The disk's own cache has to be emptied too, and that takes most of a flush: 25 of 30 milliseconds for 22 MB on a
/// virtual disk, which are 3 in all where the disk was told in time.
// @unchecked: every access to the state is under the condition's lock.
final class EarlyFlush: @unchecked Sendable {
    /// What a file can do.
    struct Steps: Sendable {
        /// Waits until a part of the content has been handed to the disk.
        let writeBack: @Sendable (Range<Int>) throws -> Void
        /// Waits until all content is on the disk.
        let flush: @Sendable () throws -> Void
    }

    /// Bytes that are worth a flush, at least; of a large file the share that is told below.
    private static let least = 1 << 20
    private static let share = 32
    /// Where a slow disk has more to do than this, it is waited for piece by piece: somebody may want to stop.
    private static let piece = 8 << 20
    /// A flush that takes longer is worth much only: some file systems on networks send the whole file with each.
    private let longFlush: Duration

    private let condition = NSCondition()
    private var written = 0
    private var (isComplete, isStopped) = (false, false)

    init(longFlush: Duration = .seconds(1)) { self.longFlush = longFlush }

    /// So many bytes have been written in all.
    func advance(to bytes: Int) {
        condition.withLock {
            written = bytes
            condition.signal()
        }
    }

    /// Nothing more comes: what is left is flushed once more.
    func complete() {
        condition.withLock {
            isComplete = true
            condition.broadcast()
        }
    }

    /// The operation has ended, or failed: nothing more is flushed.
    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    /// Flushes what has been written, again and again, until ``complete()`` or ``stop()``.
    /// - Throws: what a step throws: the system tells of a write that has failed only once, so it must not be passed over.
    func run(_ steps: Steps) throws {
        var (flushed, isUnderWay, isSlow) = (0, false, false)
        while let written = next(after: flushed, isUnderWay, share: isSlow ? 2 : Self.share) {
            isUnderWay = written - flushed > Self.piece
            if isUnderWay {
                try steps.writeBack(flushed..<flushed + Self.piece)
                flushed += Self.piece
            } else {
                let began = ContinuousClock.now
                try steps.flush()
                isSlow = ContinuousClock.now - began > longFlush
                flushed = written
            }
        }
    }

    /// What has been written when it is worth a flush, or one is under way; nil at the end.
    /// - Parameter share: which part of the file is worth one.
    private func next(after flushed: Int, _ isUnderWay: Bool, share: Int) -> Int? {
        condition.withLock {
            while !isComplete, !isStopped, !isUnderWay, written - flushed < max(Self.least, written / share) {
                condition.wait()
            }
            return isStopped || written == flushed ? nil : written
        }
    }
}
