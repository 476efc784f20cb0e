import BSON
import Relations
import Testing

/// Editors use the JSON Schema, the program its parser: they must agree. Every JSON text is YAML.
@Suite struct SchemaTests {
    private static let sound = [
        "{}", "null", #"{"collections":null,"exclude":null}"#, #"{"collections":{}}"#, #"{"exclude":[]}"#,
        #"{"exclude":["auditlogs","chat*",123,true]}"#, #"{"collections":{"a":null,"b":{}}}"#,
        #"{"collections":{"a":{"collection":"x","references":null,"types":null}}}"#,
        #"{"collections":{"a":{"collection":7}}}"#,
        #"{"collections":{"a":{"references":{"x":"a","y[].z[][]":"a","a\\.b.\\e":"a.mail"}}}}"#,
        #"{"collections":{"1":{"references":{"x":1,"y":{"to":1}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":"a"},"y":{"to":["a","a.b"],"optional":true}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"by":"kind","to":{"one":"a","2":"a"},"optional":false}}}}}"#,
        #"{"collections":{"a":{"types":{"o":"objectId","d":"date","m":"decimal","i":"int","l":"long","f":"double"}}}}"#,
        #"{"collections":{"a":{"types":{"b":"bool","u":"uuid","y":"binary","s":"string","v[].w":"date"}}}}"#,
    ]

    private static let wrong = [
        "[]", #""text""#, "12", "true", #"{"collection":{}}"#, #"{"collections":[]}"#, #"{"collections":"a"}"#,
        #"{"exclude":"a"}"#, #"{"exclude":{}}"#, #"{"exclude":[null]}"#, #"{"exclude":[""]}"#, #"{"exclude":[[]]}"#,
        #"{"collections":{"":{}}}"#, #"{"collections":{"a":"b"}}"#, #"{"collections":{"a":[]}}"#,
        #"{"collections":{"a":{"refs":{}}}}"#, #"{"collections":{"a":{"collection":null}}}"#,
        #"{"collections":{"a":{"collection":""}}}"#, #"{"collections":{"a":{"collection":["b"]}}}"#,
        #"{"collections":{"a":{"references":[]}}}"#, #"{"collections":{"a":{"references":{"x":null}}}}"#,
        #"{"collections":{"a":{"references":{"x":["a"]}}}}"#, #"{"collections":{"a":{"references":{"":"a"}}}}"#,
        #"{"collections":{"a":{"references":{"x..y":"a"}}}}"#, #"{"collections":{"a":{"references":{"x[0]":"a"}}}}"#,
        #"{"collections":{"a":{"references":{"x]":"a"}}}}"#, #"{"collections":{"a":{"references":{"x\\y":"a"}}}}"#,
        #"{"collections":{"a":{"references":{"x[]y":"a"}}}}"#, #"{"collections":{"a":{"references":{"x":{}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":null}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":[]}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":[["a"]]}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":"a","optional":"true"}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":"a","optional":null}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":"a","optionl":true}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"to":{"k":"a"}}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"by":"k","to":"a"}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"by":"k","to":["a"]}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"by":"k","to":{}}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"by":"","to":{"k":"a"}}}}}}"#,
        #"{"collections":{"a":{"references":{"x":{"by":null,"to":{"k":"a"}}}}}}"#,
        #"{"collections":{"a":{"types":[]}}}"#, #"{"collections":{"a":{"types":{"x":null}}}}"#,
        #"{"collections":{"a":{"types":{"x":"objectid"}}}}"#, #"{"collections":{"a":{"types":{"x":["date"]}}}}"#,
        #"{"collections":{"a":{"types":{"x.":"date"}}}}"#, #"{"collections":{"a":{"types":{"x":1}}}}"#,
    ]

    /// Errors that only the parser can find, such as an unknown target or a name that another collection has.
    private static let unknownToTheSchema = [
        #"{"collections":{"a":{"references":{"x":"b"}}}}"#, #"{"collections":{"a":{"references":{"x":"a..b"}}}}"#,
        #"{"collections":{"a":{"collection":"b"},"b":{}}}"#,
    ]

