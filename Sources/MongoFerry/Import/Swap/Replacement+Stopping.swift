import BackupFile
import MongoDriver
import Relations

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
        } else if error.isRetryable || error.isServerTrouble {
            fault.advice.append("Run the import again.")
        }
        return fault
    }

    /// The error that stopped the swap at a collection or view, with the state of all.
    /// - Parameter cleared: the database's names of views that were dropped and were to be created again.
    func stopped(
        _ error: any Error, at step: ImportPlan.Step, _ remains: Remains, _ plan: ImportPlan, _ done: [String],
        without cleared: [String]
    ) -> FerryError {
        let cause = FerryError(explaining: error)
        // Not `data`: some of the database has changed.
        let kind = cause.kind == .interrupted ? cause.kind : .failed
        func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.map(\.oneLine).joined(separator: ", ") }
        let cleared = cleared.filter { remains == .whole || $0 != step.databaseName }
        let gone =
            cleared.isEmpty
            ? [] : ["Gone, since they stood on a view that was to get another collation: \(list(cleared))."]
        if remains == .incomplete {
            return FerryError(
                "\(step.databaseName) was being replaced in place and is not complete: \(cause.text)", kind: kind,
                details: cause.details + ["The collections before it were done."] + gone,
                advice: cause.advice + ["Run the import again: it starts this collection anew."])
        }
        let isOld = remains == .whole
        // By the database's names: a run may exchange the names of two collections.
        let new = plan.steps.filter { done.contains($0.name) }.map(\.databaseName)
        let waiting = plan.steps.filter { other in
            !done.contains(other.name) && (isOld || other.name != step.name) && !cleared.contains(other.databaseName)
        }.map(\.databaseName)
        let what = step.live.isView ? "view" : "collection"
        let state =
            switch remains {
            case .gone, .incomplete:
                "The \(what) \(step.databaseName) is gone: it was dropped, and nothing has come in its place."
            case .either:
                "Whether \(step.databaseName) is old or new could not be seen. Every collection is whole."
            case .newOrNothing:
                "The old \(what) \(step.databaseName) is gone; whether the new one has come in its place could not be seen."
            case .oldOrNothing:
                "Whether \(step.databaseName) is still there could not be seen: nothing has come in its place."
            case .whole: "Every collection is whole."
            }
        if lock.isLost {
            let dropped = remains == .gone || remains == .newOrNothing ? [state] : []
            return FerryError(
                "the swap stopped: \(cause.text)", kind: kind,
                details: cause.details + ["Swapped in before: \(list(new)). What is there now was not looked at."]
                    + dropped + gone,
                advice: cause.advice, underlying: cause.underlying)
        }
        let isInVain = (error as? MongoError)?.isRefusedRenameOfShards ?? false
        return FerryError(
            "the swap stopped: \(cause.text)", kind: kind,
            details: cause.details + ["New already: \(list(new)). Still old: \(list(waiting)).", state]
                + gone,
            advice: cause.advice + [
                isInVain
                    ? "The cluster renames nothing over this collection. Run the import again with --in-place: that finishes the job, and removes what was loaded beside the live data."
                    : "Run the import again: it finishes the job."
            ], underlying: cause.underlying)
    }
}
