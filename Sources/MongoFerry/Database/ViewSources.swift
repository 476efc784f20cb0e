import BSON
import Relations

/// What views stand on. Source: MongoDB manual, `db.createView`, `$lookup`, `$graphLookup`, `$unionWith` and `$facet`.
struct ViewSources {
    private struct View {
        let name: String
        let sources: Set<ExactName>
        let collation: Document?
    }

    private let views: [ExactName: View]
    /// Sorted.
    private let names: [ExactName]

    /// - Parameter views: each with its options, as `listCollections` gives them; of two with one name the later counts.
    init(_ views: [(name: String, options: Document)]) {
        let all = views.map { name, options in
            View(name: name, sources: Self.sources(of: options), collation: Self.collation(of: options))
        }
        self.views = Dictionary(all.map { (ExactName($0.name), $0) }) { $1 }
        names = self.views.keys.sorted()
    }

    /// Why no server takes one of the views under its own name, while it would under another; nil where it does.
    func conflict(of name: String) -> String? {
        let name = ExactName(name)
        guard let view = views[name] else { return nil }
        var seen: Set<ExactName> = []
        var waiting = Array(view.sources)
        while let source = waiting.popLast() {
            if source == name { return "it would stand on itself" }
            guard seen.insert(source).inserted, let next = views[source] else { continue }
            waiting += next.sources
        }
        for other in names.lazy.compactMap({ views[$0] }) where other.collation != view.collation {
            if other.sources.contains(name) {
                return "the view \(other.name), which stands on it, has another collation"
            }
            if view.sources.contains(ExactName(other.name)) {
                return "the view \(other.name), on which it stands, has another collation"
            }
        }
        return nil
    }

    /// The collations of the views that a view stands on, by whatever name it has itself; nil for none.
    func collations(below view: Document) -> Set<Document?> {
        Set(Self.sources(of: view).compactMap { views[$0] }.map(\.collation))
    }

    /// Whether a view stands on the one of that name, which no server gives another collation then.
    static func isInTheWay(_ other: Document, of view: Document, _ name: ExactName) -> Bool {
        collation(of: other) != collation(of: view) && sources(of: other).contains(name)
    }

    /// Servers complete it, each with its version.
    private static func collation(of view: Document) -> Document? {
        view["collation"]?.document?.removing(["version"])
    }

    /// The names of what it reads, in its stages too.
    static func sources(of view: Document) -> Set<ExactName> {
        var sources: Set<ExactName> = []
        if let source = view["viewOn"]?.string { sources.insert(ExactName(source)) }
        collect(view["pipeline"], into: &sources)
        return sources
    }

    private static func collect(_ pipeline: Value?, into sources: inout Set<ExactName>) {
        for stage in pipeline?.array ?? [] {
            for (key, value) in stage.document?.elements ?? [] {
                switch key {
                case "$lookup", "$graphLookup", "$unionWith":
                    let inner = value.document
                    let source = value.string ?? inner?[key == "$unionWith" ? "coll" : "from"]?.string
                    if let source { sources.insert(ExactName(source)) }
                    collect(inner?["pipeline"], into: &sources)
                case "$facet":
                    for (_, pipeline) in value.document?.elements ?? [] { collect(pipeline, into: &sources) }
                default: break
                }
            }
        }
    }
}
