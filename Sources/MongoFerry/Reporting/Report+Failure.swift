extension Report {
    /// Records the error that stopped the operation and sets the status accordingly.
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
