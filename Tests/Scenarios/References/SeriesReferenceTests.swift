import BSON
import ExtendedJSON
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// References to the `_id`s of a time series or from one, and from fields whose names look alike.
@Suite struct SeriesReferenceTests {
    private static func configuration(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml: yaml, file: "x")
    }

    /// Inserts 30 measurements, an alert about each of them, and the alerts in `more`.
    private static func fill(_ database: TestDatabase, _ more: [Document] = []) throws {
        try database.create("readings", ["timeseries": ["timeField": "at"]])
        try database.insert(
            (0..<30).map { ["_id": .string("r\($0)"), "at": .date(Int64($0) * 1000), "value": .int32(Int32($0))] },
            into: "readings")
        try database.insert(
            (0..<30).map { ["_id": .int32($0), "readingId": .string("r\($0)")] } + more, into: "alerts")
    }

    @Test func whatLeadsToMeasurementsIsFoundInTheFileAndInTheDatabase() throws {
        try withTwoTestDatabases { source, copy, folder in
            try Self.fill(source, [["_id": 100, "readingId": "none"]])
            let configuration = try Self.configuration("collections: {alerts: {references: {readingId: readings}}}")
            let file = folder.file("all.csv")
            try source.export(to: file) { $0.configuration = configuration }
            for target in [nil, try source.target] {
                let report = try Verify(file: file, target: target).runBlocking(OperationContext())
                #expect(report.references.map(\.checked) == [31] && report.references.map(\.dangling) == [1])
            }
            try source.delete("alerts", ["_id": 100])
            let sound = folder.file("sound.csv")
            try source.export(to: sound) { $0.configuration = configuration }
            #expect(try Verify(file: sound, target: nil).runBlocking(OperationContext()).status == .done)
            // When the rest is staged, the time series does not exist yet, or is still the old one.
            for _ in 0..<2 {
                let report = try copy.load(sound, .replace) { $0.failsOnDangling = true }
                #expect(report.status == .done, "\(report.references)")
                #expect(report.references.map(\.dangling) == [0])
            }
        }
    }

    /// Several measurements may have the same `_id`, so that only a configuration can name them as a target.
    @Test func discoverTakesNoMeasurementsForATarget() throws {
        try withTestDatabase { database, _ in
            try Self.fill(database)
            let found = try DiscoveredConfiguration(
                try database.target, configuration: Configuration(), OperationContext())
            #expect(found.references.isEmpty && !found.candidates.contains { $0.target == "readings" }, "\(found.yaml)")
        }
    }

    /// The first field of a measurement is its time, not its `_id`.
    @Test func anExampleOfAMeasurementHasItsID() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": "d1"]], into: "devices")
            try database.create("readings", ["timeseries": ["timeField": "at"]])
            try database.insert([["at": .date(5000), "_id": "r0", "device": "gone"]], into: "readings")
            let configuration = try Self.configuration("collections: {readings: {references: {device: devices}}}")
            let live = try Verify(file: nil, target: try database.target, configuration: configuration)
                .runBlocking(OperationContext())
            #expect(live.references.flatMap(\.examples).map(\.documentID) == ["r0"])
            try database.export(to: folder.file("all.csv")) { $0.configuration = configuration }
            let file = try Verify(file: folder.file("all.csv"), target: nil).runBlocking(OperationContext())
            #expect(file.references.flatMap(\.examples).map(\.documentID) == ["r0"])
        }
    }

    @Test func measurementsOfOneMomentAreAllLookedAt() throws {
        try withTestDatabase { database, folder in
            func id(_ index: Int) -> Value { .objectID(ObjectID(high: 0x5C2A_AD80_0000_0001, low: UInt32(index))) }
            try database.insert((0..<50).map { ["_id": id($0)] }, into: "devices")
            try database.create("readings", ["timeseries": ["timeField": "at"]])
            try database.insert(
                (0..<1500).map { ["at": .date(5000), "device": id($0 < 6 ? 1000 + $0 : $0 % 50)] }, into: "readings")
            let report = try database.export(to: folder.file("all.csv"))
            #expect(report.graph?.drawn(as: .text).contains("device") == true, "\(report)")
        }
    }

    @Test func fieldsThatLookAlikeAreCheckedEachForItself() throws {
        try withTestDatabase { database, folder in
            let (composed, decomposed) = ("\u{E9}", "e\u{301}")
            try database.insert((0..<10).map { ["_id": .int32($0)] }, into: "things")
            try database.insert(
                (0..<10).map { (index: Int32) -> Document in
                    Document {
                        $0.append("_id", .int32(index))
                        $0.append(decomposed, .int32(index))
                        $0.append(composed, .int32(index + 5))
                    }
                }, into: "uses")
            let references = [composed, decomposed].map {
                Reference(collection: "uses", path: FieldPath(steps: [.field($0)]), target: "things")
            }
            let projection = FieldPath.projection(of: references.map(\.path))
            #expect(projection.elements.count == 3, "\(projection)")
            let configuration = Configuration(
                collections: [.init(name: "things"), .init(name: "uses", references: references)])
            try database.export(to: folder.file("all.csv")) { $0.configuration = configuration }
            for report in [
                try Verify(file: nil, target: try database.target, configuration: configuration)
                    .runBlocking(OperationContext()),
                try Verify(file: folder.file("all.csv"), target: nil).runBlocking(OperationContext()),
            ] {
                #expect(report.references.map(\.checked) == [10, 10], "\(report.references)")
                #expect(report.references.map(\.dangling).sorted() == [0, 5], "\(report.references)")
            }
        }
    }

    @Test func anEmptyCollectionIsNotThereWhereAnotherLooksLikeIt() throws {
        try withTwoTestDatabases { source, copy, folder in
            try source.create("\u{E9}t", [:])
            try source.export(to: folder.file("all.csv"))
            try copy.create("e\u{301}t", [:])
            let report = try Verify(file: folder.file("all.csv"), target: try copy.target)
                .runBlocking(OperationContext())
            #expect(report.status == .problems, "\(report.differences)")
        }
    }
}
