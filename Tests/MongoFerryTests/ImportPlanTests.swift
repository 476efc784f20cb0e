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

    /// A replace leaves it on one shard.
    @Test(arguments: [ImportPlan.Way.staged, .inPlace, .merge]) func whatAReplaceDoesToAShardedCollectionIsShown(
        way: ImportPlan.Way
    ) {
        var plan = ImportPlan(mode: way == .merge ? .merge : .replace, database: "insurance")
        var step = ImportPlan.Step(
            name: "c", databaseName: "c", way: way, records: 1, entry: BackupMetadata.Collection(name: "c"))
        step.live = .collection(.init(count: 1))
        plan.steps = [step]
        plan.isSharded = true
        #expect(plan.lines.contains { $0.contains("on one shard afterwards") } == (way != .merge))
        plan.isSharded = false
        #expect(!plan.lines.contains { $0.contains("shard") })
    }
}
