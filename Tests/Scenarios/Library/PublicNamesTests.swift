import MongoFerry
import Testing

/// What a program writes that imports this library and nothing else: a name that is missing stops the compiler.
@Suite struct PublicNamesTests {
    @Test func aConfigurationIsMadeInCode() throws {
        let (owner, premium) = (try FieldPath(parsing: "owner"), try FieldPath(parsing: "premium"))
        let condition = ReferenceCondition(field: "ownerType", equals: "customer")
        let types: [FieldPath: FieldType] = [premium: .decimal]
        let reference = Reference(collection: "policies", path: owner, target: "customers", condition: condition)
        let made = Configuration(collections: [
            Configuration.Collection(name: "policies", references: [reference], types: types)
        ])
        let written = try Configuration.parse(
            yaml: """
                collections:
                  policies:
                    references: {owner: {by: ownerType, to: {customer: customers}}}
                    types: {premium: decimal}
                """, file: "mongoferry.yaml")
        #expect(made.collections == written.collections)
        let error = #expect(throws: FieldPathError.self) { try FieldPath(parsing: "a[") }
        #expect(error?.reason == .unclosedBracket)
    }

    @Test func whatAFileSaysOfItselfIsPassedOn() throws {
        func describe(_ metadata: BackupMetadata, _ seal: Seal) -> String {
            "\(metadata.collections.map(\.name)), \(seal.rows) rows"
        }
        let inspection = try Inspection(ProjectFile.path("Tests/Example/Tests/ShopTests/shop.csv"))
        let text = describe(try #require(inspection.metadata), try #require(inspection.seal))
        #expect(text == #"["customers", "orders"], 10 rows"#)
    }

    @Test func filtersAreKeptByTheirValue() {
        var options = ExportOptions(destination: .file(path: "x.csv", overwriting: false))
        options.queries = [CollectionQuery(name: "a", query: "{}"), CollectionQuery(name: "b", query: "{}")]
        #expect(Set(options.queries).count == 2)
    }
}
