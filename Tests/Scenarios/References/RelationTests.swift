import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Relations as users meet them: discovered, drawn, verified, and guarded on import.
@Suite struct RelationTests {
    private static let trueReferences = [
        "customers.agent → users", "customers.referredBy → customers", "payments.policyId → policies",
        "policies.beneficiaries[] → customers", "policies.coverageTypeId → coveragetypes",
        "policies.customerId → customers", "policies.vehicles[].drivers[].customerId → customers",
        "receipts.paymentId → payments", "statementrecipients.customerId → customers", "users.roleId → rolepermissions",
    ]

    @Test func discoverFindsEveryTrueReferenceAndNoFalseOne() throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            let found = try DiscoveredConfiguration(
                try database.target, configuration: Configuration(), OperationContext())
            #expect(
                found.references.map { "\($0.collection).\($0.path) → \($0.target)" }.sorted()
                    == Self.trueReferences.sorted())
            // The configuration that it writes says the same when it is parsed.
            let configuration = try Configuration.parse(yaml: found.yaml, file: "discovered.yaml")
            #expect(
                configuration.references.map { "\($0.collection).\($0.path) → \($0.target)" }.sorted()
                    == Self.trueReferences.sorted())
            #expect(found.yaml.contains("sampled values exist, ObjectId"))
        }
    }

    /// A field that holds a type's number or its name is no reference to what has such numbers.
    @Test func soundDataWithValuesOfTwoTypesAreFoundSound() throws {
        try withTestDatabase { database, _ in
            try database.insert([["_id": 2], ["_id": 105], ["_id": 106]], into: "types")
            try database.insert(
                (0..<100).map { ["_id": .int32($0), "v": ["type": $0 < 50 ? 2 : "date"]] }, into: "fields")
            let uri = try testURI()
            let found = try Program.run(["discover", "--uri", uri, "--db", database.name])
            #expect(
                found.output.contains(
                    "v.type → types: 1 of 2 sampled values exist, but 1 is of a type that no _id there has"),
                "\(found.text)")
            let verified = try Program.run(["verify", "--uri", uri, "--db", database.name])
            #expect(verified.status == 0 && !verified.text.contains("dangling"), "\(verified.text)")
        }
    }

    /// Otherwise the next export would include what is excluded by the name that it has in files.
    @Test func discoverKeepsTheNamesOfWhatIsLeftOutAndOfViews() throws {
        try withTestDatabase { database, _ in
            for name in ["auditlogs", "customers", "sessions"] { try database.insert([["_id": 1]], into: name) }
            for name in ["activecustomers", "formercustomers"] {
                try database.create(name, ["viewOn": "customers", "pipeline": []])
            }
            let old = try Configuration.parse(
                yaml: """
                    collections:
                      audit: {collection: auditlogs}
                      active: {collection: activecustomers}
                      former: {collection: formercustomers}
                      people: {collection: customers}
                      sessions: {}
                    exclude: [audit, former, sessions]
                    """,
                file: "mongoferry.yaml")
            let found = try DiscoveredConfiguration(try database.target, configuration: old, OperationContext())
            let new = try Configuration.parse(yaml: found.yaml, file: "mongoferry.yaml")
            for name in ["auditlogs", "formercustomers"] {
                #expect(new.exclusion(ofDatabaseName: name) != nil, "\(found.yaml)")
            }
            #expect(new.fileName(of: "activecustomers") == "active" && new.fileName(of: "customers") == "people")
            // A name that is the same in files says nothing.
            #expect(new.collections.map(\.name) == ["people", "audit", "active", "former"])
        }
    }

    /// A configuration cannot name the target.
    @Test func aReferenceToWhatIsLeftOutIsOnlyACandidate() throws {
        try withTestDatabase { database, _ in
            try database.insert((1...50).map { ["_id": .int32($0)] }, into: "customers")
            try database.insert((1...50).map { ["_id": .int32($0), "customerId": .int32($0)] }, into: "orders")
            let old = try Configuration.parse(yaml: "exclude: [customers]", file: "mongoferry.yaml")
            let found = try DiscoveredConfiguration(try database.target, configuration: old, OperationContext())
            #expect(found.references.isEmpty)
            #expect(
                found.candidates.map(\.description) == [
                    "customerId → customers: discovered: 50 of 50 sampled values exist, whole number, but customers is left out"
                ])
            let new = try Configuration.parse(yaml: found.yaml, file: "mongoferry.yaml")
            #expect(new.references.isEmpty && new.collections.map(\.name) == ["orders"], "\(found.yaml)")
        }
    }

    /// Of such collections the server is asked, which answers in the type that it stores.
    @Test func aReferenceToOneOfVeryManyNumbersIsFound() throws {
        try withTestDatabase { database, _ in
            try database.insert((1...12_000).map { ["_id": .int32($0)] }, into: "customers")
            try database.insert((1...12_000).map { ["_id": .int32($0), "customerId": .int32($0)] }, into: "orders")
            let found = try DiscoveredConfiguration(
                try database.target, configuration: Configuration(), OperationContext())
            #expect(
                found.references.map { "\($0.collection).\($0.path) → \($0.target)" } == [
                    "orders.customerId → customers"
                ])
        }
    }

    /// In the reports of every operation, even of one that fails.
    @Test func whatTheConfigurationSaysInVainStandsInTheReports() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try folder.write(
                "collections: {customers: {}, ordrs: {references: {x: customers}}}\nexclude: [customer]\n", to: "c.yaml"
            )
            let file = folder.file("all.csv")
            let commands = [
                (["export", "-o", file, "--force"], 0 as Int32), (["import", file], 0), (["verify"], 1),
                (["verify", file], 0),
                (["import", file, "--upsert-keys", "a"], 64),
            ]
            for (words, status) in commands {
                let outcome = try Program.run(
                    words + [
                        "--uri", try testURI(), "--db", database.name, "--config", folder.file("c.yaml"), "--report",
                        folder.file("report.json"),
                    ])
                #expect(outcome.status == status, "\(outcome.text)")
                let report = try JSONValue(folder.text("report.json"))
                let warnings = report["warnings"]?.array.compactMap(\.string) ?? []
                #expect(warnings.contains { $0.contains("'ordrs'") }, "\(words) \(warnings) \(outcome.text)")
                #expect(
                    warnings.contains { $0.contains("'customer'") } == (words != ["verify"]), "\(words) \(warnings)")
                #expect(Set(warnings).count == warnings.count)
            }
        }
    }

    /// Two backups in one file: the metadata are the first one's, the seal the second one's.
    @Test func aFileOfTwoBackupsIsFoundOutWithoutReadingIt() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<9).map { ["_id": .int32($0)] }, into: "customers")
            try database.export(to: folder.file("a.csv"))
            try database.delete("customers", ["_id": ["$gt": 2]])
            try database.export(to: folder.file("b.csv"))
            try folder.write(try folder.text("a.csv") + folder.text("b.csv"), to: "both.csv")
            let text = "the metadata say 9 records of customers, the seal says 3: the file is damaged"
            let inspected = try Program.run(["inspect", folder.file("both.csv")])
            #expect(inspected.status == 2 && inspected.output.contains("\n\(text)\n"), "\(inspected.text)")
            let planned = try Program.run(["plan", folder.file("both.csv")])
            #expect(planned.errors.contains("warning: \(folder.file("both.csv")): \(text)\n"), "\(planned.text)")
            #expect(try Program.run(["inspect", folder.file("b.csv")]).status == 0)
        }
    }

    @Test func aPlanOfACutFileSaysThatTheSealIsMissing() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<9).map { ["_id": .int32($0)] }, into: "customers")
            try database.export(to: folder.file("all.csv"))
            try folder.write(String(try folder.text("all.csv").dropLast(10)), to: "cut.csv")
            let cases: [(name: String, warning: String?)] = [
                ("cut.csv", "no seal stands at the end: the file is damaged, or is still being written"),
                ("all.csv", nil),
            ]
            for (name, warning) in cases {
                let log = MessageLog()
                let plan = try PlanGraph(file: folder.file(name), configuration: Configuration(), log.context)
                #expect(plan.drawing.drawn(as: .text).contains("customers"))
                let expected = warning.map { ["\(folder.file(name)): \($0)"] } ?? []
                #expect(log.warnings == expected)
            }
        }
    }

    @Test func aReferenceInTheMetadataThatIsNotUnderstoodIsLeftOutOfThePlanWithAWarning() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 2, "customerId": 1, "soldTo": 1]], into: "orders")
            try database.export(to: folder.file("all.csv")) {
                $0.configuration = try Configuration.parse(
                    yaml: """
                        collections:
                          customers: {}
                          orders:
                            references: {customerId: customers, soldTo: customers}
                        """,
                    file: "x.yaml")
            }
            try folder.write(try folder.text("all.csv").replacing("\"soldTo\"", with: "\"sold[o\""), to: "edited.csv")
            let log = MessageLog()
            let plan = try PlanGraph(file: folder.file("edited.csv"), configuration: Configuration(), log.context)
            #expect(log.warnings.count == 1)
            #expect(
                log.warnings.first?.hasPrefix("a reference in the metadata is not understood and is left out: ") == true
            )
            let drawing = plan.drawing.drawn(as: .text)
            #expect(drawing.contains("customerId") && !drawing.contains("sold"), "\(drawing)")
        }
    }

    @Test func integersThatMerelyOccurElsewhereAreNoReference() throws {
        try withTestDatabase { database, _ in
            try database.insert((1...500).map { ["_id": .int32($0), "name": .string("c\($0)")] }, into: "customers")
            try database.insert(
                (1...400).map { (number: Int32) -> Document in
                    let customer: Int32 = number * 7 % 500 + 1
                    let status: Int32 = number % 5 + 1
                    return ["_id": .int32(number), "customerId": .int32(customer), "status": .int32(status)]
                },
                into: "orders")
            let found = try DiscoveredConfiguration(
                try database.target, configuration: Configuration(), OperationContext())
            #expect(
                found.references.map { "\($0.collection).\($0.path) → \($0.target)" } == [
                    "orders.customerId → customers"
                ])
        }
    }

    @Test func aTimeSeriesRefersToOthers() throws {
        try withTwoTestDatabases { source, copy, folder in
            func id(_ index: Int) -> Value { .objectID(ObjectID(high: 0x5C2A_AD80_0000_0001, low: UInt32(index))) }
            try source.insert((0..<20).map { ["_id": id($0)] }, into: "sensors")
            try source.create("readings", ["timeseries": ["timeField": "at", "metaField": "from"]])
            try source.insert(
                (0..<40).map {
                    ["at": .date(Int64($0) * 1000), "from": ["sensor": id($0 % 20)], "value": .int32(Int32($0))]
                },
                into: "readings")
            let found = try DiscoveredConfiguration(
                try source.target, configuration: Configuration(), OperationContext())
            #expect(
                found.references.map { "\($0.collection).\($0.path) → \($0.target)" } == [
                    "readings.from.sensor → sensors"
                ])
            try source.delete("sensors", ["_id": id(7)])
            let database = try Verify(file: nil, target: try source.target).runBlocking(OperationContext())
            #expect(database.references.map(\.dangling) == [2])
            try source.export(to: folder.file("x.csv"))
            let file = try Verify(file: folder.file("x.csv"), target: nil).runBlocking(OperationContext())
            #expect(file.references.map(\.dangling) == [2])
            let report = try copy.load(folder.file("x.csv"), .replace)
            #expect(report.collections.map(\.name) == ["sensors", "readings"])
            #expect(report.references.map(\.dangling) == [2])
        }
    }

    @Test func aReferenceThatFewDocumentsHaveIsFoundInASmallCollection() throws {
        try withTestDatabase { database, _ in
            func id(_ kind: UInt64, _ index: Int) -> Value {
                .objectID(ObjectID(high: 0x5C2A_AD80_0000_0000 | kind, low: UInt32(index)))
            }
            try database.insert((0..<10).map { ["_id": id(1, $0)] }, into: "agents")
            try database.insert(
                (0..<9000).map { $0 == 4321 ? ["_id": id(2, $0), "by": id(1, 3)] : ["_id": id(2, $0)] }, into: "visits")
            let found = try DiscoveredConfiguration(
                try database.target, configuration: Configuration(), OperationContext())
            #expect(found.references.map { "\($0.path) → \($0.target)" } == ["by → agents"])
        }
    }

    /// Before an export, a large collection is not read completely.
    @Test(arguments: [ElementType.objectID, .int32, .date, .string])
    func anExportFindsWhatOldAndNewDocumentsAndThoseBetweenReferTo(type: ElementType) throws {
        try withTestDatabase { database, folder in
            func key(_ index: Int) -> Value {
                switch type {
                case .objectID: .objectID(ObjectID(high: 0x5C2A_AD80_0000_0001, low: UInt32(index)))
                case .int32: .int32(Int32(index))
                case .date: .date(Int64(index) * 86_400_000)
                default: .string("visit \(10_000 + index)")
                }
            }
            func id(_ kind: UInt64, _ index: Int) -> Value {
                .objectID(ObjectID(high: 0x5C2A_AD80_0000_0000 | kind << 8, low: UInt32(index)))
            }
            for (kind, name) in ["agents", "offices", "towns"].enumerated() {
                try database.insert((0..<10).map { ["_id": id(UInt64(kind), $0)] }, into: name)
            }
            try database.insert(
                (0..<3000).map { index in
                    let visit: Document = ["_id": key(index)]
                    return switch index {
                    case ..<40: visit.appending("agent", id(0, index % 10))
                    // Between strings there is no middle: some documents are sampled at random.
                    case 1500..<1530 where type != .string: visit.appending("office", id(1, index % 10))
                    case 2960...: visit.appending("town", id(2, index % 10))
                    default: visit
                    }
                }, into: "visits")
            try database.export(to: folder.file("all.csv"))
            let metadata = try #require(try BackupReader(try OpenFile(reading: folder.file("all.csv"))).metadata)
            let found = try metadata.references.map { try Reference(document: $0) }
            let wanted = ["agent → agents", "office → offices", "town → towns"]
            #expect(
                Set(found.map { "\($0.path) → \($0.target)" })
                    == Set(type == .string ? [wanted[0], wanted[2]] : wanted),
                "\(type)")
        }
    }

    @Test func aTypeFieldBesideTheIdMakesAPolymorphicReference() throws {
        try withTestDatabase { database, _ in
            func id(_ collection: UInt64, _ index: Int) -> Value {
                .objectID(ObjectID(high: collection << 40 | 77, low: UInt32(index)))
            }
            try database.insert((0..<50).map { ["_id": id(1, $0)] }, into: "customers")
            try database.insert((0..<50).map { ["_id": id(2, $0)] }, into: "companies")
            try database.insert(
                (0..<100).map { index in
                    [
                        "_id": .int32(Int32(index)), "ownerType": .string(index % 2 == 0 ? "customer" : "company"),
                        "owner": id(index % 2 == 0 ? 1 : 2, index / 2),
                    ]
                }, into: "notes")
            let found = try DiscoveredConfiguration(
                try database.target, configuration: Configuration(), OperationContext())
            let texts = found.references.map {
                "\($0.path) → \($0.target) where \($0.condition?.description ?? "always")"
            }
            #expect(
                texts == [
                    "owner → companies where ownerType = \"company\"",
                    "owner → customers where ownerType = \"customer\"",
                ])
            // A value under the wrong type dangles, even if the id exists elsewhere.
            try database.update("notes", ["_id": 0], ["$set": ["ownerType": "company"]])
            let report = try Verify(
                file: nil, target: try database.target, configuration: try .parse(yaml: found.yaml, file: "x")
            )
            .runBlocking(OperationContext())
            #expect(report.danglingCount == 1)
            #expect(report.status == .problems)
            #expect(report.json.contains(#""when":"ownerType = \"company\"""#))
            // Only the dangling one is red.
            let picture = try #require(report.graph).drawn(as: .svg)
            #expect(picture.components(separatedBy: "1 dangling").count == 2)
        }
    }

    @Test func verifyCountsDanglingValuesExactlyAndNamesDocuments() throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            let gone = try #require(try database.documents(in: "policies").first?["_id"])
            let expected = try database.count("payments", ["policyId": gone])
            try #require(expected > 0)
            try database.delete("policies", ["_id": gone])
            for report in [
                try Verify(file: nil, target: try database.target).runBlocking(OperationContext()),
                try {
                    try database.export(to: folder.file("x.csv"))
                    return try Verify(file: folder.file("x.csv"), target: nil).runBlocking(OperationContext())
                }(),
            ] {
                let payments = try #require(
                    report.references.first { $0.collection == "payments" && $0.path == "policyId" })
                #expect(payments.dangling == expected)
                #expect(payments.checked == LedgerTests.ledger.paymentCount)
                #expect(payments.examples.allSatisfy { $0.value == gone })
                #expect(payments.examples.count == min(5, expected))
                let picture = try #require(report.graph).drawn(as: .svg)
                #expect(picture.contains("policyId: \(expected) dangling"))
            }
        }
    }

    @Test func oneDanglingReferenceKeepsAReplaceFromBeingSwappedIn() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<20).map { ["_id": .int32($0 + 1000)] }, into: "customers")
            try database.insert(
                (0..<20).map { ["_id": .int32($0), "customerId": .int32($0 + 1000)] }, into: "policies")
            try database.update("policies", ["_id": 7], ["$set": ["customerId": 5]])
            let configuration = try Configuration.parse(
                yaml: "collections: {policies: {references: {customerId: customers}}}", file: "c")
            let file = folder.file("all.csv")
            try database.export(to: file) { $0.configuration = configuration }
            let report = try database.load(file, .replace) { $0.failsOnDangling = true }
            #expect(report.status == .refused && report.danglingCount == 1)
            #expect(report.error == "the live data were not touched: 1 dangling reference (--fail-on-dangling)")
        }
    }

    /// The file has the document, but the server does not take it.
    @Test func aReferenceToADocumentThatTheServerRefusesKeepsAReplaceFromBeingSwappedIn() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<5).map { ["_id": .int32($0), "x": .int32($0)] }, into: "users")
            try database.insert([["_id": 1, "user": 2]], into: "orders")
            try database.run(["collMod": "users", "validator": ["x": ["$ne": 2]]])
            let file = folder.file("all.csv")
            let yaml = "collections: {users: {}, orders: {references: {user: users}}}"
            try database.export(to: file) { $0.configuration = try Configuration.parse(yaml: yaml, file: "c") }
            let before = try database.image()
            let report = try database.load(file, .replace) {
                $0.failsOnDangling = true
                $0.maximumRejects = 5
            }
            #expect(report.status == .refused && report.rejectionCount == 1 && report.danglingCount == 1)
            #expect(report.error == "the live data were not touched: 1 dangling reference (--fail-on-dangling)")
            // It may be set aside, and was: that is not what helps.
            #expect(!report.nextSteps.contains { $0.contains("--max-rejects") }, "\(report.nextSteps)")
            #expect(try database.image().differences(from: before) == [])
        }
    }

    @Test func anOptionalReferenceThatDanglesKeepsNoReplaceFromBeingSwappedIn() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1, "sponsor": 2]], into: "policies")
            let file = folder.file("all.csv")
            let yaml =
                "collections: {customers: {}, policies: {references: {sponsor: {to: customers, optional: true}}}}"
            try database.export(to: file) { $0.configuration = try Configuration.parse(yaml: yaml, file: "c") }
            let report = try database.load(file, .replace) { $0.failsOnDangling = true }
            #expect(report.status == .done && report.error == nil)
            #expect(report.references.map(\.dangling) == [1])
        }
    }

    /// A replace of some collections can leave references to them from others dangling.
    @Test func theCollectionsThatReferToWhatIsReplacedAloneAreNamed() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<9).map { ["_id": .int32($0)] }, into: "customers")
            for name in ["policies", "notes"] {
                try database.insert((0..<9).map { ["_id": .int32($0), "customer": .int32($0)] }, into: name)
            }
            let entries = ["policies", "notes"].map { "\($0): {references: {customer: customers}}" }
            let configuration = try Configuration.parse(
                yaml: "collections: {\(entries.joined(separator: ", "))}", file: "c.yaml")
            let file = folder.file("all.csv")
            try database.export(to: file) { $0.configuration = configuration }
            func plan(_ mode: ImportOptions.Mode, _ collections: [String]) throws -> [String] {
                let log = MessageLog()
                try database.load(file, mode, log) {
                    $0.collections = collections.map { Glob($0) }
                    $0.isDryRun = true
                }
                return log.all.filter { $0.contains(" refers to ") }
            }
            #expect(try plan(.replace, []) == [])
            #expect(try plan(.merge, ["customers"]) == [])
            #expect(
                try plan(.replace, ["customers", "notes"]) == [
                    "  policies refers to customers, and is left alone: whether it dangles then, `verify --db` says"
                ])
        }
    }

    @Test func failOnDanglingKeepsAReplaceFromBeingSwappedIn() throws {
        try withTwoTestDatabases { source, copy, folder in
            try LedgerTests.fill(source)
            try LedgerTests.fill(copy)
            let gone = try #require(try source.documents(in: "customers").last?["_id"])
            try source.delete("customers", ["_id": gone])
            try source.delete("receipts", [:])
            try source.export(to: folder.file("dangling.csv"))
            let before = try copy.image()
            let refused = try copy.load(folder.file("dangling.csv"), .replace) { $0.failsOnDangling = true }
            #expect(refused.status == .refused)
            #expect(refused.danglingCount > 0)
            #expect(try copy.image().differences(from: before) == [])
            let done = try copy.load(folder.file("dangling.csv"), .replace)
            #expect(done.status == .done)
            #expect(done.danglingCount == refused.danglingCount)
            #expect(try copy.image().differences(from: source.image()) == [])
            let merged = try copy.load(folder.file("dangling.csv")) { $0.failsOnDangling = true }
            #expect(merged.status == .problems)
        }
    }

    /// Tools that lose types leave `{"$oid": "…"}` behind. In a query, a server would take it for an operator.
    @Test func valuesThatLookLikeOperatorsLeadNowhere() throws {
        try withTwoTestDatabases { source, copy, folder in
            let wrapper: Value = ["$oid": "5c2aad80000000000000000a"]
            let pattern = Value.other(.regularExpression, Array("x*\0\0".utf8))
            try source.insert([["_id": ["part": 1], "code": "xx"], ["_id": 2, "code": wrapper]], into: "targets")
            try source.insert(
                [
                    ["_id": 1, "to": ["part": 1], "code": "xx"], ["_id": 2, "to": wrapper, "code": wrapper],
                    ["_id": 3, "to": ["$date": 5], "code": ["$date": 5]], ["_id": 4, "to": pattern, "code": pattern],
                ], into: "sources")
            let file = folder.file("all.csv")
            // References are searched for without a configuration, and checked with one.
            try source.export(to: file)
            let configuration = try Configuration.parse(
                yaml: "collections: {targets: {}, sources: {references: {to: targets, code: targets.code}}}", file: "c")
            func described(_ report: Report) -> [String] {
                report.references.map { "\($0.path) \($0.dangling) of \($0.checked)" }
            }
            let expected = ["code 2 of 4", "to 3 of 4"]
            let verify = Verify(file: nil, target: try source.target, configuration: configuration)
            #expect(described(try verify.runBlocking(OperationContext())) == expected)
            for mode in [ImportOptions.Mode.replace, .merge] {
                let report = try copy.load(file, mode) { $0.configuration = configuration }
                #expect(report.error == nil && described(report) == expected, "\(described(report))")
            }
            let part = try copy.load(file, .replace) {
                $0.configuration = configuration
                $0.collections = [Glob("sources")]
            }
            #expect(described(part) == expected)
            #expect(try copy.image().differences(from: source.image()) == [])
        }
    }

    /// Extended JSON cannot represent such values, but the report must.
    @Test func danglingValuesThatLookLikeWrappersAreToldInAReport() throws {
        try withTestDatabase { database, _ in
            try database.insert([["_id": 1]], into: "b")
            try database.insert([["_id": 1, "f": ["$oid": "x"]]], into: "a")
            let configuration = try Configuration.parse(
                yaml: "collections: {a: {references: {f: b}}, b: {}}", file: "c")
            let report = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(report.json.hasPrefix("{\"operation\":\"verify\""))
            #expect(report.json.contains(#""examples":[{"value":"{\"$rawBSON\":\""#))
        }
    }

    /// Together they would exceed the size of a query.
    @Test func manyLargeValuesAreAskedForInParts() throws {
        try withTestDatabase { database, _ in
            func values(_ kind: String, _ megabytes: Int) -> [Value] {
                (0..<megabytes).map { .string("\(kind)\($0)" + String(repeating: "x", count: 999_990)) }
            }
            try database.insert((0..<15).map { ["_id": values("a", 15)[$0]] }, into: "targets")
            try database.insert(
                [["_id": 1, "r": .array(values("b", 3))], ["_id": 2, "r": .array(values("a", 15))]], into: "sources")
            let configuration = try Configuration.parse(
                yaml: "collections: {targets: {}, sources: {references: {'r[]': targets}}}", file: "c")
            let report = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(report.references.map { "\($0.dangling) of \($0.checked)" } == ["3 of 18"])
        }
    }

    /// Looking up each element from the beginning would take more than a minute.
    @Test func oneOfManyElementsThatDiffersIsFoundAtOnce() throws {
        try withTestDatabase { database, folder in
            let numbers = (0..<100_000).map { Value.int32($0) }
            try database.insert([["_id": 1, "a": .array(numbers)]], into: "lists")
            let file = folder.file("all.csv")
            try database.export(to: file)
            try database.update("lists", [:], ["$set": ["a.99999": 7]])
            let watch = ContinuousClock.now
            let report = try Verify(file: file, target: try database.target).runBlocking(OperationContext())
            #expect(report.differences.map(\.detail) == ["1 document: _id 1 in a.99999"])
            try database.update("lists", [:], ["$unset": ["a": ""]])
            try database.update("lists", [:], ["$set": ["b": .array(numbers + [1])]])
            let other = try Verify(file: file, target: try database.target).runBlocking(OperationContext())
            #expect(other.differences.map(\.detail) == ["1 document: _id 1 in a, b"])
            #expect(ContinuousClock.now - watch < .seconds(20))
        }
    }

    @Test func verifySaysWhichPathsOfWhichDocumentsDiffer() throws {
        try withTestDatabase { database, folder in
            try LedgerTests.fill(database)
            try database.export(to: folder.file("x.csv"))
            let ids = try database.documents(in: "customers").compactMap { $0["_id"] }
            try database.update("customers", ["_id": ids[0]], ["$set": ["address.city": "Nowhere"]])
            try database.delete("customers", ["_id": ids[1]])
            try database.insert([["_id": "stranger"]], into: "customers")
            let report = try Verify(file: folder.file("x.csv"), target: try database.target).runBlocking(
                OperationContext())
            let texts = report.differences.filter { $0.collection == "customers" }.map { "\($0.kind): \($0.detail)" }
            let (changed, missing) = (try #require(ids[0].objectID), try #require(ids[1].objectID))
            #expect(
                texts == [
                    "missing: 1 document: _id {\"$oid\":\"\(missing)\"}",
                    "different: 1 document: _id {\"$oid\":\"\(changed)\"} in address.city",
                    "extra: 1 document in the database only: _id \"stranger\"",
                ])
            #expect(report.status == .problems)
        }
    }
}
