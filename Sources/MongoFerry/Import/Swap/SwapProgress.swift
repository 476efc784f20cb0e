/// How far a collection or view has been replaced, and what went for it.
struct SwapProgress {
    /// What remains of a collection or view while it is replaced.
    enum Remains {
        /// The old or the new one.
        case whole
        /// The old one was dropped, and nothing is there.
        case gone
        /// Some of the new one's documents and indexes.
        case incomplete
        /// The old or the new one; it is unknown which.
        case either
        /// The old one or nothing; it is unknown which.
        case oldOrNothing
        /// The old one was dropped; it is unknown whether the new one exists.
        case newOrNothing
    }

    var remains = Remains.whole
    /// The database's names of views that were dropped for an earlier one and are not created again yet.
    var cleared: [String] = []
    /// The number of documents that other programs wrote under the name once it was free, and that were dropped.
    var strangers = 0
}
