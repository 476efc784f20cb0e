import Foundation
import MongoFerry
import Testing

/// Messages about why no server answered: host, cause and remedy, within seconds.
@Suite(.onThreadOfItsOwn("no server")) struct ConnectionErrorTests {
    /// - Parameter patience: the connection string's `serverSelectionTimeoutMS`; nil for the program's own.
    static func check(
        _ uri: String, patience: Int? = 1000, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let separator = uri.contains("?") ? "&" : "/?"
        let whole = patience.map { uri + "\(separator)serverSelectionTimeoutMS=\($0)" } ?? uri
        let began = ContinuousClock.now
        let outcome = try Program.run(["verify", "--uri", whole, "--db", "insurance"])
        #expect(ContinuousClock.now - began < .seconds(10), sourceLocation: sourceLocation)
        #expect(outcome.status == 1, sourceLocation: sourceLocation)
        #expect(outcome.errors == "mongoferry: \(text)\n", sourceLocation: sourceLocation)
    }

    @Test func nothingListensThere() throws {
        try Self.check(
            "mongodb://ann:hunter2@127.0.0.1:1", patience: nil,
            """
            cannot connect to 127.0.0.1:1: connection refused
              Nothing listens there: is the server running, and is the port right?
            """)
    }

    /// In a nightly run, the address may be that of another shell or an old file.
    @Test func itIsSaidWhereTheAddressCameFrom() throws {
        try withTestDatabase { _, folder in
            let unreachable = "mongodb://127.0.0.1:1"
            let wrong = "mongodb//127.0.0.1"
            for (uri, status) in [(unreachable, 1), (wrong, 64)] as [(String, Int32)] {
                let file = folder.file("address")
                try folder.write(uri, to: "address")
                let fromFile = try Program.run(["verify", "--uri-file", file, "--db", "x"])
                let fromEnvironment = try Program.run(["verify", "--db", "x"], environment: ["MONGODB_URI": uri])
                let typed = try Program.run(["verify", "--uri", uri, "--db", "x"])
                for outcome in [fromFile, fromEnvironment, typed] { #expect(outcome.status == status) }
                let isTold =
                    status == 1
                    ? fromFile.errors.contains("\n  The connection string is that of \(file).\n")
                    : fromFile.errors.hasPrefix("mongoferry: \(file): the first line is no connection string\n")
                #expect(isTold, "\(fromFile.errors)")
                #expect(
                    fromEnvironment.errors.contains("\n  The connection string is $MONGODB_URI's.\n"),
                    "\(fromEnvironment.errors)")
                #expect(!typed.errors.contains("The connection string is"), "\(typed.errors)")
            }
            // The address has nothing to do with an invalid database name.
            let misnamed = try Program.run(["verify", "--db", "a b"], environment: ["MONGODB_URI": unreachable])
            #expect(
                misnamed.status == 64 && !misnamed.errors.contains("The connection string is"), "\(misnamed.errors)")
        }
    }

    @Test func anImportThatReachesNoServerHasWrittenNothingAndSaysSo() throws {
        try withTestDatabase { _, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n", to: "x.csv")
            let outcome = try Program.run([
                "import", folder.file("x.csv"), "--uri", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=1000", "--db",
                "x",
                "--mode", "replace", "--yes",
            ])
            #expect(outcome.status == 1 && outcome.errors.contains("\n  Nothing was written.\n"), "\(outcome.errors)")
        }
    }

    @Test func noneOfSeveralServersCanBeReached() throws {
        try Self.check(
            "mongodb://127.0.0.1:1,127.0.0.1:2",
            """
            cannot connect to 127.0.0.1:1, 127.0.0.1:2
              127.0.0.1:1: connection refused
              127.0.0.1:2: connection refused
              Nothing listens there: is the server running, and is the port right?
            """)
    }

    @Test func theHostsNameIsNotKnown() throws {
        try Self.check(
            "mongodb://no-such-host.invalid",
            """
            cannot connect to no-such-host.invalid: the host's name is not known
              Is it spelled right, and known to this machine?
            """)
    }

    @Test func theServiceNameIsNotKnown() throws {
        let outcome = try Program.run(["verify", "--uri", "mongodb+srv://cluster0.no-such-host.invalid", "--db", "x"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("mongoferry: cannot connect to cluster0.no-such-host.invalid: "))
        #expect(
            outcome.errors.hasSuffix(
                """

                  mongodb+srv:// looks the servers up by this name in DNS: is it spelled right, and is it known here? A \
                server's own name goes with mongodb://.

                """), "\(outcome.errors)")
    }

    @Test func theReplicaSetHasAnotherName() throws {
        let uri = try testURI()
        let name = try #require(uri.firstMatch(of: /replicaSet=([^&]*)/)?.1, "the tests' server is no replica set")
        let host = try #require(uri.firstMatch(of: /\/\/(?:[^@\/]*@)?([^\/,]*)/)?.1)
        try Self.check(
            uri.replacing(/replicaSet=[^&]*/, with: "replicaSet=nosuchset"),
            """
            cannot connect to \(host): it belongs to the replica set '\(name)', not to 'nosuchset'
              Say replicaSet=\(name) in the connection string.
            """)
    }

    @Test(
        arguments: [
            (
                FakeServer.Manner.web,
                """
                what answers there is no MongoDB server
                  Is the port right? MongoDB's own is 27017.
                """
            ),
            (
                .closing,
                """
                the server closed the connection
                  A server that wants TLS does that: put tls=true in the connection string. Or it is no MongoDB server.
                """
            ),
            (
                .silent,
                """
                no answer
                  Check host, port and firewalls between here and there. serverSelectionTimeoutMS in the connection \
                string says how long to wait.
                """
            ),
        ])
    func whatListensThereIsNoServer(manner: FakeServer.Manner, text: String) throws {
        let server = try FakeServer(manner)
        try Self.check("mongodb://127.0.0.1:\(server.port)", "cannot connect to 127.0.0.1:\(server.port): \(text)")
    }
}

