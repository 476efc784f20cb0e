import BSON

extension ImportPlan {
    /// What has a step's name in the database, when it was looked at last.
    enum Live: Sendable {
        case nothing
        case view(options: Document)
        case collection(LiveCollection)

        var collection: LiveCollection? { if case .collection(let collection) = self { collection } else { nil } }

        var isView: Bool { if case .view = self { true } else { false } }

        /// Notes how many documents a collection has now.
        mutating func setCount(_ count: Int) {
            guard case .collection(var collection) = self else { return }
            collection.count = count
            self = .collection(collection)
        }

        var exists: Bool { if case .nothing = self { false } else { true } }
    }

    /// A collection or time series of the database.
    struct LiveCollection: Sendable {
        /// Empty also if they are hidden.
        var options = Document()
        /// Whether the user may not see the options.
        var hidesOptions = false
        /// The number of documents.
        var count: Int
        /// Nil if it cannot be seen; a time series has that of its storage.
        var uuid: Value?
    }
}
