import BSON
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Whether the types of live documents reach the old application's rows in large collections, and in those whose
/// field names are data.
@Suite struct LiveTypesTests {
    private static let day = "2024-01-01T00:00:00.000Z"
    private static let date = Value.date(1_704_067_200_000)

    private static func id(_ number: Int) -> ObjectID {
        ObjectID(high: 0x5C2A_AD80_0000_0000, low: UInt32(truncatingIfNeeded: number))
    }

    private func file(_ rows: [String], _ folder: TemporaryFolder, _ collection: String = "c") throws -> String {
        try folder.write(
            LegacyFile.text(rows: rows.map { LegacyFile.row(collection, json: $0) }), to: "old.csv")
        return folder.file("old.csv")
    }

    // MARK: Names that are data

    /// Thousands of names that no row has must not leave the others' fields unseen.
    @Test func namesThatOnlyLiveDocumentsHaveDoNotHideOtherFields() throws {
        try withTestDatabase { database, folder in
            try database.insert(
                (0..<420).map { number -> Document in
                    let names = Document { m in for n in 0..<50 { m.append("k\(number * 50 + n)", .int32(Int32(n))) } }
                    return ["_id": .int32(Int32(number)), "m": .document(names)]
                }, into: "c")
            let late: [Document] = (1000..<1010).map {
                ["_id": .int32($0), "code": .string(Self.day), "by": .objectID(Self.id(Int($0))), "n": 1.0]
            }
            try database.insert(late, into: "c")
            let rows = (1000..<1010).map { #"{"_id":\#($0),"code":"\#(Self.day)","by":"\#(Self.id($0))","n":1}"# }
            let report = try database.load(try file(rows, folder))
            #expect(report.totals.unchanged == 10, "\(report.totals)")
            #expect(try database.documents(in: "c", ["_id": ["$gte": 1000]]) == late)
        }
    }
}
