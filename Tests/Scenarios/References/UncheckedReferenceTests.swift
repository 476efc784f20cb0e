import BSON
import Foundation
import MongoFerry
import Relations
import Testing

/// What was not checked must not pass for sound.
@Suite struct UncheckedReferenceTests {
    private static func lastLine(
        _ database: TestDatabase, _ arguments: String..., status: Int32 = 0
    ) throws -> (line: String, errors: String) {
        let outcome = try Program.run(
            ["verify"] + arguments, environment: ["MONGODB_URI": try testURI()])
        #expect(outcome.status == status, "\(outcome.text)")
        return (outcome.output.split(separator: "\n").last.map(String.init) ?? "", outcome.errors)
    }

    private static func objectID(_ number: Int) -> ObjectID { ObjectID(high: 0x6592_0080, low: UInt32(number)) }

    private static func id(_ number: Int) -> Value { .objectID(objectID(number)) }

    /// Notes on customers and companies, of which a few have an owner of no kind that anybody has heard of.
    private static func fillNotes(_ database: TestDatabase) throws {
        try database.insert((0..<50).map { ["_id": id($0)] }, into: "customers")
        try database.insert((100..<150).map { ["_id": id($0)] }, into: "companies")
        let odd: [Value] = ["custmer", .null, "Company", ""]
        try database.insert(
            (0..<400).map { number -> Document in
                let isOdd = number % 25 == 0
                let owner = isOdd ? 1000 + number : number % 50 + (number % 2 == 0 ? 0 : 100)
                return [
                    "_id": .int32(Int32(number)), "ownerId": id(owner),
                    "ownerType": isOdd ? odd[number / 25 % 4] : number % 2 == 0 ? "customer" : "company",
                ]
            }, into: "notes")
    }

    @Test func valuesThatMeetNoConditionOfADiscoveredReferenceAreTold() throws {
        try withTwoTestDatabases { database, copy, folder in
            try Self.fillNotes(database)
            let told =
                "notes.ownerId: 16 of 400 values not checked: none of the reference's cases is what ownerType beside them says"
            let live = try Self.lastLine(database, "--db", database.name)
            #expect(live.errors.contains("warning: \(told)\n"), "\(live)")
            #expect(live.line == "\(database.name): no fault found; see the warning")
            let file = folder.file("notes.csv")
            try database.export(to: file)
            let alone = try Self.lastLine(database, file)
            #expect(alone.errors.contains("warning: \(told)\n"), "\(alone)")
            #expect(alone.line == "\(file): sound; see the warning")
            let report = try copy.load(file, .replace)
            #expect(report.allWarnings == [told] && report.status == .done)
        }
    }

    @Test func aConditionThatNoDocumentMeetsIsTold() throws {
        try withTestDatabase { database, folder in
            try Self.fillNotes(database)
            func yaml(_ field: String) throws -> String {
                try folder.write(
                    """
                    collections:
                      customers:
                      companies:
                      notes:
                        references:
                          ownerId: {by: \(field), to: {customer: customers, company: companies}}
                    """, to: "\(field).yaml")
                return folder.file("\(field).yaml")
            }
            let misspelt = try Self.lastLine(database, "--db", database.name, "--config", yaml("ownerTipe"))
            #expect(misspelt.line == "\(database.name): no fault found; see the warning")
            #expect(misspelt.errors.contains("notes.ownerId: 400 of 400 values not checked: "), "\(misspelt)")
            // Of a configuration that names cases, others may have been left out on purpose.
            let right = try Self.lastLine(database, "--db", database.name, "--config", yaml("ownerType"))
            #expect(right.line == "\(database.name): sound")
            #expect(!right.errors.contains("warning: notes.ownerId"), "\(right)")
        }
    }

    /// Whether they lead anywhere is not known, but their case is.
    @Test func valuesOfACaseWhoseTargetIsNotInTheFileMeetItsCondition() throws {
        try withTestDatabase { database, folder in
            try Self.fillNotes(database)
            let cases = "ownerId: {by: ownerType, to: {customer: customers, company: companies}}"
            try folder.write(
                "collections: {customers: , companies: , notes: {references: {\(cases)}}}\n", to: "c.yaml")
            let (file, config) = (folder.file("notes.csv"), folder.file("c.yaml"))
            try database.export(to: file) {
                $0.exclude = [Glob("companies")]
                $0.configuration = try Configuration.parse(yaml: folder.text("c.yaml"), file: config)
            }
            let alone = try Self.lastLine(database, file, "--config", config)
            #expect(alone.line == "\(file): sound, except that 192 references could not be checked")
            #expect(alone.errors.contains("notes.ownerId: 16 of 400 values not checked: "), "\(alone)")
        }
    }

