import BSON

/// The documents whose references seemed to dangle, to be checked once more.
struct DoubtfulDocuments {
    /// Nil if they are too many to keep, or cannot all be queried by their `_id`s.
    private(set) var ids: Set<Value>? = []

    private var bytes = 0

    private static let most = 10_000
    private static let mostBytes = 2 << 20

    mutating func add(_ id: Value) {
        guard Self.canBeAskedFor(id) else { return giveUp() }
        guard ids?.insert(id).inserted == true else { return }
        bytes += id.approximateSize
        if ids?.count ?? 0 > Self.most || bytes > Self.mostBytes { giveUp() }
    }

    mutating func giveUp() { ids = nil }

    /// Whether every server accepts the value in a query: a document not found for that reason would seem to be gone.
    private static func canBeAskedFor(_ id: Value) -> Bool {
        switch id {
        case .objectID, .string, .int32, .int64, .double, .decimal128, .date, .bool: true
        case .binary(subtype: 0, _): true
        case .binary(subtype: 4, let bytes): bytes.count == 16
        default: false
        }
    }
}
