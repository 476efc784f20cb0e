import Foundation
import MongoDriver
import Testing

@Suite struct ConnectionStringTests {
    @Test(arguments: [
        ("mongodb://localhost", "mongodb://localhost"),
        ("mongodb://amara@localhost/insurance", "mongodb://amara@localhost/insurance"),
        ("mongodb://amara:s3cret@a:1,b:2/insurance?w=1", "mongodb://amara:***@a:1,b:2/insurance?w=1"),
        ("mongodb://amara:p%40ss@h", "mongodb://amara:***@h"),
        ("mongodb://amara:%CC%81s3cret@h", "mongodb://amara:***@h"),
        (
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=s3cret&appName=x",
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=***&appName=x"
        ),
        // Whether the @ ends a password cannot be told here.
        ("mongodb://h/?tls=true&tlsCertificateKeyFilePassword=P@s3cret", "mongodb://***"),
        ("mongodb://h:27017/?tls=true&tlsCertificateKeyFilePassword=P@s3cret&appName=x", "mongodb://***"),
        (
            "mongodb://u:pw@h/?tls=true&tlsCertificateKeyFilePassword=P@s3cret&appName=a@b",
            "mongodb://u:***@h/?tls=true&tlsCertificateKeyFilePassword=***&appName=a@b"
        ),
        (
            "mongodb://a:b@h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:s3cret",
            "mongodb://a:***@h/?authMechanism=MONGODB-AWS&authMechanismProperties=***"
        ),
    ])
    func redactionHidesSecretsAndNothingElse(text: String, redacted: String) throws {
        let connectionString = try ConnectionString(text)
        #expect(connectionString.redacted == redacted)
        #expect(connectionString.description == redacted)
        var dumped = ""
        dump(connectionString, to: &dumped)
        #expect(!dumped.contains("s3cret") && !String(reflecting: connectionString).contains("s3cret"))
    }

    /// Connection strings with a secret that cannot be parsed, or are parsed otherwise than meant, mostly because of
    /// it.
    @Test(arguments: [
        "mongodb://amara:sec:ret@localhost/",
        "mongodb://amara:sec@ret@localhost/",
        "mongodb://amara:sec/ret@localhost/",
        "mongodb://amara:sec%ret@localhost/",
        "mongodb://amara:27017/sec?ret@localhost/",
        "mongodb://amara:27017/sec?ret=secret@localhost/",
        "mongodb://sec:ret:amara@localhost/?w=bad value",
        "mongo://amara:secret@localhost/",
        "mongodb://amara:secret@localhost/?tls=secret",
        "mongodb://amara:secret@localhost/?tls=true&ssl=secret",
        "mongodb://amara:secret@local host:x/",
        "mongodb://amara:27017/sec?w=secret@localhost/",
        "mongodb://amara:p@w@localhost/?tlsCertificateKeyFilePassword=a@secret",
        "mongodb://localhost/d?tls=true;tlsCertificateKeyFilePassword=secret",
        "mongodb://localhost/d&tlsCertificateKeyFilePassword=secret",
    ])
    func aConnectionStringThatCannotBeReadShowsNothingOfItsPassword(text: String) {
        do {
            let connectionString = try ConnectionString(text)
            #expect(!connectionString.description.contains("sec") && !connectionString.description.contains("ret"))
        } catch {
            let shown = String(describing: error)
            #expect(!shown.contains("sec") && !shown.contains("ret"), "\(shown)")
            #expect(shown.hasPrefix("the connection string: "))
        }
    }

