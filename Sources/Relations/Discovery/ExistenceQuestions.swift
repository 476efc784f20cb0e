import BSON

/// Which of these values are `_id`s of documents in a collection?
public struct ExistenceQuestion: Sendable {
    public let collection: String
    /// Each once.
    public let ids: [Value]
}

/// Asks which values exist, as few and as short questions as will do.
///
/// First each path asks the collections that its name sounds like; then those not satisfied ask everywhere with a few
/// values; then, where one of these existed, with all.
struct ExistenceQuestions {
    private struct Question {
        let path: Int
        /// How many of the path's values to ask for.
        let count: Int
    }

    /// So many values and more are not held by questions that wait to be asked together.
    private static let valuesAtOnce = 50_000

    private let targets: [TargetProfile]
    /// Each different value once. Everything else goes by its number, since hashing values costs the most.
    private var values: [Value] = []
    private var classes: [IDClass] = []
    private var numbers: [Value: Int] = [:]
    /// By path, the numbers of its values.
    private var ofPath: [[Int]] = []
    /// By path, the numbers of the ObjectIds that its values spell as texts; -1 where one does not.
    private var textsOfPath: [[Int]] = []

    init(targets: [TargetProfile], paths: [PathEvidence]) {
        self.targets = targets
        for path in paths {
            ofPath.append(path.values.map { number(of: $0) })
            let spelled = path.mainClass == .string ? path.values.map(\.asObjectID) : []
            textsOfPath.append(
                spelled.contains { $0 != nil } ? spelled.map { $0.map { number(of: .objectID($0)) } ?? -1 } : [])
        }
    }

    private mutating func number(of value: Value) -> Int {
        if let known = numbers[value] { return known }
        numbers[value] = values.count
        values.append(value)
        classes.append(IDClass(value) ?? .string)
        return values.count - 1
    }

    func ask(_ paths: inout [PathEvidence], _ existing: ([ExistenceQuestion]) throws -> [Set<Value>]) throws {
        var questions = Array(repeating: [Question](), count: targets.count)
        for (path, evidence) in paths.enumerated() {
            for (target, likeness) in evidence.likeness where likeness >= .partial {
                questions[target].append(Question(path: path, count: evidence.count))
            }
        }
        try ask(questions, &paths, existing)

        let open = paths.indices.filter { path in
            !paths[path].likeness.contains { $1 == .same && paths[path].hitCount($0) == paths[path].count }
        }
        // Few values are asked for at once; of very many, a few each, so that the time stays bounded.
        let all = open.reduce(0) { $0 + paths[$1].count }
        let share = 20_000_000 / max(1, open.count * targets.count)
        let probe = all <= 5_000 ? Int.max : min(25, max(2, share))
        for target in targets.indices {
            questions[target] = open.filter { (paths[$0].likeness[target] ?? .none) < .partial }
                .map { Question(path: $0, count: min(probe, paths[$0].count)) }
        }
        try ask(questions, &paths, existing)

        for target in targets.indices {
            questions[target] = paths.indices.filter { path in
                paths[path].hits[target].map { $0.count < paths[path].count } ?? false
            }
            .map { Question(path: $0, count: paths[$0].count) }
        }
        try ask(questions, &paths, existing)
    }

    /// One question to each target that there is something to ask.
    private func ask(
        _ questions: [[Question]], _ paths: inout [PathEvidence],
        _ existing: ([ExistenceQuestion]) throws -> [Set<Value>]
    ) throws {
        var pending: [(target: Int, question: ExistenceQuestion)] = []
        var pendingValues = 0
        func send() throws {
            let answers = try existing(pending.map(\.question))
            for ((target, _), found) in zip(pending, answers) { take(found, from: target, questions[target], &paths) }
            pending = []
            pendingValues = 0
        }
        // By the number of the value: the target that it was asked of last.
        var asked = [Int](repeating: -1, count: values.count)
        for (target, profile) in targets.enumerated() where !profile.classes.isEmpty {
            let isClass = IDClass.allCases.map(profile.classes.contains)
            var wanted: [Value] = []
            for question in questions[target] where !isOwnKey(paths[question.path], profile) {
                for list in [ofPath[question.path], textsOfPath[question.path]] {
                    for number in list.prefix(question.count) where number >= 0 && asked[number] != target {
                        guard isClass[classes[number].rawValue] else { continue }
                        asked[number] = target
                        wanted.append(values[number])
                    }
                }
            }
            if wanted.isEmpty { continue }
            pendingValues += wanted.count
            pending.append((target, ExistenceQuestion(collection: profile.name, ids: wanted)))
            if pendingValues >= Self.valuesAtOnce { try send() }
        }
        if !pending.isEmpty { try send() }
    }

    /// Notes what a target answered.
    private func take(_ found: Set<Value>, from target: Int, _ questions: [Question], _ paths: inout [PathEvidence]) {
        let existing = Set(found.compactMap { numbers[IDClass.normalized($0)] })
        if existing.isEmpty { return }
        for question in questions where !isOwnKey(paths[question.path], targets[target]) {
            let hits = ofPath[question.path].prefix(question.count).map(existing.contains)
            let texts = textsOfPath[question.path].prefix(question.count).count(where: existing.contains)
            guard texts > 0 || hits.contains(true) else { continue }
            paths[question.path].hits[target] = hits
            paths[question.path].textHits[target] = texts
        }
    }

    private func isOwnKey(_ path: PathEvidence, _ target: TargetProfile) -> Bool {
        path.path == .id && path.collection.hasSameBytes(as: target.name)
    }
}

extension Value {
    /// The ObjectId that a text of 24 digits spells.
    fileprivate var asObjectID: ObjectID? { string.flatMap(ObjectID.init(hex:)) }
}
