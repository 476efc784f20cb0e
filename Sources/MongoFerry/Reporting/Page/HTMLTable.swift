/// A table that is shown as a list of cards on a phone.
struct HTMLTable {
    struct Head {
        var title: String
        var isNumber = false
    }

    var heads: [Head]
    private var rows: [HTML] = []

    init(_ heads: [Head]) { self.heads = heads }

    /// - Parameters:
    ///   - cells: one per head; the first is the card's title on a phone.
    ///   - dull: the cells without information, such as a zero.
    mutating func add(_ cells: [HTML], dull: Set<Int> = [], isTotal: Bool = false) {
        let row = zip(heads, cells).enumerated().map { index, pair -> HTML in
            let (head, cell) = pair
            // Short text stays on one line; long text may break anywhere.
            let isShort = cell.text.count <= 34 && !cell.text.contains("<")
            let classes = [
                head.isNumber ? "n" : "t", isShort && !head.isNumber ? "short" : "", dull.contains(index) ? "dull" : "",
            ].filter { !$0.isEmpty }
            return "<td class=\"\(classes.joined(separator: " "))\" data-head=\"\(head.title)\">\(cell)</td>"
        }
        rows.append("<tr\(isTotal ? " class=\"total\"" : "" as HTML)>\(row)</tr>\n")
    }

    var isEmpty: Bool { rows.isEmpty }

    var html: HTML {
        let titles = heads.map { "<th class=\"\($0.isNumber ? "n" : "t")\" scope=\"col\">\($0.title)</th>" as HTML }
        return "<table>\n<thead><tr>\(titles)</tr></thead>\n<tbody>\n\(rows)</tbody>\n</table>\n"
    }
}
