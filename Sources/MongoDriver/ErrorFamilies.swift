import CLibMongoC

extension MongoError {
    /// The connection broke, or one server could not reach another. Whether the command was done is unknown.
    public var isNetworkError: Bool {
        switch domain {
        case .stream: true
        case .wireProtocol: code == Int(MONGOC_ERROR_PROTOCOL_INVALID_REPLY.rawValue)
        case .server: ServerCode.network.contains(code)
        default: false
        }
    }

    /// The server is not, or no longer, the one that may do this: an election or a shutdown.
    public var isNotPrimary: Bool { domain == .server && ServerCode.stateChange.contains(code) }

    /// Doing it again later may succeed. Where it writes, that it is safe to do again is for the caller to know.
    public var isRetryable: Bool {
        isNetworkError || isNotPrimary || isServerSelection || labels.contains("RetryableWriteError")
            || labels.contains("TransientTransactionError")
    }

    /// Somebody else's operation is in the way: a lock, another writer, an index that is being built. Nothing was done.
    public var isHeldUp: Bool { domain == .server && ServerCode.heldUp.contains(code) }

    /// The server takes the bytes of a document for no BSON, or does not read that deep, and has refused the whole command
    /// with it.
    public var isInvalidBSON: Bool { domain == .server && ServerCode.invalidBSON.contains(code) }

    /// User, password or mechanism were refused.
    public var isAuthentication: Bool {
        switch domain {
        case .sasl, .scram: true
        case .client: code == Int(MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue)
        case .server: code == ServerCode.authenticationFailed
        default: false
        }
    }

    /// No server could be used; ``hostCauses`` says why, a text for each.
    public var isServerSelection: Bool { domain == .serverSelection }

    /// The write was done, but too few members confirmed it in time.
    public var isWriteConcernFailure: Bool { domain == .writeConcern }

    /// Done, and not confirmed within ``WriteConcern/timeout``.
    public var isWriteConcernTimeout: Bool { domain == .writeConcern && code == ServerCode.writeConcernFailed }
    /// The server was told to have no read concern `majority`, as members of replica sets before 5.0 may be.
    public var isMajorityReadUnsupported: Bool { isServer(ServerCode.readConcernMajorityNotEnabled) }
    /// Somebody else is dropping the database.
    public var isDropPending: Bool { isServer(ServerCode.databaseDropPending) }
    /// The snapshot's history is gone: `minSnapshotHistoryWindowInSeconds` was too short for this read.
    public var isSnapshotTooOld: Bool { domain == .server && ServerCode.snapshotTooOld.contains(code) }
    public var isSnapshotUnavailable: Bool { isServer(ServerCode.snapshotUnavailable) }
    /// The server has ended a transaction, after a minute for one.
    public var isTransactionGone: Bool { domain == .server && ServerCode.transactionGone.contains(code) }
    /// `$sample` found the same documents again and again: there are fewer than the server thinks, as after a crash.
    public var isSampleExhausted: Bool { isServer(ServerCode.sampleExhausted) }
    /// An index cannot hold a value: a document's, or one that a query asks it for.
    public var isUnfitForIndex: Bool { isServer(ServerCode.cannotBuildIndexKeys) }
    /// A sharded cluster does not rename over this collection, however often it is asked: servers before 5.0 over no sharded
    /// one, later ones over none with zones.
    public var isRefusedRenameOfShards: Bool {
        domain == .server && ServerCode.shardedRename.contains(code)
            || isServer(ServerCode.commandFailed) && message.contains("must not have associated tags")
    }
    public var isNamespaceNotFound: Bool { isServer(ServerCode.namespaceNotFound) }
    /// What is being read was dropped, renamed or replaced, or an index that the reading goes by.
    public var isTakenAwayFromReader: Bool { isServer(ServerCode.queryPlanKilled) || isNamespaceNotFound }
    public var isIndexNotFound: Bool { isServer(ServerCode.indexNotFound) }
    public var isNamespaceExists: Bool { isServer(ServerCode.namespaceExists) }
    /// What the server would have to store is larger than a document may be: of a large measurement that is more than the
    /// measurement.
    public var isTooLargeToStore: Bool { isServer(ServerCode.bsonObjectTooLarge) }
    public var isDuplicateKey: Bool { domain == .server && ServerCode.duplicateKey.contains(code) }
    public var isOutOfDiskSpace: Bool { isServer(ServerCode.outOfDiskSpace) }
    /// The server's own state is to blame, and nothing that it was asked to do: no room, a shutdown, somebody killed it.
    public var isServerTrouble: Bool {
        domain == .server && ServerCode.trouble.contains(code)
            || isServer(ServerCode.atlasError) && ["quota", "already using"].contains(where: message.contains)
    }
    /// The server's cache is full of other documents, and has no room for a large one yet.
    public var isForLackOfCache: Bool { isServer(ServerCode.cacheIsFull) }
    public var isUnauthorized: Bool {
        isServer(ServerCode.unauthorized)
            || isServer(ServerCode.atlasError)
                && ["user is not allowed to do action", "not authorized"].contains(where: message.hasPrefix)
    }
    /// The cursor was closed by the server: ten minutes without a read, a restart, or somebody killed it.
    public var isCursorNotFound: Bool { isServer(ServerCode.cursorNotFound) }
    /// What a capped collection's cursor was to read next has been overwritten.
    public var isCappedPositionLost: Bool { isServer(ServerCode.cappedPositionLost) }
    public var isCommandNotFound: Bool { isServer(ServerCode.commandNotFound) }

    private func isServer(_ wanted: Int) -> Bool { domain == .server && code == wanted }
}
