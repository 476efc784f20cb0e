import BSON
import BackupFile
import ExtendedJSON
import Relations

/// The report as one self-contained page: it has no scripts and loads nothing.
struct HTMLReport {
    let report: Report

    var text: String {
        let page: HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(title): \(report.status.rawValue)</title>
            <style>
            \(HTMLStyle.sheet)
            </style>
            </head>
            <body>
            <main>
            \(header)\(nextSteps)\(tiles)\(sections)</main>
            <footer>\(report.program)</footer>
            </body>
            </html>

            """
        return page.text
    }

    private var sections: HTML {
        [
            rejections, differences, warnings, collections, graph, references, conversions, targetDifferences, excluded,
            facts,
        ].reduce(into: HTML()) { $0 += $1 }
    }

    // MARK: The top

    private var title: String {
        let database = report.database ?? ""
        switch report.operation {
        case .export: return database.isEmpty ? "Export" : "Export of \(database)"
        case .import:
            let what = report.isDryRun ? "Dry run of an import" : "Import"
            return database.isEmpty ? what : "\(what) into \(database)"
        case .verify:
            switch (report.file, report.database) {
            case (let file?, let database?): return "\(file) against \(database)"
            case (let file?, nil): return "Check of \(file)"
            default: return database.isEmpty ? "Check" : "Check of \(database)"
            }
        }
    }

    private var header: HTML {
        // The title of a check names its file, and that of an export what it is of.
        let file = report.operation == .import ? report.file : nil
        let subtitle = [file, report.source.map { "from \($0)" }].compactMap(\.self).joined(separator: ", ")
        return """
            <header>
            <p class="status \(tone)">\(report.status.rawValue)</p>
            <h1>\(title)</h1>
            <p class="verdict">\(verdict)</p>
            \(subtitle.isEmpty ? "" : "<p class=\"quiet\">\(subtitle)</p>" as HTML)
            </header>

            """
    }

    private var nextSteps: HTML {
        let steps = report.nextSteps
        guard !steps.isEmpty else { return "" }
        return
            "<section class=\"next\">\n<h2>What to do next</h2>\n<ul>\(steps.map { "<li>\(HTML(prose: $0))</li>" as HTML })</ul>\n</section>\n"
    }

    private var tiles: HTML {
        guard !report.collections.isEmpty else { return "" }
        let totals = report.totals
        var values: [(Int, String, String)] = [(totals.read, report.operation == .export ? "records" : "read", "")]
        if report.operation == .import {
            values += [
                (totals.inserted, "inserted", ""), (totals.updated, "updated", ""),
                (totals.unchanged, "unchanged", ""), (totals.deleted, "deleted", ""),
            ]
        }
        if report.operation != .export {
            values.append((report.rejectionCount, "rejected", report.rejectionCount > 0 ? "bad" : ""))
        }
        if !report.references.isEmpty {
            values.append((report.danglingCount, "dangling", report.danglingCount > 0 ? "bad" : ""))
        }
        let differences = report.differences.count(where: \.kind.isProblem)
        if differences > 0 { values.append((differences, "differences", "bad")) }
        let tiles = values.map { "<div class=\"\($0.2)\"><b>\($0.0)</b><span>\($0.1)</span></div>" as HTML }
        let seconds = Self.seconds(report.seconds)
        return "<section class=\"tiles\">\(tiles)<div><b>\(seconds)</b><span>seconds</span></div></section>\n"
    }

    // MARK: Sections

    private func section(_ title: String, _ note: HTML = "", _ content: HTML) -> HTML {
        let note: HTML = note.isEmpty ? "" : "<p class=\"quiet\">\(note)</p>\n"
        return "<section>\n<h2>\(title)</h2>\n\(note)\(content)</section>\n"
    }

    private var collections: HTML {
        guard !report.collections.isEmpty else { return "" }
        let columns = report.columns
        let isTimed = report.operation != .verify
        var table = HTMLTable(
            [.init(title: "collection")] + columns.map { .init(title: $0.title, isNumber: true) }
                + (isTimed
                    ? [.init(title: "seconds", isNumber: true), .init(title: "a second", isNumber: true)] : []))
        func add(_ outcome: CollectionOutcome, _ values: [Int], isTotal: Bool) {
            let dull = Set(values.indices.filter { $0 > 0 && values[$0] == 0 }.map { $0 + 1 })
            var cells = [HTML("\(outcome.name)")] + values.map { "\($0)" as HTML }
            if isTimed {
                cells += ["\(Self.seconds(outcome.seconds))", outcome.rate.map { "\($0)" } ?? ""]
            }
            table.add(cells, dull: dull, isTotal: isTotal)
        }
        for (place, outcome) in report.collections.enumerated() {
            add(outcome, columns.map { $0.counts[place] }, isTotal: false)
        }
        add(report.total, columns.map(\.total), isTotal: true)
        return section("Collections", "", table.html)
    }

    private var graph: HTML {
        guard let graph = report.graph, !graph.graph.references.isEmpty else { return "" }
        return section(
            "How the collections refer to each other", "",
            "<div class=\"graph\" tabindex=\"0\">\n\(svg: graph.drawn(as: .svg))</div>\n")
    }

    private var references: HTML {
        guard !report.references.isEmpty else { return "" }
        var table = HTMLTable([
            .init(title: "reference"), .init(title: "to"), .init(title: "checked", isNumber: true),
            .init(title: "dangling", isNumber: true), .init(title: "such as"),
        ])
        for reference in report.references.sorted(by: { ($0.dangling > 0 ? 0 : 1) < ($1.dangling > 0 ? 0 : 1) }) {
            let examples = reference.examples.map {
                "<div><code>\(Self.json($0.value))</code> in _id <code>\(Self.json($0.documentID))</code></div>" as HTML
            }
            let note = [
                reference.isOptional ? "optional" : nil, reference.isTargetMissing ? "does not exist" : nil,
                reference.unchecked > 0
                    ? "\(reference.unchecked.grouped) not checked: \(reference.reasonNotChecked)" : nil,
            ]
            .compactMap(\.self).joined(separator: ", ")
            let dangling: HTML =
                reference.dangling > 0 ? "<strong class=\"bad\">\(reference.dangling)</strong>" : "\(0)"
            table.add(
                [
                    "\(reference.collection).\(reference.path)",
                    "\(reference.target)\(note.isEmpty ? "" : " <span class=\"quiet\">(\(note))</span>" as HTML)",
                    "\(reference.checked)", dangling, "\(examples)",
                ],
                dull: reference.dangling > 0 ? [] : [3, 4])
        }
        return section("References", "Null and missing values are not counted.", table.html)
    }

    private var conversions: HTML {
        var table = HTMLTable([
            .init(title: "path"), .init(title: "to"), .init(title: "converted", isNumber: true),
            .init(title: "left", isNumber: true), .init(title: "because"),
        ])
        var notes: [HTML] = []
        if let conversions = report.conversions {
            for entry in conversions.entries {
                let dangling = entry.dangling?.count ?? 0
                let note: HTML = dangling > 0 ? " <strong class=\"bad\">\(dangling) exist nowhere</strong>" : ""
                table.add(
                    [
                        "\(entry.rule.collection).\(entry.rule.path.description)", "\(entry.rule.type.rawValue)",
                        "\(entry.converted)", "\(entry.left)", "\(entry.rule.reason.description)\(note)",
                    ], dull: entry.left == 0 ? [3] : [])
            }
            for note in conversions.conflicts + conversions.lookAlikes {
                notes.append("<li><b>\(note.collection).\(note.path.description)</b>: \(note.problem)</li>")
            }
        }
        guard !table.isEmpty || !notes.isEmpty else { return "" }
        let list: HTML = notes.isEmpty ? "" : "<ul>\(notes)</ul>\n"
        return section(
            "What was converted", "Strings of the old application's rows that became values of a type.",
            "\(table.isEmpty ? "" : table.html)\(list)")
    }

    private var differences: HTML {
        var table = HTMLTable([.init(title: "collection"), .init(title: "what"), .init(title: "detail")])
        for difference in report.differences where difference.kind != .target {
            let name = difference.collection.isEmpty ? report.file ?? "" : difference.collection
            table.add(["\(name)", "\(difference.kind.rawValue)", "\(difference.detail)"])
        }
        return table.isEmpty ? "" : section("Differences", "", table.html)
    }

    /// The differences in options and indexes from an import's plan.
    private var targetDifferences: HTML {
        var table = HTMLTable([.init(title: "collection"), .init(title: "detail")])
        for difference in report.differences where difference.kind == .target {
            table.add(["\(difference.collection)", "\(difference.detail)"])
        }
        return table.isEmpty ? "" : section("Where the database differed from the file before", "", table.html)
    }

    private var rejections: HTML {
        guard report.rejectionCount > 0 else { return "" }
        var table = HTMLTable([
            .init(title: "collection"), .init(title: "line", isNumber: true), .init(title: "_id"),
            .init(title: "reason"),
        ])
        for rejection in report.rejections {
            table.add(
                [
                    "\(rejection.collection ?? "")", "\(rejection.line.map { "\($0)" } ?? "")",
                    rejection.id.map { "<code>\($0.excerpt(100))</code>" } ?? "", "\(rejection.reason)",
                ])
        }
        let shown = report.rejections.count
        let note: HTML = shown < report.rejectionCount ? "The first \(shown) of \(report.rejectionCount)." : ""
        return section("Rejected rows", note, table.html)
    }

    private var warnings: HTML {
        let texts = report.allWarnings
        guard !texts.isEmpty else { return "" }
        return section("Warnings", "", "<ul>\(texts.map { "<li>\(HTML(prose: $0))</li>" as HTML })</ul>\n")
    }

    private var excluded: HTML {
        guard !report.excluded.isEmpty || !report.queries.isEmpty else { return "" }
        var table = HTMLTable([.init(title: "name"), .init(title: "why")])
        for exclusion in report.excluded { table.add(["\(exclusion.name)", "\(exclusion.reason)"]) }
        for query in report.queries {
            table.add(["\(query.name)", "documents that \(query.query.excerpt(200)) does not match"])
        }
        return section("Left out", "", table.html)
    }

    private var facts: HTML {
        let facts: [(String, String?)] = [
            ("file", report.file), ("database", report.database), ("server", report.server),
            ("source", report.source),
            ("mode", report.mode?.rawValue),
            ("consistency", report.consistency?.rawValue), ("snapshot", report.snapshot),
            ("size", report.bytes.map { "\(ByteText.text($0)), decompressed" }), ("SHA-256", report.sha256),
            ("rows as $rawBSON", report.escaped.flatMap { $0 > 0 ? $0.grouped : nil }),
            ("rows set aside", report.rejectsFile), ("started", report.started),
        ]
        let items = facts.compactMap { name, value in value.map { "<dt>\(name)</dt><dd>\($0)</dd>\n" as HTML } }
        return section("Details", "", "<dl>\n\(items)</dl>\n")
    }

    // MARK: Values

    private static func seconds(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\((tenths / 10).grouped).\(tenths % 10)"
    }

    private static func json(_ value: Value) -> String {
        JSONText.value(value).excerpt(120)
    }
}
