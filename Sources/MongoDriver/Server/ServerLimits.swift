import BSON

/// The server's message limits, from `hello`. Missing ones default to those of the oldest servers.
struct ServerLimits {
    let maxBsonObjectSize: Int
    let maxMessageSizeBytes: Int
    let maxWriteBatchSize: Int

    init(_ hello: Document) {
        maxBsonObjectSize = hello["maxBsonObjectSize"]?.integer ?? 16_777_216
        maxMessageSizeBytes = hello["maxMessageSizeBytes"]?.integer ?? 48_000_000
        maxWriteBatchSize = hello["maxWriteBatchSize"]?.integer ?? 1000
    }
}
