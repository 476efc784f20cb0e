import Relations

extension Report {
    /// Draws the report's collections and the references from them, with the numbers of dangling values.
    func drawing(_ references: [Reference]) -> GraphDrawing {
        // Names and paths that merely look the same are different.
        func place(_ collection: String, _ path: String) -> ExactName { ExactName("\(collection)\u{0}\(path)") }
        func place(_ reference: Reference) -> ExactName { place(reference.collection, reference.path.description) }
        let outcomes = Dictionary(grouping: self.references) { place($0.collection, $0.path) }
        func count(_ reference: Reference) -> Int {
            outcomes[place(reference)]?.first {
                $0.condition == reference.condition?.description
                    && (reference.condition == nil || $0.target == reference.targetDescription)
            }?.dangling ?? 0
        }
        let dangling = Dictionary(references.map { ($0, count($0)) }, uniquingKeysWith: { first, _ in first })
        let names = collections.map(\.name)
        let started = references.filter { names.contains($0.collection) }
        // A target that was not examined itself may exist nevertheless.
        let missing = Set(self.references.filter(\.isTargetMissing).map { place($0.collection, $0.path) })
        let present = started.filter { !missing.contains(place($0)) }.map(\.target)
        let others = Set(present).subtracting(names).sorted()
        return GraphDrawing(
            ReferenceGraph(collections: names + others, references: started),
            records: Dictionary(collections.map { ($0.name, $0.read) }, uniquingKeysWith: { first, _ in first }),
            dangling: dangling)
    }
}
