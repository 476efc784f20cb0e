import Testing

@testable import MongoFerry

@Suite struct MissingDatabaseTests {
    @Test func fewDatabasesAreNamed() {
        #expect(MissingDatabase("shop", among: ["a", "b"]).details == ["Databases there: a, b."])
        #expect(MissingDatabase("shop", among: []).details == [])
    }

    /// A server with thousands would push everything else out of sight.
    @Test func ofManyTheFirstAreNamed() {
        let details = MissingDatabase("shop", among: (1...120).map { "tenant\($0)" }).details
        #expect(details.count == 1 && details[0].hasSuffix("tenant19, tenant20, and 100 more."), "\(details)")
    }
}
