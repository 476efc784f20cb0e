/// Who found the fault, as libmongoc's `mongoc_error_domain_t` numbers it.
public enum ErrorDomain: UInt32, Sendable {
    /// This module.
    case driver = 0
    case client = 1
    /// The connection broke, or could not be made.
    case stream
    case wireProtocol
    case cursor
    case query
    case insert
    case sasl
    case bson
    case matcher
    case namespace
    case command
    case collection
    case gridFS
    case scram
    case serverSelection
    case writeConcern
    /// The server, with a code of its own.
    case server
    case transaction
    case clientSideEncryption
    case pool
    case unknown = 0xFFFF_FFFF
}
