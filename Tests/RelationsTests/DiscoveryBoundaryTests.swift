import BSON
import Testing

@testable import Relations

/// How many values must exist, how far they must be spread and how few may differ: one more or fewer decides otherwise.
@Suite struct DiscoveryBoundaryTests {
    // MARK: Values that prove it

    /// One value, or one in more than twenty, is in another collection by accident.
    @Test(arguments: [(9, 1, false), (8, 2, true), (39, 2, false), (38, 2, true)])
    func aSecondTargetHasTwoValuesAndATwentieth(first: Int, second: Int, isTarget: Bool) throws {
        var world = World()
        for number in 0..<first + second {
            world.add(number < first ? "a" : "b", ["_id": oid(1, number)])
            world.add("c", ["_id": oid(2, number), "x": oid(1, number)])
        }
        #expect(try world.discover().references.map(\.target) == (isTarget ? ["a", "b"] : ["a"]))
    }

    @Test(arguments: [(95, false), (94, true)])
    func collectionsWithNearlyAllOfTheSameValuesAreRivals(shared: Int, isDecided: Bool) throws {
        var world = World()
        for number in 0..<100 {
            world.add("a", ["_id": oid(1, number)])
            world.add("c", ["_id": oid(2, number), "x": oid(1, number)])
        }
        // Neither collection is part of the other.
        for number in Array(0..<shared) + Array(200..<250) { world.add("b", ["_id": oid(1, number)]) }
        let found = try world.discover()
        #expect(found.references.map(\.target) == (isDecided ? ["a"] : []))
        #expect(found.candidates.map(\.target) == (isDecided ? [] : ["a", "b"]))
    }

    @Test(arguments: [(50, true), (49, false)])
    func rivalsAreToldIfTheyHaveHalfOfTheValues(left: Int, areTold: Bool) throws {
        var world = World()
        for number in 0..<100 {
            if number < left { for name in ["a", "b"] { world.add(name, ["_id": oid(1, number)]) } }
            world.add("c", ["_id": oid(2, number), "x": oid(1, number)])
        }
        let found = try world.discover()
        #expect(found.references.isEmpty)
        #expect(found.candidates.filter { $0.collection == "c" }.map(\.target) == (areTold ? ["a", "b"] : []))
    }

    /// Few values may lie close together by accident.
    @Test(arguments: [(10, true), (9, false)])
    func tenValuesThatFillOneCollectionAndACornerOfAnotherLeadToTheFirst(count: Int, isDecided: Bool) throws {
        var world = World()
        for number in 0..<count {
            for name in ["a", "b"] { world.add(name, ["_id": oid(1, number)]) }
            world.add("c", ["_id": oid(2, number), "x": oid(1, number)])
        }
        // Neither collection is part of the other.
        world.add("a", ["_id": oid(1, 500)])
        for number in 1000..<1030 { world.add("b", ["_id": oid(1, number)]) }
        #expect(try world.discover().references.map(\.target) == (isDecided ? ["a"] : []))
    }

