import BSON

/// Goes through the paths of a file and records what becomes of each.
struct LegacyResolver {
    let collections: [ExactName: CollectionSurvey]
    let configuration: Configuration
    let authority: TypeAuthority
    let infers: Bool
    let databaseCollections: [String]
    let shownName: (String) -> String?
    let idsInFile: ((_ collection: String, _ ids: [ObjectID]) -> [Int])?
    private let idsByCollection: [(name: String, ids: IDSample)]

    init(
        collections: [ExactName: CollectionSurvey], configuration: Configuration,
        liveTypes: [String: [FieldPath: ObservedType]], liveDetails: [String: LiveDetails],
        liveTextIDs: Set<String>, infers: Bool, databaseCollections: [String],
        shownName: @escaping (String) -> String?, idsInFile: ((_ collection: String, _ ids: [ObjectID]) -> [Int])?
    ) {
        self.collections = collections
        self.configuration = configuration
        authority = TypeAuthority(
            collections: collections, configuration: configuration,
            liveTypes: Dictionary(liveTypes.map { (ExactName($0), $1) }) { first, _ in first },
            liveDetails: Dictionary(liveDetails.map { (ExactName($0), $1) }) { first, _ in first },
            liveTextIDs: Set(liveTextIDs.map { ExactName($0) }), infers: infers)
        self.infers = infers
        self.shownName = shownName
        self.idsInFile = idsInFile
        self.databaseCollections = databaseCollections.sorted { $0.precedes($1) }
        // Where the configuration gives `_id` another type, no ObjectId can be one of them.
        idsByCollection = collections.sorted { $0.key < $1.key }
            .filter { [nil, .objectId].contains(configuration.type(of: .id, in: $0.key.text)) }
            .map { ($0.key.text, $0.value.ids) }
    }

    /// The number of waiting ids at which they are searched for together. The last path may exceed it.
    private static let idsAtOnce = 100_000

    func resolve(
        _ existsInDatabase: (String, [ObjectID]) throws -> Set<ObjectID>
    ) throws -> LegacyResolution {
        var draft = Draft(rules: configuration.collections.flatMap(authority.configuredTypes))
        let uuids = authority.collectionsOfUUIDs
        for (name, survey) in collections.sorted(by: { $0.key < $1.key }) {
            for (path, number) in survey.named {
                let place = Place(collection: name, path: path, seen: survey.paths[number])
                let decision = decide(place, &draft)
                guard infers, !survey.walker.isFull, survey.rows > 0 else { continue }
                if let search = infer(place, decision, uuids, &draft) { draft.wait(for: search) }
                if draft.waitingIDs >= Self.idsAtOnce { try searchAll(existsInDatabase, &draft) }
            }
            if infers { resolveCrowds(survey, name, &draft) }
        }
        try searchAll(existsInDatabase, &draft)
        // The references' remaining rules: for paths that were not surveyed.
        draft.rules += configuration.collections.flatMap { entry in
            Set(entry.references.map(\.path)).compactMap { authority.referenceRule(entry.name, $0)?.rule }
        }
        draft.absentTypes = configuration.collections.flatMap { absent($0.types.keys.sorted(), of: $0) }
        draft.absentReferences = configuration.collections.flatMap {
            absent(Set($0.references.map(\.path)).sorted(), of: $0)
        }
        return draft.resolution
    }

    /// Records what becomes of paths that were not surveyed because there are too many different names.
    private func resolveCrowds(_ survey: CollectionSurvey, _ name: ExactName, _ draft: inout Draft) {
        guard !survey.walker.isFull else {
            draft.crowded.append(name.text)
            draft.rules += authority.liveRules(name)
            return
        }
        for path in survey.walker.crowdedPaths {
            let rules = authority.liveRules(name, below: path)
            draft.rules += rules
            let doubt = authority.doubt(of: name, below: path, rules)
            let others =
                rules.isEmpty
                ? "stays as it is" : "becomes what the live documents have at the same path, or else stays as it is"
            let problem =
                "more than \(survey.walker.maximumNames.grouped) different names stand here: what is below them "
                + "\(others), unless the config's types name it\(doubt.map { "; \($0)" } ?? "")"
            draft.conflicts.append(
                .init(collection: name.text, path: path, problem: problem, isDoubt: doubt != nil))
        }
    }

