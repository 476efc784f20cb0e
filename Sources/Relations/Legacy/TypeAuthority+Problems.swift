extension TypeAuthority {
    /// Reports that strings beside ids stay strings though the `_id`s they refer to become another type; nil otherwise.
    func problem(
        ofReference path: FieldPath, in collection: String, _ seen: PathSurvey, _ decision: Decision
    ) -> String? {
        guard case .rule(let rule) = decision, case .reference = rule.reason, rule.type == .objectId,
            seen.hexStrings > 0, seen.strings > seen.hexStrings,
            let reference = references(collection, path).first,
            reference.targetPath == .id, let key = keyRule(reference.target, [])
        else { return nil }
        return
            "\((seen.strings - seen.hexStrings).counted("string stays one", "strings stay strings")) beside values of 24 hex digits, and the _ids of \(reference.target) become \(key.type.rawValue); types in the configuration can say otherwise"
    }

    /// Reports whole numbers of which a merge changes the type; nil if there are none, or if the configuration decides.
    func problem(
        ofNumbers path: FieldPath, in collection: ExactName, _ seen: PathSurvey, _ decision: Decision
    ) -> String? {
        guard let live = liveTypes[collection]?[path], let lost = liveDetails[collection]?.lostNumbers[path],
            !isDemandedOfNumbers(decision)
        else { return nil }
        return seen.problem(ofNumbersLosing: lost, beside: live)
    }

    /// Why a merge may change live values below a path that was not surveyed; nil if the live documents' types are known,
    /// or if there is nothing.
    /// - Parameter rules: the rules from the live documents there.
    func doubt(of collection: ExactName, below place: FieldPath, _ rules: [TypeRule]) -> String? {
        let types = (liveTypes[collection] ?? [:]).filter { $0.key.isBelow(place) }
        let areComplete = liveDetails[collection]?.areComplete ?? true
        // 32-bit integers are the same in rows.
        if !areComplete, rules.contains(where: { $0.type != .int }) {
            return "not all live documents were looked at, and a merge may change the others"
        }
        let undecided = types.filter { $0.value.deciding == nil && $0.value != .numbers }.keys.sorted()
        guard let first = undecided.first else { return nil }
        let places = undecided.count == 1 ? "at \(first)" : "at \(undecided.count.grouped) paths, such as \(first)"
        return "the live documents have values of several types there (\(places)), which a merge may change"
    }
}
