extension RandomAccessCollection where Index == Int {
    /// The first place of a sorted list whose element is not before what is looked for.
    func place(where isBefore: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
