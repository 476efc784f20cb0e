import BSON

/// Decides what the values at a path become, in the order of authority: the configuration, what is an `_id`, the live
/// documents, the rows themselves.
struct TypeAuthority {
    enum Decision {
        case rule(TypeRule)
        /// Something with authority says that nothing is to be done.
        case leave
        case open
    }

    let collections: [ExactName: CollectionSurvey]
    let configuration: Configuration
    let liveTypes: [ExactName: [FieldPath: ObservedType]]
    let infers: Bool

    /// Of several rules for a path the first counts: these stand before all others.
    func configuredTypes(_ entry: Configuration.Collection) -> [TypeRule] {
        entry.types.map {
            TypeRule(
                collection: entry.name, path: $0, type: $1, reason: .configuration,
                binarySubtype: liveSubtype(entry.name, $0))
        }
    }

    /// The subtype of the live collection's own binary data, which JSON.stringify did not keep; else the generic one.
    private func liveSubtype(_ collection: String, _ path: FieldPath) -> UInt8 {
        guard infers, case .binary(let subtype) = liveTypes[ExactName(collection)]?[path]?.deciding else { return 0 }
        return subtype
    }

    /// The rule of the configuration's references at a path, and whether the configuration itself names the type; nil where
    /// there are none, or none has a type.
    func referenceRule(_ collection: String, _ path: FieldPath) -> (rule: TypeRule, isNamed: Bool)? {
        let typed = configuration.references(from: collection).filter { $0.path == path }.compactMap { reference in
            referenceType(reference).map { (reference: reference, type: $0) }
        }
        // Where one value leads here and the next one there, 24 digits are an ObjectId, and all others stay what they are.
        return (typed.first { $0.type == .objectId } ?? typed.first).map { reference, type in
            let rule = TypeRule(
                collection: collection, path: path, type: type, reason: .reference(to: reference.targetDescription))
            return (rule, configuration.type(of: reference.targetPath, in: reference.target) != nil)
        }
    }

    /// A reference has the type of what it leads to: an ObjectId, unless the configuration or ``keyRule(_:_:)`` says otherwise.
    private func referenceType(_ reference: Reference) -> FieldType? {
        configuration.type(of: reference.targetPath, in: reference.target)
            ?? (reference.targetPath == .id ? .objectId : nil)
    }

    /// What values without 24 digits at a reference become, where the configuration names no type of what it leads to: what
    /// the live documents have there, or what becomes of the `_id`s that they lead to, where all these become the same.
    /// - Parameter passed: collections whose `_id`s are being asked for: they may be references themselves, in a circle.
    private func ruleOfReference(_ collection: String, _ path: FieldPath, _ passed: Set<ExactName>) -> TypeRule? {
        if let rule = liveRule(collection, path) { return rule }
        guard infers, liveTypes[ExactName(collection)]?[path]?.deciding == nil else { return nil }
        let references = configuration.references(from: collection).filter { $0.path == path }
        let rules = references.map { reference in
            reference.targetPath == .id ? keyRule(reference.target, passed.union([ExactName(collection)])) : nil
        }
        guard let first = rules.first ?? nil, rules.allSatisfy({ $0?.makesTheSame(as: first) == true }) else {
            return nil
        }
        return first.moved(
            to: path, in: collection, leadingTo: references.map(\.targetDescription).listed("and"))
    }

