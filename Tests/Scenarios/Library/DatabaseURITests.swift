import Testing

@testable import MongoFerry

/// Connection strings for temporary databases.
@Suite struct DatabaseURITests {
    /// The user is still authenticated against the same database.
    @Test(arguments: [
        ("mongodb://h", "mongodb://h/x"),
        ("mongodb://h/", "mongodb://h/x"),
        ("mongodb://h:1,i:2/shop?replicaSet=rs0", "mongodb://h:1,i:2/x?replicaSet=rs0"),
        ("mongodb://h/?replicaSet=rs0", "mongodb://h/x?replicaSet=rs0"),
        ("mongodb://u:p%2F%3F@h", "mongodb://u:p%2F%3F@h/x?authSource=admin"),
        ("mongodb://u:p@h/shop", "mongodb://u:p@h/x?authSource=shop"),
        ("mongodb://u:p@h/shop?w=1", "mongodb://u:p@h/x?w=1&authSource=shop"),
        ("mongodb://u:p@h/shop?authSource=other", "mongodb://u:p@h/x?authSource=other"),
        ("mongodb://u:p@h/?AuthSource=other", "mongodb://u:p@h/x?AuthSource=other"),
        (
            "mongodb://u@h/?authMechanism=MONGODB-X509",
            "mongodb://u@h/x?authMechanism=MONGODB-X509&authSource=$external"
        ),
        (
            "mongodb://u@h/shop?authMechanism=MONGODB-X509",
            "mongodb://u@h/x?authMechanism=MONGODB-X509&authSource=$external"
        ),
        ("mongodb://u@h/x?authMechanism=MONGODB-AWS", "mongodb://u@h/x?authMechanism=MONGODB-AWS&authSource=$external"),
        ("mongodb://u@h/x?authMechanism=gssapi", "mongodb://u@h/x?authMechanism=gssapi&authSource=$external"),
        (
            "mongodb://u@h/x?authMechanism=MONGODB-OIDC",
            "mongodb://u@h/x?authMechanism=MONGODB-OIDC&authSource=$external"
        ),
        ("mongodb://u:p@h/?authMechanism=PLAIN", "mongodb://u:p@h/x?authMechanism=PLAIN&authSource=$external"),
        ("mongodb://u:p@h/shop?authMechanism=PLAIN", "mongodb://u:p@h/x?authMechanism=PLAIN&authSource=shop"),
        ("mongodb+srv://u:p@h/", "mongodb+srv://u:p@h/x"),
        ("mongodb+srv://u:p@h/shop", "mongodb+srv://u:p@h/x?authSource=shop"),
    ])
    func theDatabaseIsAnotherAndNothingElse(_ uri: String, _ wanted: String) {
        #expect(DatabaseURI.text(uri, database: "x") == wanted)
    }

    /// The DNS record of a `mongodb+srv` address may specify another authentication database than the path does.
    @Test func aLookedUpAddressKeepsTheAuthSourceOfItsRecord() {
        for uri in ["mongodb+srv://u:p@h/shop", "mongodb+srv://u:p@h/", "mongodb+srv://u:p@h"] {
            let text = DatabaseURI.text(uri, database: "x", authSource: "admin")
            #expect(text == "mongodb+srv://u:p@h/x?authSource=admin")
        }
        let said = DatabaseURI.text("mongodb+srv://u:p@h/shop?authSource=y", database: "x", authSource: "y")
        #expect(said == "mongodb+srv://u:p@h/x?authSource=y")
    }

    @Test func namesOfDatabasesFitAndSayWhenTheyWereMade() throws {
        let long = "Fixtures/" + String(repeating: "Ä long näme ", count: 20) + ".csv.gz"
        for file in ["shop.csv", long, "/", ".csv"] {
            let name = ThrowawayName.make(for: file)
            try Target.check(databaseName: name)
            #expect(name == name.lowercased())
            #expect(ThrowawayName.secondsOfMaking(name) != nil)
        }
        #expect(ThrowawayName.secondsOfMaking("mongoferry_fixture_shop") == nil)
        #expect(ThrowawayName.secondsOfMaking("shop_674309ab_1f2e3d4c") == nil)
    }
}
