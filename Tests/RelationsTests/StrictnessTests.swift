import BSON
import ExtendedJSON
import Testing

@testable import Relations

/// Values that nearly look like something else, and the last of many.
@Suite struct StrictnessTests {
    @Test func aReferenceCountsOnce() throws {
        let reference = Reference(collection: "a", path: try FieldPath(parsing: "b"), target: "b")
        #expect(ReferenceGraph(collections: ["a", "b"], references: [reference, reference]).references.count == 1)
    }

    @Test func undefinedRefersToNothing() throws {
        let reference = Reference(collection: "a", path: try FieldPath(parsing: "b"), target: "b")
        var count = 0
        let document: Document = ["_id": 1, "b": .other(.undefined, [])]
        try document.withRaw { try reference.forEachValue(in: $0) { _ in count += 1 } }
        #expect(count == 0)
    }

    @Test func aSymbolMeetsNoCondition() {
        let document: Document = ["ownerType": .other(.symbol, [2, 0, 0, 0, 0x61, 0])]
        #expect(!document.withRaw { ReferenceCondition(field: "ownerType", equals: "a").holds(in: $0) })
    }

    @Test func whatOneThreadCouldNotHoldIsKnownToAll() throws {
        var (one, other) = (PathWalker(maximumPaths: 3), PathWalker(maximumPaths: 3))
        let document: Document = ["a": 1, "b": 1, "c": 1, "d": 1]
        try document.withRaw { try other.forEachValue(in: $0) { _, _ in } }
        #expect(other.isFull)
        _ = one.absorb(other)
        #expect(one.isFull)
    }

    @Test func aLongHasNoOtherFields() {
        let document: Document = ["low": 1, "high": 2, "unsigned": false, "note": "kept"]
        #expect(!document.withRaw { Conversion.isLong($0) })
    }

    @Test func aLongWithMoreIsNotConverted() {
        let document: Document = ["v": ["low": 1, "high": 2, "unsigned": false, "note": "lost"]]
        let result = document.withRaw { raw in raw["v"].map { Conversion.integer($0, isDemanded: false) } ?? nil }
        #expect(result == nil)
    }

    @Test(arguments: ["2026-11-23 20:04:45.123Z", "2026-11-23t20:04:45.123Z", "2026-11-23T20:04:45,123Z"])
    func onlyWhatJavaScriptWritesIsATime(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { ISOTime.exactly($0) } == nil)
    }

    @Test func aRowThatIsTakenBackCountsNowhere() {
        var counts = ConversionCounts(rules: 1)
        counts.beginRow()
        counts.countLeft(0)
        counts.countConverted(0)
        counts.takeBackRow()
        #expect(counts.left == [0] && counts.converted == [0])
    }

    @Test func theLastCollectionIsAskedToo() throws {
        var file = LegacyRows()
        for n in 0..<10 { file.add("policies", ["_id": hex(2, n), "customerId": hex(1, n)]) }
        let resolution = try file.resolve(databaseCollections: ["customers", "zeta"]) { name, ids in
            name == "zeta" ? Set(ids) : []
        }
        #expect(resolution.references.map(\.target) == ["zeta"])
    }

    @Test func everyOneOfManyIDsIsLookedUp() throws {
        var file = LegacyRows()
        for n in 0..<10_500 { file.add("policies", ["_id": hex(2, n), "customerId": hex(1, n)]) }
        let resolution = try file.resolve(databaseCollections: ["customers"]) { _, ids in Set(ids) }
        #expect(
            resolution.references.map(\.found) == ["discovered: 10,500 of 10,500 different values exist, 24 hex digits"]
        )
    }

    @Test func aTextIsCutToItsWidth() { #expect(TextWidth.cut("abcdef", to: 5) == "abcd…") }
}
