import MongoDriver
import Testing

@testable import MongoFerry

/// How libmongoc's messages about one server are explained. Those that a real server provokes are in
/// ConnectionErrorTests.
@Suite struct ConnectionCauseTests {
    @Test(
        arguments: [
            ("connection refused calling hello on 'a:27017'", "", "a:27017", "connection refused"),
            ("Failed to resolve 'a'", "", "a", "the host's name is not known"),
            ("Failed to resolve 'atlstaging'", "", "atlstaging", "the host's name is not known"),
            ("Server closed connection. calling hello on 'a:27017'", "", "a:27017", "the server closed the connection"),
            (
                "Invalid reply from server. calling hello on 'a:27017'", "", "a:27017",
                "what answers there is no MongoDB server"
            ),
            ("socket timeout calling hello on 'a:27017'", "", "a:27017", "no answer"),
            ("connection timeout calling hello on 'a:27017'", "", "a:27017", "no answer"),
            (
                "TLS handshake failed: certificate verify failed (10): certificate has expired calling hello on 'a:27017'",
                "tls=true", "a:27017", "the server's TLS certificate is out of date (certificate has expired)"
            ),
            (
                "TLS handshake failed: Connection timed out calling hello on 'a:27017'", "tls=true", "a:27017",
                "TLS was not agreed on (TLS handshake failed: Connection timed out)"
            ),
            (
                "The apiVersion parameter is required, please configure your MongoClient's API version calling hello on 'a:27017'",
                "", "a:27017",
                "the server accepts only clients that declare an API version (requireApiVersion), and mongoferry declares none"
            ),
            ("something new calling hello on 'a:27017'", "", "a:27017", "something new"),
        ])
    func aCauseHasAHostAndAPhrase(text: String, options: String, host: String, phrase: String) throws {
        let cause = HostCause(text, try ConnectionString("mongodb://a:27017,atlstaging/?\(options)"))
        #expect(cause.host == host && cause.phrase == phrase)
        #expect(!cause.remedy.isEmpty)
    }

    /// Common with Docker: the replica set knows its members by host names that only its own network resolves.
    @Test func aMemberThatTheConnectionStringDoesNotNameIsExplained() throws {
        let cause = HostCause(
            "Failed to resolve 'mongo1'", try ConnectionString("mongodb://localhost:27017/?replicaSet=rs0"))
        #expect(cause.host == "mongo1" && cause.phrase == "the host's name is not known")
        #expect(
            cause.remedy
                == "The replica set calls its member mongo1, which the connection string does not: that name must lead "
                + "to the server from here as well. directConnection=true goes to the named server alone.")
    }

    @Test func askingAHostLeavesUserAndSetBehind() throws {
        let asking = try ConnectionString(
            "mongodb://amara:s3cret@a:1,b:2/x?replicaSet=rs0&tls=true&authSource=admin&serverSelectionTimeoutMS=90000"
        ).asking("b:2")
        #expect(asking.redacted == "mongodb://b:2/?tls=true&directConnection=true&serverSelectionTimeoutMS=2000")
    }
}
