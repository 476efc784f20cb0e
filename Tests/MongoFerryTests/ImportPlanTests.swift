import BackupFile
import Testing

@testable import MongoFerry

@Suite struct ImportPlanTests {
    @Test func namesAreShownWholeAndTheirColumnsStandBelowEachOther() {
        var plan = ImportPlan(mode: .merge, database: "insurance")
        plan.steps = ["🚢🚢🚢🚢🚢🚢", "customers", "保険証券"].map {
            ImportPlan.Step(
                name: $0, databaseName: $0, way: .merge, records: 1, entry: BackupMetadata.Collection(name: $0))
        }
        #expect(
            plan.lines == [
                "import into insurance, mode merge:",
                "  1. 🚢🚢🚢🚢🚢🚢  merge, 1 record (new)",
                "  2. customers     merge, 1 record (new)",
                "  3. 保険証券      merge, 1 record (new)",
            ])
    }
}
