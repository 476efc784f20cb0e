import BSON
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Verify in its three forms: of a file, of a database, and of one against the other.
@Suite struct VerifyTests {
    private static func verify(
        _ file: String?, _ database: TestDatabase? = nil, config: String = "",
        _ configure: (inout Verify) -> Void = { _ in }
    ) throws -> Report {
        var verify = Verify(
            file: file, target: try database?.target,
            configuration: try Configuration.parse(yaml: config, file: "mongoferry.yaml"))
        configure(&verify)
        return try verify.runBlocking(OperationContext())
    }

    private static func described(_ report: Report) -> [String] {
        report.references.map {
            "\($0.collection).\($0.path) → \($0.target): \($0.dangling) of \($0.checked)"
                + ($0.unchecked > 0 ? ", \($0.unchecked) unchecked" : "") + ($0.isTargetMissing ? ", missing" : "")
        }
    }

    /// Inserts 10 customers with mail addresses, and 20 policies, the last two of which have dangling references.
    private static func fill(_ database: TestDatabase) throws {
        try database.insert(
            (0..<10).map { (number: Int32) -> Document in
                let phones: Value = [["number": .string("+\(number)")], ["number": .string("00\(number)")]]
                return ["_id": .int32(number), "mail": .string("c\(number)@example.org"), "phones": phones]
            }, into: "customers")
        try database.insert(
            (0..<20).map { (number: Int32) -> Document in
                let digit = number % 10
                return [
                    "_id": .int32(number), "customerId": .int32(number < 18 ? digit : 100 + number),
                    "mail": .string("c\(digit)@example.org"), "phone": .string("00\(digit)"), "gone": .null,
                ]
            }, into: "policies")
    }

    private static let config = """
        collections:
          customers: {}
          policies: {references: {customerId: customers}}
        """

