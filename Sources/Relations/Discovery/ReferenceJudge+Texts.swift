/// What is said of references and of candidates.
extension ReferenceJudge {
    /// An objection to a target.
    enum Objection {
        case isContradicted
        case areHalf
        case isSecondKey
        case isNoKey
        case nameSaysLittle
        case nameSaysNothing
        case isQuantity
        case isRunningNumber
        case areFew
        case areNotSpread
        /// The values exist in other collections, too.
        case others
    }

    func text(of objection: Objection, to target: Int, among rivals: [Int]) -> String {
        let common = "\(path.mainClass.plural) exist in many places"
        return switch objection {
        case .isContradicted: text(ofStrangers: strangers(to: [target]), to: [target])
        case .areHalf: "that is only half"
        case .isSecondKey: "each comes once, in their own collection: a second key rather than a reference"
        case .isNoKey: "\(common), and many of these do not exist there"
        case .nameSaysLittle: "\(common), and the name says little"
        case .nameSaysNothing: "\(common), and the name says nothing"
        case .isQuantity: "the name says that it is a quantity"
        case .isRunningNumber: "each comes once, as in a running number"
        case .areFew: "\(common), and these are few"
        case .areNotSpread: "\(common), and these are not spread over all ids"
        case .others: existence(inOthersOf: rivals, than: target)
        }
    }

    /// "2 are of a type that no _id there has"
    func text(ofStrangers count: Int, to chosen: [Int]) -> String {
        let place = chosen.count == 1 ? "there" : "in \(names(of: chosen))"
        return "\(count.grouped) \(count == 1 ? "is" : "are") of a type that no _id \(place) has"
    }

    func existence(inOthersOf rivals: [Int], than target: Int) -> String {
        "they exist in \(names(of: rivals, but: target)) too"
    }

    /// The names of the first few, and the number of the others.
    func names(of chosen: [Int], but target: Int? = nil) -> String {
        let others = chosen.filter { $0 != target }
        let named = others.prefix(Self.namedTargets).map { targets[$0].name }
        let more = others.count - named.count
        return (named + (more > 0 ? ["\(more.grouped) more"] : [])).listed("and")
    }

    private static let namedTargets = 5

    func reference(_ target: Int, _ evidence: String) -> Reference {
        Reference(
            collection: path.collection, path: path.path, target: targets[target].name, origin: .discovered(evidence))
    }

    func candidate(_ target: Int, _ reason: String, looksDamaged: Bool = false) -> ReferenceCandidate {
        ReferenceCandidate(
            collection: path.collection, path: path.path, target: targets[target].name,
            existing: path.hitCount(target), sampled: path.count, reason: reason, looksDamaged: looksDamaged)
    }
}
