import BSON

/// Decides what the values at a path become. In order of authority: the configuration, the rule for `_id`, the live
/// documents, the legacy rows themselves.
struct TypeAuthority {
    enum Decision {
        case rule(TypeRule)
        /// Something with authority says that the values stay as they are.
        case leave
        case open
    }

    let collections: [ExactName: CollectionSurvey]
    let configuration: Configuration
    let liveTypes: [ExactName: [FieldPath: ObservedType]]
    let liveDetails: [ExactName: LiveDetails]
    /// The collections of which the database has some of the rows' `_id`s as strings.
    let liveTextIDs: Set<ExactName>
    let infers: Bool
    /// The configuration's references, by collection and path.
    private let references: [ExactName: [FieldPath: [Reference]]]

    init(
        collections: [ExactName: CollectionSurvey], configuration: Configuration,
        liveTypes: [ExactName: [FieldPath: ObservedType]], liveDetails: [ExactName: LiveDetails],
        liveTextIDs: Set<ExactName>, infers: Bool
    ) {
        self.collections = collections
        self.configuration = configuration
        self.liveTypes = liveTypes
        self.liveDetails = liveDetails
        self.liveTextIDs = liveTextIDs
        self.infers = infers
        references = Dictionary(
            configuration.collections.map { (ExactName($0.name), Dictionary(grouping: $0.references, by: \.path)) }
        ) { first, _ in first }
    }

    /// The configuration's references at a path.
    func references(_ collection: String, _ path: FieldPath) -> [Reference] {
        references[ExactName(collection)]?[path] ?? []
    }

    /// The rules for the configuration's `types`. They must stand before all others: of several rules for a path the
    /// first counts.
    func configuredTypes(_ entry: Configuration.Collection) -> [TypeRule] {
        entry.types.map {
            TypeRule(
                collection: entry.name, path: $0, type: $1, reason: .configuration,
                binarySubtype: liveSubtype(entry.name, $0))
        }
    }

    /// The subtype of the live collection's own binary data, since JSON.stringify does not keep it; 0 (generic) if
    /// unknown.
    private func liveSubtype(_ collection: String, _ path: FieldPath) -> UInt8 {
        guard infers, case .binary(let subtype) = liveTypes[ExactName(collection)]?[path]?.deciding else { return 0 }
        return subtype
    }

    /// The rule from the configuration's references at a path, and whether the configuration itself names the type; nil
    /// where there are no references, or none that has a type.
    func referenceRule(_ collection: String, _ path: FieldPath) -> (rule: TypeRule, isNamed: Bool)? {
        let typed = references(collection, path).compactMap { reference in
            referenceType(reference).map { (reference: reference, type: $0) }
        }
        // With several targets of different types, 24 digits become an ObjectId and all other values stay as they are.
        return (typed.first { $0.type == .objectId } ?? typed.first).map { reference, type in
            let rule = TypeRule(
                collection: collection, path: path, type: type, reason: .reference(to: reference.targetDescription))
            return (rule, configuration.type(of: reference.targetPath, in: reference.target) != nil)
        }
    }

    /// The type of a reference's target: what the configuration says, otherwise ObjectId for `_id`s, which
    /// ``ruleOfReference(_:_:_:)`` may override; nil if unknown.
    private func referenceType(_ reference: Reference) -> FieldType? {
        configuration.type(of: reference.targetPath, in: reference.target)
            ?? (reference.targetPath == .id ? .objectId : nil)
    }

