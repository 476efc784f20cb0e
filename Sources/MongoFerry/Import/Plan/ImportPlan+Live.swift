import BSON

extension ImportPlan {
    /// What has a step's name in the database, when it was looked at last.
    enum Live: Sendable {
        case nothing
        case view(options: Document)
        case collection(LiveCollection)

        var collection: LiveCollection? {
            get { if case .collection(let collection) = self { collection } else { nil } }
            set { self = newValue.map(Live.collection) ?? .nothing }
        }

        var isView: Bool { if case .view = self { true } else { false } }

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
        /// Nil if it cannot be seen, and for a time series.
        var uuid: Value?
    }
}
