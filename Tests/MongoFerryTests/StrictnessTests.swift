import BSON
import BackupFile
import ExtendedJSON
import Foundation
import Relations
import Testing

@testable import MongoFerry

/// Values at the edges of equality, and what is counted once.
@Suite struct StrictnessTests {
    private static func decimal(_ text: String) -> Value {
        .decimal128(Decimal128(text) ?? Decimal128(low: 0, high: 0))
    }

    private func areEqual(_ left: Value, _ right: Value) -> Bool {
        ServerEquality.areEqual(left, right) && IDHash.hash(of: left) == IDHash.hash(of: right)
    }

    @Test func powersOfTenAreEqualInEveryType() { #expect(areEqual(.double(1e18), Self.decimal("1E+18"))) }

    @Test func everyNaNIsEqual() {
        #expect(
            areEqual(.double(-.nan), .double(.nan))
                && areEqual(.double(Double(bitPattern: 0x7FF8_0000_0000_0001)), Self.decimal("NaN")))
    }

    @Test func aDecimalOutOfRangeEqualsZero() {
        #expect(areEqual(.decimal128(Decimal128(low: .max, high: 0x3041_FFFF_FFFF_FFFF)), 0))
    }

    @Test func appendedHashesKeepTheirDocuments() {
        var (all, found) = (RecordHashes(), RecordHashes())
        found.append(1, document: 2)
        all.append(contentsOf: found)
        all.sort()
        #expect(all.count == 1 && all.document(at: 0) == 2)
    }

    @Test func aPlaceCountsOnce() {
        var places = PlaceSet(count: 100)
        places.insert(70)
        places.insert(70)
        #expect(places.count == 1)
    }

    private final class Broken: ByteSink {
        struct Gone: Error {}
        let path = "broken"
        func write(_ bytes: UnsafeRawBufferPointer) throws { throw Gone() }
        func finish() {}
        func abandon() {}
    }

    @Test func aLastWriteThatFailsIsAnError() throws {
        let queue = try SpillQueue(to: Broken(), cancellation: Cancellation())
        #expect(throws: Broken.Gone.self) {
            try [UInt8]("rows".utf8).withUnsafeBytes { try queue.write($0) }
            try queue.finish()
        }
    }

    @Test func rowsThatWaitCountAsHeld() throws {
        let chunks = OrderedChunks(parts: [1], isDistant: false, patience: 0.01)
        struct Full: Error {}
        let place = try chunks.enter(collection: 0, bytes: 1)
        let rows = ByteBuffer()
        rows.append(String(repeating: "x", count: 3 << 20))
        chunks.fill(place, with: Chunk(rows: rows, count: 1, escaped: 0))
        #expect(throws: Full.self) { try chunks.enter(collection: 0, bytes: 1) { throw Full() } }
    }

    @Test func nobodyWaitsAfterAFailure() {
        let chunks = OrderedChunks(parts: [1, 1], isDistant: false, patience: 0.01)
        chunks.fail()
        struct Waits: Error {}
        #expect(throws: CancellationError.self) { try chunks.waitForTurn(of: 1) { throw Waits() } }
    }

    @Test func whatLooksLikeAnIDIsMarkedAtAnyDepth() throws {
        let encoder = ExtendedJSONEncoder(mode: .compact, quotes: .doubled)
        for value: Value in [["b": "5c2aad8000000000000000ff"], ["5c2aad8000000000000000ff"]] {
            let document: Document = ["_id": 1, "a": value]
            #expect(try document.withRaw { try RowMarking().marked($0, encoder, isFirst: false) } != nil)
        }
    }

    @Test func theFirstRowIsMarkedWhole() throws {
        let document: Document = ["_id": "x"]
        #expect(
            try document.withRaw {
                try RowMarking().marked($0, ExtendedJSONEncoder(mode: .compact, quotes: .doubled), isFirst: true)
            }?.isWhole == true)
    }

    private func differences(_ fileIndexes: [Document], _ live: [Document], _ options: Document = [:]) -> Int {
        CollectionDifferences.found(
            BackupMetadata.Collection(name: "c", indexes: fileIndexes), options: options, indexes: live
        ).count
    }

    @Test func definitionsThatDifferOnlyInWhatMattersDiffer() {
        #expect(
            differences(
                [["v": 2, "key": ["_fts": "text"], "name": "t", "weights": ["a": 1]]],
                [["v": 2, "key": ["_fts": "text", "b": 1], "name": "u", "weights": ["a": 1]]]) == 1)
        #expect(differences([["v": 2, "key": ["a": 1], "name": "t"]], [["v": 2, "key": ["a": 1], "name": "u"]]) == 1)
        #expect(differences([], [], ["validationLevel": "strict"]) == 0)
    }

    @Test func aThousandBytesAreAKilobyte() { #expect(ByteText.text(1000) == "1.0 kB") }

    @Test func roundingDoesNotReachTheNextUnit() { #expect(ByteText.text(999_960) == "1.0 MB") }

    @Test func whatCountsAsAProblemIsNamed() {
        var report = Report(operation: .verify)
        var outcome = ReferenceOutcome(collection: "a", path: "b", target: "c", targetNames: ["c"])
        outcome.dangling = 2
        outcome.isOptional = true
        report.references = [outcome]
        #expect(report.danglingCount == 0)
        report.note(unreadable: [ExactName("a"): 3])
        #expect(report.collections.map(\.rejected) == [3])
        report.differences = [
            .init(collection: "", kind: .file, detail: "x"), .init(collection: "a", kind: .missing, detail: "y"),
        ]
        #expect(report.problemCounts == "the file is damaged, 1 difference")
        report.source = "x"
        report.differences = []
        report.rejectionCount = 1
        #expect(report.problemCounts == "1 rejected row")
    }
}
