import Relations

/// The page's style sheet: for desktop, phone and print, in light and dark mode.
enum HTMLStyle {
    static let sheet: HTML = """
        :root {
          color-scheme: light dark;
          --ground: #f3f5f7; --paper: #ffffff; --ink: #1d2733; --quiet: #5a6673; --rule: #dde2e7;
          --line: #5b6b7b; --good: #17693f; --good-ground: #dff3e7; --warn: #7a4d00; --warn-ground: #fdf0d2;
          --bad: #a81c1c; --bad-ground: #fbe3e1; --plan: #174f8c; --plan-ground: #e0edfa; --cycle: #b9661a;
        }
        @media screen and (prefers-color-scheme: dark) {
          :root {
            --ground: #11161b; --paper: #1a2129; --ink: #e4e9ee; --quiet: #9dabb8; --rule: #313b46;
            --line: #8b9bab; --good: #7fd3a5; --good-ground: #173a29; --warn: #f0c36d; --warn-ground: #40310f;
            --bad: #ff9a91; --bad-ground: #481f1d; --plan: #93c4f5; --plan-ground: #17324f; --cycle: #f0a04b;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; background: var(--ground); color: var(--ink);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
          -webkit-text-size-adjust: 100%; text-size-adjust: 100%;
        }
        main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem; }
        header { padding: 2rem 0 0.5rem; }
        h1 { font-size: 1.75rem; line-height: 1.25; margin: 0.6rem 0 0.4rem; overflow-wrap: anywhere; }
        h2 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 0.75rem; }
        p { margin: 0 0 0.5rem; }
        .verdict { font-size: 1.1rem; overflow-wrap: anywhere; white-space: pre-line; }
        .quiet, footer, dt { color: var(--quiet); }
        .quiet { font-size: 0.9rem; overflow-wrap: anywhere; }
        .status {
          display: inline-block; margin: 0; padding: 0.1rem 0.75rem; border-radius: 1rem; font-weight: 600;
          letter-spacing: 0.02em;
        }
        .status.good { background: var(--good-ground); color: var(--good); }
        .status.warn { background: var(--warn-ground); color: var(--warn); }
        .status.bad { background: var(--bad-ground); color: var(--bad); }
        .status.plan { background: var(--plan-ground); color: var(--plan); }
        section {
          margin: 1rem 0; padding: 1.1rem 1.25rem; background: var(--paper); border: 1px solid var(--rule);
          border-radius: 0.6rem;
        }
        .next { border-left: 0.35rem solid var(--warn); }
        ul { margin: 0; padding-left: 1.2rem; }
        li { margin: 0.2rem 0; overflow-wrap: anywhere; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: 0.75rem 1.25rem; }
        .tiles b {
          display: block; font-size: 1.5rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums;
        }
        .tiles span { color: var(--quiet); font-size: 0.9rem; }
        .bad b, strong.bad { color: var(--bad); }
        table { width: 100%; border-collapse: collapse; font-size: 0.95rem; }
        th { color: var(--quiet); font-weight: 500; font-size: 0.85rem; }
        th, td { padding: 0.4rem 0.5rem; vertical-align: top; border-bottom: 1px solid var(--rule); }
        th:first-child, td:first-child { padding-left: 0; }
        th:last-child, td:last-child { padding-right: 0; }
        tbody tr:last-child td { border-bottom: 0; }
        .t { text-align: left; overflow-wrap: anywhere; }
        .short { white-space: nowrap; }
        .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        td.dull { color: var(--quiet); opacity: 0.75; }
        tr.total td { font-weight: 600; border-top: 2px solid var(--rule); }
        code { font: 0.85em/1.4 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.25rem; margin: 0; font-size: 0.95rem; }
        dd { margin: 0; overflow-wrap: anywhere; }
        footer { padding-bottom: 2rem; font-size: 0.85rem; }
        .graph { overflow-x: auto; }
        .graph svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
        \(graphColours)
        @media screen and (max-width: 44rem) {
          main, footer { padding: 0 0.75rem; }
          header { padding-top: 1.25rem; }
          h1 { font-size: 1.4rem; }
          section { padding: 0.9rem; }
          .graph svg { max-width: none; }
          table, tbody { display: block; }
          thead { display: none; }
          tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.25rem; padding: 0.6rem 0; border-bottom: 1px solid var(--rule); }
          tbody tr:last-child { border-bottom: 0; }
          tr.total { border-top: 2px solid var(--rule); }
          tr td, tr.total td { display: flex; justify-content: space-between; gap: 0.75rem; border: 0; padding: 0.05rem 0; text-align: right; white-space: normal; }
          td::before { content: attr(data-head); color: var(--quiet); font-weight: 400; white-space: nowrap; }
          .short { white-space: normal; }
          td.t { grid-column: 1 / -1; }
          td.t:not(:first-child) { display: block; text-align: left; }
          td.t:not(:first-child)::before { margin-right: 0.5rem; }
          td:first-child { font-weight: 600; text-align: left; }
          td:first-child::before { content: none; }
          td.dull, td:empty { display: none !important; }
          dl { grid-template-columns: 1fr; gap: 0; }
          dd { margin-bottom: 0.5rem; }
        }
        @media print {
          @page { margin: 15mm; }
          body { background: #ffffff; font-size: 10pt; }
          main, footer { max-width: none; padding: 0; }
          header { padding-top: 0; }
          section { border: 0; border-radius: 0; padding: 0; margin: 1.2rem 0; background: none; }
          .next { border-left: 0.2rem solid var(--warn); padding-left: 0.75rem; }
          h2 { break-after: avoid; }
          thead { display: table-header-group; }
          tr, li, .tiles, .graph svg { break-inside: avoid; }
          .graph { overflow: visible; }
          .graph svg { max-height: 230mm; }
          .status { border: 1px solid; }
          th, td { font-size: 9pt; padding-top: 0.25rem; padding-bottom: 0.25rem; }
        }
        """

    /// The page's colours instead of the drawing's own, which are those of paper.
    private static let graphColours: HTML = {
        let colours = [
            (GraphColour.paper, "paper"), (GraphColour.text, "ink"), (GraphColour.quiet, "quiet"),
            (GraphColour.line, "line"), (GraphColour.cycle, "cycle"), (GraphColour.dangling, "bad"),
        ]
        func rules(_ attribute: String, _ colours: some Sequence<(String, String)>) -> [String] {
            colours.map { ".graph [\(attribute)=\"\($0)\"] { \(attribute): var(--\($1)); }" }
        }
        // Texts and paper have no strokes.
        let rules = rules("fill", colours) + rules("stroke", colours.dropFirst(3))
        return HTML(stringLiteral: rules.joined(separator: "\n"))
    }()
}
