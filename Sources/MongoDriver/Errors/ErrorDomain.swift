/// The source of an error, numbered as in libmongoc's `mongoc_error_domain_t`.
public enum ErrorDomain: UInt32, Sendable {
    /// This module.
    case driver = 0
    case client = 1
    /// The connection broke or could not be made.
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
    /// The server, with its own error code.
    case server
    case transaction
    case clientSideEncryption
    case pool
    case unknown = 0xFFFF_FFFF
}
