import BSON

/// How much one message may hold, from `hello`. What is missing there has the value of the oldest servers.
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