extension ConnectionErrorTests {
    /// Without the password, OpenSSL would ask at the terminal, or read the backup from standard input.
    @Test(
        arguments: [
            (
                "tlsCAFile", "", "holds no certificate",
                "It must have certificates in PEM form: -----BEGIN CERTIFICATE-----."
            ),
            (
                "tlsCertificateKeyFile", "-----BEGIN CERTIFICATE-----", "holds no private key",
                "It must have a private key and its certificate, both in PEM form: -----BEGIN PRIVATE KEY-----."
            ),
            (
                "tlsCertificateKeyFile", "-----BEGIN PRIVATE KEY-----", "holds no certificate",
                "It must have certificates in PEM form: -----BEGIN CERTIFICATE-----."
            ),
            (
                "tlsCertificateKeyFile", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----",
                "is encrypted",
                "Give its password in the connection string, tlsCertificateKeyFilePassword=PASSWORD; with --uri-file it "
                    + "stays out of the process list."
            ),
        ])
    func aFileThatNoConnectionCanBeMadeWithIsNamedBeforeOneIsTried(
        option: String, content: String, fault: String, remedy: String
    ) throws {
        let server = try FakeServer(.silent)
        try withTestDatabase { _, folder in
            try folder.write(content, to: "a.pem")
            let subject = fault == "is encrypted" ? "the private key in " : ""
            try Self.check(
                "mongodb://127.0.0.1:\(server.port)/?tls=true&\(option)=\(folder.file("a.pem"))",
                """
                cannot connect to 127.0.0.1:\(server.port): \(subject)\(option) \(folder.file("a.pem")) \(fault)
                  \(remedy)
                """)
        }
        #expect(!server.wasReached)
    }

