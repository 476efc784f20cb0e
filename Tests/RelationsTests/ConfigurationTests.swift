import BSON
import Relations
import Testing

@Suite struct ConfigurationTests {
    @Test func readsTheInsuranceApplicationsConfiguration() throws {
        let configuration = try Insurance.configuration()
        #expect(
            configuration.collections.map(\.name) == [
                "customers", "policies", "payments", "receipts", "users", "rolePermissions", "coverageTypes",
                "statementRecipients",
            ])
        #expect(
            configuration.references.map { "\($0.collection).\($0.path) → \($0.targetDescription)" } == [
                "policies.customerId → customers", "policies.coverageTypeId → coverageTypes",
                "policies.vehicles[].drivers[].customerId → customers", "payments.policyId → policies",
                "receipts.paymentId → payments", "statementRecipients.customerId → customers",
            ])
        #expect(configuration.references.map(\.isOptional) == [false, false, false, false, false, true])
        #expect(configuration.type(of: path("start"), in: "policies") == .date)
        #expect(configuration.type(of: path("start"), in: "customers") == nil)
        #expect(configuration.databaseName(of: "coverageTypes") == "coveragetypes")
        #expect(configuration.databaseName(of: "somethingElse") == "somethingElse")
        #expect(configuration.fileName(of: "coveragetypes") == "coverageTypes")
        #expect(configuration.exclusion(ofDatabaseName: "chatMessages")?.pattern == "chat*")
        #expect(configuration.exclusion(ofDatabaseName: "policies") == nil)
    }

    @Test func excludesByEitherOfACollectionsNames() throws {
        let configuration = try parse("collections: {auditLogs: {collection: auditlogs}}\nexclude: [auditlogs]")
        #expect(configuration.exclusion(ofFileName: "auditLogs")?.pattern == "auditlogs")
        #expect(configuration.exclusion(ofDatabaseName: "auditlogs")?.pattern == "auditlogs")
    }

    /// The name of one collection in the database may be the name of another in files.
    @Test func excludesNoOtherCollectionThanTheOneOfThatName() throws {
        let configuration = try parse(
            "collections: {orders: {collection: bills}, bills: {collection: drafts}}\nexclude: [drafts]")
        #expect(configuration.exclusion(ofDatabaseName: "drafts") != nil)
        #expect(configuration.exclusion(ofFileName: "bills") != nil)
        #expect(configuration.exclusion(ofDatabaseName: "bills") == nil)
        #expect(configuration.exclusion(ofFileName: "orders") == nil)
    }

    @Test(arguments: ["", "\n", "# nothing yet\n", "---\n", "collections:\nexclude:\n", "{}"])
    func anEmptyFileIsValid(_ yaml: String) throws {
        let configuration = try parse(yaml)
        #expect(configuration.collections.isEmpty)
        #expect(configuration.exclude.isEmpty)
    }

    @Test func namesThatYAMLWouldReadAsSomethingElseStayNames() throws {
        let configuration = try parse("collections:\n  no: {}\n  123: {}\n  2024-01-01: {collection: yes}\n")
        #expect(configuration.collections.map(\.name) == ["no", "123", "2024-01-01"])
        #expect(configuration.databaseName(of: "2024-01-01") == "yes")
    }

    @Test func theLongestCollectionNameThatFitsIsTheTarget() throws {
        let configuration = try parse(
            """
            collections:
              fs: {}
              fs.files: {}
              customers: {}
              things:
                references: {a: fs.files, b: fs.files.name, c: fs.chunks, d: customers.email, e: fs}
            """)
        #expect(configuration.references.map(\.target) == ["fs.files", "fs.files", "fs", "customers", "fs"])
        #expect(configuration.references.map(\.targetPath.description) == ["_id", "name", "chunks", "email", "_id"])
    }

    @Test func polymorphicReferencesNameTheFieldThatTells() throws {
        let configuration = try parse(
            """
            collections:
              customers: {}
              companies: {}
              notes:
                references:
                  ownerId:
                    by: ownerType
                    optional: true
                    to: {customer: customers, 2: companies}
                  subject: {to: [customers, companies]}
            """)
        let references = configuration.references
        #expect(references.map(\.target) == ["customers", "companies", "customers", "companies"])
        #expect(
            references.map { $0.condition?.description } == [#"ownerType = "customer""#, "ownerType = 2", nil, nil])
        #expect(references.map(\.isOptional) == [true, true, false, false])
    }

    @Test func aNumberAndItsTextAreTwoValuesThatTell() throws {
        let configuration = try parse(
            """
            collections:
              customers: {}
              companies: {references: {a: {by: kind, to: {2: customers, "2": companies, true: customers, 'true': companies}}}}
            """)
        #expect(
            configuration.references.map { $0.condition?.description } == [
                "kind = 2", #"kind = "2""#, "kind = true", #"kind = "true""#,
            ])
        let others = try parse(
            "collections: {a: {references: {x: {by: k, to: {01: a, +1: a, 1.0: a, -1: a, True: a, yes: a}}}}}")
        #expect(
            others.references.map { $0.condition?.description } == [
                #"k = "01""#, #"k = "+1""#, #"k = "1.0""#, "k = -1", "k = true", #"k = "yes""#,
            ])
        for twice in ["2: customers, 2: companies", "'2': customers, !!str 2: companies"] {
            #expect(throws: ConfigurationError.self, "\(twice)") {
                try parse("collections: {customers: {references: {a: {by: k, to: {\(twice)}}}}, companies: {}}")
            }
        }
    }

    @Test(arguments: [
        (
            "collections:\n  policies:\n    refs: {a: b}",
            "mongoferry.yaml, line 3: unknown key 'refs' in collection 'policies'; expected references, types or collection. Did you mean 'references'?"
        ),
        (
            "colections: {}",
            "mongoferry.yaml, line 1: unknown key 'colections'; expected collections or exclude. Did you mean 'collections'?"
        ),
        (
            "collections:\n  policies:\n    types:\n      start: datetime",
            "mongoferry.yaml, line 4: unknown type 'datetime' for 'start' in collection 'policies'; expected objectId, date, decimal, int, long, double, bool, uuid, binary or string. Did you mean 'date'?"
        ),
        (
            "collections:\n  customers:\n  policies:\n    references:\n      customerId: costumers",
            "mongoferry.yaml, line 5: unknown target 'costumers' for 'customerId' in collection 'policies'; expected a collection of 'collections', the database or the file. Did you mean 'customers'?"
        ),
        (
            "collections:\n  customers:\n  policies:\n    references:\n      mail: costumers.email",
            "mongoferry.yaml, line 5: unknown target 'costumers.email' for 'mail' in collection 'policies'; expected a collection of 'collections', the database or the file. Did you mean 'customers.email'?"
        ),
        (
            "collections:\n  policies:\n    references:\n      vehicles[0].x: policies",
            "mongoferry.yaml, line 4: bad path 'vehicles[0].x' in collection 'policies': [] takes no index, it means every element; expected names joined by dots, with [] for every element of an array"
        ),
        (
            "collections:\n  policies: {}\n  customers: {}\n  policies: {}",
            "mongoferry.yaml, line 4: duplicate key 'policies', first on line 2; expected each key once"
        ),
        (
            "collections: {a: {}, a: {}}",
            "mongoferry.yaml, line 1: duplicate key 'a'; expected each key once"
        ),
        (
            "collections: [customers, policies]",
            "mongoferry.yaml, line 1: 'collections' is a list; expected a map with a name for each collection"
        ),
        (
            "collections:\n  policies:\n    references: customers",
            "mongoferry.yaml, line 3: 'references' in collection 'policies' is 'customers'; expected a map of path to target"
        ),
        (
            "exclude: auditlogs",
            "mongoferry.yaml, line 1: 'exclude' is 'auditlogs'; expected a list of collection names, * and ? allowed"
        ),
        (
            "exclude:\n  - *chat",
            "mongoferry.yaml, line 2: a text that begins with * stands without quotes; expected quotes around it, since YAML reads it as an alias"
        ),
        (
            "collections:\n  a: {references: {x: {to: a, optionl: true}}}",
            "mongoferry.yaml, line 2: unknown key 'optionl' of 'x' in collection 'a'; expected to, optional or by. Did you mean 'optional'?"
        ),
        (
            "collections:\n  a: {references: {x: {optional: true}}}",
            "mongoferry.yaml, line 2: 'x' in collection 'a' has no target; expected a 'to' with the target collection"
        ),
        (
            "collections:\n  a: {references: {x: {to: a, optional: perhaps}}}",
            "mongoferry.yaml, line 2: 'optional' of 'x' in collection 'a' is 'perhaps'; expected true or false"
        ),
        (
            "collections:\n  a: {references: {x: {to: {k: a}}}}",
            "mongoferry.yaml, line 2: 'to' of 'x' in collection 'a' is a map; expected a 'by' with the field that tells which"
        ),
        (
            "collections:\n  a: {collection: x}\n  x:",
            "mongoferry.yaml, line 3: collections 'a' and 'x' are both 'x' in the database; expected a name of its own for each"
        ),
        (
            "- a",
            "mongoferry.yaml, line 1: the file is a list; expected a map with the keys collections and exclude"
        ),
        (
            "collections:\n  a: {types: {b: [date]}}",
            "mongoferry.yaml, line 2: the type of 'b' in collection 'a' is a list; expected objectId, date, decimal, int, long, double, bool, uuid, binary or string"
        ),
        (
            "collections:\n  policies: {types: {vehicles[].start: date}}",
            "mongoferry.yaml, line 2: not YAML: did not find expected ',' or '}' at column 30; expected quotes around a path with [] where it stands inside { }"
        ),
        (
            "collections:\n  a\u{7}: {}",
            "mongoferry.yaml, line 2: not YAML: control characters are not allowed"
        ),
        (
            "collections: {}\n---\ncollections: {}",
            "mongoferry.yaml, line 2: not YAML: but found another document at column 1"
        ),
        (
            "collections:\r\n  a: {}\r\n  a: {}\r\n",
            "mongoferry.yaml, line 3: duplicate key 'a', first on line 2; expected each key once"
        ),
        (
            "collections:\n  a: &x {}\n  b: {<<: *x}",
            "mongoferry.yaml, line 3: unknown key '<<' in collection 'b'; expected references, types or collection"
        ),
        (
            "collections:\n  '': {}",
            "mongoferry.yaml, line 2: a key in 'collections' is empty; expected a name"
        ),
        (
            "collections:\n\t- x",
            "mongoferry.yaml, line 2: not YAML: found character that cannot start any token at column 1; expected blanks before the text of a line, since YAML takes no tabs there"
        ),
        (
            "collections:\n  a: {types: {b: }}",
            "mongoferry.yaml, line 2: the type of 'b' in collection 'a' is empty; expected objectId, date, decimal, int, long, double, bool, uuid, binary or string"
        ),
        (
            "collections:\n  a: {references: {x: {to: []}}}",
            "mongoferry.yaml, line 2: 'to' of 'x' in collection 'a' names no target; expected at least one collection named in 'collections'"
        ),
        (
            "collections:\n  a: {references: {x: {by: k, to: {}}}}",
            "mongoferry.yaml, line 2: 'to' of 'x' in collection 'a' names no target; expected at least one collection named in 'collections'"
        ),
        (
            "collections:\n  a: {references: {x: {to: a, optional: 'true'}}}",
            "mongoferry.yaml, line 2: 'optional' of 'x' in collection 'a' is 'true'; expected true or false"
        ),
        (
            "collections:\n  a: {collection: ~}",
            "mongoferry.yaml, line 2: 'collection' in collection 'a' is empty; expected the database's name for it"
        ),
        (
            "exclude:\n  - chats\n  - ~",
            "mongoferry.yaml, line 3: an entry of 'exclude' is empty; expected a collection name, * and ? allowed"
        ),
        (
            "12",
            "mongoferry.yaml, line 1: the file is one text; expected a map with the keys collections and exclude"
        ),
        (
            "collections:\n  a:\n    types:\n      x: date\n      x: int\n",
            "mongoferry.yaml, line 5: duplicate key 'x', first on line 4; expected each key once"
        ),
        (
            "collections: *nothing",
            "mongoferry.yaml, line 1: a text that begins with * stands without quotes; expected quotes around it, since YAML reads it as an alias"
        ),
        (
            "collections:\n  a: {references: {x: {by: k.n, to: {b: a}}}}",
            "mongoferry.yaml, line 2: 'by' of 'x' in collection 'a' is 'k.n'; expected the name of one field in the same document, with a backslash before its dots and brackets"
        ),
        // Whoever mixes files up must not find a password in a report.
        (
            "collections: mongodb://ann:s3cret@db1/shop",
            "mongoferry.yaml, line 1: a connection string has no place here; --uri-file takes a file with one; expected a map with a name for each collection"
        ),
        (
            "mongodb://ann:s3cret@db1/shop: x",
            "mongoferry.yaml, line 1: a connection string has no place here; --uri-file takes a file with one; expected collections or exclude"
        ),
        // To Swift's own search a mark makes the slash before it another character.
        (
            "'mongodb://\u{301}ann:s3cret@db1/shop': x",
            "mongoferry.yaml, line 1: a connection string has no place here; --uri-file takes a file with one; expected collections or exclude"
        ),
        (
            "? [a]\n: b",
            "mongoferry.yaml, line 1: a key in the file is a list; expected a name"
        ),
    ])
    func errorsNameThePlaceAndTheWayOut(_ yaml: String, _ text: String) {
        let error = #expect(throws: ConfigurationError.self) { try parse(yaml) }
        #expect(error?.description == text)
    }

    @Test func aFieldWhoseNameHasADotIsNamedWithABackslash() throws {
        let yaml = #"collections: {a: {references: {x: {by: "k\\.n", to: {b: a}}}}}"#
        #expect(try parse(yaml).references.map(\.condition?.field) == ["k.n"])
    }

    /// "Billion laughs": each line contains the previous one nine times.
    @Test func textsThatGrowWithoutEndAreRefusedAtOnce() {
        var lines = ["- &a0 [x, x, x, x, x, x, x, x, x]"]
        for depth in 1...40 {
            let items = Array(repeating: "*a\(depth - 1)", count: 9).joined(separator: ", ")
            lines.append("- &a\(depth) [\(items)]")
        }
        let list = lines.map { "  " + $0 }.joined(separator: "\n")
        let error = #expect(throws: ConfigurationError.self) { try parse("exclude:\n\(list)\n") }
        #expect(error?.line == 2)
        #expect(throws: ConfigurationError.self) { try parse(lines.joined(separator: "\n")) }
        #expect(throws: ConfigurationError.self) { try parse("collections:\n\(list)\nexclude:\n  - *a40") }
        for key in [
            "? *a40\n  : x\n  ? *a40\n  : y", "*a40 : x\n  *a40 : y", "{[*a40]: x, [*a40]: y}", "{? *a40, ? *a40}",
        ] {
            let error = #expect(throws: ConfigurationError.self) {
                try parse("exclude:\n\(list)\ncollections:\n  \(key)\n")
            }
            #expect(
                error?.description == "mongoferry.yaml, line 44: a key is an alias, a list or a map; expected a name")
        }
        let deep = #expect(throws: ConfigurationError.self) {
            try parse("collections: " + String(repeating: "{a: ", count: 100_000))
        }
        #expect(deep?.description.contains("five levels deep at most") == true)
    }

    @Test func errorsCarryTheirPartsForPrograms() {
        let error = #expect(throws: ConfigurationError.self) {
            try parse("collections:\n  policies:\n    types: {start: datetime}")
        }
        #expect(error?.line == 3)
        #expect(error?.column == 20)
        #expect(error?.key == "datetime")
        #expect(error?.suggestion == "date")
    }

    @Test func twoCollectionsOfTheDatabaseUnderOneNameAreNamed() throws {
        let configuration = try Insurance.configuration()
        let clashes = configuration.clashes(among: ["coveragetypes", "customers", "coverageTypes"])
        #expect(clashes.map(\.name) == ["coverageTypes"])
        #expect(clashes.first?.databaseNames == ["coverageTypes", "coveragetypes"])
    }

    /// An imported spreadsheet may leave a byte order mark before the first name.
    @Test func aByteOrderMarkInANameIsKeptHoweverItIsWritten() throws {
        let configuration = try parse(
            [
                "collections:", "  customers:", "    references:",
                #"      "\ufeffa": customers"#, #"      "\uFEFFb": customers"#, #"      "\U0000FEFFc": customers"#,
                "      \"\u{FEFF}d\": customers", "      \u{FEFF}e: customers", "      'f\u{FEFF}': customers",
                #"  "\\ufeff": {}"#, #"  '\ufeff"': {}"#,
                "exclude: [\"\u{FEFF}x\", '\\ufeff', a\\ufeff]",
            ].joined(separator: "\n"))
        let fields = configuration.references.map(\.path.lastField)
        #expect(fields == ["a", "b", "c", "d", "e"].map { "\u{FEFF}" + $0 } + ["f\u{FEFF}"])
        #expect(configuration.collections.map(\.name) == ["customers", #"\ufeff"#, #"\ufeff""#])
        #expect(configuration.exclude.map(\.pattern) == ["\u{FEFF}x", #"\ufeff"#, #"a\ufeff"#])
    }

    @Test func aTargetThatIsNotNamedHasToBeThere() throws {
        let configuration = try Configuration.parse(
            yaml: "collections:\n  orders: {references: {a: zones, b: orderItems}}", file: "x.yaml")
        try configuration.checkTargets { ["orders", "zones", "orderItems"] }
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.checkTargets { ["zones", "orderItem"] }
        }
        #expect(error?.line == 2 && error?.suggestion == "orders", "\(String(describing: error))")
        // A target has its name in files, not the one in the database; where a name with a dot ends is ambiguous.
        for yaml in [
            "collections: {policyHolders: {collection: ph}, policies: {references: {who: ph}}}",
            "collections: {chunks: {references: {files_id: fs.files}}}",
        ] {
            #expect(throws: ConfigurationError.self) { try Configuration.parse(yaml: yaml, file: "x.yaml") }
        }
    }

    @Test func anErrorShowsAByteOrderMarkAndNothingElse() {
        let error = #expect(throws: ConfigurationError.self) { try parse(#"{"\ufeffexclude": []}"#) }
        #expect(
            error?.description
                == #"mongoferry.yaml, line 1: unknown key '\u{FEFF}exclude'; expected collections or exclude. Did you mean 'exclude'?"#
        )
    }

    /// Parses a configuration and checks its targets as if there were no collections but those that it names.
    private func parse(_ yaml: String) throws -> Configuration {
        let configuration = try Configuration.parse(yaml: yaml, file: "mongoferry.yaml")
        try configuration.checkTargets { [] }
        return configuration
    }
}

/// Parses a path that must be valid.
func path(_ text: String) -> FieldPath {
    guard let path = FieldPath(text) else { preconditionFailure("bad path in a test: \(text)") }
    return path
}
