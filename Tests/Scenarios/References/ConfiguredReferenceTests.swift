import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// Configured references are never ignored silently.
@Suite struct ConfiguredReferenceTests {
    private static let config = """
        collections:
          customers: {}
          statementRecipients: {references: {customerId: customers}}
          receipts: {references: {customerId: customers}}
        """

    private static func run(_ arguments: [String]) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["MONGODB_URI": try testURI()])
    }

    /// Provides a database that has `statementrecipients` where the configuration has `statementRecipients`.
    private func withDatabase(_ body: (TestDatabase, TemporaryFolder, _ config: String) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1, "customerId": 7]], into: "statementrecipients")
            try database.insert([["_id": 1, "customerId": 1]], into: "receipts")
            try folder.write(Self.config, to: "c.yaml")
            try body(database, folder, folder.file("c.yaml"))
        }
    }

    /// It has no documents of its own, and stands behind all collections.
    @Test func referencesOfAViewMakeNoCycle() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "r": 1]], into: "a")
            try database.insert([["_id": 1]], into: "b")
            try database.create("v", ["viewOn": "a", "pipeline": []])
            try folder.write(
                """
                collections:
                  a: {references: {r: b}}
                  b: {references: {w: v}}
                  v: {references: {r: a}}
                """, to: "c.yaml")
            let (config, file) = (folder.file("c.yaml"), folder.file("all.csv"))
            for command in [
                ["export", "-o", file, "--db", database.name], ["verify", "--db", database.name], ["verify", file],
                ["plan", file], ["plan", "--db", database.name], ["import", file, "--db", database.name],
            ] {
                let outcome = try Self.run(command + ["--config", config])
                #expect(outcome.status == 0, "\(command): \(outcome.text)")
                #expect(!(outcome.output + outcome.errors).contains("cycle"), "\(command): \(outcome.text)")
            }
            let rows = try folder.text("all.csv").split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(rows.map { $0.prefix(1) } == ["c", "b", "a"])
        }
    }

    /// A database has what a view shows.
    @Test func referencesThatOnlyAViewHasAreCheckedInADatabase() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "r": 1], ["_id": 2, "r": 7]], into: "a")
            try database.insert([["_id": 1]], into: "b")
            try database.create("v", ["viewOn": "a", "pipeline": []])
            try folder.write("collections: {b: , v: {references: {r: b}}}\n", to: "c.yaml")
            let outcome = try Self.run(["verify", "--db", database.name, "--config", folder.file("c.yaml")])
            #expect(outcome.status == 2 && outcome.errors.contains("v.r → b: 1 of 2"), "\(outcome.text)")
        }
    }

    /// A merge leaves it as it is.
    @Test func aViewThatIsThereIsNotSaidToBeReplaced() throws {
        try withTestDatabase { database, folder in
            for name in ["a", "b"] { try database.insert([["_id": 1, "w": 1]], into: name) }
            try database.create("v", ["viewOn": "a", "pipeline": []])
            try folder.write("collections: {b: {references: {w: v}}, v: }\n", to: "c.yaml")
            let options = ["--config", folder.file("c.yaml"), "--db", database.name]
            let file = folder.file("all.csv")
            #expect(try Self.run(["export", "-o", file] + options).status == 0)
            let plan = try Self.run(["import", file, "--exclude", "b", "--dry-run"] + options)
            #expect(plan.status == 0 && !plan.text.contains("refers to"), "\(plan.text)")
        }
    }

    @Test func everyCommandSaysWhichConfiguredCollectionIsNotThere() throws {
        try withDatabase { database, folder, config in
            let (file, plain) = (folder.file("all.csv"), folder.file("plain.csv"))
            try database.export(to: file)
            try database.export(to: plain) { $0.plain = true }
            let start = "warning: \(config) has references of 'statementRecipients', which is not in"
            let inDatabase =
                "\(start) the database: they are not looked at; the database has 'statementrecipients': "
                + "if that is meant, write `collection: statementrecipients` in the configuration\n"
            for command in [["export", "-o", folder.file("new.csv")], ["verify"], ["plan"]] {
                let outcome = try Self.run(command + ["--db", database.name, "--config", config])
                #expect(outcome.errors.contains(inDatabase), "\(command): \(outcome.text)")
                #expect(outcome.errors.components(separatedBy: "has references of").count == 2, "\(outcome.text)")
            }
            let inFile = "\(start) the file: they are not looked at. Did you mean 'statementrecipients'?\n"
            for path in [file, plain] {
                for command in [["verify"], ["plan"], ["import", "--dry-run", "--db", database.name]] {
                    let outcome = try Self.run(command + [path, "--config", config])
                    #expect(outcome.errors.contains(inFile), "\(command): \(outcome.text)")
                    #expect(outcome.errors.components(separatedBy: "has references of").count == 2, "\(outcome.text)")
                }
            }
        }
    }

    /// Whoever reads the file may lack the configuration, and knows what was left out by its name in the database.
    @Test func whatWasLeftOutAndHasAnotherNameInTheDatabaseIsFoundThere() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "coveragetypes")
            try database.insert([["_id": 1, "coverageTypeId": 1]], into: "policies")
            let config = """
                collections:
                  coverageTypes: {collection: coveragetypes}
                  policies: {references: {coverageTypeId: coverageTypes}}
                """
            let file = folder.file("policies.csv")
            try database.export(to: file) {
                $0.configuration = try Configuration.parse(yaml: config, file: "mongoferry.yaml")
                $0.exclude = [Glob("coverageTypes")]
            }
            for command in [["verify", file], ["verify", file, "--db", database.name]] {
                let outcome = try Self.run(command)
                #expect(outcome.status == 0, "\(outcome.text)")
            }
        }
    }

    /// The configuration has references of policies only; those from payments to policies count all the same.
    @Test(arguments: ["all.csv", "plain.csv"])
    func collectionsOfWhichTheConfigurationSaysNothingKeepTheFilesReferences(_ name: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            func id(_ number: Int) -> Value { .objectID(ObjectID(high: 7, low: UInt32(number))) }
            try source.insert((0..<20).map { ["_id": id($0)] }, into: "customers")
            try source.insert((0..<20).map { ["_id": id(100 + $0), "customerId": id($0)] }, into: "policies")
            try source.insert((0..<20).map { ["_id": id(200 + $0), "policyId": id(100 + $0)] }, into: "payments")
            if name == "all.csv" {
                try source.export(to: folder.file(name))
            } else {
                // In the old application's form.
                var rows = "collection,data\n"
                for collection in ["payments", "policies", "customers"] {
                    for document in try source.documents(in: collection) {
                        let fields = document.elements.map { key, value -> String in
                            guard case .objectID(let id) = value else { return "" }
                            return "\"\"\(key)\"\":\"\"\(id)\"\""
                        }
                        rows += "\(collection),\"{\(fields.joined(separator: ","))}\"\n"
                    }
                }
                try folder.write(rows, to: name)
            }
            try folder.write(
                "collections: {customers: , policies: {references: {customerId: customers}}}", to: "c.yaml")
            try folder.write(
                "collections: {customers: , policies: {references: {customerId: customers}}, payments: {references: {}}}",
                to: "none.yaml")
            func order(_ config: String) throws -> [String] {
                let outcome = try Self.run(
                    ["import", folder.file(name), "--db", copy.name, "--dry-run", "--config", folder.file(config)])
                #expect(outcome.status == 0, "\(outcome.text)")
                func place(_ name: String) throws -> String.Index {
                    try #require(outcome.errors.range(of: ". \(name) ")?.lowerBound, "\(outcome.text)")
                }
                return try ["customers", "policies", "payments"].sorted { try place($0) < place($1) }
            }
            #expect(try order("c.yaml") == ["customers", "policies", "payments"])
            #expect(try order("none.yaml") == ["customers", "payments", "policies"])
        }
    }

    @Test func whatWasLeftOutByChoiceIsNoMistake() throws {
        try withDatabase { database, folder, config in
            let file = folder.file("some.csv")
            let choice = ["--collection", "customers", "--collection", "receipts", "--config", config, "--quiet"]
            for outcome in [
                try Self.run(["export", "--db", database.name, "-o", file] + choice),
                try Self.run(["import", file, "--db", database.name] + choice),
            ] {
                #expect(outcome.status == 0 && outcome.text == "", "\(outcome.text)")
            }
        }
    }

    @Test func aPathThatNoDocumentHasIsNotCalledAllThere() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1, "customerId": 1]], into: "receipts")
            try folder.write(
                "collections: {customers: , receipts: {references: {customerID: customers}}}", to: "c.yaml")
            let outcome = try Self.run(["verify", "--db", database.name, "--config", folder.file("c.yaml")])
            #expect(outcome.status == 0)
            #expect(
                outcome.output.hasPrefix("receipts.customerID → customers: no document has a value at this path\n"),
                "\(outcome.output)")
        }
    }

    /// Servers do not allow a projection to include a part of the `_id` and exclude the `_id`.
    @Test func referencesToAPartOfACompoundIdAreChecked() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((0..<5).map { ["_id": ["k": .int32($0), "n": 1]] }, into: "comp")
            try source.insert((0..<6).map { ["_id": .int32($0), "k": .int32($0)] }, into: "rc")
            let configuration = try Configuration.parse(
                yaml: "collections: {comp: , rc: {references: {k: comp._id.k}}}", file: "mongoferry.yaml")
            try source.export(to: folder.file("all.csv")) { $0.configuration = configuration }
            for file in [nil, folder.file("all.csv")] {
                let report = try Verify(file: file, target: try source.target, configuration: configuration)
                    .runBlocking(OperationContext())
                #expect(report.references.map(\.dangling) == [1] && report.references.map(\.checked) == [6])
            }
            for mode in ImportOptions.Mode.allCases {
                let report = try copy.load(folder.file("all.csv"), mode)
                #expect(report.status == .done, "\(report.warnings)")
                #expect(report.references.map(\.dangling) == [1])
            }
        }
    }
}
