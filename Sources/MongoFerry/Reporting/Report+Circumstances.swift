extension Report {
    /// What an operation has learned that decides what to do next. It is not in the JSON.
    struct Circumstances: Sendable {
        /// Why the rest of a file could not be read.
        struct Unreadable: Sendable {
            var isDamaged: Bool
            /// What to do instead; nil if there is no advice.
            var advice: String?
        }

        /// The options that a command needs to reach the same server.
        var targetOptions: [String] = []
        /// The options that a command needs to use the same configuration.
        var configurationOptions: [String] = []
        /// The options that another command needs for the same file and the same collections.
        var choiceOptions: [String] = []
        /// Whether the database that a file was compared with does not exist or is empty.
        var isDatabaseMissing = false
        /// The number of rejected rows that name no collection.
        var namelessCount = 0
        /// The database whose name differs from that of a missing one in case only.
        var sameDatabaseName: String?
        /// Whether an import into the verified database is running or was interrupted.
        var isImportUnfinished = false
        /// The collections of which the verified file has only the documents that match an export's filter.
        var namesInPart: [String] = []
        /// The collections of the verified file whose documents a server deletes when they expire.
        var namesOfExpiring: [String] = []
        /// The number of indexes that the server refused; each is among the warnings.
        var refusedIndexCount = 0
        /// The number of those that are unique and that duplicate keys prevent.
        var collidingIndexCount = 0
        /// Whether other programs have removed what an import had written: it must be run again before anything else.
        var mustBeRepeated = false
        /// Set if the file could not be read any further, so that no import can take even a part of it.
        var unreadable: Unreadable?
        /// The file in which a dry run's rows would be set aside; nil if there are none.
        var rejectsPlace: String?
        /// The command that imports ``Report/rejectsFile`` once its rows are corrected.
        var rejectsCommand: String?
    }
}
