import BSON
import Synchronization

extension SecondAttempt {
    /// A document that could not be written at first.
    struct Postponed: Sendable {
        let document: Document
        let line: Int
        /// Whether it replaces the document of the same `_id`; otherwise a document of that `_id` is another one.
        let replaces: Bool
        /// What the document that it replaces must still have, besides the `_id`: the key by which it was found.
        let condition: Document
        /// Why it was refused.
        let reason: RefusalReason

        init(
            _ document: Document, line: Int, replaces: Bool, where condition: Document = [:], reason: RefusalReason
        ) {
            self.document = document
            self.line = line
            self.replaces = replaces
            self.condition = condition
            self.reason = reason
        }

        var id: Value? { document.withRaw { $0.first?.copy } }
    }

    /// How much of a collection may be postponed, by all of its writers: one transaction writes it at once.
    final class Room: Sendable {
        static let countLimit = 2000
        static let byteLimit = 16 << 20
        /// In readable form.
        static let text = "\(countLimit.grouped) or \(ByteText.text(byteLimit))"

        private let used = Mutex((count: 0, bytes: 0, isExceeded: false))

        /// Takes room for one more document; returns false if there is none.
        func take(_ bytes: Int) -> Bool {
            used.withLock { used in
                guard used.count < Self.countLimit, used.bytes + bytes <= Self.byteLimit else {
                    used.isExceeded = true
                    return false
                }
                used.count += 1
                used.bytes += bytes
                return true
            }
        }

        /// Whether there was no room for some documents.
        var isExceeded: Bool { used.withLock { $0.isExceeded } }
    }
}