    /// The rule that makes something else than ObjectIds of a collection's `_id`s; nil where there is none.
    private func keyRule(_ name: String, _ passed: Set<ExactName>) -> TypeRule? {
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

    /// That the texts at a path are dates; nil where not all are.
    func dateRule(_ collection: String, _ path: FieldPath, _ seen: PathSurvey) -> TypeRule? {
        guard seen.values > 0, seen.dateStrings == seen.values else { return nil }
        let count = seen.values.grouped
        return TypeRule(
            collection: collection, path: path, type: .date,
            reason: .inferred("\(count) of \(count) values have the form of a date"))
    }

    /// Collections whose `_id`s become UUIDs.
    var collectionsOfUUIDs: [(name: String, keys: DistinctCounter)] {
        collections.sorted { $0.key < $1.key }.compactMap { name, survey in
            keyRule(name.text, [])?.type == .uuid ? survey.keys.map { (name.text, $0.others) } : nil
        }
    }

    /// That most values at a path are `_id`s which become UUIDs: else these would lead nowhere any more.
    ///
    /// Goes by a sample of both. Where the path has far fewer values than the target, it is too small to tell.
    func uuidRule(
        _ collection: String, _ path: FieldPath, _ seen: PathSurvey, _ targets: [(name: String, keys: DistinctCounter)]
    ) -> (TypeRule, Reference)? {
        guard path != .id, seen.strings > seen.dateStrings, seen.hexStrings + seen.typed == 0,
            configuration.references(from: collection).allSatisfy({ $0.path != path })
        else { return nil }
        let shares = targets.compactMap { target in
            seen.others.share(in: target.keys).map { (name: target.name, share: $0) }
        }.filter { 2 * $0.share.found > $0.share.all }
        let best =
            shares.count < 2
            ? shares.first
            : shares.max { left, right in
                (left.share.found, NameLikeness(of: path, in: collection, to: left.name), ExactName(right.name))
                    < (right.share.found, NameLikeness(of: path, in: collection, to: right.name), ExactName(left.name))
            }
        guard let best else { return nil }
        let share = "\(best.share.found.grouped) of \(best.share.all.grouped) different values"
        return (
            TypeRule(
                collection: collection, path: path, type: .uuid,
                reason: .inferred("\(share) are _ids of \(best.name), which become UUIDs")),
            Reference(
                collection: collection, path: path, target: best.name, origin: .discovered("\(share) exist, UUIDs"))
        )
    }

    /// What a path inside a reference leads to: a part of an `_id` that is a document.
    private func partOfKey(_ collection: String, _ path: FieldPath) -> (reference: Reference, path: FieldPath)? {
        configuration.references(from: collection).first {
            $0.targetPath == .id && $0.path.steps.count < path.steps.count && path.steps.starts(with: $0.path.steps)
        }.map { ($0, FieldPath(steps: [.field("_id")] + path.steps.dropFirst($0.path.steps.count))) }
    }

    /// That texts beside ids stay texts, though what they lead to becomes something else; nil where it does not.
    func problem(
        ofReference path: FieldPath, in collection: String, _ seen: PathSurvey, _ decision: Decision
    ) -> String? {
        guard case .rule(let rule) = decision, case .reference = rule.reason, rule.type == .objectId,
            seen.hexStrings > 0, seen.strings > seen.hexStrings,
            let reference = configuration.references(from: collection).first(where: { $0.path == path }),
            reference.targetPath == .id, let key = keyRule(reference.target, [])
        else { return nil }
        return
            "\((seen.strings - seen.hexStrings).counted("text stays one", "texts stay texts")) beside values of 24 hex digits, and the _ids of \(reference.target) become \(key.type.rawValue); types in the configuration can say otherwise"
    }

    /// What the live documents' own type makes of a path's values; nil where it makes nothing of texts and numbers.
    private func liveRule(_ collection: String, _ path: FieldPath) -> TypeRule? {
        guard infers, let seen = liveTypes[ExactName(collection)]?[path] else { return nil }
        // Its driver has made doubles of what no 32 bits hold.
        let isNumbers = seen == .numbers
        guard let type = isNumbers ? .double : seen.deciding?.fieldType, type != .string, type != .bool else {
            return nil
        }
        return TypeRule(
            collection: collection, path: path, type: type, reason: .live,
            binarySubtype: liveSubtype(collection, path), keepsInt32: isNumbers)
    }

    /// What the live collection's own documents say of paths that were not looked at; of two rules for one path the first
    /// counts.
    func liveRules(_ collection: ExactName) -> [TypeRule] {
        (liveTypes[collection] ?? [:]).keys.flatMap { path -> [TypeRule] in
            guard path != .id else { return [] }
            let decision = decide(collection.text, path, PathSurvey())
            var rules = [numberRule(collection.text, path, nil, decision)].compactMap(\.self)
            if case .rule(let rule) = decision, !rule.isStrict { rules.append(rule) }
            return rules
        }
    }

    /// What the live numbers beside values of other types make of a path's numbers; nil where these stay what they are, or
    /// the configuration says it.
    /// - Parameter seen: nil where nobody has looked.
    func numberRule(
        _ collection: String, _ path: FieldPath, _ seen: PathSurvey?, _ decision: Decision
    ) -> TypeRule? {
        guard infers, case .mixed(_, let numbers) = liveTypes[ExactName(collection)]?[path] else { return nil }
        // What the configuration demands is for all values.
        if case .rule(let rule) = decision, rule.isStrict || rule.isDemanded && rule.type != .objectId {
            return nil
        }
        if let seen, seen.numbers + seen.objects + seen.typed == 0 { return nil }
        let type = numbers == .numbers ? FieldType.double : numbers.deciding?.fieldType
        return type.map {
            TypeRule(
                collection: collection, path: path, type: $0, reason: .live, keepsInt32: numbers == .numbers,
                part: numbers == .one(.long) ? .numbersAndLongs : .numbers)
        }
    }

    /// Whether the `_id`s of a collection's rows become ObjectIds though the live ones are texts.
    func changesLiveIDs(of name: ExactName) -> Bool {
        guard infers, let keys = collections[name]?.keys, keys.hexStrings > 0,
            liveTypes[name]?[.id]?.deciding?.fieldType == .string
        else { return false }
        if case .rule(let rule) = decide(name.text, .id, keys) { return rule.reason == .primaryKey }
        return false
    }

    /// What ids at a path are looked for; nil where they are none.
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
            // Each row is converted once more where `_id`s may become others.
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
    /// Whether rows may hold anything that is another value as one of the type; of texts, 24 digits aside.
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
