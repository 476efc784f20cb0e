import MongoFerry
import Shop
import Testing

/// The tests share one database, which is reset to the fixture before each of them. That is quicker than a new database
/// for each, but only one test can run at a time.
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
