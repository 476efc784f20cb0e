import BSON
import MongoDriver
import Relations

/// Finds the references of a live database.
struct LiveDiscovery {
    let connection: Connection
    let operation: OperationContext

    init(_ connection: Connection, _ operation: OperationContext) {
        self.connection = connection
        self.operation = operation
    }

    func references(_ catalog: Catalog) throws -> [Reference] { [] }
}
