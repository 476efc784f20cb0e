import BSON
import BackupFile
import Relations

/// What an import will do to which collections, in which order.
public struct ImportPlan: Sendable {
    /// How a collection or view is written.
    public enum Way: String, Sendable {
        case merge, insert
        /// Loaded beside the live collection, then renamed over it.
        case staged = "replace"
        /// Dropped and loaded, because it cannot be renamed or because of `--in-place`.
        case inPlace = "replace in place"
        /// A view: a replace changes or re-creates it; other modes create it only if it does not exist.
        case view = "recreate view"
    }

    /// What happens to one collection or view.
    public struct Step: Sendable {
        /// The name in the file.
        public var name: String
        /// The name in the database.
        public var databaseName: String
        /// The name in the database of which the file is a backup, by which the file's views call it; nil if the file
        /// does not state it.
        var nameAtExport: String?
        public var way: Way
        /// The rows of the file, without those that cannot be read; 0 for a view.
        public var records: Int
        /// The number of ``records`` that are set aside.
        var setAside = 0
        /// What has that name in the database now.
        var live = Live.nothing
        /// The number of documents in the database now; nil if no collection of that name exists.
        public var liveCount: Int? { live.collection?.count }
        /// Whether a view has that name in the database now, and is replaced by a collection.
        public var liveIsView: Bool { live.isView && entry.kind != .view }
        /// Whether a collection exists whose options the user may not see.
        var hidesOptions: Bool { live.collection?.hidesOptions ?? false }
        /// The options that a collection has which a merge or an insert writes to.
        var optionsWhereKept: Document { live.collection?.options ?? entry.options }
        /// The ``differences`` and others, and whether the import removes each.
        var targetDifferences: [TargetDifference] = []
        /// The differences between the file's options and indexes and the existing ones, one line each.
        public var differences: [String] { targetDifferences.map(\.text) }
        /// What a server may refuse or interpret differently.
        public var doubts: [String] = []
        /// Code that the server will run, for a person to check: `$where`, `$function`, …
        public var code: [String] = []
        /// The definition that an interrupted import kept of the collection, if it applies.
        var kept: KeptDefinitions.Entry?
        /// Whether the storage of a time series of that name is left from an unfinished drop.
        var hasOrphanedStorage = false
        /// The definition that an import kept of the collection, whether it applies or not.
        var keptBefore: KeptDefinitions.Entry?
        var entry: BackupMetadata.Collection
        /// The query that selected the file's documents; nil if the file has all.
        public var query: String?

        /// Whether the collection that is written to is capped, or may be: by the file's options for a replace, else by
        /// the live ones.
        var mayBeCapped: Bool {
            guard entry.kind == .collection else { return false }
            return isReplaced ? entry.isCapped : hidesOptions || optionsWhereKept["capped"]?.isOn == true
        }

        /// Whether documents are written in the order of their rows, one batch after another: a capped collection keeps
        /// this order and loses its oldest documents first, and a time series needs fewer buckets.
        var isWrittenInOrder: Bool { mayBeCapped || entry.kind == .timeseries }

        /// Whether writing may push out the oldest documents.
        private var isIntoCapped: Bool { !isReplaced && records > 0 && mayBeCapped }

        /// The number of existing documents that writing leaves alone.
        var keptCount: Int { isReplaced || isIntoCapped ? 0 : liveCount ?? 0 }

        /// Warns that a merge or an insert may still cost documents; nil if it cannot.
        var textOfCapped: String? {
            guard isIntoCapped, liveCount ?? 0 > 0 else { return nil }
            return hidesOptions
                ? "it may be capped: then, where it is full, what is added pushes out its oldest documents"
                : "it is capped: where it is full, what is added pushes out its oldest documents"
        }

        /// Whether the collection uses Queryable Encryption. Its documents have a field, `__safeContent__`, that
        /// servers accept only from clients that encrypt, or with document validation bypassed (6.0.5).
        var isEncrypted: Bool { entry.options["encryptedFields"] != nil }

