import MongoDriver

/// What a replacement that stops leaves behind, and reports.
extension Replacement {
    /// Removes the staging collections; the live data was not touched.
    func discard(_ names: [String], after error: (any Error)?) throws {
        var litter: String?
        do {
            try connection.withClient { client in
                do {
                    for name in names { try client.drop(connection.namespace(name)) }
                } catch {
                    // A user without the privilege to create them may also lack the one to drop them.
                    if client.mayHave(names, in: connection.database) { throw error }
                }
            }
        } catch {
            litter = "could not be removed (\(FerryError(explaining: error).text)); the next import removes it"
        }
        if let error {
            let state = ["The live data were not touched."]
            throw Self.explained(error, state + (litter.map { ["What was loaded beside them \($0)."] } ?? []))
        }
        // The reason for the refusal matters more.
        if let litter { operation.warning("what was loaded beside the live data \(litter)") }
    }

    /// Adds to an error what happened to the data.
    private static func explained(_ error: any Error, _ state: [String]) -> FerryError {
        var explained = fault(error)
        explained.details += state
        return explained
    }

    /// The error that stops loading beside the live data, with advice.
    static func fault(_ error: any Error, at name: String? = nil) -> FerryError {
        var fault = FerryError(explaining: error)
        if let name { fault.text = "\(name): \(fault.text)" }
        if fault.kind == .interrupted { fault.advice.append("Run the import again.") }
        guard let error = error as? MongoError else { return fault }
        if error.isOutOfDiskSpace {
            fault.advice = [
                "Free room on the server and run the import again; or use --in-place, which drops each collection before "
                    + "it loads it: then the old and the new one need no room beside each other."
            ]
        } else if error.isRetryable || error.isServerTrouble || error.isWriteConcernFailure {
            fault.advice.append("Run the import again.")
        }
        return fault
    }
}
