/// Draws a reference graph: collections with their record counts, references with path and cardinality, cycles, and
/// targets that are missing or left out. The same graph always gives the same text.
public struct GraphDrawing: Sendable {
    public enum Format: String, CaseIterable, Sendable {
        case text
        case json
        case mermaid
        case dot
        case svg
    }

    public let graph: ReferenceGraph
    private let records: [ExactName: Int]
    private let dangling: [Reference: Int]
    private let leftOut: Set<ExactName>

    /// Why a target of references is not among the collections.
    enum Absence: String {
        case missing
        /// The collection exists, but the user excluded it.
        case leftOut = "left out"
    }

    /// - Parameters:
    ///   - records: the number of records in each collection, as far as it is known.
    ///   - dangling: the number of dangling values of each reference, after a verify.
    ///   - leftOut: collections that exist, but that the user excluded from the graph.
    public init(
        _ graph: ReferenceGraph, records: [String: Int] = [:], dangling: [Reference: Int] = [:],
        leftOut: [String] = []
    ) {
        self.graph = graph
        self.leftOut = Set(leftOut.map { ExactName($0) })
        self.dangling = dangling
        self.records = Dictionary(records.map { (ExactName($0), $1) }) { first, _ in first }
    }

    /// The drawing, ending in a line break.
    public func drawn(as format: Format) -> String {
        switch format {
        case .text: TextDrawing(drawing: self).text
        case .json: JSONDrawing(drawing: self).text
        case .mermaid: MermaidDrawing(drawing: self).text
        case .dot: DOTDrawing(drawing: self).text
        case .svg: SVGDrawing(drawing: self).text
        }
    }

    func danglingCount(of reference: Reference) -> Int { dangling[reference] ?? 0 }

    var hasDangling: Bool { !absentCollections(.missing).isEmpty || dangling.values.contains { $0 > 0 } }

    func recordCount(of collection: String) -> Int? { records[ExactName(collection)] }

    /// "4 records"; nil if the number is unknown.
    func records(of collection: String) -> String? {
        recordCount(of: collection).map { $0.counted("record") }
    }

    /// Why the target is not in the graph; nil if it is.
    func absence(of reference: Reference) -> Absence? {
        graph.group(of: reference.target) == nil ? absence(of: reference.target) : nil
    }

    private func absence(of collection: String) -> Absence {
        leftOut.contains(ExactName(collection)) ? .leftOut : .missing
    }

    /// The names of reference targets that are not in the graph, without duplicates, in name order; only those of one
    /// kind if `kind` is given.
    func absentCollections(_ kind: Absence? = nil) -> [(name: String, absence: Absence)] {
        Set(graph.missingTargets.map { ExactName($0.target) }).sorted().map { ($0.text, absence(of: $0.text)) }
            .filter { kind == nil || $0.absence == kind }
    }

    /// The path with notes on the reference: "vehicles[].id (many, optional)".
    func label(of reference: Reference) -> String {
        var notes: [String] = []
        if reference.isMany { notes.append("many") }
        if reference.isOptional { notes.append("optional") }
        if let condition = reference.condition { notes.append("where \(condition)") }
        let path = reference.path.description + (reference.targetPath == .id ? "" : " = \(reference.targetPath)")
        return notes.isEmpty ? path : "\(path) (\(notes.joined(separator: ", ")))"
    }
}
