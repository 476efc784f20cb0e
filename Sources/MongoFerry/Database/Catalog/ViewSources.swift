import BSON
import Relations

/// The sources that views read. Source: MongoDB manual, `db.createView`, `$lookup`, `$graphLookup`, `$unionWith` and
/// `$facet`.
struct ViewSources {
    private struct View {
        let name: String
        let sources: Set<ExactName>
        let collation: Document?
    }

    private let views: [ExactName: View]
    /// Sorted.
    private let names: [ExactName]

    /// - Parameter views: the views with their options as `listCollections` returns them; of two with one name, the
    ///   later counts.
    init(_ views: [(name: String, options: Document)]) {
        let all = views.map { name, options in
            View(name: name, sources: Self.sources(of: options), collation: Self.collation(of: options))
        }
        self.views = Dictionary(all.map { (ExactName($0.name), $0) }) { $1 }
        names = self.views.keys.sorted()
    }

    /// Why a server would refuse the view under its own name, though not under another; nil if it would accept it.
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
                return "the view \(other.name.oneLine), which stands on it, has another collation"
            }
            if view.sources.contains(ExactName(other.name)) {
                return "the view \(other.name.oneLine), on which it stands, has another collation"
            }
        }
        return nil
    }

    /// The collations of the views that a view reads directly, whatever its own name; nil stands for no collation.
    func collations(below view: Document) -> Set<Document?> {
        Set(Self.sources(of: view).compactMap { views[$0] }.map(\.collation))
    }

    /// Whether `other` reads the view called `name` and has another collation than `view`, which no server allows.
    static func isInTheWay(_ other: Document, of view: Document, _ name: ExactName) -> Bool {
        collation(of: other) != collation(of: view) && sources(of: other).contains(name)
    }

    /// The collation without `version`, which each server fills in with its own.
    private static func collation(of view: Document) -> Document? {
        view["collation"]?.document?.removing(["version"])
    }

    /// The names of what the view reads, including its pipeline stages.
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
