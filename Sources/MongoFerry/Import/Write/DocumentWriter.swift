import BSON
import MongoDriver

/// Writes documents of one collection in batches. Belongs to one thread.
final class DocumentWriter: DocumentSink {
    let client: Client
    let target: LoadTarget
    let way: WriteWay
    let batch = PendingBatch()
    var outcome: CollectionOutcome
    var matched = 0
    var postponed: [SecondAttempt.Postponed] = []
    var hasKeyIndex: Bool?

    init(client: Client, target: LoadTarget, way: WriteWay) {
        self.client = client
        self.target = target
        self.way = way
        outcome = CollectionOutcome(name: target.name)
    }

    func takeBatch() throws {
        switch way {
        case .load: try insert(Array(batch.indices), whereTaken: .reject)
        case .mergeIntoEmpty: try insert(Array(batch.indices), whereTaken: .replace)
        case .insertIntoEmpty: try insert(Array(batch.indices), whereTaken: .keep)
        case .merge(let key): try merge(key)
        case .insert:
            let missing = try missingIDs()
            outcome.unchanged += batch.count - missing.count
            try insert(missing, whereTaken: .keep)
        case .measurements(let fields):
            let missing = try fields.map(missingMeasurements) ?? Array(batch.indices)
            outcome.unchanged += batch.count - missing.count
            try insertMeasurements(missing)
        }
    }

    var secondAttempt: SecondAttempt {
        SecondAttempt(
            client: client, namespace: namespace, bypassesValidation: target.bypassesValidation,
            cancellation: target.cancellation, lock: target.lock)
    }

    func bulkWrite() throws -> BulkWrite {
        try client.bulkWrite(to: namespace, bypassDocumentValidation: target.bypassesValidation)
    }

    func send(_ bulk: BulkWrite) throws -> BulkWriteResult {
        try target.lock?.check()
        return try bulk.execute()
    }

    func withID<Result>(_ index: Int, _ body: (RawElement) throws -> Result) throws -> Result? {
        try document(index).first.map(body)
    }

    func note(_ errors: [WriteError], _ indexes: [Int]) throws {
        for error in errors {
            let index = indexes[error.index]
            try reject(index, RefusalReason(error))
        }
    }
}