    /// Records what needs no other documents: what the configuration, the live documents or the path itself say.
    private func decide(_ place: Place, _ draft: inout Draft) -> TypeAuthority.Decision {
        let (name, path, seen) = (place.collection, place.path, place.seen)
        let decision = authority.decide(name.text, path, seen)
        if case .rule(let rule) = decision, !rule.isStrict { draft.rules.append(rule) }
        if let rule = authority.numberRule(name.text, path, seen, decision) { draft.rules.append(rule) }
        if path == .id, authority.changesLiveIDs(of: name) {
            draft.lookAlikes.append(
                .init(collection: name.text, path: path, problem: seen.textOfChangedKeys, isDoubt: true))
        }
        return decision
    }

    /// Records what the values of a path suggest.
    /// - Parameter uuids: the collections whose `_id`s are UUIDs.
    /// - Returns: the search for documents that the values name; nil if none is needed.
    private func infer(
        _ place: Place, _ decision: TypeAuthority.Decision, _ uuids: [(name: String, keys: DistinctCounter)],
        _ draft: inout Draft
    ) -> WaitingSearch? {
        let (name, path, seen) = (place.collection, place.path, place.seen)
        if case .open = decision {
            if let problem = seen.dateConflict {
                draft.conflicts.append(.init(collection: name.text, path: path, problem: problem))
            }
            if let rule = authority.dateRule(name.text, path, seen) { draft.rules.append(rule) }
            switch authority.keysOfUUIDs(name.text, path, seen, uuids) {
            case .majority(let rule, let reference):
                draft.rules.append(rule)
                draft.references.append(reference)
                return nil
            case .minority(let problem):
                draft.lookAlikes.append(.init(collection: name.text, path: path, problem: problem))
            case nil: break
            }
        }
        if let problem = authority.problem(ofNumbers: path, in: name, seen, decision) {
            draft.lookAlikes.append(.init(collection: name.text, path: path, problem: problem, isDoubt: true))
        }
        let lookAlike = lookAlike(place, decision)
        guard path != .id, seen.ids.distinctCount > 0, let purpose = authority.purpose(of: decision) else {
            if let lookAlike { draft.lookAlikes.append(lookAlike) }
            return nil
        }
        let search = IDSearch(
            path: path, collection: name.text, survey: seen, file: idsByCollection, purpose: purpose,
            idsInFile: idsInFile)
        return WaitingSearch(search: search, seen: seen, lookAlike: lookAlike)
    }

    /// The problem of a path whose values look like those of another type, or do not fit the live documents' type.
    private func lookAlike(_ place: Place, _ decision: TypeAuthority.Decision) -> LegacyResolution.Conflict? {
        let (name, path, seen) = (place.collection, place.path, place.seen)
        let besideLive = authority.liveTypes[name]?[path].flatMap { seen.problem(beside: $0, decision) }
        let problem =
            besideLive?.text ?? authority.problem(ofReference: path, in: name.text, seen, decision)
            ?? seen.problem(ofPacked: decision)
        return problem.map {
            .init(collection: name.text, path: path, problem: $0, isDoubt: besideLive?.isDoubt ?? false)
        }
    }

    /// Looks for the documents that the waiting paths' ids name.
    private func searchAll(
        _ existsInDatabase: (String, [ObjectID]) throws -> Set<ObjectID>, _ draft: inout Draft
    ) throws {
        let waiting = draft.takeWaiting()
        var searches = waiting.map(\.search)
        // The closure does not outlive this call.
        try withoutActuallyEscaping(existsInDatabase) {
            try IDQueries(names: databaseCollections, shownName: shownName, existsInDatabase: $0).ask(&searches)
        }
        for (search, waiting) in zip(searches, waiting) { take(search, waiting.seen, waiting.lookAlike, into: &draft) }
    }

