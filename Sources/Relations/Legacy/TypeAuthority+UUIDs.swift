import BSON

extension TypeAuthority {
    /// The collections whose `_id`s become UUIDs.
    var collectionsOfUUIDs: [(name: String, keys: DistinctCounter)] {
        collections.sorted { $0.key < $1.key }.compactMap { name, survey in
            keyRule(name.text, [])?.type == .uuid ? survey.keys.map { (name.text, $0.others) } : nil
        }
    }

    /// What becomes of values of which some are `_id`s that become UUIDs.
    enum KeysOfUUIDs {
        /// Most are, and become UUIDs: as strings they would no longer refer to anything.
        case majority(TypeRule, Reference)
        /// Too few are, and the UUIDs stay strings.
        case minority(problem: String)
    }

    /// Compares samples of the values at a path and of the `_id`s that become UUIDs. Returns nil if none are the same,
    /// and where the path has so many fewer values than the target that its sample is too small to tell.
    func keysOfUUIDs(
        _ collection: String, _ path: FieldPath, _ seen: PathSurvey, _ targets: [(name: String, keys: DistinctCounter)]
    ) -> KeysOfUUIDs? {
        guard path != .id, seen.strings > seen.dateStrings, references(collection, path).isEmpty else { return nil }
        let found = targets.compactMap { target in
            seen.others.share(in: target.keys).map { (name: target.name, share: $0) }
        }.filter { $0.share.found > 0 }
        let majorities = found.filter { 2 * $0.share.found > $0.share.all }
        let shares = majorities.isEmpty ? found : majorities
        let best =
            shares.count < 2
            ? shares.first
            : shares.max { left, right in
                (left.share.found, NameLikeness(of: path, in: collection, to: left.name), ExactName(right.name))
                    < (right.share.found, NameLikeness(of: path, in: collection, to: right.name), ExactName(left.name))
            }
        guard let best else { return nil }
        let share = "\(best.share.found.grouped) of \(best.share.all.grouped) different values"
        // The majority must be one of all values.
        guard !majorities.isEmpty, seen.hexStrings + seen.typed == 0 else {
            guard seen.uuidStrings > 0 else { return nil }
            let beside =
                seen.hexStrings > 0
                ? " beside values of 24 hex digits" : seen.typed > 0 ? " beside values of other types" : ""
            return .minority(
                problem:
                    "\(seen.uuidStrings.counted("UUID stays a string", "UUIDs stay strings"))\(beside): \(share) are _ids of \(best.name), which become UUIDs"
            )
        }
        return .majority(
            TypeRule(
                collection: collection, path: path, type: .uuid,
                reason: .inferred("\(share) are _ids of \(best.name), which become UUIDs")),
            Reference(
                collection: collection, path: path, target: best.name, origin: .discovered("\(share) exist, UUIDs"))
        )
    }
}
