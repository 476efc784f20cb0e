/// Places the boxes of a picture: targets on the left, the collections that refer to them further right.
///
/// A collection is one column right of the rightmost target that it refers to. Within a column, boxes are moved towards
/// those that they are connected with, so that few lines cross. Collections without any connection are at the bottom.
struct GraphLayout {
    struct Box {
        let name: String
        /// Set for a target that is not among the graph's collections.
        let absence: GraphDrawing.Absence?
        var column = 0
        /// The references that start here, one line each in the box.
        let references: [Reference]
        var x = 0.0
        var y = 0.0
        var width = 0.0
        var height = 0.0
    }

    static let lineHeight = 18.0
    static let headHeight = 40.0
    private static let characterWidth = 7.3
    private static let columnGap = 90.0
    private static let rowGap = 22.0
    /// Room for the lines of boxes that refer to themselves, which go around the right side.
    private static let margin = 30.0

    private(set) var boxes: [Box] = []
    private(set) var width = 0.0
    private(set) var height = 0.0
    private var places: [ExactName: Int] = [:]

    init(_ drawing: GraphDrawing) {
        let graph = drawing.graph
        let names = graph.order.map { (name: $0, absence: nil) } + drawing.absentCollections().map { ($0, $1) }
        for (name, absence) in names {
            let references = absence == nil ? graph.references(from: name) : []
            var box = Box(name: name, absence: absence, references: references)
            let lines =
                references.map { TextWidth.columns(drawing.pictureLabel(of: $0)) } + [
                    TextWidth.columns(name.oneLine) + 2, 16,
                ]
            box.width = Double(lines.max() ?? 16) * Self.characterWidth + 24
            box.height = Self.headHeight + Double(references.count) * Self.lineHeight + (references.isEmpty ? 0 : 8)
            places[ExactName(name)] = boxes.count
            boxes.append(box)
        }
        assignColumns(graph)
        place(drawing)
    }

    func box(_ name: String) -> Box? { places[ExactName(name)].map { boxes[$0] } }

    /// The import order has targets first, so one pass is enough. The members of a cycle share their column.
    private mutating func assignColumns(_ graph: ReferenceGraph) {
        for group in graph.importOrder {
            var column = 0
            for name in group.collections {
                for reference in graph.references(from: name) where !group.collections.contains(reference.target) {
                    guard let target = places[ExactName(reference.target)] else { continue }
                    column = max(column, boxes[target].column + 1)
                }
            }
            for name in group.collections { if let place = places[ExactName(name)] { boxes[place].column = column } }
        }
        moveTowardsReferrers(graph)
    }

    /// Moves boxes right, next to the nearest one that refers to them, so that lines are shorter and pass behind fewer
    /// boxes.
    private mutating func moveTowardsReferrers(_ graph: ReferenceGraph) {
        var nearest: [Int: Int] = [:]
        func note(_ name: String) {
            guard let from = places[ExactName(name)] else { return }
            for reference in graph.references(from: name) where !reference.isSelfReference {
                guard let to = places[ExactName(reference.target)] else { continue }
                nearest[to] = min(nearest[to] ?? Int.max, boxes[from].column)
            }
        }
        for group in graph.importOrder.reversed() {
            let place = group.collections.count == 1 ? places[ExactName(group.collections[0])] : nil
            if let place, let column = nearest[place] { boxes[place].column = max(boxes[place].column, column - 1) }
            group.collections.forEach(note)
        }
        for place in boxes.indices where boxes[place].absence != nil {
            if let column = nearest[place] { boxes[place].column = max(0, column - 1) }
        }
    }

    private mutating func place(_ drawing: GraphDrawing) {
        var neighbours = [[Int]](repeating: [], count: boxes.count)
        for reference in drawing.graph.references where !reference.isSelfReference {
            guard let from = places[ExactName(reference.collection)], let to = places[ExactName(reference.target)]
            else { continue }
            neighbours[from].append(to)
            neighbours[to].append(from)
        }
        let connected = boxes.indices.filter { !neighbours[$0].isEmpty }
        let count = (connected.map { boxes[$0].column }.max() ?? -1) + 1
        var columns = (0..<count).map { column in connected.filter { boxes[$0].column == column } }
        stack(&columns)
        // Back and forth a few times: each box moves to the mean height of its neighbours.
        for sweep in 0..<6 {
            for column in sweep % 2 == 0 ? Array(columns.indices) : columns.indices.reversed() {
                let wanted = Dictionary(
                    uniqueKeysWithValues: columns[column].map { box in
                        let middles = neighbours[box].map { boxes[$0].y + boxes[$0].height / 2 }
                        return (box, middles.reduce(0, +) / Double(max(middles.count, 1)))
                    })
                columns[column].sort { (wanted[$0] ?? 0, $0) < (wanted[$1] ?? 0, $1) }
                stack(&columns)
            }
        }
        placeLonely(boxes.indices.filter { neighbours[$0].isEmpty })
    }

    /// Stacks the boxes of each column and centres each column on the tallest.
    private mutating func stack(_ columns: inout [[Int]]) {
        let heights = columns.map { column in
            column.reduce(0) { $0 + boxes[$1].height } + Double(max(column.count - 1, 0)) * Self.rowGap
        }
        let tallest = heights.max() ?? 0
        var x = Self.margin
        for (index, column) in columns.enumerated() {
            var y = Self.margin + (tallest - heights[index]) / 2
            for box in column {
                boxes[box].x = x
                boxes[box].y = y
                y += boxes[box].height + Self.rowGap
            }
            x += (column.map { boxes[$0].width }.max() ?? 0) + Self.columnGap
        }
        width = columns.isEmpty ? Self.margin * 2 : x - Self.columnGap + Self.margin
        height = columns.isEmpty ? Self.margin : tallest + 2 * Self.margin
    }

    private mutating func placeLonely(_ lonely: [Int]) {
        let limit = max(width, 900)
        var x = Self.margin
        // These boxes may refer to themselves, which makes them taller.
        var tallest = 0.0
        for box in lonely {
            if x > Self.margin, x + boxes[box].width + Self.margin > limit {
                x = Self.margin
                height += tallest + Self.rowGap
                tallest = 0
            }
            boxes[box].x = x
            boxes[box].y = height
            tallest = max(tallest, boxes[box].height)
            x += boxes[box].width + Self.margin
            width = max(width, x)
        }
        if !lonely.isEmpty { height += tallest + Self.margin }
    }
}
