import BSON

/// What a file's rows of Extended JSON have where the old application's rows have nothing but dates. They are certain:
/// a string there was a string, whatever it looks like.
public struct DateWitness: Sendable {
    private struct Statement: Sendable {
        var walker: PathWalker
        /// Indexed by the number of the path; nil where the rows have other things than dates.
        var others: [Int?]
    }

    private var statements: [ExactName: Statement] = [:]

    /// Nothing to ask for.
    public init() {}

    init(_ collections: [ExactName: CollectionSurvey]) {
        // If there are too many paths, it is chance which are known.
        for (name, survey) in collections where !survey.walker.isFull {
            let others = survey.paths.map { $0.dateStrings > 0 && $0.dateStrings == $0.values ? 0 : nil as Int? }
            guard others.contains(0) else { continue }
            statements[name] = Statement(walker: survey.walker.closed(room: 0), others: others)
        }
    }

    /// Adds a row of Extended JSON.
    /// - Throws: `BSONError` where the document is damaged.
    public mutating func add(_ document: RawDocument, in collection: String) throws {
        let name = ExactName(collection)
        // Moved out for the walk, which mutates the walker.
        guard var statement = statements.removeValue(forKey: name) else { return }
        defer { statements[name] = statement }
        var others = statement.others
        try statement.walker.forEachValue(in: document) { number, element in
            guard number < others.count, let count = others[number] else { return }
            if ![.null, .undefined, .date].contains(element.type) { others[number] = count + 1 }
        }
        statement.others = others
    }

    /// The number of values that are no dates, by the number of the path.
    func others(in collection: ExactName) -> [Int] { statements[collection]?.others.map { $0 ?? 0 } ?? [] }
}
