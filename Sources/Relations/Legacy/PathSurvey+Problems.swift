import BSON

extension PathSurvey {
    /// The problem to report of these values where live documents have such a type; nil if there is none.
    /// - Returns: the text, and whether the import warns of it before anything is written.
    func problem(
        beside live: ObservedType, _ decision: TypeAuthority.Decision
    ) -> (text: String, isDoubt: Bool)? {
        if let text = textsBesideOneType(live, decision) ?? textOfIDs(besideTexts: live, decision) {
            return (text, true)
        }
        guard let text = textOfProblem(beside: live, decision) else { return nil }
        switch decision {
        // Strings that look like ids or dates were probably of one of the live documents' types.
        case .open: return (text, hexStrings + dateStrings > 0)
        // Whether ids are doubtful is only known when they have been searched for.
        case .leave: return (text, hexStrings == 0)
        case .rule: return (text, false)
        }
    }

    /// Reports strings that stay strings though all live documents have one other type there; nil if there are none,
    /// and for binary data, which most strings could be read as.
    private func textsBesideOneType(_ live: ObservedType, _ decision: TypeAuthority.Decision) -> String? {
        guard case .one(let type) = live else { return nil }
        let texts =
            switch (decision, type) {
            case (.leave, .bool): strings
            case (.rule(let rule), _) where rule.reason != .live: 0
            case (.rule, .date): strings - dateStrings - expandedDates
            case (.rule, .objectId): strings - hexStrings
            case (.rule, .uuid): strings - uuidStrings
            case (.rule, .long): strings - longStrings
            case (.rule, .decimal), (.rule, .double), (.rule, .int): strings
            default: 0
            }
        guard texts > 0 else { return nil }
        return
            "\(texts.counted("string stays one", "strings stay strings")), though the live documents have \(type.rawValue) there: an import writes \(texts == 1 ? "a string" : "strings") beside it, or in its place; types in the configuration can say otherwise"
    }

    /// Reports strings that become ObjectIds, as most live ones are, though some live ones are strings.
    private func textOfIDs(besideTexts live: ObservedType, _ decision: TypeAuthority.Decision) -> String? {
        guard case .rule(let rule) = decision, rule.reason == .live, live.hasIDTexts, hexStrings > 0 else { return nil }
        return
            "\(hexStrings.counted("value of 24 hex digits becomes an ObjectId", "values of 24 hex digits become ObjectIds")), as most are in the live documents; a few are such strings there, whose rows come as ObjectIds, too; types in the configuration can say otherwise"
    }

    /// Reports whole numbers that become one type though the live documents have some of another.
    /// - Parameter lost: the types of the latter.
    func problem(ofNumbersLosing lost: [FieldType], beside live: ObservedType) -> String? {
        guard wholeNumbers > 0, !lost.isEmpty else { return nil }
        let becomes: String =
            switch live {
            case .numbers, .mixed(_, numbers: .numbers): "int or, if larger, double"
            case .leading(.one(.long)), .mixed(_, numbers: .one(.long)), .mixed(_, numbers: .leading(.one(.long))):
                "long"
            default: "int or, if larger, long"
            }
        return
            "\(wholeNumbers.counted("whole number becomes", "whole numbers become")) \(becomes), though the live documents have some as \(lost.map(\.rawValue).listed("and")): where these are replaced, they change; types in the configuration can say otherwise"
    }

    private func textOfProblem(beside live: ObservedType, _ decision: TypeAuthority.Decision) -> String? {
        switch decision {
        case .leave where live.deciding?.fieldType == .string: textsAsLive
        case .open where live.isUndecided && strings > max(hexStrings, dateStrings == values ? strings : 0):
            "\((strings - hexStrings).counted("string stays one", "strings stay strings")), for the live documents have values of several types there; types in the configuration can say otherwise"
        case .rule(let rule) where rule.reason == .primaryKey && strings > hexStrings && live.hasOtherKeys:
            "\((strings - hexStrings).counted("string stays one", "strings stay strings")) beside values of 24 hex digits, though the live documents have values of other types there; types in the configuration can say otherwise"
        default: nil
        }
    }

    /// Reports `_id`s that become ObjectIds though live ones are strings.
    var textOfChangedKeys: String {
        "\(hexStrings.counted("value of 24 hex digits becomes an ObjectId", "values of 24 hex digits become ObjectIds")), though the live documents have strings there: a merge puts documents beside them; types in the configuration can say otherwise"
    }

    /// Reports values that look like ids or dates but stay strings because the live documents have strings there; nil
    /// if there are none. The live strings may once have been ids that an earlier import made strings of.
    private var textsAsLive: String? {
        let what: String
        if hexStrings > 0 {
            what = hexStrings.counted("value of 24 hex digits stays a string", "values of 24 hex digits stay strings")
        } else if dateStrings > 0, dateStrings == values {
            what = dateStrings.counted("date stays a string", "dates stay strings")
        } else {
            return nil
        }
        return "\(what), as the live collection has them; types in the configuration can say otherwise"
    }

    /// Reports documents that JSON.stringify made of Buffers or Longs and that stay documents because nothing tells
    /// what they were; nil unless all documents at the path are Buffers, or all are Longs.
    func problem(ofPacked decision: TypeAuthority.Decision) -> String? {
        guard case .open = decision, objects > 0 else { return nil }
        if buffers == objects {
            return
                "\(buffers.counted("Buffer stays a document", "Buffers stay documents")): the type binary in the configuration makes binary data of \(buffers == 1 ? "it" : "them")"
        }
        guard longs == objects else { return nil }
        return
            "\(longs.counted("Long stays a document", "Longs stay documents")) of low and high halves: the type long in the configuration makes \(longs == 1 ? "a number of it" : "numbers of them")"
    }

    /// Why the dates at this path stay strings; nil if there are no dates, or all values are dates,
    /// also in the file's rows of Extended JSON.
    var dateConflict: String? {
        guard dateStrings > 0, dateStrings < values || valuesElsewhere > 0 else { return nil }
        let others = [
            (strings - dateStrings, "another string"), (numbers, "a number"), (bools, "a bool"),
            (objects, "a document"),
            (arrays, "an array"), (typed, "another type"),
        ]
        var parts = others.filter { $0.0 > 0 }.map { "\($0.1) in \($0.0.grouped)" }
        if valuesElsewhere > 0 { parts.append("something else in \(valuesElsewhere.grouped) of Extended JSON rows") }
        return "a date in \(dateStrings.counted("value")), \(parts.listed("and")): left as they are"
    }
}
