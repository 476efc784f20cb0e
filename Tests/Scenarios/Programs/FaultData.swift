import BSON
import Foundation
import MongoDriver
import Testing

/// A small insurance database in two states, so that old and new collections can be told apart.
struct FaultData {
    let old: DatabaseImage
    let new: DatabaseImage

    static let collections = ["customers", "payments", "policies"]

    static func fill(_ database: TestDatabase, generation: String, count: Int) throws {
        for name in try database.names() { try database.drop(name) }
        try database.create(
            "customers", indexes: [["key": ["name": 1], "name": "name_1"]])
        try database.create(
            "policies", ["validator": ["generation": ["$type": "string"]]],
            indexes: [["key": ["customerId": 1], "name": "customer_1"]])
        try database.create("payments")
        func document(_ index: Int, _ more: Document = [:]) -> Document {
            Document {
                $0.append("_id", .int32(Int32(index)))
                $0.append("generation", .string(generation))
                for (key, value) in more.elements { $0.append(key, value) }
            }
        }
        try database.insert(
            (0..<count).map { document($0, ["name": .string("\(generation) \($0)")]) }, into: "customers")
        try database.insert(
            (0..<count * 2).map { document($0, ["customerId": .int32(Int32($0 / 2))]) }, into: "policies")
        try database.insert(
            (0..<count * 3).map { document($0, ["policyId": .int32(Int32($0 / 2))]) }, into: "payments")
        try database.create(
            "owed", ["viewOn": "payments", "pipeline": [["$match": ["generation": .string(generation)]]]])
    }

    /// Exports the new state to a file, and leaves the old one in the database.
    init(_ database: TestDatabase, file: String, uri: String, count: Int = 200) throws {
        try Self.fill(database, generation: "new", count: count)
        new = try database.image()
        let export = try Program.run(["export", "--uri", uri, "--db", database.name, "-o", file, "--quiet"])
        try #require(export.status == 0, "\(export.text)")
        try Self.fill(database, generation: "old", count: count + 7)
        old = try database.image()
    }

    /// Returns the names of the collections that are new; each collection must be entirely old or entirely new.
    func newOnes(in database: TestDatabase) throws -> Set<String> {
        let image = try database.image()
        var found: Set<String> = []
        for name in Self.collections {
            let now = try #require(image.collections[name], "\(name) is gone")
            if now == new.collections[name] {
                found.insert(name)
            } else {
                #expect(now == old.collections[name], "\(name) is neither old nor new")
            }
        }
        return found
    }
}
