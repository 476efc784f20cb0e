extension Report {
    /// Tells what stopped the operation, in the place of what it would have found.
    package mutating func fail(with error: any Error) {
        let error = FerryError(explaining: error)
        status =
            switch error.kind {
            case .interrupted: .interrupted
            case .data: .refused
            case .usage, .failed: .failed
            }
        self.error = error.cause
        advice = error.advice
    }
}
