import BSON
import MongoDriver

/// Tries out privileges that an import will need only when old documents are gone already. Servers check a privilege
/// before they look for what a command names, so each is asked for something that does not exist.
struct ImportPrivileges {
    let connection: Connection
    /// Distinguishes this import's names from those of all others.
    let mark: String

    /// Checks that what the import creates under its own names can be dropped again.
    /// - Throws: ``FerryError`` if the user lacks the privilege; ``MongoError`` if the server cannot be asked. What else
    ///   a server may have against a drop, it says when there is something to drop.
    func checkDropping() throws {
        do {
            try connection.withClient { try $0.drop(connection.namespace(OwnNames.trial(mark))) }
        } catch let error as MongoError where error.isUnauthorized {
            var fault = FerryError(explaining: error)
            fault.text =
                "the user may not drop the collections \(OwnNames.stagingPrefix)… of \(connection.database), which the import has to create: \(error.message)"
            throw fault
        } catch let error as MongoError where error.isRefusal {}
    }

    /// Checks that documents may be written past the validators of collections.
    /// - Throws: ``FerryError`` if the user lacks the privilege; ``MongoError``.
    func checkBypassing(of steps: [ImportPlan.Step]) throws {
        let database = connection.database
        _ = try connection.answers(for: steps) { client, step in
            let name = step.isReplaced ? OwnNames.trial(mark) : step.databaseName
            // Matches nothing.
            let update: Value = ["q": ["_id": ["$in": []]], "u": ["$set": ["a": 1]], "multi": true]
            do {
                try client.runWrite(
                    ["update": .string(name), "updates": [update], "bypassDocumentValidation": true], on: database)
            } catch let error as MongoError where error.isUnauthorized {
                throw FerryError(
                    step.isEncrypted
                        ? "\(step.databaseName) is of Queryable Encryption, whose documents servers take past the validation only, and the user may not pass it by: \(error)"
                        : "the user may not pass the validator of \(step.databaseName) by: \(error)",
                    advice: [
                        "Give the user the right bypassDocumentValidation as well, which the roles dbAdmin and restore have"
                            + (step.isEncrypted ? "." : ", or leave --bypass-validation out.")
                    ])
            }
        }
    }
}
