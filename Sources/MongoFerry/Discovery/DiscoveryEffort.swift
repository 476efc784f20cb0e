/// How thoroughly to look at a live database.
struct DiscoveryEffort {
    /// Up to this many documents, a collection is read whole.
    let whole: Int
    /// The number of documents that are read of a larger one.
    let sample: Int
    /// Which ones these are.
    let choice: Choice
    /// The number of places between the oldest and the newest documents from which some are read: each is a query of
    /// its own for the server.
    let points: Int
    /// The number of different values that are kept of each path.
    let valuesPerPath: Int
    /// Whether types are found besides references.
    let findsTypes: Bool

    /// How the documents of a sample are chosen, from the fairest choice to the one that is the most repeatable.
    enum Choice: Comparable {
        /// Those that the server takes at random.
        case random
        /// The oldest, the newest, and some in between, as the server stores them.
        case spread
        /// The same documents of equal data, if their `_id`s can be spread.
        case sorted
        /// The same documents of equal data, in the same order.
        case repeatable
    }

    /// For an export, which has more important work to do.
    static let quick = Self(
        whole: 1000, sample: 600, choice: .spread, points: 5, valuesPerPath: 200, findsTypes: false)
    /// Like `quick`, but reads the same documents of equal data, whatever order they are stored in.
    static let repeatable = Self(
        whole: 1000, sample: 600, choice: .repeatable, points: 5, valuesPerPath: 200, findsTypes: false)
    /// For a user who has asked for discovery.
    static let thorough = Self(
        whole: 10_000, sample: 5000, choice: .random, points: 0, valuesPerPath: 1000, findsTypes: true)
    /// As many documents as `thorough` reads, but the same ones of equal data, if their `_id`s can be spread.
    static let steady = Self(
        whole: 10_000, sample: 5000, choice: .sorted, points: 30, valuesPerPath: 200, findsTypes: false)
}
