/// A binary heap of numbers with the smallest first.
struct SmallestFirst {
    private var heap: [Int] = []

    mutating func insert(_ number: Int) {
        heap.append(number)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeSmallest() -> Int? {
        guard let smallest = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return smallest }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return smallest }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < heap[parent] else { return smallest }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
