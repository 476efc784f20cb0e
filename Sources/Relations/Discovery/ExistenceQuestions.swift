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
    /// By target, the path of its own keys, which says nothing about it.
    private let ownKeys: [Int?]

    init(targets: [TargetProfile], paths: [PathEvidence]) {
        self.targets = targets
        ownKeys = PathEvidence.keys(of: targets, in: paths)
        numbers.reserveCapacity(paths.reduce(0) { $0 + $1.count })
        for path in paths {
            ofPath.append(path.values.map { number(of: $0) })
            let spelled = path.mainClass == .string ? path.values.map(\.spelledObjectID) : []
            textsOfPath.append(
                spelled.contains { $0 != nil } ? spelled.map { $0.map { number(of: .objectID($0)) } ?? -1 } : [])
        }
    }

    private mutating func number(of value: Value) -> Int {
        let next = values.count
        // Handing it over to be changed puts it in where it is new: one look for both.
        func kept(_ number: inout Int) -> Int { number }
        let number = kept(&numbers[value, default: next])
        if number == next {
            values.append(value)
            classes.append(IDClass(value) ?? .string)
        }
        return number
    }

    func ask(_ paths: inout [PathEvidence], _ existing: ([ExistenceQuestion]) throws -> [Set<Value>]) throws {
        var named = Array(repeating: [Question](), count: targets.count)
        for (path, evidence) in paths.enumerated() {
            for (target, likeness) in evidence.likeness where likeness >= .partial {
                named[target].append(Question(path: path, count: evidence.count))
            }
        }
        try ask(&paths, existing) { target, _ in named[target] }

        let open = paths.indices.filter { path in
            !paths[path].likeness.contains { $1 == .same && paths[path].hitCount($0) == paths[path].count }
        }
        // Few values are asked for at once; of many, some of each path, and of very many fewer, so that the time stays
        // bounded.
        let all = open.reduce(0) { $0 + paths[$1].count } * targets.count
        let share = 20_000_000 / max(1, open.count * targets.count)
        let probe = all <= 5_000 ? Int.max : min(25, max(2, share))
        try ask(&paths, existing) { target, paths in
            open.filter { (paths[$0].likeness[target] ?? .none) < .partial }
                .map { Question(path: $0, count: min(probe, paths[$0].count)) }
        }

        try ask(&paths, existing) { target, paths in
            paths.indices.filter { path in paths[path].hits[target].map { $0.asked < paths[path].count } ?? false }
                .map { Question(path: $0, count: paths[$0].count) }
        }
    }

    /// One question to each target that there is something to ask.
    /// - Parameter questions: what to ask a target. Made when it is its turn: for all of them at once they would take the
    ///   square of the number of collections.
    private func ask(
        _ paths: inout [PathEvidence], _ existing: ([ExistenceQuestion]) throws -> [Set<Value>],
        _ questions: (_ target: Int, _ paths: [PathEvidence]) -> [Question]
    ) throws {
        var pending: [(target: Int, parts: [Question], question: ExistenceQuestion)] = []
        var pendingValues = 0
        // By the number of the value: the target in which it was found last.
        var found = [Int](repeating: -1, count: values.count)
        func send() throws {
            let answers = try existing(pending.map(\.question))
            for ((target, parts, _), ids) in zip(pending, answers) where !ids.isEmpty {
                for id in ids { if let number = numbers[IDClass.normalized(id)] { found[number] = target } }
                take(from: target, parts, &paths) { $0 >= 0 && found[$0] == target }
            }
            pending = []
            pendingValues = 0
        }
        // By the number of the value: the target that it was asked of last.
        var asked = [Int](repeating: -1, count: values.count)
        for (target, profile) in targets.enumerated() where !profile.classes.isEmpty {
            let isClass = IDClass.allCases.map(profile.classes.contains)
            var wanted: [Value] = []
            let parts = questions(target, paths).filter { $0.path != ownKeys[target] }
            for question in parts {
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
            pending.append((target, parts, ExistenceQuestion(collection: profile.name, ids: wanted)))
            if pendingValues >= Self.valuesAtOnce { try send() }
        }
        if !pending.isEmpty { try send() }
    }

    /// Notes what a target answered.
    /// - Parameter exists: whether the value of that number is an `_id` there.
    private func take(
        from target: Int, _ questions: [Question], _ paths: inout [PathEvidence], exists: (Int) -> Bool
    ) {
        for question in questions {
            let hits = Hits(ofPath[question.path].prefix(question.count).map(exists))
            let texts = textsOfPath[question.path].prefix(question.count).count(where: exists)
            guard texts > 0 || hits.count > 0 else { continue }
            paths[question.path].hits.note(hits, in: target)
            paths[question.path].textHits[target] = texts > 0 ? texts : nil
        }
    }
}

extension Value {
    /// The ObjectId that a text of 24 digits spells.
    var spelledObjectID: ObjectID? { string.flatMap(ObjectID.init(hex:)) }
}
