extension RandomAccessCollection where Index == Int {
    /// The first index in a sorted collection whose element is not before the one searched for.
    func place(where isBefore: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
