import BSON

extension PathSurvey {
    /// What is to be told of these values beside live documents of such a type; nil where nothing is.
    /// - Returns: with `isDoubt` where it is to be told before anything is written.
    func problem(
        beside live: ObservedType, _ decision: TypeAuthority.Decision
    ) -> (text: String, isDoubt: Bool)? {
        if let text = textsBesideOneType(live, decision) { return (text, true) }
        guard let text = textOfProblem(beside: live, decision) else { return nil }
        switch decision {
        // Texts of the live documents' own kinds are likely to have been of one of their types.
        case .open: return (text, hexStrings + dateStrings > 0)
        // Whether ids are doubted is known when they have been looked for.
        case .leave: return (text, hexStrings == 0)
        case .rule: return (text, false)
        }
    }

    /// That texts stay texts though all live documents have one type there that they are not of; nil where none do, and beside
    /// binary data, as which most texts could be read.
    private func textsBesideOneType(_ live: ObservedType, _ decision: TypeAuthority.Decision) -> String? {
        guard case .one(let type) = live else { return nil }
        let texts =
            switch (decision, type) {
            case (.leave, .bool): strings
            case (.rule(let rule), _) where rule.reason != .live: 0
            case (.rule, .date): strings - dateStrings
            case (.rule, .objectId): strings - hexStrings
            case (.rule, .uuid): strings - uuidStrings
            case (.rule, .long): strings - longStrings
            case (.rule, .decimal), (.rule, .double), (.rule, .int): strings
            default: 0
            }
        guard texts > 0 else { return nil }
        return
            "\(texts.counted("text stays one", "texts stay texts")), though the live documents have \(type.rawValue) there: an import writes \(texts == 1 ? "a text" : "texts") beside it, or in its place; types in the configuration can say otherwise"
    }

    private func textOfProblem(beside live: ObservedType, _ decision: TypeAuthority.Decision) -> String? {
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

    /// That what JSON.stringify has made documents of stays so, where nothing says what it was; nil where there is none.
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
