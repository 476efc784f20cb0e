import BSON

extension PathSurvey {
    /// What is to be told of these values beside live documents of such a type; nil where nothing is.
    func problem(beside live: ObservedType, _ decision: TypeAuthority.Decision) -> String? {
        switch decision {
        case .leave where live.deciding?.fieldType == .string: textsAsLive
        case .open where live.isUndecided && strings > max(hexStrings, dateStrings == values ? strings : 0):
            "\((strings - hexStrings).counted("text stays one", "texts stay texts")), for the live documents have values of several types there; types in the configuration can say otherwise"
        case .rule(let rule) where rule.reason == .primaryKey && strings > hexStrings && live.hasOtherKeys:
            "\((strings - hexStrings).counted("text stays one", "texts stay texts")) beside values of 24 hex digits, though the live documents have values of other types there; types in the configuration can say otherwise"
        case .rule(let rule) where rule.reason == .primaryKey && live.deciding?.fieldType == .string:
            "\(hexStrings.counted("value of 24 hex digits becomes an ObjectId", "values of 24 hex digits become ObjectIds")), though the live documents have texts there: a merge puts documents beside them; types in the configuration can say otherwise"
        default: nil
        }
    }

    /// That what looks like ids or dates stays what it is, since the live documents have texts there; nil where nothing does.
    /// They may have been ids before, which an earlier import has made texts of.
    private var textsAsLive: String? {
        let what: String
        if hexStrings > 0 {
            what = hexStrings.counted("value of 24 hex digits stays a text", "values of 24 hex digits stay texts")
        } else if dateStrings > 0, dateStrings == values {
            what = dateStrings.counted("date stays a text", "dates stay texts")
        } else {
            return nil
        }
        return "\(what), as the live collection has them; types in the configuration can say otherwise"
    }

    /// Why dates at this path stay texts; nil where there are none or all are.
    var dateConflict: String? {
        guard dateStrings > 0, dateStrings < values else { return nil }
        let others = [
            (strings - dateStrings, "another text"), (numbers, "a number"), (bools, "a bool"), (objects, "a document"),
            (arrays, "an array"), (typed, "another type"),
        ]
        let parts = others.filter { $0.0 > 0 }.map { "\($0.1) in \($0.0.grouped)" }
        return "a date in \(dateStrings.counted("value")), \(parts.listed("and")): left as they are"
    }
}
