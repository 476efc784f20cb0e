/// Shows a reference graph: collections with their records, references with path and cardinality, cycles, and targets
/// that are missing. The same graph gives the same text every time.
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

    /// - Parameters:
    ///   - records: how many each collection has, as far as it is known.
    ///   - dangling: how many values of a reference lead nowhere, after a verify.
    public init(_ graph: ReferenceGraph, records: [String: Int] = [:], dangling: [Reference: Int] = [:]) {
        self.graph = graph
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

    var hasDangling: Bool { !graph.missingTargets.isEmpty || dangling.values.contains { $0 > 0 } }

    func recordCount(of collection: String) -> Int? { records[ExactName(collection)] }

    /// "4 records"; nil where it is not known.
    func records(of collection: String) -> String? {
        recordCount(of: collection).map { $0.counted("record") }
    }

    func isMissing(_ reference: Reference) -> Bool { graph.group(of: reference.target) == nil }

    /// Names of collections that references lead to and that are not there, each once in name order.
    var missingCollections: [String] {
        Set(graph.missingTargets.map { ExactName($0.target) }).sorted().map(\.text)
    }

    /// The path, with what it says beyond a name: "vehicles[].id (many, optional)".
    func label(of reference: Reference) -> String {
        var notes: [String] = []
        if reference.isMany { notes.append("many") }
        if reference.isOptional { notes.append("optional") }
        if let condition = reference.condition { notes.append("where \(condition)") }
        let path = reference.path.description + (reference.targetPath == .id ? "" : " = \(reference.targetPath)")
        return notes.isEmpty ? path : "\(path) (\(notes.joined(separator: ", ")))"
    }
}