    /// The rule for values without 24 digits at a reference, where the configuration does not name the target's type:
    /// what the live documents have at the path, or else what the target `_id`s become, if all targets agree.
    /// - Parameter passed: collections whose `_id`s are already being decided. An `_id` may itself be a reference, so
    ///   references can form a cycle.
    private func ruleOfReference(_ collection: String, _ path: FieldPath, _ passed: Set<ExactName>) -> TypeRule? {
        if let rule = liveRule(collection, path) { return rule }
        guard infers, liveTypes[ExactName(collection)]?[path]?.deciding == nil else { return nil }
        let references = references(collection, path)
        let rules = references.map { reference in
            reference.targetPath == .id ? keyRule(reference.target, passed.union([ExactName(collection)])) : nil
        }
        guard let first = rules.first ?? nil, rules.allSatisfy({ $0?.makesTheSame(as: first) == true }) else {
            return nil
        }
        return first.moved(
            to: path, in: collection, leadingTo: references.map(\.targetDescription).listed("and"))
    }

    /// The rule that makes something other than ObjectIds of a collection's `_id`s; nil where there is none.
    func keyRule(_ name: String, _ passed: Set<ExactName>) -> TypeRule? {
        guard infers, !passed.contains(ExactName(name)) else { return nil }
        let rule: TypeRule?
        if let survey = collections[ExactName(name)], survey.rows > 0, let seen = survey.keys {
            rule =
                switch decide(name, .id, seen, passed) {
                case .rule(let rule): rule
                case .leave: nil
                case .open: survey.walker.isFull ? nil : dateRule(name, .id, seen)
                }
        } else {
            rule = liveRule(name, .id)
        }
        return rule?.type == .objectId ? nil : rule
    }

    /// The rule that makes dates of the strings at a path; nil unless all values have the form of a date, and those
    /// of the file's Extended JSON are dates.
    func dateRule(_ collection: String, _ path: FieldPath, _ seen: PathSurvey) -> TypeRule? {
        guard seen.values > 0, seen.dateStrings == seen.values, seen.valuesElsewhere == 0 else { return nil }
        let count = seen.values.grouped
        return TypeRule(
            collection: collection, path: path, type: .date,
            reason: .inferred("\(count) of \(count) values have the form of a date"))
    }

    /// The part of an `_id` document that a path inside a reference refers to.
    private func partOfKey(_ collection: String, _ path: FieldPath) -> (reference: Reference, path: FieldPath)? {
        guard let all = references[ExactName(collection)] else { return nil }
        for count in path.steps.indices.dropFirst() {
            let outer = all[FieldPath(steps: Array(path.steps.prefix(count)))] ?? []
            if let reference = outer.first(where: { $0.targetPath == .id }) {
                return (reference, FieldPath(steps: [.field("_id")] + path.steps.dropFirst(count)))
            }
        }
        return nil
    }

    /// The rule from the type of the live documents at a path; nil where they have none, or one that converts nothing.
    private func liveRule(_ collection: String, _ path: FieldPath) -> TypeRule? {
        guard infers, let seen = liveTypes[ExactName(collection)]?[path] else { return nil }
        // The driver that wrote them stores numbers beyond 32 bits as doubles.
        let isNumbers = seen == .numbers
        guard let type = isNumbers ? .double : seen.deciding?.fieldType, type != .string, type != .bool else {
            return nil
        }
        return TypeRule(
            collection: collection, path: path, type: type, reason: .live,
            binarySubtype: liveSubtype(collection, path), keepsInt32: isNumbers)
    }

    /// The rules from the live documents for paths that were not surveyed. A path may get rules twice; ``TypeRules``
    /// keeps the first.
    /// - Parameter place: the path below which to look; nil for all.
    func liveRules(_ collection: ExactName, below place: FieldPath? = nil) -> [TypeRule] {
        (liveTypes[collection] ?? [:]).keys.flatMap { path -> [TypeRule] in
            guard path != .id, place.map(path.isBelow) ?? true else { return [] }
            let decision = decide(collection.text, path, PathSurvey())
            var rules = [numberRule(collection.text, path, nil, decision)].compactMap(\.self)
            if case .rule(let rule) = decision, !rule.isStrict { rules.append(rule) }
            return rules
        }
    }

