import BSON
import Testing

@testable import Relations

@Suite struct ReferenceDiscoveryTests {
    /// Ids of users as field names, each with a value that is an `_id`.
    @Test func namesThatAreDataAreNoPathsOfTheirOwn() throws {
        var world = World()
        for number in 0..<300 {
            world.add("options", ["_id": oid(1, number)])
            let votes = Document {
                for vote in 0..<5 { $0.append("user\(number * 5 + vote)", oid(1, (number + vote) % 300)) }
            }
            world.add("polls", ["_id": oid(2, number), "best": oid(1, number), "votes": .document(votes)])
        }
        #expect(
            try world.discover().described == [
                "polls.best → options: 300 of 300 sampled values exist, ObjectId"
            ])
    }

    /// A page number has the name of the collection of pages, too, and low numbers are `_id`s in many places.
    @Test(arguments: [(40, true), (42, true), (43, false)]) func numbersNamedAfterACollectionMustNearlyAllExist(
        most: Int, isReference: Bool
    ) throws {
        var world = World()
        for number in 1...40 { world.add("pages", ["_id": .int32(Int32(number))]) }
        for number in 0..<300 {
            world.add("books", ["_id": oid(1, number), "page": .int32(Int32(number % most + 1))])
            world.add("notes", ["_id": oid(2, number), "pageId": .int32(Int32(number % most + 1))])
        }
        let found = try world.discover()
        #expect(found.references.contains { $0.collection == "books" } == isReference)
        #expect(found.candidates.contains { $0.collection == "books" } == !isReference)
        // A key may dangle like any other.
        #expect(found.references.contains { $0.collection == "notes" })
    }

    /// Which thread finishes first must not affect a file that has to be reproducible.
    @Test func whatIsFoundIsTheSameInWhateverOrderCollectionsAreLookedAt() throws {
        func found(_ order: some Sequence<Int>) throws -> Discovery {
            var all = ReferenceDiscovery(valuesPerPath: 200, maximumValues: 3_000, findsTypes: false)
            for collection in order {
                var one = ReferenceDiscovery(valuesPerPath: 200, maximumValues: 3_000, findsTypes: false)
                for number in 0..<1100 {
                    let document: Document = [
                        "_id": oid(collection + 1, number), "other": oid((collection + 1) % 20 + 1, number),
                    ]
                    try document.withRaw { try one.add($0, in: "c\(collection)") }
                }
                all.absorb(one)
            }
            let own = (0..<20).map { collection in Set((0..<1100).map { oid(collection + 1, $0) }) }
            return try all.resolve { questions in
                questions.map { own[Int($0.collection.dropFirst()) ?? 0].intersection($0.ids) }
            }
        }
        let first = try found(0..<20)
        #expect(first.references.count >= 20)
        #expect(try found((0..<20).reversed()).references == first.references)
    }

    /// A thousand such documents have as many values as a hundred thousand others.
    @Test func documentsOfVeryManyFieldsDoNotFillTheMemory() throws {
        var discovery = ReferenceDiscovery(valuesPerPath: 1000, maximumValues: 10_000, findsTypes: false)
        var most = 0
        for number in 0..<300 {
            let document = Document {
                for field in 0..<200 {
                    $0.append("f\(field)", .objectID(ObjectID(high: UInt64(field), low: UInt32(number))))
                }
            }
            try document.withRaw { try discovery.add($0, in: "wide") }
            most = max(most, discovery.storedValues)
        }
        // Values that arrive between two counts exceed the maximum.
        #expect((5_000...30_000).contains(most), "\(most)")
    }

    /// Strings that name a thing are not in a collection by accident; half of the users may well be subscribers.
    @Test(arguments: [
        ("item", 50, 47, true), ("item", 50, 30, false), ("sku", 50, 30, true), ("sku", 50, 2, true),
        ("sku", 50, 1, false), ("item", 50, 5, false),
    ])
    func stringsOfWhichSomeTargetsAreGoneLookDamaged(field: String, all: Int, left: Int, isTold: Bool) throws {
        func sku(_ number: Int) -> Value { .string("SKU-0000\(number)") }
        var world = World()
        for number in 1...left { world.add("skus", ["_id": sku(number)]) }
        for number in 1...all { world.add("orders", ["_id": oid(1, number), field: sku(number)]) }
        let found = try world.discover()
        let isReference = found.references.contains { $0.path.description == field }
        let isDoubted = found.candidates.contains { $0.looksDamaged && $0.target == "skus" }
        #expect((isReference || isDoubted) == isTold, "\(found.references) \(found.candidates)")
    }

    /// ObjectIds are nowhere by accident, however few of them are left.
    @Test(arguments: [(1, false), (2, true), (9, true), (40, true)])
    func idsOfWhichMostTargetsAreGoneLookDamaged(left: Int, isTold: Bool) throws {
        var world = World()
        for number in 1...left { world.add("users", ["_id": oid(2, number)]) }
        for number in 1...100 { world.add("orders", ["_id": oid(1, number), "by": oid(2, number)]) }
        #expect(try world.discover().candidates.contains { $0.looksDamaged && $0.target == "users" } == isTold)
    }

    /// Some addresses may be in another collection by accident.
    @Test(arguments: [(9, false), (10, true)])
    func addressesOfWhichATenthIsLeftLookDamaged(left: Int, isTold: Bool) throws {
        func address(_ number: Int) -> Value { .string("person\(number)@example.com") }
        var world = World()
        for number in 1...left { world.add("users", ["_id": address(number)]) }
        for number in 1...100 { world.add("orders", ["_id": oid(1, number), "by": address(number)]) }
        #expect(try world.discover().candidates.contains { $0.looksDamaged && $0.target == "users" } == isTold)
    }

    /// A second key, whatever it has in common with the first.
    @Test(arguments: [10, 45]) func textsOfTheirOwnCollectionDoNotLookDamaged(shift: Int) throws {
        var world = World()
        for number in 1...50 {
            world.add("skus", ["_id": .string("SKU-0000\(number)"), "sku": .string("SKU-0000\(number + shift)")])
        }
        #expect(try !world.discover().candidates.contains { $0.looksDamaged })
    }

    @Test func textsThatAllExistInTwoCollectionsDoNotLookDamaged() throws {
        var world = World()
        for number in 1...40 {
            let sku = Value.string("SKU-0000\(number)")
            for name in ["a", "b"] { world.add(name, ["_id": sku]) }
            world.add("c", ["_id": oid(1, number), "x": sku])
        }
        let found = try world.discover()
        #expect(found.references.isEmpty && found.candidates.map(\.target) == ["a", "b"])
        #expect(!found.candidates.contains { $0.looksDamaged })
    }

    /// With twenty values each, they would exceed the maximum fourfold.
    @Test func ofVeryManyPathsFewValuesAreKept() throws {
        var discovery = ReferenceDiscovery(valuesPerPath: 1000, maximumValues: 5_000, findsTypes: false)
        for collection in 0..<50 {
            for number in 0..<40 {
                let document = Document {
                    for field in 0..<20 { $0.append("f\(field)", .int32(Int32(number * 20 + field))) }
                }
                try document.withRaw { try discovery.add($0, in: "c\(collection)") }
            }
        }
        // They are counted now and then, and once more before it is decided what they show.
        discovery.absorb(ReferenceDiscovery(valuesPerPath: 1000, maximumValues: 5_000, findsTypes: false))
        #expect((4_000...10_000).contains(discovery.storedValues), "\(discovery.storedValues)")
    }

    /// In the collections of many tenants, `_id`s count from 1. Without a limit, each candidate would list all the
    /// others.
    @Test func ofManyCollectionsThatWouldDoThreeAreTold() throws {
        var world = World()
        for tenant in 0..<12 {
            for number in 1...40 { world.add("t\(tenant)", ["_id": .int32(Int32(number))]) }
        }
        for number in 1...80 { world.add("visits", ["_id": oid(1, number), "place": .int32(Int32(number % 40 + 1))]) }
        let found = try world.discover()
        #expect(found.references.isEmpty)
        #expect(
            found.candidates.map(\.description)
                == ["t0", "t1", "t10"].map { target in
                    let others = ["t0", "t1", "t10", "t11", "t2", "t3"].filter { $0 != target }
                    return "place → \(target): 40 of 40 sampled values exist, but they exist in "
                        + "\(others.joined(separator: ", ")) and 6 more too"
                })
    }

    /// A profile has the `_id` of its user in a field as well; without the field's name that would prove nothing.
    @Test func aFieldWithItsOwnDocumentsKeyIsAReferenceWhereItIsCalledSo() throws {
        var world = World()
        for number in 0..<50 {
            world.add("users", ["_id": oid(1, number)])
            world.add("aprofile", ["_id": oid(1, number), "user": oid(1, number), "copy": oid(1, number)])
        }
        #expect(
            try world.discover().described.contains { $0.hasPrefix("aprofile.user → users: 50 of 50") })
        #expect(try !world.discover().described.contains { $0.hasPrefix("aprofile.copy → ") })
    }

    /// A field that has the document's own number, and a name like that of its own collection, even if other
    /// collections have similar names.
    @Test func aFieldThatIsCalledAfterItsOwnCollectionIsNoReference() throws {
        var world = World()
        for number in 0..<300 {
            let id = Value.int32(Int32(number))
            world.add("users", ["_id": id, "userId": id])
            world.add("order_items", ["_id": id, "itemId": id])
            if number > 0, number < 290 { world.add("deleted_users", ["_id": id]) }
            if number < 290 { world.add("items", ["_id": id]) }
        }
        let found = try world.discover().described
        #expect(found == [], "\(found)")
    }

    @Test func findsTheInsuranceLedgersReferencesAndNoOther() throws {
        var world = World()
        for number in 0..<400 {
            world.add(
                "customers",
                [
                    "_id": oid(1, number), "name": .string("N\(number)"), "number": .int32(Int32(number)),
                    "status": .int32(Int32(number % 5 + 1)),
                ])
        }
        for number in 0..<4 { world.add("coverageTypes", ["_id": oid(2, number), "code": .string("C\(number)")]) }
        for number in 0..<600 {
            world.add(
                "policies",
                [
                    "_id": oid(3, number), "customerId": oid(1, number % 400), "coverageTypeId": oid(2, number % 4),
                    "premium": .decimal128(decimal("120.50")), "start": .date(Int64(number) * 86_400_000),
                    "year": .int32(Int32(2000 + number % 24)),
                    "vehicles": [
                        [
                            "drivers": [
                                ["customerId": oid(1, (number * 7) % 400)], ["customerId": oid(1, (number * 11) % 400)],
                            ]
                        ]
                    ],
                ])
            world.add("payments", ["_id": oid(4, number), "policyId": oid(3, number), "amount": .int32(Int32(number))])
            world.add(
                "receipts", ["_id": oid(5, number), "paymentId": oid(4, number), "sequence": .int64(Int64(number))])
        }
        for number in 0..<50 {
            world.add("users", ["_id": oid(6, number), "role": number % 2 == 0 ? "admin" : "agent"])
            world.add(
                "statementRecipients",
                ["_id": oid(7, number), "customerId": oid(1, number * 8), "owner": oid(6, 49 - number)])
        }
        world.add("rolePermissions", ["_id": oid(8, 1), "role": "admin"])
        world.add("rolePermissions", ["_id": oid(8, 2), "role": "agent"])
        let found = try world.discover()
        #expect(
            found.described == [
                "payments.policyId → policies: 600 of 600 sampled values exist, ObjectId",
                "policies.coverageTypeId → coverageTypes: 4 of 4 sampled values exist, ObjectId",
                "policies.customerId → customers: 400 of 400 sampled values exist, ObjectId",
                "policies.vehicles[].drivers[].customerId → customers: 400 of 400 sampled values exist, ObjectId",
                "receipts.paymentId → payments: 600 of 600 sampled values exist, ObjectId",
                "statementRecipients.customerId → customers: 50 of 50 sampled values exist, ObjectId",
                "statementRecipients.owner → users: 50 of 50 sampled values exist, ObjectId",
            ])
        #expect(
            found.types.contains(TypedPath(collection: "policies", path: path("premium"), type: .decimal, values: 600)))
        #expect(found.types.contains(TypedPath(collection: "policies", path: path("start"), type: .date, values: 600)))
        #expect(world.questions.values.allSatisfy { $0 <= 3 })
    }

    @Test func danglingValuesAreAllowedUpToHalfAndCounted() throws {
        var world = World()
        for number in 0..<60 { world.add("a", ["_id": oid(1, number)]) }
        for number in 0..<100 {
            world.add("b", ["_id": oid(2, number), "most": oid(1, number), "few": oid(1, number + 40)])
        }
        let found = try world.discover()
        #expect(found.described == ["b.most → a: 60 of 100 sampled values exist, ObjectId"])
        #expect(
            found.candidates.map(\.description) == [
                "few → a: 20 of 100 sampled values exist, but that is less than half"
            ])
    }

    /// A value of a type that no `_id` has is no deleted document's.
    @Test func aReferenceThatHalfOfTheValuesContradictIsNotTaken() throws {
        var world = World()
        for id in [2, 105, 106] as [Int32] { world.add("types", ["_id": .int32(id)]) }
        for number in 0..<100 {
            world.add("fields", ["_id": oid(1, number), "v": ["type": number < 50 ? 2 : "date"]])
        }
        world.add("cats", ["_id": oid(2, 1)])
        world.add("cats", ["_id": oid(2, 2)])
        world.add("cats", ["_id": "x", "cat": oid(2, 2)])
        world.add("cats", ["_id": "y", "cat": "none"])
        let found = try world.discover()
        #expect(found.described == [])
        #expect(
            found.candidates.map(\.description) == [
                "cat → cats: 1 of 2 sampled values exist, but that is only half",
                "v.type → types: 1 of 2 sampled values exist, but 1 is of a type that no _id there has",
            ])
    }

    /// Of few numbers, all must be of the `_id`s' type, and most must exist, since numbers exist by chance; ids do not.
    /// Those of the type may dangle, as deleted documents' do.
    @Test(arguments: [
        (3, 0, 0, true, true), (3, 2, 0, true, true), (3, 3, 0, false, true), (3, 0, 1, false, false),
        (18, 0, 1, false, true), (15, 3, 1, false, true), (19, 0, 1, true, true), (60, 20, 20, true, true),
        (60, 19, 21, false, false), (60, 40, 0, true, true), (10, 10, 0, true, true),
    ])
    func valuesOfAnotherTypeSpeakAgainstAReference(
        there: Int, gone: Int, strangers: Int, numbersRefer: Bool, idsRefer: Bool
    ) throws {
        var numbers = World()
        var ids = World()
        for number in 1...there {
            numbers.add("shops", ["_id": .int32(Int32(number))])
            ids.add("users", ["_id": oid(1, number)])
        }
        let all = there + gone + strangers
        for number in 1...all {
            let isOther = number > there + gone
            numbers.add(
                "bills", ["_id": oid(3, number), "shopId": isOther ? .string("s\(number)") : .int32(Int32(number))])
            ids.add("posts", ["_id": oid(2, number), "by": isOther ? .int32(Int32(number)) : oid(1, number)])
        }
        for (var world, isReference) in [(numbers, numbersRefer), (ids, idsRefer)] {
            let found = try world.discover()
            #expect(found.references.count == (isReference ? 1 : 0), "\(found.described)")
            #expect(found.candidates.count == (isReference ? 0 : 1), "\(found.candidates)")
        }
    }

    /// They may be damaged, and are no other kind of value.
    @Test func stringsThatSpellIDsDoNotSpeakAgainstAReference() throws {
        var world = World()
        for number in 0..<6 { world.add("users", ["_id": oid(1, number)]) }
        for number in 0..<6 {
            let id = oid(1, number)
            world.add(
                "posts", ["_id": oid(2, number), "by": number > 0 ? id : .string(id.objectID.map { "\($0)" } ?? "")])
        }
        #expect(try world.discover().described == ["posts.by → users: 5 of 6 sampled values exist, ObjectId"])
    }

    @Test func valuesInTwoEqualCollectionsDoNotTakeAwayWhatTheOthersProve() throws {
        var world = World()
        for number in 0..<80 { world.add("a", ["_id": oid(1, number)]) }
        for number in 0..<20 {
            for name in ["left", "right"] { world.add(name, ["_id": oid(3, number)]) }
        }
        for number in 0..<100 {
            world.add("b", ["_id": oid(2, number), "x": number < 80 ? oid(1, number) : oid(3, number - 80)])
        }
        #expect(try world.discover().described == ["b.x → a: 80 of 100 sampled values exist, ObjectId"])
    }

    /// Some of what the copy still has was deleted from the original. An archive is different: its documents are not in
    /// the original.
    @Test func aCopyThatHoldsMoreIsNotTakenForTheOriginal() throws {
        var world = World()
        for number in 0..<100 {
            if number < 80 { world.add("clients", ["_id": oid(1, number)]) }
            world.add("clients_backup", ["_id": oid(1, number)])
            world.add(number < 70 ? "bills" : "bills_archive", ["_id": oid(3, number)])
            world.add("b", ["_id": oid(2, number), "x": oid(1, number), "y": oid(3, number)])
        }
        #expect(
            try world.discover().described == [
                "b.x → clients: 80 of 100 sampled values exist, ObjectId",
                "b.y → bills: 70 of 100 sampled values exist, ObjectId; others are in bills_archive",
                "b.y → bills_archive: 30 of 100 sampled values exist, ObjectId; others are in bills",
            ])
    }

    @Test func runningNumbersEverywhereProveNothing() throws {
        var world = World()
        for number in 1...1000 {
            world.add(
                "orders",
                ["_id": .int32(Int32(number)), "lines": .int32(Int32(number % 5 + 1)), "number": .int32(Int32(number))])
            if number <= 500 {
                world.add("products", ["_id": .int32(Int32(number)), "stock": .int32(Int32(number % 90))])
            }
            if number <= 300 {
                world.add(
                    "warehouses",
                    [
                        "_id": .int32(Int32(number)), "status": .int32(Int32(number % 5 + 1)),
                        "age": .int32(Int32(number % 80 + 1)),
                    ])
            }
            if number <= 800 {
                world.add(
                    "invoices",
                    ["_id": .int64(Int64(number)), "total": .int32(Int32(number)), "rank": .int32(Int32(number))])
            }
        }
        let found = try world.discover()
        #expect(found.described == [])
    }

    @Test func numbersAreReferencesWhereTheNameSaysSo() throws {
        var world = World()
        for number in 1...1000 { world.add("customers", ["_id": .int32(Int32(number))]) }
        for number in 1...300 { world.add("branches", ["_id": .int32(Int32(number))]) }
        for number in 1...4 { world.add("coveragetypes", ["_id": .int32(Int32(number))]) }
        for number in 1...40 {
            world.add(
                "employees",
                [
                    "_id": .int32(Int32(number)), "managerNo": .int32(Int32(number / 5 + 1)),
                    "parent": .int32(Int32(number / 3 + 1)),
                ])
        }
        for number in 1...500 {
            world.add(
                "policies",
                [
                    "_id": .int32(Int32(number)), "customerId": .int64(Int64(number * 2)),
                    "customer_no": .double(Double(1001 - number)),
                    "primaryCustomer": ["id": .int32(Int32(number))], "branch": .int32(Int32(number % 300 + 1)),
                    "coverageTypeId": .int32(Int32(number % 4 + 1)), "typeCode": .int32(Int32(number % 4 + 1)),
                    "employees": [.int32(Int32(number % 40 + 1))],
                ])
        }
        let found = try world.discover()
        #expect(
            found.references.map { "\($0.collection).\($0.path) → \($0.target)" } == [
                "employees.parent → employees", "policies.branch → branches", "policies.coverageTypeId → coveragetypes",
                "policies.customerId → customers", "policies.customer_no → customers",
                "policies.employees[] → employees",
                "policies.primaryCustomer.id → customers", "policies.typeCode → coveragetypes",
            ])
    }

    /// They are asked for as Longs.
    @Test func numbersAreFoundInWhateverTypeTheServerAnswers() throws {
        var world = World()
        for number in 1...300 {
            world.add("branches", ["_id": .int32(Int32(number))])
            world.add("customers", ["_id": .double(Double(number))])
            world.add("months", ["_id": ["year": .int32(Int32(number)), "month": 1]])
            world.add(
                "orders",
                [
                    "_id": oid(1, number), "branchId": .int32(Int32(number)), "customerId": .double(Double(number)),
                    "month": ["year": .int32(Int32(number)), "month": 1],
                ])
        }
        #expect(
            try world.discover().described == [
                "orders.branchId → branches: 300 of 300 sampled values exist, whole number",
                "orders.customerId → customers: 300 of 300 sampled values exist, whole number",
                "orders.month → months: 300 of 300 sampled values exist, document",
            ])
    }

    /// The number of a customer's policies is no policy, though the field has the name of their collection.
    @Test func aNumberUnderAPluralNameIsAQuantity() throws {
        var world = World()
        for number in 1...3000 {
            world.add(
                "policies",
                [
                    "_id": .int32(Int32(number)), "status": .int32(Int32(number % 5 + 1)),
                    "replaces": .int32(Int32(number / 2 + 1)),
                ])
        }
        for number in 1...5 { world.add("statuses", ["_id": .int32(Int32(number))]) }
        for number in 1...30 { world.add("branches", ["_id": .int32(Int32(number))]) }
        for number in 1...40 {
            world.add("addresses", ["_id": .int32(Int32(number))])
            world.add("employees", ["_id": .int32(Int32(number))])
        }
        for number in 1...300 {
            world.add(
                "customers",
                [
                    "_id": .int32(Int32(number)), "policies": .int32(Int32(number % 5)),
                    "policiesNo": .int32(Int32(number * 10)), "branch": .int32(Int32(number % 30 + 1)),
                    "address": .int32(Int32(number % 40 + 1)), "employees": [.int32(Int32(number % 40 + 1))],
                ])
        }
        let found = try world.discover()
        #expect(
            found.references.map { "\($0.collection).\($0.path) → \($0.target)" } == [
                "customers.address → addresses", "customers.branch → branches", "customers.employees[] → employees",
                "customers.policiesNo → policies", "policies.replaces → policies", "policies.status → statuses",
            ])
        #expect(
            found.candidates.map(\.description).contains(
                "policies → policies: 4 of 5 sampled values exist, but the name says that it is a quantity"))
    }

    @Test func numbersThatSayNothingByNameNeedTheWholeRange() throws {
        var random = SeededGenerator(seed: 7)
        var world = World()
        for number in 1...900 { world.add("people", ["_id": .int32(Int32(number))]) }
        for number in 1...50_000 where number % 50 == 0 { world.add("things", ["_id": .int32(Int32(number / 50))]) }
        for number in 1...700 {
            world.add(
                "cases",
                [
                    "_id": oid(1, number), "owner": .int32(Int32.random(in: 1...900, using: &random)),
                    "stage": .int32(Int32.random(in: 1...5, using: &random)),
                    "quantity": .int32(Int32.random(in: 1...900, using: &random)),
                    "beyond": .int32(Int32.random(in: 1...1800, using: &random)),
                    "corner": .int32(Int32.random(in: 1...90, using: &random)),
                ])
        }
        // "things" has the `_id`s 1 to 1000. The owners reach only 900, so they are people.
        let found = try world.discover()
        #expect(found.described == ["cases.owner → people: 497 of 497 sampled values exist, whole number"])
    }

    @Test func scatteredNumbersThatExistAreNoAccident() throws {
        var random = SeededGenerator(seed: 3)
        var world = World()
        let ids = (0..<300).map { _ in Value.int64(Int64.random(in: 100_000...99_000_000, using: &random)) }
        for id in ids { world.add("a", ["_id": id]) }
        for number in 0..<100 { world.add("b", ["_id": oid(1, number), "x": ids[number % 12]]) }
        // Even if the name looks like a quantity.
        for id in ids { world.add("goods", ["_id": .int64(Int64(id.integer ?? 0) + 1_000_000_000)]) }
        for number in 0..<100 {
            world.add(
                "deliveries",
                ["_id": oid(2, number), "goods": .int64(Int64(ids[number % 12].integer ?? 0) + 1_000_000_000)])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                "b.x → a: 12 of 12 sampled values exist, whole number",
                "deliveries.goods → goods: 12 of 12 sampled values exist, whole number",
            ])
    }

    @Test func textsNeedANameOrToBeTelling() throws {
        var world = World()
        for code in ["auto", "home", "life", "travel", "health"] { world.add("coverage", ["_id": .string(code)]) }
        for code in ["open", "closed"] { world.add("stages", ["_id": .string(code)]) }
        for number in 0..<100 {
            world.add("users", ["_id": .string("person\(number)@example.com")])
            world.add("tokens", ["_id": .string(uuidText(number))])
            world.add("articles", ["_id": .string("ART-\(1000 + number)")])
            world.add(
                "cases",
                [
                    "_id": oid(1, number), "author": .string("person\(number % 50)@example.com"),
                    "session": .string(uuidText(number)),
                    "coverage": number % 2 == 0 ? "auto" : "home", "condition": number % 2 == 0 ? "open" : "closed",
                    "stage": "open", "item": .string("ART-\(1000 + number % 30)"), "title": .string("title \(number)"),
                    "kind": .string(["auto", "home", "life", "travel", "health"][number % 5]),
                ])
        }
        let found = try world.discover()
        #expect(
            found.references.map { "\($0.collection).\($0.path) → \($0.target)" } == [
                "cases.author → users", "cases.coverage → coverage", "cases.item → articles", "cases.kind → coverage",
                "cases.session → tokens", "cases.stage → stages",
            ])
        #expect(
            found.candidates.map(\.description) == [
                "condition → stages: 2 of 2 sampled values exist, but short strings exist in many places, and these are few"
            ])
    }

    @Test func uuidsCountAsKeys() throws {
        var world = World()
        for number in 0..<30 {
            world.add("a", ["_id": uuid(number)])
            world.add(
                "b", ["_id": oid(1, number), "x": [uuid(number), uuid((number + 1) % 30)], "y": uuid(number + 500)])
        }
        let found = try world.discover()
        #expect(found.described == ["b.x[] → a: 30 of 30 sampled values exist, UUID"])
    }

    @Test func keysOfSeveralPartsCountAsKeys() throws {
        var world = World()
        func account(_ number: Int) -> Value { ["branch": .string("B\(number % 4)"), "number": .int32(Int32(number))] }
        for number in 0..<60 {
            world.add("accounts", ["_id": account(number)])
            world.add(
                "transfers",
                [
                    "_id": oid(1, number), "from": account(number / 2), "to": [account(59 - number)],
                    "other": ["branch": "B9", "number": .int32(Int32(number))],
                    "fromAccount": number == 7 ? ["branch": "B9", "number": 999] : account(number % 30),
                ])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                "transfers.from → accounts: 30 of 30 sampled values exist, document",
                "transfers.fromAccount → accounts: 30 of 31 sampled values exist, document",
                "transfers.to[] → accounts: 60 of 60 sampled values exist, document",
            ])
    }

    /// The same year and month occur in many places; the same account holder does not.
    @Test func keysOfSeveralPartsProveAsMuchAsThePartThatProvesMost() throws {
        var world = World()
        func month(_ number: Int) -> Value {
            ["year": .int32(Int32(2000 + number / 12)), "month": .int32(Int32(number % 12 + 1))]
        }
        func account(_ number: Int) -> Value { ["holder": oid(1, number), "number": .int32(Int32(number % 3))] }
        for number in 0..<24 {
            if number < 12 {
                world.add("monthlyTotals", ["_id": month(number)])
                world.add("accounts", ["_id": account(number)])
            }
            world.add("invoices", ["_id": oid(2, number), "period": month(number), "paidBy": account(number)])
        }
        let found = try world.discover()
        #expect(found.described == ["invoices.paidBy → accounts: 12 of 24 sampled values exist, document"])
        #expect(
            found.candidates.map(\.description) == [
                "period → monthlyTotals: 12 of 24 sampled values exist, but small documents exist in many places, and these are few"
            ])
    }

    @Test func valuesThatAreNoIdsAreToldBesideThoseThatExist() throws {
        var world = World()
        for number in 0..<50 {
            world.add("a", ["_id": oid(1, number)])
            world.add("b", ["_id": oid(2, number)])
        }
        for number in 0..<100 {
            let others: [Value] = ["", false, 1.5]
            let x = number < 60 ? oid(1, number % 50) : others[number % 3]
            let y = number == 0 ? others[0] : oid(number % 2 + 1, number / 2)
            let z = number < 60 ? oid(1, 7) : Value.null
            world.add("c", ["_id": oid(3, number), "x": x, "y": y, "z": z])
        }
        #expect(
            try world.discover().described == [
                "c.x → a: 50 of 50 sampled values exist, ObjectId; 40 of 100 values are no ids",
                "c.y → a: 49 of 99 sampled values exist, ObjectId; others are in b; 1 of 100 values is no id",
                "c.y → b: 50 of 99 sampled values exist, ObjectId; others are in a; 1 of 100 values is no id",
                "c.z → a: 1 of 1 sampled values exist, ObjectId",
            ])
    }

    @Test func datesAndDecimalsAsKeysNeedANameThatSaysSo() throws {
        var world = World()
        for number in 0..<60 {
            let day = Value.date(Int64(number) * 86_400_000)
            world.add("calendar", ["_id": day])
            world.add("rates", ["_id": .decimal128(decimal("\(number).25"))])
            world.add(
                "bookings",
                [
                    "_id": oid(1, number), "calendar": day, "made": day,
                    "rate": .decimal128(decimal("\(number).25")), "premium": .decimal128(decimal("\(number).25")),
                ])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                "bookings.calendar → calendar: 60 of 60 sampled values exist, date",
                "bookings.rate → rates: 60 of 60 sampled values exist, decimal",
            ])
        #expect(
            found.candidates.map(\.description) == [
                "made → calendar: 60 of 60 sampled values exist, but dates exist in many places, and the name says nothing",
                "premium → rates: 60 of 60 sampled values exist, but decimals exist in many places, and the name says nothing",
            ])
    }

    @Test func decimalsThatDifferInTheirZerosAreOneValue() throws {
        var world = World()
        for number in 0..<60 {
            world.add("rates", ["_id": .decimal128(decimal("\(number).5"))])
            for zeros in ["", "0"] {
                world.add(
                    "bookings", ["_id": oid(zeros.count, number), "rate": .decimal128(decimal("\(number).5\(zeros)"))])
            }
        }
        #expect(
            try world.discover().described == ["bookings.rate → rates: 60 of 60 sampled values exist, decimal"])
    }

    /// A server would take such a name for an operator.
    @Test func documentsThatLookLikeOperatorsAreNotAskedFor() throws {
        var discovery = ReferenceDiscovery()
        for number: Int32 in 0..<30 {
            try (["_id": ["x": .int32(number)]] as Document).withRaw { try discovery.add($0, in: "a") }
            let user: Document = ["_id": .int32(number), "a": ["x": .int32(number)], "b": ["$gt": .int32(number)]]
            try user.withRaw { try discovery.add($0, in: "users") }
        }
        var asked: Set<Value> = []
        _ = try discovery.resolve { questions in
            for question in questions where question.collection == "a" { asked.formUnion(question.ids) }
            return questions.map { _ in [] }
        }
        #expect(asked == Set((0..<30).map { ["x": .int64($0)] }))
    }

    @Test func whatIsNoTargetIsNotReferredTo() throws {
        var discovery = ReferenceDiscovery()
        discovery.declare("measurements", isTarget: false)
        for number in 0..<30 {
            try (["_id": oid(1, number), "sensor": oid(2, number)] as Document).withRaw {
                try discovery.add($0, in: "measurements")
            }
            try (["_id": oid(2, number), "last": oid(1, number)] as Document).withRaw {
                try discovery.add($0, in: "sensors")
            }
        }
        let found = try discovery.resolve { asked in
            #expect(asked.allSatisfy { $0.collection == "sensors" })
            return asked.map { Set($0.ids) }
        }
        #expect(
            found.references.map { "\($0.collection).\($0.path) → \($0.target)" }.contains(
                "measurements.sensor → sensors"))
        #expect(found.references.allSatisfy { $0.target == "sensors" && $0.path != .id })
    }

    @Test func polymorphicReferencesAreNamedWithTheFieldThatTells() throws {
        var world = World()
        for number in 0..<50 {
            world.add("customers", ["_id": oid(1, number)])
            world.add("companies", ["_id": oid(2, number)])
            world.add("staff", ["_id": .int32(Int32(number + 1))])
            world.add("teams", ["_id": .int32(Int32(number + 1))])
        }
        for number in 0..<300 {
            let isCustomer = number % 3 != 0
            world.add(
                "notes",
                [
                    "_id": oid(3, number), "status": number % 2 == 0 ? "new" : "old",
                    "ownerType": isCustomer ? "customer" : "company",
                    "ownerId": isCustomer ? oid(1, number % 50) : oid(2, number % 50),
                    "links": [["kind": number % 2 == 0 ? "staff" : "team", "ref": .int32(Int32(number % 50 + 1))]],
                ])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                #"notes.links[].ref → staff: 25 of 25 sampled values exist, whole number, where kind = "staff""#,
                #"notes.links[].ref → teams: 25 of 25 sampled values exist, whole number, where kind = "team""#,
                #"notes.ownerId → companies: 50 of 50 sampled values exist, ObjectId, where ownerType = "company""#,
                #"notes.ownerId → customers: 50 of 50 sampled values exist, ObjectId, where ownerType = "customer""#,
            ])
        #expect(found.references.map(\.condition?.field) == ["kind", "kind", "ownerType", "ownerType"])
    }

    /// In the first document of each id, some field may fit the target by chance, whatever the order of the documents.
    @Test func aFieldThatChangesBesideOneIdIsNoTypeField() throws {
        var world = World()
        for number in 0..<2 {
            world.add("customers", ["_id": oid(1, number)])
            world.add("policies", ["_id": oid(2, number)])
        }
        for number in 0..<200 {
            let isFirst = number < 4
            let status: Value = (isFirst ? number < 2 : number % 3 == 0) ? "open" : "done"
            let owner = isFirst ? oid(number / 2 + 1, number % 2) : oid(number % 2 + 1, number / 2 % 2)
            world.add("events", ["_id": oid(3, number), "owner": owner, "status": status])
        }
        #expect(
            try world.discover().described == [
                "events.owner → customers: 2 of 4 sampled values exist, ObjectId; others are in policies",
                "events.owner → policies: 2 of 4 sampled values exist, ObjectId; others are in customers",
            ])
    }

    @Test func aFieldBesideAFewIdsTellsOnlyWhereItsNameOrItsValuesDo() throws {
        for field in ["status", "ownerType"] {
            var world = World()
            for kind in 1...2 {
                for number in 0..<2 {
                    world.add(kind == 1 ? "customers" : "policies", ["_id": oid(kind, number)])
                    world.add(
                        "events",
                        [
                            "_id": oid(3, number * 2 + kind), "owner": oid(kind, number),
                            .init(field): kind == 1 ? "open" : "done",
                        ])
                }
            }
            let found = try world.discover()
            #expect(found.references.count == 2)
            #expect(found.references.allSatisfy { ($0.condition == nil) == (field == "status") }, "\(field)")
        }
    }

    /// Nothing would check whether values without a case dangle.
    @Test(arguments: [0, 1, 50]) func aTypeFieldHasACaseForNearlyAllDocuments(others: Int) throws {
        var world = World()
        for number in 0..<60 {
            for (kind, name) in ["users", "orders"].enumerated() {
                world.add(name, ["_id": oid(kind, number)])
                world.add(
                    "audit",
                    [
                        "_id": oid(2, number * 2 + kind), "entity": oid(kind, number),
                        "action": kind == 0 ? "registered" : "placed",
                    ])
            }
        }
        for number in 0..<others {
            world.add("audit", ["_id": oid(3, number), "entity": oid(4, number), "action": "updated"])
        }
        let found = try world.discover()
        #expect(found.references.map(\.target) == ["orders", "users"])
        #expect(found.references.allSatisfy { ($0.condition != nil) == (others < 50) }, "\(found.described)")
    }

    @Test func aTypeFieldThatManyDocumentsLackIsNone() throws {
        for missing in [3, 30] {
            var world = World()
            for number in 0..<20 {
                world.add("customers", ["_id": oid(1, number)])
                world.add("companies", ["_id": oid(2, number)])
            }
            for number in 0..<400 {
                let kind = number % 2 + 1
                world.add(
                    "notes",
                    Document {
                        $0.append("_id", oid(3, number))
                        $0.append("owner", oid(kind, number / 2 % 20))
                        if number % 100 >= missing { $0.append("ownerType", kind == 1 ? "customer" : "company") }
                    })
            }
            let found = try world.discover()
            #expect(found.references.count == 2)
            #expect(found.references.allSatisfy { ($0.condition != nil) == (missing == 3) }, "\(found.described)")
        }
    }

    /// Two collections whose `_id`s count from 1 have the same numbers.
    @Test func aNumberUnderTwoTypesLeadsToBoth() throws {
        var world = World()
        for number in 1...30 {
            world.add("posts", ["_id": .int32(Int32(number))])
            world.add("photos", ["_id": .int32(Int32(number))])
        }
        for number in 0..<200 {
            world.add(
                "comments",
                [
                    "_id": oid(1, number), "subjectType": number % 2 == 0 ? "Post" : "Photo",
                    "subjectId": .int32(Int32(number % 25 + 1)),
                ])
        }
        #expect(
            try world.discover().described == [
                #"comments.subjectId → photos: 25 of 25 sampled values exist, whole number, where subjectType = "Photo""#,
                #"comments.subjectId → posts: 25 of 25 sampled values exist, whole number, where subjectType = "Post""#,
            ])
    }

    @Test func aPathToTwoCollectionsWithoutATellingFieldLeadsToBoth() throws {
        var world = World()
        for number in 0..<50 {
            world.add("a", ["_id": oid(1, number)])
            world.add("b", ["_id": oid(2, number)])
            world.add(
                "c",
                [
                    "_id": oid(3, number), "x": number % 2 == 0 ? oid(1, number) : oid(2, number),
                    "color": number % 3 == 0 ? "red" : "blue",
                ])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                "c.x → a: 25 of 50 sampled values exist, ObjectId; others are in b",
                "c.x → b: 25 of 50 sampled values exist, ObjectId; others are in a",
            ])
    }

    @Test func sharedKeysLeadFromThePartToTheWhole() throws {
        var world = World()
        for number in 0..<100 {
            world.add("users", ["_id": oid(1, number)])
            if number % 2 == 0 { world.add("avatars", ["_id": oid(1, number)]) }
            world.add("userSettings", ["_id": oid(1, number)])
            world.add("twins", ["_id": oid(2, number)])
            world.add("others", ["_id": oid(2, number)])
            if number < 90 { world.add("users_backup", ["_id": oid(1, number)]) }
            world.add(
                "logins",
                ["_id": oid(3, number), "who": oid(1, number), "userId": oid(1, number), "twin": oid(2, number)])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                "avatars._id → users: 50 of 50 sampled values exist, ObjectId",
                "logins.twin → twins: 100 of 100 sampled values exist, ObjectId",
                "logins.userId → users: 100 of 100 sampled values exist, ObjectId",
                // If users and their settings have the same `_id`s, the user is meant.
                "logins.who → users: 100 of 100 sampled values exist, ObjectId",
                "userSettings._id → users: 100 of 100 sampled values exist, ObjectId",
            ])
        #expect(
            found.candidates.contains {
                $0.description == "_id → users: 90 of 90 sampled values exist, but one looks like a copy of the other"
            })
        #expect(
            found.candidates.contains {
                $0.description
                    == "_id → twins: 100 of 100 sampled values exist, but both have the same _ids, so neither is the part"
            })
    }

    /// With too many orphans, userSettings does not refer to users. Values elsewhere must still refer to users, not to
    /// userSettings, which has all their `_id`s as well.
    @Test func manyOrphansDoNotHideWhatOthersLeadTo() throws {
        var world = World()
        for number in 0..<100 {
            world.add("users", ["_id": oid(1, number)])
            world.add("userSettings", ["_id": oid(1, number)])
            world.add("orders", ["_id": oid(2, number), "agent": oid(1, number)])
        }
        for number in 0..<12 { world.add("userSettings", ["_id": oid(1, 1000 + number)]) }
        #expect(
            try world.discover().described == ["orders.agent → users: 100 of 100 sampled values exist, ObjectId"])
    }

    @Test func anOrphanAmongThePartsDoesNotTurnTheReferenceRound() throws {
        var world = World()
        for number in 0..<100 {
            world.add("users", ["_id": oid(1, number)])
            if number % 2 == 0 { world.add("avatars", ["_id": oid(1, number)]) }
            world.add("userSettings", ["_id": oid(1, number)])
            world.add("orders", ["_id": oid(2, number), "agent": oid(1, number)])
        }
        world.add("userSettings", ["_id": oid(1, 1000)])
        let found = try world.discover()
        #expect(
            found.described == [
                "avatars._id → users: 50 of 50 sampled values exist, ObjectId",
                "orders.agent → users: 100 of 100 sampled values exist, ObjectId",
                "userSettings._id → users: 100 of 101 sampled values exist, ObjectId",
            ])
        #expect(
            found.candidates.map(\.description) == [
                "_id → userSettings: 100 of 100 sampled values exist, but userSettings is named after users"
            ])
    }

    @Test func gridFSComesOutByItself() throws {
        var world = World()
        for number in 0..<20 {
            world.add(
                "fs.files", ["_id": oid(1, number), "length": .int64(Int64(number) * 1000), "chunkSize": 261_120])
            for part in 0..<3 {
                world.add(
                    "fs.chunks",
                    ["_id": oid(2, number * 3 + part), "files_id": oid(1, number), "n": .int32(Int32(part))])
            }
        }
        let found = try world.discover()
        #expect(found.described == ["fs.chunks.files_id → fs.files: 20 of 20 sampled values exist, ObjectId"])
    }

    @Test func keysInsideKeysAndDocumentsThatRepeatTheirOwnKey() throws {
        var world = World()
        for number in 0..<40 {
            world.add(
                "customers",
                ["_id": oid(1, number), "id": oid(1, number), "referredBy": number == 0 ? .null : oid(1, number / 2)])
            world.add("balances", ["_id": ["customer": oid(1, number), "year": .int32(2000 + Int32(number % 20))]])
        }
        let found = try world.discover()
        #expect(
            found.described == [
                "balances._id.customer → customers: 40 of 40 sampled values exist, ObjectId",
                "customers.referredBy → customers: 20 of 20 sampled values exist, ObjectId",
            ])
    }

    @Test func idsThatBecameTextsAreReported() throws {
        var world = World()
        for number in 0..<40 {
            world.add("customers", ["_id": oid(1, number)])
            world.add("policies", ["_id": oid(2, number), "customerId": hex(1, number + sampleTime)])
            world.add(
                "policies2", ["_id": oid(3, number), "customerId": .string(oid(1, number).objectID?.description ?? "")])
        }
        let found = try world.discover()
        #expect(found.references.isEmpty)
        #expect(
            found.candidates.map { "\($0.collection).\($0.description)" } == [
                "policies2.customerId → customers: 40 of 40 sampled values exist, but as ObjectIds, and here they are strings"
            ])
    }

    @Test func theSampleDoesNotDependOnTheOrderOfDocuments() throws {
        var world = World()
        for number in 0..<700 {
            world.add("a", ["_id": oid(1, number)])
            world.add("b", ["_id": oid(2, number), "x": oid(1, number * 2)])
        }
        var other = World()
        for document in world.documents.shuffled() { other.add(document.collection, document.document) }
        let found = try world.discover()
        #expect(found.described == (try other.discover().described))
    }

    @Test func hundredsOfCollectionsStayQuick() throws {
        var world = World()
        for collection in 0..<200 {
            for number in 0..<20 {
                world.add(
                    "collection\(collection)",
                    [
                        "_id": oid(collection, number), "next": oid((collection + 1) % 200, number),
                        "n": .int32(Int32(number)), "s": .string("text \(number)"),
                    ])
            }
        }
        let found = try world.discover()
        #expect(found.references.count == 200)
    }
}

private let sampleTime = 1_000_000