    /// Words are in many collections; a long text with a digit is a token.
    @Test(arguments: [("7", 16, true), ("x", 16, false), ("7", 15, false)])
    func longTextsWithADigitNeedNoName(start: String, length: Int, isReference: Bool) throws {
        func text(_ number: Int) -> Value {
            let end = Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(number)))
            return .string(start + String(repeating: "x", count: length - 2) + String(end))
        }
        var world = World()
        for number in 0..<20 {
            if number < 12 { world.add("sorts", ["_id": text(number)]) }
            world.add("c", ["_id": oid(1, number), "item": text(number)])
        }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["sorts"] : []))
    }

    @Test(arguments: [(95, false), (94, true)])
    func aFieldWithNearlyAlwaysItsOwnDocumentsKeyIsNoReference(own: Int, isReference: Bool) throws {
        var world = World()
        for number in 0..<100 {
            world.add(
                "docs", ["_id": oid(1, number), "copy": number < own ? oid(1, number) : oid(1, (number + 1) % 100)])
        }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["docs"] : []))
    }

    // MARK: Values that exist in many places

    /// Values in a corner of the collection say nothing.
    @Test(arguments: [(17, true), (16, false)])
    func aCollectionThatTheNameSaysNothingOfIsToldIfTheValuesFillHalfOfIt(values: Int, isTold: Bool) throws {
        var world = World()
        for number in 1...40 { world.add("things", ["_id": .int32(Int32(number))]) }
        for number in 0..<100 { world.add("c", ["_id": oid(1, number), "x": .int32(Int32(number % values + 1))]) }
        let found = try world.discover()
        #expect(found.references.isEmpty)
        #expect(found.candidates.map(\.target) == (isTold ? ["things"] : []))
    }

    @Test(arguments: [(30, true), (29, false)])
    func thirtyNumbersUnderAPluralNameThatAllExistAreNoQuantity(values: Int, isReference: Bool) throws {
        var world = World()
        for number in 1...values { world.add("policies", ["_id": .int32(Int32(number))]) }
        for number in 0..<300 {
            world.add("customers", ["_id": oid(1, number), "policies": .int32(Int32(number % values + 1))])
        }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["policies"] : []))
    }

    @Test(arguments: [(4, true), (3, false)])
    func fourNumbersUnderAnAbbreviatedNameAreAReference(values: Int, isReference: Bool) throws {
        var world = World()
        for number in 1...4 { world.add("departments", ["_id": .int32(Int32(number))]) }
        for number in 0..<100 {
            world.add("people", ["_id": oid(1, number), "dept": .int32(Int32(number % values + 1))])
        }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["departments"] : []))
    }

    @Test(arguments: [(5, 0, false), (6, 0, true), (19, 1, true), (18, 2, false)])
    func sixScatteredNumbersOfWhichNearlyAllExistAreAReference(existing: Int, missing: Int, isReference: Bool) throws {
        var world = World()
        for number in 1...100 { world.add("things", ["_id": .int32(Int32(number * 1000))]) }
        for number in 0..<100 {
            let value = number % (existing + missing) + 1
            world.add("c", ["_id": oid(1, number), "x": .int32(Int32(value * 1000 + (value > existing ? 500 : 0)))])
        }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["things"] : []))
    }

    @Test(arguments: [(19, true), (18, false)])
    func smallDocumentsUnderASimilarNameMustNearlyAllExist(existing: Int, isReference: Bool) throws {
        func period(_ number: Int) -> Value {
            ["year": .int32(Int32(2000 + number / 12)), "month": .int32(Int32(number % 12 + 1))]
        }
        var world = World()
        for number in 0..<24 { world.add("periods", ["_id": period(number)]) }
        for number in 0..<20 {
            world.add(
                "invoices", ["_id": oid(1, number), "startPeriod": period(number < existing ? number : number + 600)])
        }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["periods"] : []))
    }

    /// Whether numbers are scattered depends on how many `_id`s are numbers.
    @Test func aFewNumbersAmongTextsAreScattered() throws {
        var world = World()
        for number in 1...10 { world.add("things", ["_id": .int32(Int32(number * 20))]) }
        for number in 1...90 { world.add("things", ["_id": .string("thing \(number)")]) }
        for number in 0..<100 { world.add("c", ["_id": oid(1, number), "x": .int32(Int32(number % 10 * 20 + 20))]) }
        #expect(try world.discover().references.map(\.target) == ["things"])
    }

    /// A sample may have few of very many.
    @Test(arguments: [(5, true), (1000, false)])
    func fewTextsMustBeAllThatTheCollectionHas(count: Int, isReference: Bool) throws {
        let texts = ["alpha", "beta", "gamma", "delta", "epsilon"].map { Value.string($0) }
        var world = World()
        world.counts["things"] = count
        for text in texts { world.add("things", ["_id": text]) }
        for number in 0..<100 { world.add("c", ["_id": oid(1, number), "item": texts[number % 5]]) }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["things"] : []))
    }

    // MARK: Fields that tell the target

    /// Of two that lead to the same collection, a rare one may do so by accident.
    @Test(arguments: [(3, true), (2, false)])
    func aSecondKindOfATargetHasThreeValues(values: Int, isTold: Bool) throws {
        var world = World()
        for number in 0..<20 {
            world.add("people", ["_id": oid(1, number)])
            world.add("companies", ["_id": oid(2, number)])
            world.add("notes", ["_id": oid(3, number), "owner": oid(1, number), "ownerType": "person"])
            let kind: Value = number < values ? "firm" : "company"
            world.add("notes", ["_id": oid(4, number), "owner": oid(2, number), "ownerType": kind])
        }
        let found = try world.discover()
        #expect(Set(found.references.map(\.target)) == ["companies", "people"])
        #expect(found.references.allSatisfy { ($0.condition != nil) == isTold }, "\(found.described)")
    }

    /// Small numbers are in both collections whatever the field says.
    @Test(arguments: [(["Post", "Photo"], true), (["Post", "Posts", "Photo", "Photo"], false)])
    func numbersHaveOneKindForEachTarget(kinds: [String], isTold: Bool) throws {
        var world = World()
        for number in 1...30 { for name in ["posts", "photos"] { world.add(name, ["_id": .int32(Int32(number))]) } }
        for number in 0..<200 {
            world.add(
                "comments",
                [
                    "_id": oid(1, number), "subjectType": .string(kinds[number % kinds.count]),
                    "subjectId": .int32(Int32(number % 25 + 1)),
                ])
        }
        #expect(try world.discover().references.map(\.target) == (isTold ? ["photos", "posts"] : []))
    }

    // MARK: Shared keys

    /// A profile may remain after its user was deleted, but only its name says that it is one.
    @Test(arguments: [("userAvatars", 5, true), ("userAvatars", 6, false), ("avatars", 0, true), ("avatars", 1, false)])
    func onlyWhatIsNamedAfterTheWholeMayHaveOrphans(name: String, orphans: Int, isReference: Bool) throws {
        var world = World()
        for number in 0..<200 { world.add("users", ["_id": oid(1, number)]) }
        for number in 0..<100 { world.add(name, ["_id": oid(1, number < orphans ? 1000 + number : number)]) }
        #expect(try world.discover().references.map(\.target) == (isReference ? ["users"] : []))
    }

    @Test func ofMadeUpIdsThePartIsOneByItsName() throws {
        func made(_ number: Int) -> Value { .objectID(ObjectID(high: 0, low: UInt32(number))) }
        var world = World()
        for number in 0..<50 {
            world.add("users", ["_id": made(number)])
            if number < 25 { for name in ["avatars", "userSettings"] { world.add(name, ["_id": made(number)]) } }
        }
        #expect(
            try world.discover().described == ["userSettings._id → users: 25 of 25 sampled values exist, ObjectId"])
    }

    @Test func ofTwoWholesWithTheSameKeysThePartLeadsToTheOneThatItIsNamedAfter() throws {
        var world = World()
        for number in 0..<100 {
            for name in ["accounts", "users"] { world.add(name, ["_id": oid(1, number)]) }
            if number < 50 { world.add("userSettings", ["_id": oid(1, number)]) }
        }
        #expect(
            try world.discover().described == ["userSettings._id → users: 50 of 50 sampled values exist, ObjectId"])
    }
}
