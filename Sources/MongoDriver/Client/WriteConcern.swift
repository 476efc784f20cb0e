import BSON
import CLibMongoC

/// How many members must have a write before it is acknowledged.
public struct WriteConcern: Hashable, Sendable {
    public enum Acknowledgement: Hashable, Sendable {
        case majority
        case nodes(Int)
        case tag(String)
    }

    public var acknowledgement: Acknowledgement
    /// Whether the write must be in the journal; nil leaves it to the server.
    public var journal: Bool?
    /// Milliseconds after which the server stops waiting for acknowledgement. The write itself is not undone.
    public var timeout: Int?

    public init(_ acknowledgement: Acknowledgement, journal: Bool? = nil, timeout: Int? = nil) {
        self.acknowledgement = acknowledgement
        self.journal = journal
        self.timeout = timeout
    }

    public static let majority = WriteConcern(.majority)

    /// False for `w: 0`, which tells nothing about the outcome of a write.
    public var isAcknowledged: Bool { acknowledgement != .nodes(0) }

    /// In the form that commands take.
    public var document: Document {
        Document {
            switch acknowledgement {
            case .majority: $0.append("w", "majority")
            case .nodes(let count): $0.append("w", .int32(Int32(clamping: count)))
            case .tag(let name): $0.append("w", .string(name))
            }
            if let journal { $0.append("j", .bool(journal)) }
            if let timeout { $0.append("wtimeout", .int64(Int64(timeout))) }
        }
    }

    /// - Throws: ``MongoError`` for `w: 0`: this module never writes without learning the outcome.
    func requireAcknowledged(_ context: @autoclosure () -> MongoError.Context) throws {
        guard !isAcknowledged else { return }
        throw MongoError(
            driver: "write concern w=0 does not say what became of a write; use w=1 or w=majority", context: context())
    }
}

extension WriteConcern {
    /// The connection string's write concern; nil if it has none.
    init?(uri: OpaquePointer) {
        guard let concern = mongoc_uri_get_write_concern(uri) else { return nil }
        let journal = mongoc_write_concern_journal_is_set(concern) ? mongoc_write_concern_get_journal(concern) : nil
        let milliseconds = mongoc_write_concern_get_wtimeout_int64(concern)
        let timeout = milliseconds > 0 ? Int(milliseconds) : nil
        let count = mongoc_write_concern_get_w(concern)
        if mongoc_write_concern_get_wmajority(concern) {
            self.init(.majority, journal: journal, timeout: timeout)
        } else if let tag = mongoc_write_concern_get_wtag(concern) {
            self.init(.tag(String(cString: tag)), journal: journal, timeout: timeout)
        } else if count >= 0 {
            self.init(.nodes(Int(count)), journal: journal, timeout: timeout)
        } else if count == -1 {
            // The old "errors ignored" is not acknowledged either.
            self.init(.nodes(0), journal: journal, timeout: timeout)
        } else if journal != nil || timeout != nil {
            self.init(.majority, journal: journal, timeout: timeout)
        } else {
            return nil
        }
    }
}
