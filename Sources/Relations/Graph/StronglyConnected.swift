/// Tarjan's algorithm without recursion, so that a chain of thousands of collections does not exhaust the stack.
enum StronglyConnected {
    /// The sets of nodes that can reach each other; a node by itself is a set of one.
    static func components(of targets: [[Int]]) -> [[Int]] {
        var index = [Int](repeating: -1, count: targets.count)
        var low = [Int](repeating: 0, count: targets.count)
        var isOpen = [Bool](repeating: false, count: targets.count)
        var open: [Int] = []
        var components: [[Int]] = []
        var visited = 0
        // The nodes of the current path, each with the number of its targets visited.
        var path: [(node: Int, next: Int)] = []

        for start in targets.indices where index[start] < 0 {
            path.append((start, 0))
            while let (node, next) = path.last {
                if next == 0 {
                    index[node] = visited
                    low[node] = visited
                    visited += 1
                    open.append(node)
                    isOpen[node] = true
                }
                if next < targets[node].count {
                    path[path.count - 1].next += 1
                    let target = targets[node][next]
                    if index[target] < 0 {
                        path.append((target, 0))
                    } else if isOpen[target] {
                        low[node] = min(low[node], index[target])
                    }
                    continue
                }
                path.removeLast()
                if let parent = path.last?.node { low[parent] = min(low[parent], low[node]) }
                guard low[node] == index[node], let first = open.lastIndex(of: node) else { continue }
                for member in open[first...] { isOpen[member] = false }
                components.append(Array(open[first...]))
                open.removeSubrange(first...)
            }
        }
        return components
    }
}
