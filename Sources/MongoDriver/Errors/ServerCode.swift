/// The server's error codes that are told apart here. Source: `src/mongo/base/error_codes.yml`.
enum ServerCode {
    static let unauthorized = 13
    static let authenticationFailed = 18
    static let namespaceNotFound = 26
    static let indexNotFound = 27
    static let cursorNotFound = 43
    static let namespaceExists = 48
    static let commandNotFound = 59
    /// LockTimeout, MaxTimeMSExpired, WriteConflict, BackgroundOperationInProgressForNamespace, and on sharded clusters
    /// LockBusy, ConflictingOperationInProgress, MovePrimaryInProgress: the obstacle passes.
    static let heldUp: Set<Int> = [24, 50, 112, 12587, 46, 117, 319]
    /// TransactionTooLargeForCache: the server's cache is too full of other contents for a large document.
    static let cacheIsFull = 388
    /// InvalidBSON and NonConformantBSON: newer servers check more strictly than the older ones that stored the
    /// document, and refuse the whole command. Overflow: nested deeper than a server reads.
    static let invalidBSON: Set<Int> = [15, 22, 378]
    static let cannotBuildIndexKeys = 201
    static let writeConcernFailed = 64
    static let immutableField = 66
    static let documentValidationFailure = 121
    static let cappedPositionLost = 136
    /// What MongoDB Atlas returns for servers of shared tiers: a missing right, an exhausted quota.
    static let atlasError = 8000
    static let readConcernMajorityNotEnabled = 148
    static let queryPlanKilled = 175
    static let commandNotSupportedOnView = 166
    static let databaseDropPending = 215
    /// SnapshotTooOld, and StaleChunkHistory: a router no longer knows on which shards the documents were at that time.
    static let snapshotTooOld: Set<Int> = [239, 250]
    static let snapshotUnavailable = 246
    /// NoSuchTransaction and TransactionExceededLifetimeLimitSeconds.
    static let transactionGone: Set<Int> = [251, 290]
    /// `$sample` met the same documents again and again.
    static let sampleExhausted = 28799
    static let bsonObjectTooLarge = 10334
    /// DollarPrefixedFieldName and InvalidDBRef: a name begins with `$` where that is not allowed.
    static let dollarPrefixedName: Set<Int> = [52, 55]
    /// 11001 and 12582 come from older servers.
    static let duplicateKey: Set<Int> = [11000, 11001, 12582]
    /// HostUnreachable, HostNotFound, NetworkTimeout, SocketException.
    static let network: Set<Int> = [6, 7, 89, 9001]
    /// NotWritablePrimary, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, PrimarySteppedDown, ShutdownInProgress,
    /// InterruptedAtShutdown, InterruptedDueToReplStateChange, and the legacy "not master".
    static let stateChange: Set<Int> = [10107, 13435, 13436, 189, 91, 11600, 11602, 10058]
    /// What a router returns if a shard does not answer, or not in time: ShardNotFound, NoProgressMade,
    /// CallbackCanceled, FailedToSatisfyReadPreference, PooledConnectionsDropped, NoConfigPrimary, StaleEpoch,
    /// ReplicaSetMonitorRemoved, NetworkInterfaceExceededTimeLimit, StaleDbVersion, ConnectionPoolExpired,
    /// ConnectionError, PooledConnectionAcquisitionExceededTimeLimit, StaleConfig.
    static let cluster: Set<Int> = [70, 82, 90, 133, 145, 149, 150, 199, 202, 249, 317, 384, 407, 13388]
    /// Errors that stop a whole batch rather than refuse one document.
    static let notAboutOneDocument = trouble.subtracting([cacheIsFull]).union([
        unauthorized, atlasError, queryPlanKilled, databaseDropPending,
    ])

    /// What routers before 5.0 return if the source or the target of a rename is sharded.
    static let shardedRename: Set<Int> = [13138, 13139]
    static let commandFailed = 125
    static let outOfDiskSpace = 14031
    /// What a server cannot do in its current state, whatever the request: the sets above, and Interrupted,
    /// ExceededMemoryLimit, ExceededTimeLimit, TooManyFilesOpen, IndexBuildAborted, TemporarilyUnavailable,
    /// UserWritesBlocked, OutOfDiskSpace, TransactionTooLargeForCache.
    static let trouble = network.union(stateChange).union(heldUp).union(cluster).union([
        11601, 146, 262, 264, 276, 365, 371, outOfDiskSpace, cacheIsFull,
    ])

    /// For replies that lack the name: those of a bulk write have only numbers.
    static let names = [
        13: "Unauthorized", 26: "NamespaceNotFound", 50: "MaxTimeMSExpired", 91: "ShutdownInProgress",
        189: "PrimarySteppedDown", 10107: "NotWritablePrimary", 11600: "InterruptedAtShutdown", 11601: "Interrupted",
        11602: "InterruptedDueToReplStateChange", 14031: "OutOfDiskSpace", 388: "TransactionTooLargeForCache",
        112: "WriteConflict", 175: "QueryPlanKilled", 215: "DatabaseDropPending",
    ]
}
