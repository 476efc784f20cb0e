import BSON
import Relations
import Testing

@Suite struct ConfigurationDraftTests {
    private let draft = ConfigurationDraft(
        title: ["Found in insurance on localhost.", "Read it\nand correct it."],
        collections: [
            .init(name: "customers", records: 40_000),
            .init(name: "coverageTypes", databaseName: "coveragetypes", records: 4),
            .init(name: "policies", records: 1), .init(name: "odd: name", databaseName: "null"),
        ],
        references: [
            Reference(
                collection: "policies", path: path("customerId"), target: "customers",
                origin: .discovered("1,000 of 1,000 sampled values exist, ObjectId")),
            Reference(
                collection: "policies", path: path("vehicles[].drivers[].customerId"), target: "customers",
                isOptional: true,
                origin: .discovered("10 of 12 sampled values exist, ObjectId")),
            Reference(
                collection: "policies", path: path("about"), target: "customers",
                condition: ReferenceCondition(field: "kind", equals: "customer"),
                origin: .discovered("5 of 5 sampled values exist")),
            Reference(
                collection: "policies", path: path("about"), target: "coverageTypes",
                condition: ReferenceCondition(field: "kind", equals: .int64(2)),
                origin: .discovered("6 of 6 sampled values exist")),
            Reference(collection: "policies", path: path("either"), target: "customers"),
            Reference(collection: "policies", path: path("either"), target: "odd: name"),
            Reference(collection: "policies", path: path("email"), target: "customers", targetPath: path("email")),
        ],
        types: [
            TypedPath(collection: "policies", path: path("_id"), type: .objectId, values: 1),
            TypedPath(collection: "policies", path: path("customerId"), type: .objectId, values: 1),
            TypedPath(collection: "policies", path: path("start"), type: .date, values: 1_000),
            TypedPath(collection: "policies", path: path("name"), type: .string, values: 1_000),
            TypedPath(collection: "policies", path: path("token"), type: .string, values: 20, looksOtherwise: true),
            TypedPath(collection: "policies", path: path(#"a\.b[]"#), type: .decimal, values: 1),
        ],
        candidates: [
            ReferenceCandidate(
                collection: "policies", path: path("status"), target: "stages", existing: 2, sampled: 2,
                reason: "these are few")
        ],
        exclude: [("auditlogs", "left out by hand"), ("chat*", nil)])

    @Test func theEvidenceStandsBesideEachLine() {
        #expect(
            draft.yaml == #"""
                # Found in insurance on localhost.
                # Read it\nand correct it.
                collections:
                  customers: {}  # 40,000 documents
                  coverageTypes:  # 4 documents
                    collection: coveragetypes
                  policies:  # 1 document
                    references:
                      about:
                        by: kind
                        to:
                          2: coverageTypes     # 6 of 6 sampled values exist
                          customer: customers  # 5 of 5 sampled values exist
                      customerId: customers    # 1,000 of 1,000 sampled values exist, ObjectId
                      either:
                        to:
                          - customers
                          - "odd: name"
                      email: customers.email
                      vehicles[].drivers[].customerId:
                        optional: true
                        to: customers          # 10 of 12 sampled values exist, ObjectId
                    # not taken: status → stages: 2 of 2 sampled values exist, but these are few
                    types:
                      start: date         # 1,000 sampled values
                      token: string       # 20 sampled values
                      "a\\.b[]": decimal  # 1 sampled value
                  "odd: name":
                    collection: "null"
                exclude:
                  - auditlogs  # left out by hand
                  - "chat*"

                """#)
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let configuration = try Configuration.parse(yaml: draft.yaml, file: "mongoferry.yaml")
        #expect(configuration.collections.map(\.name) == draft.collections.map(\.name))
        #expect(configuration.collections.map(\.databaseName) == draft.collections.map(\.databaseName))
        let asConfigured = draft.references.map { reference in
            var copy = reference
            copy.origin = .configuration
            return copy
        }
        #expect(configuration.references.sorted() == asConfigured.sorted())
        #expect(configuration.type(of: path("start"), in: "policies") == .date)
        #expect(configuration.type(of: path(#"a\.b[]"#), in: "policies") == .decimal)
        #expect(configuration.type(of: path("customerId"), in: "policies") == nil)
        #expect(configuration.exclude.map(\.pattern) == ["auditlogs", "chat*"])
    }

    /// Names made of characters that have a meaning in YAML, in paths or for this program.
    @Test func randomNamesAreReadBack() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let letters = Array("ab.[]\\:#-?!&*|>'\"%@`{},~ \n\t\u{7}\u{85}\u{2028}\u{FEFF}\u{FFFE}\u{FFFF}uFé€😀0123$_=<")
        func name() -> String {
            String(
                (0..<Int.random(in: 1...8, using: &random)).map { _ in letters.randomElement(using: &random) ?? "x" })
        }
        for _ in 0..<200 {
            // On a server, no collection's name begins with $.
            let collections = Array(Set((0..<4).map { _ in name() }.filter { !$0.hasPrefix("$") })).sorted()
            let references = collections.map {
                Reference(
                    collection: $0, path: FieldPath(steps: [.field(name()), .elements, .field(name())]), target: $0,
                    condition: Bool.random(using: &random)
                        ? ReferenceCondition(field: name(), equals: .string(name())) : nil)
            }
            let draft = ConfigurationDraft(
                title: [name()], collections: collections.map { .init(name: $0) }, references: references,
                exclude: [(name(), name())])
            let configuration = try Configuration.parse(yaml: draft.yaml, file: "mongoferry.yaml")
            #expect(configuration.references.map(\.path).sorted() == references.map(\.path).sorted(), "seed \(seed)")
            #expect(configuration.references.map(\.condition) == references.map(\.condition), "seed \(seed)")
            #expect(configuration.exclude == draft.exclude.map { Glob($0.pattern) }, "seed \(seed)")
        }
    }

    /// YAML parsers accept a key of more than 1,024 characters only with its indicator, the question mark.
    @Test func longNamesAreReadBack() throws {
        let long = String(repeating: "n", count: 1500)
        let escaped = String(repeating: "\u{1}", count: 250)
        let reference = Reference(collection: escaped, path: FieldPath(steps: [.field(long)]), target: escaped)
        let polymorphic = ["a", "b"].map { end in
            Reference(
                collection: escaped, path: FieldPath(steps: [.field(long + "2")]), target: escaped,
                condition: ReferenceCondition(field: long, equals: .string(long + end)))
        }
        let draft = ConfigurationDraft(
            collections: [.init(name: escaped)], references: [reference] + polymorphic,
            types: [
                TypedPath(collection: escaped, path: FieldPath(steps: [.field(long + "3")]), type: .date, values: 7)
            ])
        let configuration = try Configuration.parse(yaml: draft.yaml, file: "mongoferry.yaml")
        let expected = ([reference] + polymorphic).map { reference in
            var copy = reference
            copy.origin = .configuration
            return copy
        }
        #expect(configuration.references.sorted() == expected.sorted())
        #expect(configuration.type(of: FieldPath(steps: [.field(long + "3")]), in: escaped) == .date)
    }

    /// "é" can be one code point or two: to the server these are two fields, to the YAML parser one.
    @Test func ofPathsThatLookTheSameOneIsWrittenAndTheOtherIsNamed() throws {
        let spellings = ["caf\u{E9}", "cafe\u{301}"]
        func path(_ name: String) -> FieldPath { FieldPath(steps: [.field(name)]) }
        let draft = ConfigurationDraft(
            collections: [.init(name: "customers"), .init(name: "orders")],
            references: spellings.map { Reference(collection: "orders", path: path($0), target: "customers") },
            types: spellings.map { TypedPath(collection: "orders", path: path($0 + "At"), type: .date, values: 1) })
        let configuration = try Configuration.parse(yaml: draft.yaml, file: "mongoferry.yaml")
        #expect(configuration.references.map(\.path) == [path(spellings[1])])
        #expect(configuration.type(of: path(spellings[0] + "At"), in: "orders") == .date)
        #expect(configuration.collection("orders")?.types.count == 1)
        for left in ["\(spellings[0]) → customers", "\(spellings[1])At: date"] {
            let comment = "# not taken: \(left), since YAML takes its path for the one above that looks the same\n"
            #expect(draft.yaml.contains(comment), "\(draft.yaml)")
        }
    }

    @Test func anEmptyDatabaseGivesAValidFile() throws {
        let draft = ConfigurationDraft(collections: [])
        #expect(draft.yaml == "collections: {}\n")
        #expect(try Configuration.parse(yaml: draft.yaml, file: "x").collections.isEmpty)
    }
}
