import MongoFerry
import Relations

/// A table whose first column holds names and the others numbers.
struct Table {
    struct Column {
        var title: String
        var cells: [String]
        /// Whether the column may be dropped if there is no room.
        var isDispensable = false
    }

    var names: Column
    /// The last cell of each is the total of the others.
    var columns: [Column]

    /// - Parameter width: the terminal's width in columns; nil if lines may have any length.
    func lines(width: Int?) -> [StyledText] {
        let limit = width ?? .max
        var fitting = self
        while fitting.width > limit, let index = fitting.columns.lastIndex(where: \.isDispensable) {
            fitting.columns.remove(at: index)
        }
        if fitting.width <= limit { return fitting.rows }
        // Long names are cut first.
        let space = limit - (fitting.width - TextWidth.columns(longestName))
        if space >= 12 {
            fitting.names.cells = fitting.names.cells.map { TextWidth.cut($0, to: space) }
            return fitting.rows
        }
        return stacked(limit)
    }

    private var longestName: String {
        ([names.title] + names.cells).max { TextWidth.columns($0) < TextWidth.columns($1) } ?? ""
    }

    private func width(of column: Column) -> Int { ([column.title] + column.cells).map(TextWidth.columns).max() ?? 0 }

    private var width: Int { columns.reduce(width(of: names)) { $0 + 2 + width(of: $1) } }

    private var rows: [StyledText] {
        let first = width(of: names)
        let widths = columns.map(width)
        func row(_ name: String, _ cells: [String]) -> String {
            zip(cells, widths).reduce(TextWidth.padded(name, to: first)) {
                $0 + "  " + TextWidth.padded($1.0, to: $1.1, atStart: true)
            }
        }
        var rows = [StyledText(row(names.title, columns.map(\.title)), .quiet)]
        for (index, name) in names.cells.enumerated() {
            let isTotal = index == names.cells.count - 1
            rows.append(StyledText(row(name, columns.map { $0.cells[index] }), isTotal ? .bold : .plain))
        }
        return rows
    }

    /// For very narrow terminals: a few lines per row, without cells that are empty or zero.
    private func stacked(_ limit: Int) -> [StyledText] {
        var lines: [StyledText] = []
        for (index, name) in names.cells.enumerated() {
            lines.append(StyledText(TextWidth.cut(name, to: limit), .bold))
            var line = " "
            for column in columns where column.cells[index] != "0" && column.cells[index] != "" {
                let part = " \(column.title) \(column.cells[index])"
                if line != " ", TextWidth.columns(line) + part.count > limit {
                    lines.append(StyledText(line))
                    line = " "
                }
                line += part
            }
            if line != " " { lines.append(StyledText(line)) }
        }
        return lines
    }
}
