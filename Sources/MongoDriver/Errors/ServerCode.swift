/// The server's error codes that are told apart here. Source: `src/mongo/base/error_codes.yml`.
enum ServerCode: Int {
    case hostUnreachable = 6
    case hostNotFound = 7
    case unauthorized = 13
    /// Nested deeper than a server reads.
    case overflow = 15
    case authenticationFailed = 18
    case illegalOperation = 20
    case invalidBSON = 22
    case lockTimeout = 24
    case namespaceNotFound = 26
    case indexNotFound = 27
    case cursorNotFound = 43
    case lockBusy = 46
    case namespaceExists = 48
    case maxTimeMSExpired = 50
    case dollarPrefixedFieldName = 52
    case invalidDBRef = 55
    case commandNotFound = 59
    case writeConcernFailed = 64
    case immutableField = 66
    case shardNotFound = 70
    case noProgressMade = 82
    case networkTimeout = 89
    case callbackCanceled = 90
    case shutdownInProgress = 91
    case writeConflict = 112
    case conflictingOperationInProgress = 117
    case documentValidationFailure = 121
    case commandFailed = 125
    case failedToSatisfyReadPreference = 133
    case cappedPositionLost = 136
    case pooledConnectionsDropped = 145
    case exceededMemoryLimit = 146
    case readConcernMajorityNotEnabled = 148
    case noConfigPrimary = 149
    case staleEpoch = 150
    case commandNotSupportedOnView = 166
    case queryPlanKilled = 175
    case primarySteppedDown = 189
    case replicaSetMonitorRemoved = 199
    case cannotBuildIndexKeys = 201
    case networkInterfaceExceededTimeLimit = 202
    case databaseDropPending = 215
    case snapshotTooOld = 239
    case snapshotUnavailable = 246
    case staleDbVersion = 249
    /// A router no longer knows on which shards the documents of a snapshot were.
    case staleChunkHistory = 250
    case noSuchTransaction = 251
    case exceededTimeLimit = 262
    case operationNotSupportedInTransaction = 263
    case tooManyFilesOpen = 264
    case indexBuildAborted = 276
    case transactionExceededLifetimeLimitSeconds = 290
    case connectionPoolExpired = 317
    case movePrimaryInProgress = 319
    case temporarilyUnavailable = 365
    case userWritesBlocked = 371
    case nonConformantBSON = 378
    case connectionError = 384
    /// The cache is too full of other contents for a large document.
    case transactionTooLargeForCache = 388
    case pooledConnectionAcquisitionExceededTimeLimit = 407
    /// What MongoDB Atlas returns for servers of shared tiers: a missing right, an exhausted quota.
    case atlasError = 8000
    case socketException = 9001
    case legacyNotPrimary = 10058
    case notWritablePrimary = 10107
    case BSONObjectTooLarge = 10334
    case duplicateKey = 11000
    /// From servers before 4.0, as is ``legacyDuplicateKeyOfUpdate``.
    case legacyDuplicateKey = 11001
    case interruptedAtShutdown = 11600
    case interrupted = 11601
    case interruptedDueToReplStateChange = 11602
    case legacyDuplicateKeyOfUpdate = 12582
    case backgroundOperationInProgressForNamespace = 12587
    /// The source of a rename is sharded: from routers before 5.0, as is ``shardedRenameTarget``.
    case shardedRenameSource = 13138
    case shardedRenameTarget = 13139
    case staleConfig = 13388
    case notPrimaryNoSecondaryOk = 13435
    case notPrimaryOrSecondary = 13436
    case outOfDiskSpace = 14031
    /// `$sample` met the same documents again and again.
    case sampleExhausted = 28799

    /// The server's name for it; nil if it has none.
    var name: String? {
        switch self {
        case .legacyDuplicateKey, .legacyDuplicateKeyOfUpdate, .shardedRenameSource, .shardedRenameTarget,
            .sampleExhausted:
            nil
        default: "\(self)".prefix(1).uppercased() + "\(self)".dropFirst()
        }
    }
}

/// Codes that mean the same to a caller.
extension Set<ServerCode> {
    func contains(_ number: Int) -> Bool { ServerCode(rawValue: number).map(contains) ?? false }

    /// The obstacle passes. The last three are from sharded clusters.
    static let heldUp: Self = [
        .lockTimeout, .maxTimeMSExpired, .writeConflict, .backgroundOperationInProgressForNamespace, .lockBusy,
        .conflictingOperationInProgress, .movePrimaryInProgress,
    ]
    /// Newer servers check more strictly than the older ones that stored the document, and refuse the whole command.
    static let invalidBSON: Self = [.overflow, .invalidBSON, .nonConformantBSON]
    static let snapshotTooOld: Self = [.snapshotTooOld, .staleChunkHistory]
    /// A transaction does not go with the collection, as with a capped one.
    static let ofTransaction: Self = [.illegalOperation, .operationNotSupportedInTransaction]
    static let transactionGone: Self = [.noSuchTransaction, .transactionExceededLifetimeLimitSeconds]
    /// A name begins with `$` where that is not allowed.
    static let dollarPrefixedName: Self = [.dollarPrefixedFieldName, .invalidDBRef]
    static let duplicateKey: Self = [.duplicateKey, .legacyDuplicateKey, .legacyDuplicateKeyOfUpdate]
    static let network: Self = [.hostUnreachable, .hostNotFound, .networkTimeout, .socketException]
    static let stateChange: Self = [
        .notWritablePrimary, .notPrimaryNoSecondaryOk, .notPrimaryOrSecondary, .primarySteppedDown,
        .shutdownInProgress, .interruptedAtShutdown, .interruptedDueToReplStateChange, .legacyNotPrimary,
    ]
    /// What a router returns if a shard does not answer, or not in time.
    static let cluster: Self = [
        .shardNotFound, .noProgressMade, .callbackCanceled, .failedToSatisfyReadPreference, .pooledConnectionsDropped,
        .noConfigPrimary, .staleEpoch, .replicaSetMonitorRemoved, .networkInterfaceExceededTimeLimit, .staleDbVersion,
        .connectionPoolExpired, .connectionError, .pooledConnectionAcquisitionExceededTimeLimit, .staleConfig,
    ]
    static let shardedRename: Self = [.shardedRenameSource, .shardedRenameTarget]
    /// What a server cannot do in its current state, whatever the request.
    static let trouble = network.union(stateChange).union(heldUp).union(cluster).union([
        .interrupted, .exceededMemoryLimit, .exceededTimeLimit, .tooManyFilesOpen, .indexBuildAborted,
        .temporarilyUnavailable, .userWritesBlocked, .outOfDiskSpace, .transactionTooLargeForCache,
    ])
    /// Errors that stop a whole batch rather than refuse one document.
    static let notAboutOneDocument = trouble.subtracting([.transactionTooLargeForCache]).union([
        .unauthorized, .atlasError, .queryPlanKilled, .databaseDropPending, .commandNotSupportedOnView,
    ])
}