    /// A path may be spelled wrong.
    @Test func aDatabaseInWhichNoValueWasLookedAtIsNotCalledSound() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            for (path, word) in [("custmerId", "so nothing was checked"), ("customerId", "dangling")] {
                try folder.write(
                    "collections:\n  customers:\n  policies: {references: {\(path): customers}}\n", to: "c.yaml")
                let outcome = try Program.run([
                    "verify", "--uri", try testURI(), "--db", database.name, "--config", folder.file("c.yaml"),
                    "--report", folder.file("\(path).html"),
                ])
                #expect(outcome.text.contains(word) && !outcome.output.contains(": sound"), "\(outcome.text)")
                let page = try folder.text("\(path).html")
                #expect(page.contains(word) && !page.contains("is sound"))
            }
        }
    }

    /// Half of a file without a seal is as sound as the whole.
    @Test func ofAFileWithoutMetadataNobodyKnowsWhetherRowsAreMissing() throws {
        try withTestDatabase { _, folder in
            try folder.write(LegacyFile.text(["a"]), to: "old.csv")
            let outcome = try Program.run(["verify", folder.file("old.csv")])
            #expect(outcome.status == 0, "\(outcome.text)")
            let last = "each row is sound; nothing in the file says whether it has all of them; see the warning\n"
            #expect(outcome.output.hasSuffix(last), "\(outcome.text)")
        }
    }

    /// The collection is in the database, and the file says so.
    @Test func aCollectionThatWasExcludedIsNotCalledMissing() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "x"]], into: "a")
            try database.insert([["_id": 1, "o": "x"]], into: "b")
            try database.export(to: folder.file("b.csv")) {
                $0.exclude = [Glob("a")]
                $0.configuration = try Configuration.parse(
                    yaml: "collections: {a: {}, b: {references: {o: a}}}", file: "c.yaml")
            }
            let references = try Self.verify(folder.file("b.csv")).references
            #expect(references.map(\.unchecked) == [1] && references.map(\.isTargetMissing) == [false])
        }
    }

    /// For example a copy that was cut after its first line.
    @Test func aFileWithoutMetadataAndRowsIsTold() throws {
        try withTestDatabase { _, folder in
            try folder.write("collection,data\n", to: "none.csv")
            let report = try Self.verify(folder.file("none.csv"))
            #expect(report.warnings == ["the file has no rows, and nothing in it says that it should have any"])
        }
    }

    @Test(arguments: [
        (#"a,"{""_id"":1}","x""#, true), (#"a,zz,"{""_id"":1}""#, true), (#"a,"{"_id":1}""#, false),
        (#"a,"{""_id"":1}x""#, false), ("a,zz", false),
    ])
    func aThirdColumnIsCalledOne(_ row: String, _ hasThree: Bool) throws {
        try withTestDatabase { _, folder in
            try folder.write("collection,data\n\(row)\n", to: "three.csv")
            let report = try Self.verify(folder.file("three.csv"))
            #expect(report.rejections.map { $0.reason.contains("third column") } == [hasThree], "\(report.rejections)")
        }
    }

    /// Every command accepts an address; only one that names a database asks for a comparison.
    @Test func anAddressWithoutADatabaseIsNoWishToCompare() throws {
        try withTwoTestDatabases { source, other, folder in
            try source.insert([["_id": 1]], into: "a")
            let file = folder.file("a.csv")
            try source.export(to: file)
            // The file's own database has changed by now.
            try source.update("a", ["_id": 1], ["$set": ["n": 1]])
            let json = folder.file("report.json")
            let alone = try Program.run(["verify", file, "--uri", testURI(), "--report", json])
            #expect(try folder.text("report.json").contains("no database is named: only the file is looked at"))
            #expect(alone.status == 0 && alone.output.hasSuffix("\(file): sound; see the warning\n"), "\(alone.text)")
            #expect(alone.errors.contains("no database is named: only the file is looked at"), "\(alone.errors)")
            let chosen = try Program.run(["verify", file, "--uri", testURI(), "--collection", "a"])
            #expect(chosen.status == 64 && chosen.errors.contains("none is named"), "\(chosen.text)")
            #expect(try Program.run(["verify", file, "--uri", testURI(), "--db", source.name]).status == 2)
            #expect(try Program.run(["plan", file, "--uri", testURI()]).status == 0)
            // The environment's address is a default for all commands: what is not done with it is reported.
            let uri = try testURI().replacing(/(mongodb:\/\/[^\/?]*)\/?/, maxReplacements: 1) {
                "\($0.1)/\(source.name)"
            }
            try #require(try Target(uri: uri).database == source.name)
            let byDefault = try Program.run(["verify", file], environment: ["MONGODB_URI": uri])
            #expect(byDefault.status == 0, "\(byDefault.text)")
            #expect(
                byDefault.errors.contains("only the file is looked at: --db \(source.name) compares it"),
                "\(byDefault.errors)")
        }
    }

    @Test func theImportThatIsAdvisedIsOneOfWhatWasCompared() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<3).map { ["_id": .int32($0)] }, into: "customers")
            try source.insert([["_id": 1]], into: "others")
            try copy.insert([["_id": 0]], into: "clients")
            let file = folder.file("c.csv")
            try source.export(to: file)
            let outcome = try Program.run([
                "verify", file, "--uri", testURI(), "--db", copy.name, "--rename", "customers=clients", "--exclude",
                "others",
            ])
            #expect(outcome.status == 2)
            let server = ConnectionString.redact(try testURI())
            let advised =
                "mongoferry import \(file) --uri '\(server)' --db \(copy.name) --rename 'customers=clients' --exclude others --dry-run"
            #expect(outcome.text.contains(advised), "\(outcome.text)")
        }
    }

    // MARK: References

    /// For fields that have one id in some documents, and several or none in others.
    @Test func arraysBesideSingleValuesAreLookedAtElementByElement() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<30).map { ["_id": .objectID(ObjectID(high: 7, low: $0))] }, into: "users")
            try source.insert(
                (0..<60).map { (number: UInt32) -> Document in
                    let id = Value.objectID(ObjectID(high: 7, low: number % 30))
                    let owner: Value = number % 2 == 0 ? id : number < 50 ? [id, id] : []
                    return ["_id": .int32(Int32(number)), "owner": owner]
                }, into: "tasks")
            let file = folder.file("t.csv")
            try source.export(to: file)
            for verify in [
                Verify(file: file, target: nil), Verify(file: nil, target: try source.target),
                Verify(file: file, target: try source.target),
            ] {
                let report = try verify.runBlocking(OperationContext())
                #expect(report.status == .done, "\(report.references)")
                #expect(Set(report.references.map(\.path)).isSuperset(of: ["owner", "owner[]"]))
            }
            let report = try copy.load(file, .replace) { $0.failsOnDangling = true }
            #expect(report.status == .done && report.references.allSatisfy { $0.dangling == 0 })
            // A dangling value is found in an array, too.
            try copy.update("tasks", ["_id": 1], ["$set": ["owner": [.objectID(ObjectID(high: 8, low: 1))]]])
            let broken = try Verify(file: nil, target: try copy.target).runBlocking(OperationContext())
            #expect(broken.references.filter { $0.dangling > 0 }.map(\.path) == ["owner[]"], "\(broken.references)")
        }
    }

    @Test func referencesToOtherFieldsAreCheckedInFileAndDatabase() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let config = """
                collections:
                  customers: {}
                  policies:
                    references:
                      mail: customers.mail
                      phone: "customers.phones[].number"
                      gone: customers
                """
            try database.export(to: folder.file("x.csv"))
            try database.update("policies", ["_id": 3], ["$set": ["mail": "nobody@example.org"]])
            try database.update("policies", ["_id": 4], ["$set": ["phone": "+10"]])
            try database.export(to: folder.file("y.csv"))
            let sound = [
                "policies.gone → customers: 0 of 0", "policies.mail → customers.mail: 0 of 20",
                "policies.phone → customers.phones[].number: 0 of 20",
            ]
            let broken = [
                "policies.gone → customers: 0 of 0", "policies.mail → customers.mail: 1 of 20",
                "policies.phone → customers.phones[].number: 1 of 20",
            ]
            #expect(try Self.described(Self.verify(folder.file("x.csv"), config: config)) == sound)
            #expect(try Self.described(Self.verify(folder.file("y.csv"), config: config)) == broken)
            let report = try Self.verify(nil, database, config: config)
            #expect(Self.described(report) == broken)
            #expect(report.references[1].examples.map(\.documentID) == [3])
            #expect(report.references[1].examples.map(\.value) == ["nobody@example.org"])
            // The same for programs that have no other name for a value.
            #expect(report.references[1].examples.map(\.documentIDJSON) == ["3"])
            #expect(report.references[1].examples.map(\.valueJSON) == [#""nobody@example.org""#])
        }
    }

    @Test func danglingValuesOfAnOptionalReferenceAreToldAndAreNoProblem() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            let config =
                "collections: {customers: , policies: {references: {customerId: {to: customers, optional: true}}}}"
            try database.export(to: folder.file("x.csv"))
            for report in [
                try Self.verify(folder.file("x.csv"), config: config), try Self.verify(nil, database, config: config),
            ] {
                #expect(Self.described(report) == ["policies.customerId → customers: 2 of 20"])
                #expect(report.status == .done)
                #expect(report.danglingCount == 0)
            }
            #expect(try Self.verify(nil, database, config: Self.config).status == .problems)
        }
    }

    /// What a filter has left out is no fault of the data.
    @Test func aFileThatWasMadeWithAFilterSaysWhyMuchOfItDangles() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.delete("policies", ["_id": ["$gt": 0]])
            try source.insert([["_id": 100, "customerId": 1]], into: "policies")
            try source.export(to: folder.file("x.csv")) {
                $0.queries = [CollectionQuery(name: "customers", query: "{\"_id\":{\"$ne\":1}}")]
                $0.configuration = try Configuration.parse(yaml: Self.config, file: "c.yaml")
            }
            try copy.load(folder.file("x.csv"))
            let alone = try Self.verify(folder.file("x.csv"), config: Self.config)
            #expect(alone.status == .done && alone.references.map(\.unchecked) == [1])
            let report = try Self.verify(folder.file("x.csv"), copy, config: Self.config)
            #expect(report.danglingCount == 1)
            #expect(
                report.nextSteps.last?.hasPrefix("The file has only a part of 'customers' (--query)") == true,
                "\(report.nextSteps)")
        }
    }

    @Test func whatAServerHasRemovedSinceItWasOldIsToldBesideTheImportThatBringsItBack() throws {
        try withTestDatabase { database, folder in
            try database.create("a", indexes: [["key": ["at": 1], "name": "at", "expireAfterSeconds": 3600]])
            try database.insert([["_id": 1]], into: "a")
            try database.insert([["_id": 1]], into: "b")
            try database.export(to: folder.file("x.csv"))
            try database.delete("a", ["_id": 1])
            let report = try Self.verify(folder.file("x.csv"), database)
            #expect(report.nextSteps.contains { $0.hasSuffix(" Documents of 'a' expire: those are removed again.") })
        }
    }

    @Test func aTargetThatIsNotThereIsSaid() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.run(["drop": "customers"])
            try database.export(to: folder.file("x.csv")) {
                $0.configuration = try Configuration.parse(yaml: Self.config, file: "x")
            }
            for report in [
                try Self.verify(nil, database, config: Self.config), try Self.verify(folder.file("x.csv")),
            ] {
                #expect(Self.described(report) == ["policies.customerId → customers: 20 of 20, missing"])
                #expect(report.status == .problems)
                #expect(report.json.contains(#""targetMissing":true"#))
            }
        }
    }

    @Test func whatAFileWasMadeWithoutIsNotCalledDangling() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.export(to: folder.file("policies.csv")) {
                $0.configuration = try Configuration.parse(yaml: Self.config, file: "x")
                $0.collections = [Glob("policies")]
            }
            try database.export(to: folder.file("some.csv")) {
                $0.configuration = try Configuration.parse(yaml: Self.config, file: "x")
                $0.queries = [CollectionQuery(name: "customers", query: #"{"_id":{"$lt":4}}"#)]
            }
            let alone = try Self.verify(folder.file("policies.csv"))
            #expect(Self.described(alone) == ["policies.customerId → customers: 0 of 0, 20 unchecked"])
            #expect(alone.status == .done)
            let some = try Self.verify(folder.file("some.csv"))
            #expect(Self.described(some) == ["policies.customerId → customers: 0 of 8, 12 unchecked"])
            #expect(some.status == .done)
            // With the database, it can be decided.
            for file in ["policies.csv", "some.csv"] {
                let both = try Self.verify(folder.file(file), database)
                #expect(Self.described(both) == ["policies.customerId → customers: 2 of 20"])
                #expect(both.status == .problems)
                #expect(both.references.first?.examples.compactMap { $0.value.integer }.sorted() == [118, 119])
            }
            // A collection of which the file has a part is there, even if the database does not have it.
            try database.drop("customers")
            let without = try Self.verify(folder.file("some.csv"), database)
            #expect(Self.described(without) == ["policies.customerId → customers: 12 of 20"])
        }
    }

    // MARK: What to do next

    /// No import accepts such a file, whatever the options: the advice must be a different one.
    @Test(arguments: [
        (#""format":1"#, #""format":"one""#, BackupError.otherCopy),
        (
            "# mongoferry backup, format 1\n", "{}\n",
            "A backup is a CSV of two columns whose first row says collection,data. This looks like JSON, as mongoexport writes it: mongoimport reads it."
        ),
    ])
    func aFileThatCannotBeReadIsNotToBeImportedInPart(text: String, instead: String, advice: String) throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.export(to: folder.file("x.csv"))
            try folder.write(try folder.text("x.csv").replacing(text, with: instead, maxReplacements: 1), to: "y.csv")
            let report = try Self.verify(folder.file("y.csv"))
            #expect(report.status == .problems)
            #expect(report.rejectionCount == 1)
            #expect(report.nextSteps == [advice])
        }
    }

    // MARK: A file against a database

    /// Measurements need no `_id`, and several may be equal: each one counts.
    @Test func equalMeasurementsThatAreMissingAreToldAndAMergeBringsThemBack() throws {
        try withTestDatabase { database, folder in
            try database.create("ticks", ["timeseries": ["timeField": "at"]])
            func insert(_ count: Int) throws {
                let one: Value = ["_id": 1, "at": .date(1_700_000_000_000), "n": 1]
                try database.run(["insert": "ticks", "documents": .array(Array(repeating: one, count: count))])
            }
            try insert(3)
            let file = folder.file("ticks.csv")
            try database.export(to: file)
            try database.drop("ticks")
            try database.create("ticks", ["timeseries": ["timeField": "at"]])
            try insert(1)
            let report = try Self.verify(file, database)
            #expect(report.status == .problems)
            #expect(report.differences.map(\.kind) == [.missing], "\(report.differences)")
            #expect(try database.load(file).totals.inserted == 2)
            #expect(try database.count("ticks") == 3)
            #expect(try Self.verify(file, database).status == .done)
        }
    }

    @Test func measurementsThatOnlyTheDatabaseHasAreTold() throws {
        try withTestDatabase { database, folder in
            try database.create("ticks", ["timeseries": ["timeField": "at"]])
            try database.run(["insert": "ticks", "documents": [["at": .date(1_700_000_000_000), "n": 1]]])
            let file = folder.file("ticks.csv")
            try database.export(to: file)
            try database.run(["insert": "ticks", "documents": [["at": .date(1_700_000_000_000), "n": 1]]])
            let report = try Self.verify(file, database)
            #expect(report.differences.map(\.kind) == [.extra], "\(report.differences)")
        }
    }

    /// There are more values than one query takes: a value that was found missing is missing wherever it occurs.
    @Test func valuesThatAreMissingCountWhereverTheyStand() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<30_000).map { ["_id": .int32($0)] }, into: "customers")
            let policies = (0..<30_000).map {
                ["_id": .int32($0), "customerId": .int32($0 == 0 || $0 == 29_999 ? -1 : $0)] as Document
            }
            try database.insert(policies, into: "policies")
            let configuration = try Configuration.parse(
                yaml: "collections: {policies: {references: {customerId: customers}}}", file: "c")
            let report = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(Self.described(report) == ["policies.customerId → customers: 2 of 30000"])
        }
    }

    /// What seems to dangle is looked at once more, unless that is too much, or cannot be asked for.
    @Test(arguments: ["one value", "different values", "documents as _ids"])
    func allThatDanglesCountsHoweverMuchThatIs(_ kind: String) throws {
        try withTestDatabase { database, _ in
            let count: Int32 = kind == "one value" ? 1500 : kind == "different values" ? 10_001 : 25
            try database.insert([["_id": 0]], into: "customers")
            try database.insert(
                (1...count).map { number in
                    let id: Value = kind == "documents as _ids" && number > 5 ? ["a": .int32(number)] : .int32(number)
                    return ["_id": id, "customerId": .int32(kind == "one value" ? 1 : number)] as Document
                }, into: "policies")
            let report = try Self.verify(nil, database, config: Self.config)
            #expect(Self.described(report) == ["policies.customerId → customers: \(count) of \(count)"])
        }
    }

    /// The target has another name in the database, which is in the file's metadata.
    @Test(arguments: [ImportOptions.Mode.merge, .replace])
    func referencesToACollectionThatIsNotImportedThisTimeAreLookedForUnderItsName(mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            let types = (0..<10).map { ["_id": .int32($0 + 1000)] as Document }
            try database.insert(types, into: "coveragetypes")
            let policies = (0..<50).map { ["_id": .int32($0), "typeId": .int32($0 % 10 + 1000)] as Document }
            try database.insert(policies, into: "policies")
            let config = """
                collections:
                  coverageTypes:
                    collection: coveragetypes
                  policies:
                    references:
                      typeId: coverageTypes
                """
            let file = folder.file("all.csv")
            let configuration = try Configuration.parse(yaml: config, file: "mongoferry.yaml")
            try database.export(to: file) { $0.configuration = configuration }
            let report = try database.load(file, mode) {
                $0.collections = [Glob("policies")]
                $0.failsOnDangling = true
            }
            #expect(report.status == .done, "\(report.error ?? "")")
            #expect(Self.described(report) == ["policies.typeId → coverageTypes: 0 of 50"])
        }
    }

    @Test func everyBadRowIsCountedInItsCollection() throws {
        try withTestDatabase { _, folder in
            let rows = (0..<1500).map { "a,\($0)" } + (0..<700).map { "b,\($0)" } + [#"b,"{""_id"":1}""#]
            try folder.write("collection,data\n\(rows.joined(separator: "\n"))\n", to: "bad.csv")
            let report = try Self.verify(folder.file("bad.csv"))
            #expect(report.rejectionCount == 2200 && report.rejections.count == 1000)
            #expect(report.collections.first { $0.name == "b" }?.rejected == 700)
        }
    }

    @Test func documentsThatOnlyTheDatabaseHasAreToldAndAreNoProblem() throws {
        try withTestDatabase { database, folder in
            try Self.fill(database)
            try database.delete("policies", ["_id": ["$gte": 18]])
            try database.export(to: folder.file("x.csv"))
            try database.insert([["_id": "later"]], into: "customers")
            try database.insert([["_id": 1]], into: "others")
            let report = try Self.verify(folder.file("x.csv"), database)
            #expect(report.status == .done)
            #expect(
                report.differences.map { "\($0.collection) \($0.kind): \($0.detail)" } == [
                    #"customers extra: 1 document in the database only: _id "later""#
                ])
            try database.delete("customers", ["_id": 5])
            #expect(try Self.verify(folder.file("x.csv"), database).status == .problems)
        }
    }

    /// With few documents that only the database has, the collection is read completely; with many, the file's
    /// documents are looked up. Both report the same.
    @Test(arguments: [3, 600]) func allThatDiffersIsTold(strangers: Int) throws {
        try withTestDatabase { database, folder in
            try database.insert(
                (0..<100).map { ["_id": .int32($0), "a": ["b": .int32($0)], "n": 1] } + [["_id": "x", "n": .int64(5)]]
                    + [["_id": "twice", "n": 1]],
                into: "items")
            try database.export(to: folder.file("x.csv"))
            #expect(try Self.verify(folder.file("x.csv"), database).differences.map(\.detail) == [])
            try database.delete("items", ["_id": ["$in": [7, "x"]]])
            // Equal to the server, but not the same: another type, another order.
            try database.delete("items", ["_id": ["$in": [8, 9, 10, "twice"]]])
            try database.insert(
                [
                    ["_id": 8, "a": ["b": .double(8)], "n": 1], ["_id": 9, "n": 1, "a": ["b": 9]],
                    ["_id": .double(10), "a": ["b": 10], "n": 1], ["_id": "twice", "n": 1, "n": 2],
                ], into: "items")
            try database.insert((0..<strangers).map { ["_id": .string("stranger \($0)")] }, into: "items")
            let report = try Self.verify(folder.file("x.csv"), database)
            #expect(report.status == .problems)
            let told = report.differences.map { "\($0.kind) \($0.detail)" }
            #expect(
                told.map { $0.split(separator: " ")[0...1].joined(separator: " ") } == [
                    "missing 2", "different 4", "extra \(strangers)",
                ])
            #expect(told[0].contains("_id 7") && told[0].contains(#"_id "x""#), "\(told)")
            #expect(told[1].contains("_id 8 in a.b (int, not double)"), "\(told)")
            #expect(told[1].contains("_id 9 in the order of the fields"), "\(told)")
            #expect(told[1].contains(#"_id "twice" in n"#), "\(told)")
            #expect(told[1].contains("_id 10 in _id (int, not double)"), "\(told)")
            #expect(told[2].contains(#"_id "stranger 0""#), "\(told)")
        }
    }

    @Test func collectionsThatWereImportedUnderOtherNamesAreFoundThere() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source)
            try source.export(to: folder.file("x.csv"))
            let config = "collections: {customers: {collection: kunden}, policies: }\nexclude: [policies]"
            try copy.load(folder.file("x.csv")) {
                $0.configuration = try Configuration.parse(yaml: config, file: "x")
            }
            #expect(try copy.names() == ["kunden"])
            #expect(try Self.verify(folder.file("x.csv"), copy, config: config).differences.map(\.detail) == [])
            try copy.load(folder.file("x.csv")) { $0.renames = ["policies": "contracts", "customers": "kunden"] }
            let renamed = try Self.verify(folder.file("x.csv"), copy) {
                $0.renames = ["policies": "contracts", "customers": "kunden"]
            }
            #expect(renamed.differences.map(\.detail) == [])
            let missing = try Self.verify(folder.file("x.csv"), copy) { $0.exclude = [Glob("pol*")] }
            #expect(missing.differences.map(\.collection) == ["customers"])
            let one = try Self.verify(folder.file("x.csv"), copy) { $0.collections = [Glob("policies")] }
            #expect(one.differences.map(\.collection) == ["policies"])
            #expect(throws: FerryError.self) {
                try Self.verify(folder.file("x.csv"), copy) { $0.renames = ["policy": "contracts"] }
            }
        }
    }

    // MARK: Legacy rows

    @Test(arguments: [true, false])
    func anOldFileIsHeldAgainstWhatItBecomes(_ isConfigured: Bool) throws {
        try withTestDatabase { database, folder in
            let all = LegacyFile.ledger.collections.map(\.fileName)
            try folder.write(LegacyFile.text(all, seed: 11), to: "legacy.csv")
            let yaml = isConfigured ? try String(contentsOfFile: LegacyFile.configurationPath, encoding: .utf8) : ""
            let alone = try Self.verify(folder.file("legacy.csv"), config: yaml)
            #expect(alone.status == .done, "\(Self.described(alone))")
            #expect(alone.references.count == 10)
            #expect(alone.references.allSatisfy { $0.dangling == 0 && $0.checked > 0 })
            try database.load(folder.file("legacy.csv")) {
                $0.configuration = try Configuration.parse(yaml: yaml, file: "x")
            }
            let both = try Self.verify(folder.file("legacy.csv"), database, config: yaml)
            #expect(both.status == .done)
            #expect(both.differences.map(\.detail) == [])
            let gone = try #require(try database.documents(in: "customers").first?["_id"])
            try database.delete("customers", ["_id": gone])
            let less = try Self.verify(folder.file("legacy.csv"), database, config: yaml)
            #expect(less.differences.map(\.kind) == [.missing])
        }
    }

    /// The live documents decide what the file's strings become, under their collection's name in the database.
    @Test func anOldFileIsHeldAgainstACollectionOfAnotherName() throws {
        try withTestDatabase { database, folder in
            let rows = (1...20).map {
                LegacyFile.row("things", json: #"{"_id":"t\#($0)","at":"2024-01-01T00:00:00.000Z"}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "legacy.csv")
            try database.insert(
                (100..<140).map { ["_id": .string("t\($0)"), "at": "2024-01-01T00:00:00.000Z"] }, into: "others")
            let renames = ["things": "others"]
            try database.load(folder.file("legacy.csv")) { $0.renames = renames }
            #expect(try database.documents(in: "others").allSatisfy { $0["at"] == "2024-01-01T00:00:00.000Z" })
            let report = try Self.verify(folder.file("legacy.csv"), database) { $0.renames = renames }
            #expect(report.differences.map(\.kind) == [.extra])
            #expect(report.status == .done)
        }
    }

    @Test func keysThatTheConfigurationConvertsLeadToEachOther() throws {
        try withTestDatabase { database, folder in
            let config = """
                collections:
                  customers: {types: {_id: int}}
                  roles: {types: {_id: string}}
                  policies: {references: {customerId: customers, roleId: roles}}
                """
            let hex = "5c2aad80000000000000000a"
            var rows = (1...9).map { LegacyFile.row("customers", json: #"{"_id":"\#($0)"}"#) }
            rows.append(LegacyFile.row("roles", json: #"{"_id":"\#(hex)"}"#))
            rows += (1...9).map {
                LegacyFile.row("policies", json: #"{"_id":"p\#($0)","customerId":"\#($0)","roleId":"\#(hex)"}"#)
            }
            try folder.write(LegacyFile.text(rows: rows), to: "legacy.csv")
            let report = try Self.verify(folder.file("legacy.csv"), config: config)
            #expect(report.rejections.map(\.reason) == [])
            #expect(
                Self.described(report) == [
                    "policies.customerId → customers: 0 of 9", "policies.roleId → roles: 0 of 9",
                ])
            try database.load(folder.file("legacy.csv")) {
                $0.configuration = try Configuration.parse(yaml: config, file: "x")
            }
            #expect(try database.count("customers", ["_id": 7]) == 1)
            #expect(try Self.verify(folder.file("legacy.csv"), database, config: config).differences.isEmpty)
            // 7 again, written in another way.
            rows.append(LegacyFile.row("customers", json: #"{"_id":"007"}"#))
            try folder.write(LegacyFile.text(rows: rows), to: "twice.csv")
            let twice = try Self.verify(folder.file("twice.csv"), config: config)
            #expect(twice.rejections.map(\.reason) == ["the same _id stands on line 8 already"])
        }
    }

    @Test func twoSpellingsOfOneObjectIdAreADuplicate() throws {
        try withTestDatabase { database, folder in
            let rows = [
                #"{"_id":"5c2aad80abcdef0123456789","a":1}"#, #"{"_id":"5C2AAD80ABCDEF0123456789","a":2}"#,
                #"{"_id":{"$oid":"5c2aad80abcdef0123456789"},"a":3}"#,
            ]
            try folder.write(LegacyFile.text(rows: rows.map { LegacyFile.row("customers", json: $0) }), to: "x.csv")
            let report = try database.load(folder.file("x.csv"))
            #expect(report.status == .refused)
            #expect(report.rejections.map(\.line) == [3, 4])
            #expect(report.rejections.allSatisfy { $0.reason == "the same _id stands on line 2 already" })
            #expect(try database.names() == [])
        }
    }

    @Test(arguments: ["coverageTypes", "coveragetypes ", "\u{A0}coveragetypes"])
    func aCollectionOfNearlyTheSameNameIsPointedOut(name: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "coveragetypes")
            let row = LegacyFile.row(name, json: #"{"_id":1}"#)
            try folder.write(LegacyFile.text(rows: [row]), to: "legacy.csv")
            let log = MessageLog()
            try database.load(folder.file("legacy.csv"), .merge, log) { $0.isDryRun = true }
            #expect(log.text.contains("the database has 'coveragetypes': if that is meant, write `collection:"))
            let report = try Self.verify(folder.file("legacy.csv"), database)
            #expect(report.differences.first?.detail.contains("the database has 'coveragetypes'") == true)
        }
    }
}
