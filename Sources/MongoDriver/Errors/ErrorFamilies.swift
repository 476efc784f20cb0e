import CLibMongoC

extension MongoError {
    /// The connection broke, or one server could not reach another. Whether the command was executed is unknown.
    public var isNetworkError: Bool {
        switch domain {
        case .stream: true
        case .wireProtocol: code == Int(MONGOC_ERROR_PROTOCOL_INVALID_REPLY.rawValue)
        case .server: isServer(oneOf: .network)
        default: false
        }
    }

    /// The server is not, or no longer, able to do this, because of an election or a shutdown.
    public var isNotPrimary: Bool { isServer(oneOf: .stateChange) }

    /// A later retry may succeed. For a write, the caller must know whether retrying is safe.
    public var isRetryable: Bool {
        isNetworkError || isNotPrimary || isServerSelection || labels.contains("RetryableWriteError")
            || labels.contains("TransientTransactionError")
    }

    /// The server has answered, and another attempt would be answered alike.
    public var isRefusal: Bool { domain == .server && !isRetryable }

    /// Another operation is in the way: a lock, another writer, an index build. Nothing was done.
    public var isHeldUp: Bool { isServer(oneOf: .heldUp) }

    /// The server considers a document invalid BSON, or nested too deeply, and refused the whole command because of it.
    public var isInvalidBSON: Bool { isServer(oneOf: .invalidBSON) }

    /// User, password or mechanism was refused.
    public var isAuthentication: Bool {
        switch domain {
        case .sasl, .scram: true
        case .client: code == Int(MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue)
        case .server: isServer(.authenticationFailed)
        default: false
        }
    }

    /// No server could be used; ``hostCauses`` gives the reason for each.
    public var isServerSelection: Bool { domain == .serverSelection }

    /// The write was done, but too few members acknowledged it in time.
    public var isWriteConcernFailure: Bool { domain == .writeConcern }

    /// The write was done, but not acknowledged within ``WriteConcern/timeout``.
    public var isWriteConcernTimeout: Bool { domain == .writeConcern && code == ServerCode.writeConcernFailed.rawValue }
    /// The server is configured without read concern `majority`, which replica set members before 5.0 allow.
    public var isMajorityReadUnsupported: Bool { isServer(.readConcernMajorityNotEnabled) }
    /// Somebody else is dropping the database.
    public var isDropPending: Bool { isServer(.databaseDropPending) }
    /// A transaction may have been committed, or not.
    public var isUnknownCommit: Bool { labels.contains("UnknownTransactionCommitResult") }
    /// The snapshot's history is gone: `minSnapshotHistoryWindowInSeconds` was too short for this read.
    public var isSnapshotTooOld: Bool { isServer(oneOf: .snapshotTooOld) }
    public var isSnapshotUnavailable: Bool { isServer(.snapshotUnavailable) }
    /// The server ended the transaction, for example after a minute.
    public var isTransactionGone: Bool { isServer(oneOf: .transactionGone) }
    /// `$sample` found the same documents again and again: there are fewer than the server believes, as after a crash.
    public var isSampleExhausted: Bool { isServer(.sampleExhausted) }
    /// An index cannot hold a value, of a document or of a query.
    public var isUnfitForIndex: Bool { isServer(.cannotBuildIndexKeys) }
    /// A sharded cluster refuses to rename over this collection, however often it is asked: before 5.0 if it is
    /// sharded, later if it has zones.
    public var isRefusedRenameOfShards: Bool {
        isServer(oneOf: .shardedRename)
            || isServer(.commandFailed) && message.contains("must not have associated tags")
    }
    public var isNamespaceNotFound: Bool { isServer(.namespaceNotFound) }
    /// The collection being read, or an index used for it, was dropped, renamed or replaced.
    public var isTakenAwayFromReader: Bool {
        isServer(.queryPlanKilled) || isServer(.commandNotSupportedOnView) || isNamespaceNotFound
    }
    public var isIndexNotFound: Bool { isServer(.indexNotFound) }
    public var isNamespaceExists: Bool { isServer(.namespaceExists) }
    /// What the server would have to store exceeds the size limit of a document; for a large measurement, it stores
    /// more than the measurement itself.
    public var isTooLargeToStore: Bool { isServer(.BSONObjectTooLarge) }
    public var isDuplicateKey: Bool { isServer(oneOf: .duplicateKey) }
    public var isOutOfDiskSpace: Bool { isServer(.outOfDiskSpace) }
    /// The server's own state is the cause, not the request: no space, a shutdown, an operation that was killed.
    public var isServerTrouble: Bool {
        isServer(oneOf: .trouble)
            || isServer(.atlasError) && ["quota", "already using"].contains(where: message.contains)
    }
    /// Whether the cause may be the documents that were sent, and not the server or the user's rights.
    public var mayBeAboutDocuments: Bool { isRefusal && !isServer(oneOf: .notAboutOneDocument) }
    /// The command came in a transaction, which capped collections do not support.
    public var isOfTransaction: Bool { isServer(oneOf: .ofTransaction) }
    /// The server's cache is full of other documents and has no room for a large one yet.
    public var isForLackOfCache: Bool { isServer(.transactionTooLargeForCache) }
    public var isUnauthorized: Bool {
        isServer(.unauthorized)
            || isServer(.atlasError)
                && ["user is not allowed to do action", "not authorized"].contains(where: message.hasPrefix)
    }
    /// The server closed the cursor: ten minutes without a read, a restart, or somebody killed it.
    public var isCursorNotFound: Bool { isServer(.cursorNotFound) }
    /// Somebody, or the server itself, ended the operation before it was done, or the wait for other members.
    public var isInterrupted: Bool {
        isServer(.interrupted) || isWriteConcernFailure && code == ServerCode.interrupted.rawValue
    }
    /// The position in a capped collection that the cursor was to read next has been overwritten.
    public var isCappedPositionLost: Bool { isServer(.cappedPositionLost) }
    public var isCommandNotFound: Bool { isServer(.commandNotFound) }

    private func isServer(_ wanted: ServerCode) -> Bool { isServer(oneOf: [wanted]) }

    private func isServer(oneOf wanted: Set<ServerCode>) -> Bool { domain == .server && wanted.contains(code) }
}
