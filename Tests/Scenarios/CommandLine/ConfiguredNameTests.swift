import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// The name that a file's collection has in the database: the configuration defines it, or the file does.
@Suite struct ConfiguredNameTests {
    private static func configuration(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml: yaml, file: "mongoferry.yaml")
    }

    /// Provides a file whose `coverageTypes` is called `kinds` in the database, which only the file says, and a
    /// database that has other kinds.
    private func withFile(_ body: (_ copy: TestDatabase, _ file: String) throws -> Void) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "l": "liability"]], into: "kinds")
            try source.insert([["_id": 1, "coverageTypeId": 1]], into: "policies")
            let file = folder.file("all.csv")
            try source.export(to: file) {
                $0.configuration = try Self.configuration("collections: {coverageTypes: {collection: kinds}}\n")
            }
            try copy.insert([["_id": 1, "l": "live"], ["_id": 2, "l": "live too"]], into: "kinds")
            try body(copy, file)
        }
    }

    @Test(arguments: ImportOptions.Mode.allCases) func whatIsExcludedByTheDatabasesNameStays(
        mode: ImportOptions.Mode
    ) throws {
        try withFile { copy, file in
            let before = try copy.documents(in: "kinds")
            let configuration = try Self.configuration("exclude: [kinds]\n")
            let report = try copy.load(file, mode) { $0.configuration = configuration }
            #expect(report.excluded.map(\.name) == ["coverageTypes"])
            #expect(try copy.documents(in: "kinds") == before)
            #expect(try copy.names() == ["kinds", "policies"])
            let verified = try Verify(file: file, target: copy.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(verified.excluded.map(\.name) == ["coverageTypes"] && verified.differences.isEmpty)
            let graph = try PlanGraph(file: file, configuration: configuration, OperationContext())
            #expect(graph.drawing.drawn(as: .text).firstMatch(of: /\d+\. coverageTypes/) == nil)
        }
    }

    @Test func aPlanOfWhichAllIsLeftOutSaysThatThereIsNothingToDraw() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "a")
            try database.export(to: folder.file("all.csv"))
            try folder.write("exclude: ['*']\n", to: "c.yaml")
            for place in [[folder.file("all.csv")], ["--db", database.name]] {
                func plan(_ options: [String]) throws -> Program.Outcome {
                    try Program.run(["plan"] + place + options, environment: ["MONGODB_URI": try testURI()])
                }
                let nothing = try plan(["--config", folder.file("c.yaml")])
                #expect(nothing.status == 0 && nothing.errors.contains("there is nothing to draw"), "\(nothing.text)")
                #expect(try !plan([]).errors.contains("there is nothing to draw"))
            }
        }
    }

    /// A target that the configuration does not list may be in the database or in the file.
    @Test func aTargetThatIsThereNeedNoEntry() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "zones")
            try source.insert([["_id": 1, "place": 1, "mail": "a@b"], ["_id": 2, "place": 7]], into: "orders")
            let configuration = try Self.configuration(
                "collections: {orders: {references: {place: zones, spare: {to: zones, optional: true}}}}\n")
            let file = folder.file("all.csv")
            try source.export(to: file) { $0.configuration = configuration }
            let text = try folder.text("all.csv")
            #expect(text.contains("# records 3: zones 1, orders 2\n"), "\(text)")
            let report = try copy.load(file) { $0.configuration = configuration }
            #expect(report.references.first { $0.path == "place" }?.dangling == 1)
            for target in [nil, try copy.target] {
                let verified = try Verify(file: file, target: target, configuration: configuration)
                    .runBlocking(OperationContext())
                #expect(verified.danglingCount == 1)
            }
            _ = try PlanGraph(file: file, configuration: configuration, OperationContext())
            _ = try PlanGraph(copy.target, configuration: configuration, OperationContext())
            // The same with a file without metadata.
            try folder.write("collection,data\norders,\"{\"\"_id\"\":5,\"\"place\"\":1}\"\n", to: "bare.csv")
            try copy.load(folder.file("bare.csv")) { $0.configuration = configuration }
        }
    }

    private static let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")

    /// A configuration may come from a different keyboard or file system than the data.
    @Test func aNameOfOtherCharactersThatLookTheSameIsTheOneThatIsThere() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1]], into: "t")
            try source.insert(
                (1...20).map { ["_id": .int32($0), "r": .int32($0 % 2), "x": .int32($0)] }, into: Self.composed)
            try source.insert([["_id": 1, "back": 3], ["_id": 2, "back": 40]], into: "u")
            try source.export(to: folder.file("whole.csv"))
            try source.export(to: folder.file("plain.csv")) { $0.plain = true }
            let configuration = try Self.configuration(
                "collections: {\(Self.decomposed): {references: {r: t, x: t}}, u: {references: {back: \(Self.decomposed)}}, t: {}}\n"
            )
            func expectFound(_ report: Report, _ what: String) {
                let outcomes = report.references.map { "\($0.path) \($0.checked) \($0.dangling)" }.sorted()
                #expect(outcomes == ["back 2 1", "r 20 10", "x 20 19"], "\(what)")
            }
            expectFound(
                try Verify(file: nil, target: try source.target, configuration: configuration)
                    .runBlocking(OperationContext()), "database")
            for name in ["whole.csv", "plain.csv"] {
                let file = folder.file(name)
                for target in [nil, try source.target] {
                    expectFound(
                        try Verify(file: file, target: target, configuration: configuration)
                            .runBlocking(OperationContext()), "\(name) \(target == nil)")
                }
                for mode in [ImportOptions.Mode.replace, .merge] {
                    expectFound(
                        try copy.load(file, mode) { $0.configuration = configuration }, "\(name) \(mode)")
                }
            }
        }
    }

    /// Two names that look alike cannot be in one file; references to the one left out cannot be checked there.
    @Test func ofTwoNamesThatLookAlikeTheOneThatWasLeftOutIsNotTheOther() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert((1...10).map { ["_id": .int32($0)] }, into: Self.composed)
            try source.insert((11...20).map { ["_id": .int32($0)] }, into: Self.decomposed)
            try source.insert((1...10).map { ["_id": .int32($0), "r": .int32($0), "q": .int32($0 + 10)] }, into: "s")
            let configuration = try Self.configuration(
                "collections: {s: {references: {r: \(Self.composed), q: \(Self.decomposed)}}}\n")
            for (left, open) in [(Self.decomposed, "q"), (Self.composed, "r")] {
                let file = folder.file("without \(open).csv")
                try source.export(to: file) {
                    $0.exclude = [Glob(left)]
                    $0.configuration = configuration
                }
                let alone = try Verify(file: file, target: nil, configuration: configuration)
                    .runBlocking(OperationContext())
                #expect(alone.danglingCount == 0 && alone.references.count == 2)
                for outcome in alone.references {
                    #expect(outcome.unchecked == (outcome.path == open ? 10 : 0), "\(outcome.path)")
                }
                let beside = try Verify(file: file, target: try source.target, configuration: configuration)
                    .runBlocking(OperationContext())
                #expect(beside.danglingCount == 0 && beside.references.map(\.checked) == [10, 10])
                // Into a database that does not have it.
                let report = try copy.load(file, .replace) { $0.configuration = configuration }
                #expect(report.references.count == 2)
                for outcome in report.references { #expect(outcome.dangling == (outcome.path == open ? 10 : 0)) }
                for name in try copy.names() { try copy.drop(name) }
            }
        }
    }

    /// A reader of a plan or a picture must not search for a collection that is where it always was.
    @Test func aTargetThatIsLeftOutIsNotDrawnAsMissing() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "l": "liability"]], into: "kinds")
            try database.insert([["_id": 1, "kind": 1]], into: "policies")
            let names = "collections: {sorts: {collection: kinds}, policies: {references: {kind: sorts}}}\n"
            let choosing = try Self.configuration("exclude: [kinds]\n" + names)
            let (whole, part) = (folder.file("whole.csv"), folder.file("part.csv"))
            try database.export(to: whole) { $0.configuration = try Self.configuration(names) }
            let exported = try database.export(to: part) { $0.configuration = choosing }
            try folder.write("collection,data\nsorts,{}\npolicies,\"{\"\"_id\"\":5}\"\n", to: "bare.csv")
            var drawings = [exported.graph].compactMap(\.self)
            drawings.append(try PlanGraph(database.target, configuration: choosing, OperationContext()).drawing)
            for file in [whole, part, folder.file("bare.csv")] {
                drawings.append(try PlanGraph(file: file, configuration: choosing, OperationContext()).drawing)
            }
            // Without the configuration, the file itself says it.
            drawings.append(try PlanGraph(file: part, configuration: Configuration(), OperationContext()).drawing)
            #expect(drawings.count == 6)
            for text in drawings.map({ $0.drawn(as: .text) }) {
                #expect(text.contains("(left out)") && !text.contains("issing"), "\(text)")
            }
        }
    }

    /// A file may have been exported without the configuration, or with another one.
    @Test(arguments: [
        ("", "collections: {sorts: {collection: kinds}, policies: {references: {kind: sorts}}}\n"),
        (
            "collections: {sorts: {collection: kinds}}\n",
            "collections: {kinds: , policies: {references: {kind: kinds}}}\n"
        ),
    ]) func aTargetThatTheFileCallsOtherwiseIsTheOneOfThatNameInTheDatabase(made: String, used: String) throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.insert([["_id": 1, "l": "liability"]], into: "kinds")
            try source.insert([["_id": 1, "kind": 1], ["_id": 2, "kind": 1]], into: "policies")
            let file = folder.file("all.csv")
            try source.export(to: file) { $0.configuration = try Self.configuration(made) }
            let configuration = try Self.configuration(used)
            let verified = try Verify(file: file, target: nil, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(verified.status == .done && verified.references.map(\.checked) == [2], "\(verified.references)")
            let graph = try PlanGraph(file: file, configuration: configuration, OperationContext()).drawing
            #expect(!graph.drawn(as: .text).contains("issing"), "\(graph.drawn(as: .text))")
            // Into an empty database, and over a collection that lacks what the file refers to until it is replaced.
            for live: [Document] in [[], [["_id": 7]]] {
                for name in try copy.names() { try copy.drop(name) }
                if !live.isEmpty { try copy.insert(live, into: "kinds") }
                let report = try copy.load(file, .replace) {
                    $0.configuration = configuration
                    $0.failsOnDangling = true
                }
                #expect(report.status == .done && report.references.map(\.checked) == [2], "\(report.references)")
            }
            // A value that only the collection to be replaced has will dangle.
            try source.insert([["_id": 3, "kind": 7]], into: "policies")
            try source.export(to: folder.file("more.csv")) { $0.configuration = try Self.configuration(made) }
            try copy.insert([["_id": 7]], into: "kinds")
            let refused = try copy.load(folder.file("more.csv"), .replace) {
                $0.configuration = configuration
                $0.failsOnDangling = true
            }
            #expect(refused.status == .refused && refused.danglingCount == 1, "\(refused.references)")
            #expect(try copy.count("policies") == 2)
        }
    }

    @Test func aTargetThatIsNowhereIsAnErrorWithItsLine() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "orders")
            try folder.write(
                "collections:\n  orders:\n    references:\n      place: ordres\n      other: zones\n", to: "slip.yaml")
            try folder.write("collections:\n  orders:\n    references:\n      place: zones\n", to: "c.yaml")
            let (file, uri) = (folder.file("all.csv"), try testURI())
            try database.export(to: file)
            let known = ["--uri", uri, "--db", database.name]
            for words in [
                ["export", "-o", folder.file("x.csv")] + known, ["import", file] + known, ["verify", file],
                ["verify"] + known, ["plan", file], ["plan"] + known, ["discover"] + known,
            ] {
                let outcome = try Program.run(words + ["--config", folder.file("c.yaml")])
                #expect(outcome.status == 64, "\(words): \(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "c.yaml, line 4: unknown target 'zones' for 'place' in collection 'orders'; expected a collection of 'collections', the database or the file"
                    ), "\(words): \(outcome.errors)")
                let slip = try Program.run(words + ["--config", folder.file("slip.yaml")])
                #expect(slip.status == 64 && slip.errors.contains("Did you mean 'orders'?"), "\(slip.text)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.file("x.csv")))
        }
    }

    /// Such an entry only lists the collection as the target of a reference.
    @Test func anEntryThatSaysNoNameLeavesTheFiles() throws {
        try withFile { copy, file in
            let configuration = try Self.configuration(
                "collections: {policies: {references: {coverageTypeId: coverageTypes}}, coverageTypes: }\n")
            let report = try copy.load(file, .replace) { $0.configuration = configuration }
            #expect(report.status == .done && report.danglingCount == 0)
            #expect(try copy.names() == ["kinds", "policies"])
            #expect(try copy.documents(in: "kinds") == [["_id": 1, "l": "liability"]])
            // A stated name counts, even if it equals the file's.
            let said = try Self.configuration("collections: {coverageTypes: {collection: coverageTypes}}\n")
            try copy.load(file, .replace) { $0.configuration = said }
            #expect(try copy.names() == ["coverageTypes", "kinds", "policies"])
        }
    }

    @Test func whatIsSaidToHaveNoReferencesIsNotLookedAtForThem() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<20).map { ["_id": .int32($0)] }, into: "customers")
            try database.insert((0..<21).map { ["_id": .int32(100 + $0), "customerId": .int32($0)] }, into: "policies")
            let configuration = try Self.configuration(
                "collections: {policies: {references: {}}, customers: {references: {}}}\n")
            let report = try Verify(file: nil, target: database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(report.status == .done && report.references.isEmpty, "\(report.references)")
            try database.export(to: folder.file("all.csv")) { $0.configuration = configuration }
            let file = try Verify(file: folder.file("all.csv"), target: nil).runBlocking(OperationContext())
            #expect(file.status == .done && file.references.isEmpty)
            // Without the configuration there is one.
            let open = try Verify(file: nil, target: database.target).runBlocking(OperationContext())
            #expect(open.references.map(\.dangling) == [1])
        }
    }
}