    @Test(arguments: ["export", "import", "verify"])
    func ctrlCIsHeededWhileNoServerAnswers(command: String) throws {
        let server = try FakeServer(.silent)
        let base = NSTemporaryDirectory() + "mongoferry_silent_\(UInt64.random(in: 0 ... .max))"
        let (file, reportFile) = (base + ".csv", base + ".json")
        defer { for path in [file, reportFile] { unlink(path) } }
        try Data("collection,data\ncustomers,\"{\"\"_id\"\":1}\"\n".utf8).write(to: URL(fileURLWithPath: file))
        let program = try Program(
            [
                command, "--uri", "mongodb://127.0.0.1:\(server.port)/?serverSelectionTimeoutMS=120000", "--db", "x",
                "--report", reportFile,
            ] + (command == "import" ? [file] : []))
        try poll("a connection") { server.wasReached }
        let start = ContinuousClock.now
        program.send(SIGINT)
        let outcome = try program.wait()
        #expect(start.duration(to: .now) < .seconds(20))
        #expect(outcome.status == 130, "\(outcome.text)")
        #expect(outcome.errors.contains("interrupted"), "\(outcome.errors)")
        let report = try String(contentsOfFile: reportFile, encoding: .utf8)
        #expect(report.contains(#""status":"interrupted""#), "\(report)")
    }
}

extension FaultServerTests {
    /// A server that accepts only TLS and requires a user and password.
    @Suite(.serialized) struct ConnectionErrorServerTests {
        @Test(.enabled("needs openssl") { TLSFiles.arePossible })
        func TLSAndUsersThatDoNotFitAreToldApart() throws {
            let files = try TLSFiles()
            let (authority, key) = (files.authority, files.folder.file("key"))
            try files.folder.write(String(repeating: "k", count: 64), to: "key")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            let server = try files.startServer(["--auth", "--keyFile", key])
            defer { try? server.remove() }
            let host = "127.0.0.1:\(server.port)"
            let check = { try ConnectionErrorTests.check($0, $1) }

            try check(
                "mongodb://\(host)",
                """
                cannot connect to \(host): the server closed the connection
                  A server that wants TLS does that: put tls=true in the connection string. Or it is no MongoDB server.
                """)
            try check(
                "mongodb://\(host)/?tls=true",
                """
                cannot connect to \(host): the server's TLS certificate is not trusted (self-signed certificate in \
                certificate chain)
                  Name its authority's certificate with tlsCAFile=FILE in the connection string.
                """)
            try check(
                "mongodb://localhost:\(server.port)/?tls=true&tlsCAFile=\(authority)",
                """
                cannot connect to localhost:\(server.port): the server's TLS certificate is for another name (hostname \
                mismatch)
                  Connect by a name that stands in the certificate.
                """)
            try check(
                "mongodb://\(host)/?tls=true&tlsCAFile=/nosuch/ca.pem",
                """
                cannot connect to \(host): tlsCAFile /nosuch/ca.pem cannot be read
                  Check the file's name in the connection string, and who may read it.
                """)
            let (clear, encrypted) = (files.folder.file("server.key"), "encrypted.pem")
            try TLSFiles.openssl("rsa -aes256 -passout pass:right -in \(clear) -out \(files.folder.file(encrypted))")
            let certificate = try files.folder.text("server.crt")
            try files.folder.write(try files.folder.text(encrypted) + certificate, to: encrypted)
            let keyFile = "tlsCertificateKeyFile=\(files.folder.file(encrypted))"
            try check(
                "mongodb://\(host)/?tls=true&tlsCAFile=\(authority)&\(keyFile)&tlsCertificateKeyFilePassword=wr0ng",
                """
                cannot connect to \(host): the private key in tlsCertificateKeyFile \(files.folder.file(encrypted)) could \
                not be used
                  It is encrypted: is tlsCertificateKeyFilePassword in the connection string its password?
                """)
            try check(
                "mongodb://ann:hunter2@\(host)/?tls=true&tlsCAFile=\(authority)&authSource=people",
                """
                \(host): the server refused user and password: Authentication failed.
                  The user 'ann' was looked for in the database 'people': is that where it was created? authSource=NAME \
                in the connection string says another. Special characters in a password are percent-encoded.
                """)
            try check(
                "mongodb://\(host)/?tls=true&tlsCAFile=\(authority)",
                """
                listCollections on insurance: not authorized on insurance (Unauthorized, code 13)
                  export and verify need a user with the role read on the database, import one with readWrite. The \
                connection string names it: mongodb://USER:PASSWORD@HOST/?authSource=admin. \
                A role of your own needs listCollections on insurance.
                """)
        }
    }
}
