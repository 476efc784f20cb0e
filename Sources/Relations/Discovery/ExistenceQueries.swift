import BSON

/// Asks which of these values are `_id`s of documents in a collection.
public struct ExistenceQuery: Sendable {
    public let collection: String
    /// Without duplicates.
    public let ids: [Value]
}

/// Asks which values exist, with as few and as short queries as possible.
///
/// First each path asks the collections that its name sounds like. Those still open then ask everywhere with a few
/// values, and finally with all values where some existed.
struct ExistenceQueries {
    private struct Query {
        let path: Int
        /// The number of the path's values to ask for.
        let count: Int
    }

    /// Questions are collected to be asked together until they have this many values, or are of this many paths.
    private static let valuesAtOnce = 50_000
    private static let pathsAtOnce = 500_000

    private let targets: [TargetProfile]
    /// The distinct values. Everything else refers to them by number, since hashing values costs the most.
    private var values: [Value] = []
    private var classes: [IDClass] = []
    private var numbers: [Value: Int] = [:]
    /// For each path, the numbers of its values.
    private var ofPath: [[Int]] = []
    /// For each path, the numbers of the ObjectIds that its values spell as strings; -1 where one does not.
    private var textsOfPath: [[Int]] = []
    /// For each target, the path of its own keys, which proves nothing about it.
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
        // Passing the entry `inout` inserts it if it is new: one lookup does both.
        func kept(_ number: inout Int) -> Int { number }
        let number = kept(&numbers[value, default: next])
        if number == next {
            values.append(value)
            classes.append(IDClass(value) ?? .string)
        }
        return number
    }

    func ask(_ paths: inout [PathEvidence], _ existing: ([ExistenceQuery]) throws -> [Set<Value>]) throws {
        var named = Array(repeating: [Query](), count: targets.count)
        for (path, evidence) in paths.enumerated() {
            for (target, likeness) in evidence.likeness where likeness >= .partial {
                named[target].append(Query(path: path, count: evidence.count))
            }
        }
        try ask(&paths, existing) { target, _ in named[target] }

        let open = paths.indices.filter { path in
            !paths[path].likeness.contains { $1 == .same && paths[path].hitCount($0) == paths[path].count }
        }
        // If there are few values in all, all are asked for at once. Otherwise some of each path, and the fewer the
        // more paths and targets there are, so that the time stays bounded.
        let all = open.reduce(0) { $0 + paths[$1].count } * targets.count
        let share = 20_000_000 / max(1, open.count * targets.count)
        let probe = all <= 5_000 ? Int.max : min(25, max(2, share))
        let questions = open.map { Query(path: $0, count: min(probe, paths[$0].count)) }
        // Indexed by the path: the last target that it was asked by name.
        var asked = [Int](repeating: -1, count: paths.count)
        try ask(&paths, existing) { target, _ in
            for query in named[target] { asked[query.path] = target }
            return questions.filter { asked[$0.path] != target }
        }

        // Of most paths nothing exists anywhere.
        let hopeful = paths.indices.filter { path in paths[path].hits.contains { $0.asked < paths[path].count } }
        try ask(&paths, existing) { target, paths in
            hopeful.filter { path in paths[path].hits[target].map { $0.asked < paths[path].count } ?? false }
                .map { Query(path: $0, count: paths[$0].count) }
        }
    }

    /// Asks each target one query, unless there is nothing to ask.
    /// - Parameter queries: what to ask a target. Made one target at a time: for all at once they would take memory
    ///   proportional to the square of the number of collections.
    private func ask(
        _ paths: inout [PathEvidence], _ existing: ([ExistenceQuery]) throws -> [Set<Value>],
        _ queries: (_ target: Int, _ paths: [PathEvidence]) -> [Query]
    ) throws {
        var pending: [(target: Int, parts: [Query], query: ExistenceQuery)] = []
        var (pendingValues, pendingPaths) = (0, 0)
        // Indexed by the number of the value: the last target in which it was found.
        var found = [Int](repeating: -1, count: values.count)
        func send() throws {
            let answers = try existing(pending.map(\.query))
            for ((target, parts, _), ids) in zip(pending, answers) where !ids.isEmpty {
                for id in ids { if let number = numbers[IDClass.normalized(id)] { found[number] = target } }
                take(from: target, parts, &paths) { $0 >= 0 && found[$0] == target }
            }
            pending = []
            (pendingValues, pendingPaths) = (0, 0)
        }
        // Indexed by the number of the value: the last target asked for it.
        var asked = [Int](repeating: -1, count: values.count)
        for (target, profile) in targets.enumerated() where !profile.classes.isEmpty {
            let isClass = IDClass.allCases.map(profile.classes.contains)
            var wanted: [Value] = []
            let parts = queries(target, paths).filter { $0.path != ownKeys[target] }
            func want(_ numbers: [Int], _ count: Int) {
                for number in numbers.prefix(count) where number >= 0 && asked[number] != target {
                    guard isClass[classes[number].rawValue] else { continue }
                    asked[number] = target
                    wanted.append(values[number])
                }
            }
            for query in parts {
                want(ofPath[query.path], query.count)
                want(textsOfPath[query.path], query.count)
            }
            if wanted.isEmpty { continue }
            pendingValues += wanted.count
            pendingPaths += parts.count
            pending.append((target, parts, ExistenceQuery(collection: profile.name, ids: wanted)))
            if pendingValues >= Self.valuesAtOnce || pendingPaths >= Self.pathsAtOnce { try send() }
        }
        if !pending.isEmpty { try send() }
    }

    /// Records a target's answer.
    /// - Parameter exists: whether the value of that number is an `_id` there.
    private func take(
        from target: Int, _ queries: [Query], _ paths: inout [PathEvidence], exists: (Int) -> Bool
    ) {
        for query in queries {
            let hits = Hits(ofPath[query.path].prefix(query.count).map(exists))
            let texts = textsOfPath[query.path].prefix(query.count).count(where: exists)
            guard texts > 0 || hits.count > 0 else { continue }
            paths[query.path].hits.note(hits, in: target)
            paths[query.path].textHits[target] = texts > 0 ? texts : nil
        }
    }
}

extension Value {
    /// The ObjectId that a string of 24 hexadecimal digits spells.
    var spelledObjectID: ObjectID? { string.flatMap(ObjectID.init(hex:)) }
}