    @Test(arguments: [
        ("mongodb+srv://localhost/", "of three parts at least"),
        ("mongodb://h/?readPreference=primary&readPreferenceTags=dc:a", "another readPreference than primary"),
        ("mongodb://h:99999/", "a number up to 65535"),
        ("mongodb://h/?readPreference=nearest&maxStalenessSeconds=89", "at least 90"),
    ])
    func theRuleIsSaidThatAConnectionStringBreaks(text: String, rule: String) {
        let error = #expect(throws: MongoError.self) { try ConnectionString(text) }
        #expect(error?.message.contains(rule) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: ["mongodb://h/?readPreference=nearest&maxStalenessSeconds=90", "mongodb://h/"])
    func aStalenessThatServersTakeIsTaken(text: String) throws { _ = try ConnectionString(text) }

    /// libmongoc accepts these: it ends the password at the first @ and takes the rest of it for a host's name.
    @Test(arguments: [
        "mongodb://amara:P@ssw0rd@127.0.0.1/", "mongodb://amara:P@ss,w0rd@127.0.0.1/",
        "mongodb://amara:p@ss/w@127.0.0.1/", "mongodb://amara:a@b@c@127.0.0.1", "mongodb://amara:p@ss?w=1@127.0.0.1/",
        "mongodb+srv://amara:P@ssw0rd@cluster0.example.com/insurance", "mongodb://am@ra:pw@127.0.0.1/?w=1",
    ])
    func anAtInThePasswordIsRefusedAndNothingOfThePasswordShown(text: String) {
        let error = #expect(throws: MongoError.self) { try ConnectionString(text) }
        #expect(
            error?.description == "the connection string: the user name or the password has a character that must be "
                + "percent-encoded: % : / ? # [ ] @")
    }

    @Test(arguments: [
        "mongodb://amara:pw@h/insurance?appName=claims@example.com", "mongodb://h/?appName=claims@example.com",
        "mongodb://amara:p%40ss@h,i/?tls=true&tlsCAFile=/home/amara@example/ca.pem",
        "mongodb://amara:pw@%2Ftmp%2Fmongodb-27017.sock/",
    ])
    func anAtInAnOptionIsOneOfItsCharacters(text: String) throws {
        #expect(try ConnectionString(text).hosts.allSatisfy { !$0.contains("@") })
    }

    @Test(arguments: [
        ("mongodb://h/?tls=true&appName=x&tls=yes", [IgnoredOption(name: "tls", fault: .repeated)]),
        ("mongodb://h/?tls=yes&retryWrites=1&readConcernLevel=local", []),
        ("mongodb://h/?TSL=true", [IgnoredOption(name: "TSL", fault: .unknown)]),
        ("mongodb+srv://h.example.com/?authSorce=a&w=1", [IgnoredOption(name: "authSorce", fault: .unknown)]),
        (
            "mongodb://h/?zz=1&zz=2&ssl=",
            [IgnoredOption(name: "zz", fault: .unknown), IgnoredOption(name: "ssl", fault: .empty)]
        ),
        ("mongodb://h/?compressors=secret,zlib", [IgnoredOption(name: "compressors", fault: .meaningless)]),
        ("mongodb://h/?tls%20=true", [IgnoredOption(name: "tls%20", fault: .unknown)]),
        (
            "mongodb://a:b@h/?tlsCertificateKeyFilePassword=pass&word=x&ssl=",
            [IgnoredOption(name: nil, fault: .unknown), IgnoredOption(name: "ssl", fault: .empty)]
        ),
    ])
    func whatTheLibraryPassesOverIsKnown(text: String, ignored: [IgnoredOption]) throws {
        let found = try ConnectionString(text).ignored
        #expect(found.sorted { $0.fault == .unknown && $1.fault != .unknown } == ignored)
    }

