import BSON
import BackupFile
import Relations

/// What an import will do to which collection, in which order.
public struct ImportPlan: Sendable {
    /// How a collection or view is written.
    public enum Way: String, Sendable {
        case merge, insert
        /// Loaded beside the live collection, then renamed over it.
        case staged = "replace"
        /// Dropped and loaded, because it cannot be renamed or `--in-place` was said.
        case inPlace = "replace in place"
        /// A view: a replace changes it or makes it anew, else it is created where there is none.
        case view = "recreate view"
    }

    /// What becomes of one collection or view.
    public struct Step: Sendable {
        /// The name in the file.
        public var name: String
        /// The name in the database.
        public var databaseName: String
        public var way: Way
        /// Rows of the file, without those that cannot be read; 0 of a view.
        public var records: Int
        /// Of ``records``, those that are set aside.
        var setAside = 0
        /// Documents in the database now; nil where the collection does not exist.
        public var liveCount: Int?
        /// A view has that name in the database now, and gives way to a collection.
        public var liveIsView = false
        /// The existing collection's or view's own options; nil where there is none.
        var liveOptions: Document?
        /// Whether a collection is there whose options the user may not see.
        var hidesOptions = false
        /// Of the existing collection; nil where there is none, or it cannot be seen.
        var uuid: Value?
        /// Those of ``differences`` and more, with what becomes of them.
        var targetDifferences: [TargetDifference] = []
        /// What differs between the file's options and indexes and the existing ones, a line each.
        public var differences: [String] { targetDifferences.compactMap(\.text) }
        /// What a server may refuse or read in another way.
        public var doubts: [String] = []
        /// Code that the server will run, to be looked at by a person: `$where`, `$function`, …
        public var code: [String] = []
        /// What an interrupted import has kept of the collection, where that counts.
        var kept: KeptDefinitions.Entry?
        /// Whether the storage of a time series of that name is there, whose drop was not ended.
        var hasOrphanedStorage = false
        /// What imports have kept of it, whether that counts or not.
        var keptBefore: KeptDefinitions.Entry?
        var entry: BackupMetadata.Collection
        /// By what the file's documents were chosen; nil where it has all.
        public var query: String?

        /// Whether what is written to is capped, or may be. Under a replace it is what the file says, else what is there.
        var mayBeCapped: Bool {
            guard entry.kind == .collection else { return false }
            return isReplaced ? entry.isCapped : hidesOptions || (liveOptions ?? entry.options)["capped"]?.bool == true
        }

        /// Whether documents are written in the order of their rows, one batch after the other: a capped collection keeps it
        /// and loses its oldest first, and a time series has fewer buckets for it.
        var isWrittenInOrder: Bool { mayBeCapped || entry.kind == .timeseries }

        /// Whether what is written may push the oldest documents out.
        private var isIntoCapped: Bool { !isReplaced && records > 0 && mayBeCapped }

        /// So many documents are there that what is written leaves alone.
        var keptCount: Int { isReplaced || isIntoCapped ? 0 : liveCount ?? 0 }

        /// That a merge or an insertion may cost documents all the same; nil where it does not.
        var textOfCapped: String? {
            guard isIntoCapped, liveCount ?? 0 > 0 else { return nil }
            return hidesOptions
                ? "it may be capped: then, where it is full, what is added pushes out its oldest documents"
                : "it is capped: where it is full, what is added pushes out its oldest documents"
        }

        /// Whether it is of Queryable Encryption. Its documents have a field, `__safeContent__`, that servers take from clients
        /// that encrypt, and from others only where these pass the validation by (6.0.5).
        var isEncrypted: Bool { entry.options["encryptedFields"] != nil }

        /// Whether the collection that is written to has a validator, or may have one that cannot be seen.
        var mayHaveValidator: Bool {
            hidesOptions || (isReplaced ? entry.options : liveOptions ?? entry.options)["validator"] != nil
        }

        /// Whether the collection is not there yet, or has no documents.
        var wasEmpty: Bool { !liveIsView && (liveCount ?? 0) == 0 }

        /// Whether a merge builds an index when the documents are there, which takes half the time.
        ///
        /// In a collection that the import makes, that is every index: the documents are those that had it before. In
        /// one that was merely empty, only those that refuse no document, since each that is refused is to be named.
        func comesAfterTheDocuments(_ index: Document) -> Bool {
            !liveIsView && liveOptions == nil || wasEmpty && CollectionBuilder.canRefuseNothing(index)
        }
        /// Whether what is there now is gone afterwards. Merge and insert never put a view in a collection's place.
        var isReplaced: Bool { way != .merge && way != .insert }
    }

    public var mode: ImportOptions.Mode
    public var database: String
    /// Its hosts and kind, `db1:27017, replica set rs0`; empty where nobody has said.
    public var server = ""
    /// The database that the file is a backup of; nil where the file does not say.
    public var fileDatabase: String?
    /// The versions of the file's server and of this one, where the file's is newer.
    var versions: (file: String, here: String)?
    /// Said where the database is not there yet.
    var missing: MissingDatabase?
    /// In the order in which they are written.
    public var steps: [Step] = []
    /// Collections that refer to each other in a circle, and are imported as one group.
    public var cycles: [[String]] = []
    /// Collections of the database that the import leaves alone: the file does not have them, or they are left out.
    public var untouched: [String] = []
    /// Whether the server is a sharded cluster.
    var isSharded = false
    /// Whether validators are passed by.
    var bypassesValidation = false
    /// Rows that cannot be read and are set aside: how many, and the first of them.
    var setAside: (count: Int, first: RowProblem?) = (0, nil)
    /// Whether the file has the rows that an earlier import has set aside.
    var isOfRejects = false
    /// Of those that are left alone: which refer to what is replaced. Whether they dangle afterwards, an import does not look.
    var unchecked: [(collection: String, target: String)] = []
    /// The database's names of views that are there afterwards: what they show changes with what is written.
    var views: Set<String> = []
    /// Collections of the file that were excluded.
    public var leftOut: [String] = []
    /// Why those are that nobody has excluded in this run's own options, by name.
    var reasonsToLeaveOut: [String: String] = [:]
    /// Bytes of documents that the staging takes beside the live ones.
    public var stagingBytes = 0

    /// What goes with those in whose places a replace puts views.
    var collectionsGivingWayToViews: [CollectionOutcome] {
        steps.filter { $0.way == .view && $0.liveCount ?? 0 > 0 }.map { step in
            var outcome = CollectionOutcome(name: step.name)
            outcome.deleted = step.liveCount ?? 0
            return outcome
        }
    }

    /// Whether a collection's validator is passed by: where there is none, that takes no right either.
    func bypasses(_ step: Step) -> Bool {
        bypassesValidation && step.entry.kind == .collection && step.mayHaveValidator
    }
}
