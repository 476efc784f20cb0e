import MongoDriver

/// A swap that stopped at a collection or view, and the state of all.
struct StoppedSwap {
    let plan: ImportPlan
    /// Where it stopped.
    let step: ImportPlan.Step
    let remains: SwapProgress.Remains
    /// The names in the file of what was replaced before.
    let swapped: [String]
    /// The database's names of views that were dropped and were to be created again.
    let cleared: [String]
    /// Whether another import may be at work by now.
    let isLockLost: Bool

    /// - Parameter error: what stopped it.
    func explained(_ error: any Error) -> FerryError {
        let cause = FerryError(explaining: error)
        // Not `data`: some of the database has changed.
        let kind = cause.kind == .interrupted ? cause.kind : .failed
        if remains == .incomplete {
            return FerryError(
                "\(step.databaseName) was being replaced in place and is not complete: \(cause.text)", kind: kind,
                details: cause.details + ["The collections before it were done."] + gone,
                advice: cause.advice + ["Run the import again: it starts this collection anew."])
        }
        let isInVain = (error as? MongoError)?.isRefusedRenameOfShards ?? false
        return FerryError(
            "the swap stopped: \(cause.text)", kind: kind,
            details: cause.details + (isLockLost ? stateLastSeen : state) + gone,
            advice: cause.advice + (isLockLost ? [] : [isInVain ? Self.inPlaceAdvice : Self.advice]),
            underlying: cause.underlying)
    }

    private static let advice = "Run the import again: it finishes the job."
    private static let inPlaceAdvice =
        "The cluster renames nothing over this collection. Run the import again with --in-place: that finishes the job, and removes what was loaded beside the live data."

    /// By the database's names: a run may exchange the names of two collections.
    private var new: [String] { plan.steps.filter { isSwapped($0) }.map(\.databaseName) }

    private func isSwapped(_ other: ImportPlan.Step) -> Bool { swapped.contains(other.name) }

    private var state: [String] {
        let old = plan.steps.filter { other in
            !isSwapped(other) && (remains == .whole || other.name != step.name) && !missing.contains(other.databaseName)
        }
        return ["New already: \(Self.list(new)). Still old: \(Self.list(old.map(\.databaseName))).", stateOfStep]
    }

    /// Without what could have been seen only by looking.
    private var stateLastSeen: [String] {
        let dropped = remains == .gone || remains == .newOrNothing ? [stateOfStep] : []
        return ["Swapped in before: \(Self.list(new)). What is there now was not looked at."] + dropped
    }

    private var stateOfStep: String {
        let name = step.databaseName
        let what = step.live.isView ? "view" : "collection"
        return switch remains {
        case .gone, .incomplete: "The \(what) \(name) is gone: it was dropped, and nothing has come in its place."
        case .either: "Whether \(name) is old or new could not be seen. Every collection is whole."
        case .newOrNothing:
            "The old \(what) \(name) is gone; whether the new one has come in its place could not be seen."
        case .oldOrNothing:
            "Whether \(name) is still there could not be seen: nothing has come in its place."
        case .whole: "Every collection is whole."
        }
    }

    /// The views that are gone for another's sake; the step's own state is told apart.
    private var missing: [String] { cleared.filter { remains == .whole || $0 != step.databaseName } }

    private var gone: [String] {
        missing.isEmpty
            ? [] : ["Gone, since they stood on a view that was to get another collation: \(Self.list(missing))."]
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.map(\.oneLine).joined(separator: ", ")
    }
}