    @Test func aConfigurationWhoseReferencesStartNowhereVerifiesNothing() throws {
        try withTestDatabase { database, folder in
            try Self.fillNotes(database)
            try folder.write("collections: {note: {references: {ownerId: customers}}, customers: }\n", to: "c.yaml")
            let outcome = try Self.lastLine(
                database, "--db", database.name, "--config", folder.file("c.yaml"), status: 1)
            #expect(outcome.line == "")
            #expect(
                outcome.errors.contains(
                    "\(database.name): nothing can be verified: the configuration's references start in 'note', and no such collection"
                ), "\(outcome)")
        }
    }

    /// A file without metadata need not have all of a collection.
    @Test func theDatabasesDocumentsAreTargetsOfAFileWithoutMetadata() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<50).map { ["_id": Self.id($0)] }, into: "customers")
            let orders = (0..<10).map { ["_id": .int32(Int32($0)), "customerId": Self.id($0)] as Document }
            try database.insert(orders, into: "orders")
            try database.export(to: folder.file("all.csv")) { $0.plain = true }
            let rows = try folder.text("all.csv").split(separator: "\n")
            let part = rows.filter { !$0.hasPrefix("customers") } + rows.filter { $0.hasPrefix("customers") }.prefix(1)
            try folder.write(part.joined(separator: "\n") + "\n", to: "part.csv")
            let configuration = try Configuration.parse(
                yaml: "collections: {customers: , orders: {references: {customerId: customers}}}", file: "c.yaml")
            func dangling(_ target: Target?) throws -> Int {
                try Verify(file: folder.file("part.csv"), target: target, configuration: configuration)
                    .runBlocking(OperationContext()).danglingCount
            }
            #expect(try dangling(database.target) == 0)
            #expect(try dangling(nil) == 9)
            try database.delete("customers", ["_id": Self.id(3)])
            #expect(try dangling(database.target) == 1)
        }
    }

    @Test func damageThatKeepsAPathFromBeingAReferenceIsTold() throws {
        try withTestDatabase { database, _ in
            try database.insert((0..<100).map { ["_id": Self.id($0)] }, into: "customers")
            try database.insert(
                (0..<300).map { ["_id": .int32(Int32($0)), "customerId": Self.id($0 % 100)] }, into: "orders")
            #expect(
                try Self.lastLine(database, "--db", database.name).line.hasSuffix(
                    "by the references that its data show"))
            try database.delete("customers", ["_id": ["$gte": Self.id(40)]])
            let half = try Self.lastLine(database, "--db", database.name)
            #expect(half.line == "\(database.name): no fault found; see the warning")
            #expect(
                half.errors.contains("orders.customerId → customers: 40 of 100 sampled values exist, but that is less"),
                "\(half)")
        }
        try withTestDatabase { database, _ in
            try database.insert((0..<100).map { ["_id": Self.id($0)] }, into: "customers")
            try database.insert(
                (0..<300).map { ["_id": .int32(Int32($0)), "customerId": .string("\(Self.objectID($0 % 100))")] },
                into: "orders")
            let texts = try Self.lastLine(database, "--db", database.name)
            #expect(
                texts.errors.contains("but as ObjectIds, and here they are strings: not checked as a reference"),
                "\(texts)")
        }
    }

    @Test func whatAFileAloneCannotTellIsSaidInTheLastLineToo() throws {
        try withTestDatabase { database, folder in
            try database.insert((0..<20).map { ["_id": Self.id($0)] }, into: "customers")
            try database.insert(
                (0..<60).map { ["_id": .int32(Int32($0)), "customerId": Self.id($0 % 20)] }, into: "orders")
            let file = folder.file("orders.csv")
            try database.export(to: file) { $0.exclude = [Glob("customers")] }
            #expect(
                try Self.lastLine(database, file).line
                    == "\(file): sound, except that 60 references could not be checked")
            let page = folder.file("r.html")
            _ = try Self.lastLine(database, file, "--report", page)
            #expect(try folder.text("r.html").contains("Everything is sound. 60 references could not be checked."))
            #expect(
                try Self.lastLine(database, file, "--db", database.name).line
                    == "\(file): sound; all of its records are in \(database.name), equal")
        }
    }
}