    /// The rule for a path's numbers where live documents have numbers beside values of other types; nil where numbers
    /// stay as they are, or the configuration decides.
    /// - Parameter seen: nil if the path was not surveyed.
    func numberRule(
        _ collection: String, _ path: FieldPath, _ seen: PathSurvey?, _ decision: Decision
    ) -> TypeRule? {
        guard infers, case .mixed(_, let numbers) = liveTypes[ExactName(collection)]?[path] else { return nil }
        // What the configuration demands applies to all values.
        if isDemandedOfNumbers(decision) { return nil }
        if let seen, seen.numbers + seen.objects + seen.typed == 0 { return nil }
        let type = numbers == .numbers ? FieldType.double : numbers.deciding?.fieldType
        return type.map {
            TypeRule(
                collection: collection, path: path, type: $0, reason: .live, keepsInt32: numbers == .numbers,
                part: numbers == .one(.long) ? .numbersAndLongs : .numbers)
        }
    }

    /// Whether the configuration says what numbers become. It makes ObjectIds of strings alone.
    func isDemandedOfNumbers(_ decision: Decision) -> Bool {
        guard case .rule(let rule) = decision else { return false }
        return rule.isStrict || rule.isDemanded && rule.type != .objectId
    }

    /// Whether the `_id`s of a collection's rows become ObjectIds though the live ones, or some of them, are strings, and
    /// the configuration does not say that they do.
    func changesLiveIDs(of name: ExactName) -> Bool {
        guard let keys = collections[name]?.keys, keys.hexStrings > 0,
            liveTextIDs.contains(name) || infers && liveTypes[name]?[.id]?.deciding?.fieldType == .string
        else { return false }
        if case .rule(let rule) = decide(name.text, .id, keys) { return rule.type == .objectId && !rule.isStrict }
        return false
    }

    /// Why to search for the ids at a path; nil where its values become something other than ObjectIds.
    func purpose(of decision: Decision) -> IDSearch.Purpose? {
        switch decision {
        case .open: .type
        case .leave: .doubt
        case .rule(let rule): rule.type == .objectId ? .reference : nil
        }
    }

    func decide(
        _ collection: String, _ path: FieldPath, _ seen: PathSurvey, _ passed: Set<ExactName> = []
    ) -> Decision {
        if let type = configuration.type(of: path, in: collection) {
            return .rule(TypeRule(collection: collection, path: path, type: type, reason: .configuration))
        }
        if let (rule, isNamed) = referenceRule(collection, path) {
            guard !isNamed, seen.hexStrings == 0 else { return .rule(rule) }
            return .rule(ruleOfReference(collection, path, passed) ?? rule)
        }
        if path == .id, seen.hexStrings > 0 {
            return .rule(TypeRule(collection: collection, path: path, type: .objectId, reason: .primaryKey))
        }
        let part = partOfKey(collection, path)
        if let part, let type = configuration.type(of: part.path, in: part.reference.target) {
            let reason = TypeRule.Reason.reference(to: part.reference.targetDescription)
            return .rule(TypeRule(collection: collection, path: path, type: type, reason: reason))
        }
        if let rule = liveRule(collection, path) {
            // A rule for `_id` costs another conversion of every row, so there is none unless it may change a value.
            return path != .id || seen.mayBecome(rule.type) ? .rule(rule) : .leave
        }
        let isDecided = infers && liveTypes[ExactName(collection)]?[path]?.deciding != nil
        if !isDecided, let part, let rule = liveRule(part.reference.target, part.path) {
            let target = part.reference.targetDescription
            return .rule(rule.moved(to: path, in: collection, leadingTo: "a part of \(target)"))
        }
        return isDecided ? .leave : .open
    }
}

extension PathSurvey {
    /// Whether conversion to the type may change any of the values, strings of 24 digits aside.
    fileprivate func mayBecome(_ type: FieldType) -> Bool {
        switch type {
        case .date: strings > 0
        case .uuid, .binary: strings > 0 || objects > 0
        case .long: numbers > 0 || objects > 0 || strings > 0
        case .double, .decimal: numbers > 0
        case .objectId, .int, .bool, .string: false
        }
    }
}
