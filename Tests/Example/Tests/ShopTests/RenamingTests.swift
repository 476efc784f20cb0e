import MongoFerry
import Shop
import Testing

/// The tests share one database, which is set back to the fixture before each: quicker than a new one, and one test
/// at a time.
@Suite(.serialized, .shopDatabase) struct RenamingTests {
    let database: ThrowawayDatabase

    init() async throws {
        database = try #require(ShopDatabase.current)
        try await database.reset()
    }

    @Test func aCustomerKeepsTheOrdersUnderANewName() throws {
        let shop = try Shop(uri: database.uri)
        try shop.rename(customer: ShopTests.amara, to: "Amara Okafor")
        #expect(try shop.orderCount(ofCustomer: ShopTests.amara) == 2)
    }

    @Test func whatAnotherTestHasRemovedIsThereAgain() throws {
        let shop = try Shop(uri: database.uri)
        try shop.removeCustomer(ShopTests.amara)
        #expect(try shop.orderCount(ofCustomer: ShopTests.amara) == 0)
    }
}
