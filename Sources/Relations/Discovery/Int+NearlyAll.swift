extension Int {
    /// Whether this many are at least 19 of 20 of all: the rest may be data that are wrong.
    func isNearlyAll(of all: Int) -> Bool { self * 20 >= all * 19 }
}