    private static func schema() throws -> Schema { try Schema(file: "Documentation/mongoferry.schema.json") }

    @Test(arguments: sound) func theSchemaAcceptsWhatTheParserAccepts(_ json: String) throws {
        #expect(Self.error(json) == nil)
        #expect(try Self.schema().accepts(json))
    }

    @Test(arguments: wrong) func theSchemaRefusesWhatTheParserRefuses(_ json: String) throws {
        #expect(Self.error(json) != nil)
        #expect(try !Self.schema().accepts(json))
    }

    @Test(arguments: unknownToTheSchema) func namesAreTheParsersMatter(_ json: String) throws {
        #expect(Self.error(json) != nil)
        #expect(try Self.schema().accepts(json))
    }

    /// Random trees of the configuration's keywords, some of which happen to be valid.
    @Test func bothSayTheSameOfRandomTexts() throws {
        let schema = try Self.schema()
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<3000 {
            let json = Self.document(&random)
            let error = Self.error(json)
            let isAboutNames = ["unknown target", "are both", "in the target of"].contains {
                error?.contains($0) == true
            }
            let isAccepted = try schema.accepts(json)
            #expect(isAboutNames || isAccepted == (error == nil), "seed \(seed): \(json): \(error ?? "no error")")
            if error == nil { accepted += 1 }
        }
        #expect(accepted > 50)
    }

    private static func error(_ json: String) -> String? {
        do {
            try Configuration.parse(yaml: json, file: "x.yaml").checkTargets { [] }
            return nil
        } catch { return "\(error)" }
    }

    // MARK: Random texts

    private static func document(_ random: inout SeededGenerator) -> String {
        let exclude = pick(["[]", #"["a*"]"#, "null", "[1]", "[null]"], &random)
        return object(["collections": collections(&random), "exclude": exclude], &random)
    }

    private static func collections(_ random: inout SeededGenerator) -> String {
        var parts: [String: String] = [:]
        for name in ["a", "b", "customers"] {
            let references = ["x": reference(&random), "y[].z": reference(&random)]
            let types = ["x": pick([#""date""#, #""int""#, "null", #""dat""#], &random), "y[]": #""date""#]
            parts[name] = object(
                [
                    "references": object(references, &random), "types": object(types, &random),
                    "collection": pick([#""q\#(name)""#, #""""#, "7", "null"], &random),
                ], &random)
        }
        return object(parts, &random)
    }

    private static func reference(_ random: inout SeededGenerator) -> String {
        let to = pick([#""a""#, #""a.mail""#, #"["a","a.b"]"#, "[]", #"{"k":"a"}"#, "{}", "null"], &random)
        guard Bool.random(using: &random) else { return to }
        let by = pick([#""kind""#, "1", "null"], &random)
        return object(["to": to, "by": by, "optional": pick(["true", "false", #""true""#], &random)], &random)
    }

    /// An object with some of the members; now and then with an additional one, or no object at all.
    private static func object(_ members: [String: String], _ random: inout SeededGenerator) -> String {
        if Int.random(in: 0..<25, using: &random) == 0 { return pick(["null", "[]", "1", #""a""#], &random) }
        var chosen: [(key: String, value: String)] = []
        for member in members.sorted(by: { $0.key < $1.key }) where Int.random(in: 0..<3, using: &random) > 0 {
            chosen.append(member)
        }
        if Int.random(in: 0..<30, using: &random) == 0 { chosen.append(("other[", "{}")) }
        return "{" + chosen.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",") + "}"
    }

    /// The first text, which is valid, in at least half of the cases; otherwise any of them.
    private static func pick(_ texts: [String], _ random: inout SeededGenerator) -> String {
        Bool.random(using: &random) ? texts[0] : texts[Int.random(in: 0..<texts.count, using: &random)]
    }
}
