import MongoFerry
import Shop
import Testing

/// Each test has a database of its own, so they may run at the same time.
@Suite struct ShopTests {
    static let fixture = Fixture("shop.csv", beside: #filePath)
    static let amara = "5c2aad800000000000000001"

    @Test func aCustomerHasTwoOrders() async throws {
        try await Self.fixture.withDatabase { database in
            let shop = try Shop(uri: database.uri)
            #expect(try shop.orderCount(ofCustomer: Self.amara) == 2)
        }
    }

    @Test func removingACustomerLeavesNoOrderBehind() async throws {
        try await Self.fixture.withDatabase { database in
            try Shop(uri: database.uri).removeCustomer(Self.amara)
            try await database.verifyReferences()
        }
    }

    @Test func anOrderWithoutItsCustomerIsFound() async throws {
        try await Self.fixture.withDatabase { database in
            try Shop(uri: database.uri).removeCustomer(Self.amara, keepingOrders: true)
            await #expect(throws: DanglingReferences.self) { try await database.verifyReferences() }
        }
    }
}
