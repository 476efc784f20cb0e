import ArgumentParser
import MongoFerry

/// Checks the number of threads that a user asks for.
enum Jobs {
    /// - Throws: `ValidationError`.
    static func check(_ jobs: Int?) throws {
        guard let jobs, !Threads.jobsRange.contains(jobs) else { return }
        throw ValidationError("--jobs must be from \(Threads.jobsRange.lowerBound) to \(Threads.jobsRange.upperBound)")
    }
}