    /// Records what was found out about the ids at one path.
    /// - Parameter lookAlike: the problem to report; a confirmed doubt is added to it.
    private func take(
        _ search: IDSearch, _ seen: PathSurvey, _ lookAlike: LegacyResolution.Conflict?, into draft: inout Draft
    ) {
        let (name, path, found) = (search.collection, search.path, search.findings)
        if var lookAlike {
            if search.purpose == .doubt, found.isMost {
                lookAlike.problem += "; " + search.textOfDoubt(found)
                lookAlike.isDoubt = true
                // These strings would then no longer refer to anything.
                draft.references += found.references.filter { authority.changesLiveIDs(of: ExactName($0.target)) }
            }
            draft.lookAlikes.append(lookAlike)
        }
        if search.purpose == .doubt { return }
        guard found.isMost else {
            guard search.purpose == .type else { return }
            // Embedded documents have `_id`s of their own, which are in no collection.
            if path.steps.last == .field("_id"), !path.isInID, seen.hexStrings == seen.values {
                let evidence = "\(seen.values.grouped) of \(seen.values.grouped) values of an '_id' have 24 hex digits"
                draft.rules.append(TypeRule(collection: name, path: path, type: .objectId, reason: .inferred(evidence)))
            } else {
                // Then a merge writes strings in place of what may be ObjectIds.
                let isDoubt = authority.liveTypes[ExactName(name)]?[path]?.isUndecided ?? false
                let others = isDoubt ? "; the live documents have values of several types there" : ""
                let problem =
                    "\(seen.hexStrings.counted("value of 24 hex digits stays a string", "values of 24 hex digits stay strings")): \(found.shortfall)\(others)"
                draft.lookAlikes.append(.init(collection: name, path: path, problem: problem, isDoubt: isDoubt))
            }
            return
        }
        if search.purpose == .type {
            draft.rules.append(
                TypeRule(collection: name, path: path, type: .objectId, reason: .inferred(found.evidence)))
            if let missing = found.dangling { draft.dangling.append(missing) }
        }
        if authority.references(name, path).isEmpty {
            draft.references += found.references
        }
    }

    /// Those paths of the configuration that no row has, if the collection has rows and all paths were surveyed.
    private func absent(_ paths: [FieldPath], of entry: Configuration.Collection) -> [LegacyResolution.Conflict] {
        guard !paths.isEmpty, let survey = collections[ExactName(entry.name)], survey.rows > 0,
            !survey.walker.isFull, survey.walker.crowdedPaths.isEmpty
        else { return [] }
        let seen = survey.named.map(\.path)
        let known = Set(seen.flatMap { path in path.steps.indices.map { FieldPath(steps: Array(path.steps[...$0])) } })
        return paths.filter { !known.contains($0) }.enumerated().map { number, path in
            // Looking for a similar name takes long, and nobody reads that many.
            let question =
                number < Self.mostQuestions
                ? NearestName.question(path.description, among: seen.map(\.description)) : ""
            return .init(collection: entry.name, path: path, problem: "no row has it" + question)
        }
    }

    private static let mostQuestions = 20
}

/// One path of a collection, and what the rows have there.
private struct Place {
    let collection: ExactName
    let path: FieldPath
    let seen: PathSurvey
}

/// A search for the documents that the ids at one path name.
private struct WaitingSearch {
    let search: IDSearch
    let seen: PathSurvey
    /// The problem to report, whatever is found.
    let lookAlike: LegacyResolution.Conflict?
}

/// A ``LegacyResolution`` under construction.
private struct Draft {
    var rules: [TypeRule]
    var references: [Reference] = []
    var conflicts: [LegacyResolution.Conflict] = []
    var lookAlikes: [LegacyResolution.Conflict] = []
    var dangling: [LegacyResolution.Dangling] = []
    var absentTypes: [LegacyResolution.Conflict] = []
    var absentReferences: [LegacyResolution.Conflict] = []
    var crowded: [String] = []
    /// Searches that will be made together.
    private var waiting: [WaitingSearch] = []
    private(set) var waitingIDs = 0

    init(rules: [TypeRule]) { self.rules = rules }

    mutating func wait(for search: WaitingSearch) {
        waiting.append(search)
        waitingIDs += search.search.values.count
    }

    mutating func takeWaiting() -> [WaitingSearch] {
        defer { (waiting, waitingIDs) = ([], 0) }
        return waiting
    }

    var resolution: LegacyResolution {
        LegacyResolution(
            rules: TypeRules(rules), references: references.sorted(), conflicts: conflicts,
            lookAlikes: lookAlikes.sorted {
                (ExactName($0.collection), $0.path) < (ExactName($1.collection), $1.path)
            },
            dangling: dangling, absentTypes: absentTypes, absentReferences: absentReferences, crowded: crowded)
    }
}