        /// Whether the collection that is written to has a validator, or may have one that cannot be seen.
        var mayHaveValidator: Bool {
            hidesOptions || validator != nil
        }

        private var validator: Value? { (isReplaced ? entry.options : optionsWhereKept)["validator"] }

        /// How much is written at once, if the documents are validated.
        var batchLimit: BatchLimit? {
            validator?.document.map(BatchLimit.init) ?? (mayHaveValidator ? .ofUnknownValidator : nil)
        }

        /// Whether the collection does not exist yet, or has no documents.
        var wasEmpty: Bool { !liveIsView && (liveCount ?? 0) == 0 }

        /// Whether a merge builds an index after writing the documents, which takes half the time.
        ///
        /// In a collection that the import creates, that is every index: its documents had all of them before. In one
        /// that was merely empty, it is those that cannot reject documents, since each rejected document must be
        /// reported.
        func comesAfterTheDocuments(_ index: Document) -> Bool {
            !live.exists || wasEmpty && CollectionBuilder.canRefuseNothing(index)
        }
        /// Whether what exists now is gone afterwards. True for any view; merge and insert never put one in a
        /// collection's place.
        var isReplaced: Bool { way != .merge && way != .insert }
    }

    public var mode: ImportOptions.Mode
    public var database: String
    /// The server's hosts and kind, `db1:27017, replica set rs0`; empty if unknown.
    public var server = ""
    /// The database of which the file is a backup; nil if the file does not state it.
    public var fileDatabase: String?
    /// The versions of the file's server and of this one, if the file's is newer.
    var versions: (file: String, here: String)?
    /// Set if the database does not exist yet.
    var missing: MissingDatabase?
    /// The steps, in the order in which they are written.
    public var steps: [Step] = []
    /// Collections that refer to each other in a cycle, and are imported as one group.
    public var cycles: [[String]] = []
    /// Collections of the database that the import leaves alone: the file does not have them, or they are left out.
    public var untouched: [String] = []
    /// Whether the user sees only those collections that it has rights on.
    var isPartlySeen = false
    /// Whether the server is a sharded cluster.
    var isSharded = false
    /// Whether document validation is bypassed.
    var bypassesValidation = false
    /// Whether nothing is written, and what would be is counted.
    var isDryRun = false
    /// Rows that cannot be read and are set aside: their number, and the first of them.
    var setAside: (count: Int, first: RowProblem?) = (0, nil)
    /// Whether the file contains the rows that an earlier import set aside.
    var isOfRejects = false
    /// Untouched collections that refer to replaced ones. The import does not check whether they dangle afterwards.
    var unchecked: [(collection: String, target: String)] = []
    /// The database's names of the views that exist afterwards: what they show changes with what is written.
    var views: Set<String> = []
    /// Collections of the file that were excluded.
    public var leftOut: [String] = []
    /// The reasons for exclusions that are not among this run's own options, by name.
    var reasonsToLeaveOut: [String: String] = [:]
    /// The size of the documents that staging holds in addition to the live ones, in bytes.
    public var stagingBytes = 0

    /// The collections that are gone because a replace puts views in their places.
    var collectionsGivingWayToViews: [CollectionOutcome] {
        steps.filter { $0.way == .view && $0.liveCount ?? 0 > 0 }.map { step in
            var outcome = CollectionOutcome(name: step.name)
            outcome.deleted = step.liveCount ?? 0
            return outcome
        }
    }

    /// Whether the validator of a collection is bypassed. Without a validator, it is not: no privilege is then
    /// required.
    func bypasses(_ step: Step) -> Bool {
        bypassesValidation && step.entry.kind == .collection && step.mayHaveValidator
    }

    /// How much is written at once to the collections whose documents are validated, by their names in the file.
    var batchLimits: [String: BatchLimit] {
        steps.reduce(into: [:]) { limits, step in limits[step.name] = step.batchLimit }
    }
}