    /// libmongoc has one log handler for the whole process.
    @Test func whatTheLibraryPassesOverIsKnownOfEachThreadsOwnText() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let ignored = try ConnectionString("mongodb://h/?option\(number)=1").ignored
                    #expect(ignored == [IgnoredOption(name: "option\(number)", fault: .unknown)])
                }
            }
            try await group.waitForAll()
        }
    }

    /// To the C library this is a database `d&tls=true`, and no TLS.
    @Test(arguments: [
        "localhost/d&tls=true", "localhost/tls=true", "localhost/d;tls=true", "localhost:27017&tls=true",
        "localhost/d#tlsCertificateKeyFilePassword=s3cret", "localhost/tlsCertificateKeyFilePassword=s3cret",
        "localhost;tlsCertificateKeyFilePassword=s3cret/d", "a:p@localhost/d&appName=x&authSource=b",
    ])
    func optionsBehindNoQuestionMarkAreRefused(rest: String) throws {
        let error = try #require(#expect(throws: MongoError.self) { try ConnectionString("mongodb://" + rest) })
        #expect(
            error.message == "its options begin with ?, and what stands before that are hosts and the database's name")
    }

    @Test(arguments: ["r&d", "a=b", "a&b=c", "a%26b%3Dc"]) func aNameThatLooksLikeNoOptionIsOne(name: String) throws {
        let read = try ConnectionString("mongodb://localhost/" + name).database
        #expect(read == name.removingPercentEncoding)
    }

    /// What is no secret's name hides nothing.
    @Test func aHostWithASecretsWordInItsNameIsShown() throws {
        let error = try #require(
            #expect(throws: MongoError.self) { try ConnectionString("mongodb://token-db/?tls=maybe&appName=password") })
        #expect(error.message == #"Unsupported value for "tls": "maybe""#)
    }

    @Test func itSaysWhatIsWrongWhereThatShowsNoPassword() throws {
        let texts = [
            "mongodb://localhost/?readPreference=sometimes":
                "Unsupported readPreference value [readPreference=sometimes]",
            "localhost:27017": "Invalid URI Schema, expecting 'mongodb://' or 'mongodb+srv://'",
            "mongodb://amara:s3cret@localhost/?tls=maybe": "Unsupported value for \"tls\": \"…\"",
            "mongodb://amara@localhost/?authMechanism=MONGODB-X509&authSource=admin":
                "GSSAPI and X509 require \"$external\" authSource",
        ]
        for (text, expected) in texts {
            let error = try #require(#expect(throws: MongoError.self) { try ConnectionString(text) })
            #expect(error.description == "the connection string: " + expected)
        }
    }

    @Test func itsPartsAreRead() throws {
        let text =
            "mongodb://amara:pw@a:1,b/insurance?replicaSet=rs0&readPreference=secondary&readConcernLevel=majority"
            + "&w=2&journal=true&wtimeoutMS=900&retryReads=false&appName=claims"
        let connectionString = try ConnectionString(text)
        #expect(connectionString.database == "insurance")
        #expect(connectionString.hosts == ["a:1", "b:27017"])
        #expect(connectionString.username == "amara")
        #expect(connectionString.replicaSet == "rs0")
        #expect(connectionString.readConcern == .majority)
        #expect(connectionString.writeConcern == WriteConcern(.nodes(2), journal: true, timeout: 900))
        #expect(!connectionString.retriesReads)
        #expect(connectionString.applicationName == "claims")
    }

    @Test func whatItDoesNotSayIsNil() throws {
        let connectionString = try ConnectionString("mongodb://localhost")
        #expect(connectionString.database == nil)
        #expect(connectionString.hosts == ["localhost:27017"])
        #expect(connectionString.username == nil && connectionString.replicaSet == nil)
        #expect(connectionString.readConcern == nil && connectionString.writeConcern == nil)
        #expect(connectionString.retriesReads && !connectionString.usesTLS)
    }

    @Test(arguments: [
        ("w=majority", WriteConcern.majority),
        ("w=0", WriteConcern(.nodes(0))),
        ("w=eastCoast", WriteConcern(.tag("eastCoast"))),
        ("journal=false", WriteConcern(.majority, journal: false)),
    ])
    func writeConcernsAreRead(options: String, expected: WriteConcern) throws {
        #expect(try ConnectionString("mongodb://h/?" + options).writeConcern == expected)
    }
}
