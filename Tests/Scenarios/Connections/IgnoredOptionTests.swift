import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension Trait where Self == ConditionTrait {
    fileprivate static var whereNothingListensByDefault: Self {
        .disabled("something listens on localhost:27017") {
            let uri = try ConnectionString(
                "mongodb://localhost:27017/?serverSelectionTimeoutMS=300&connectTimeoutMS=300")
            do {
                try ClientPool(uri, applicationName: "mongoferry tests").makeClient().run(["ping": 1], on: "admin")
                return true
            } catch { return false }
        }
    }
}

/// libmongoc only logs that it ignores an option of the connection string.
@Suite struct IgnoredOptionTests {
    private static let version = "libmongoc \(LibraryVersion.libmongoc)"

    private static func uri(_ option: String) throws -> String {
        let uri = try testURI()
        return uri + (uri.contains("?") ? "&" : "/?") + option
    }

    @Test(arguments: [
        (
            "readPrefrence=secondary",
            "'readPrefrence' is not an option of LIBRARY, and is ignored. Did you mean 'readPreference'?"
        ),
        ("useUnifiedTopology=true", "'useUnifiedTopology' is not an option of LIBRARY, and is ignored."),
        ("retryWrites=", "'retryWrites' has no value, and is ignored."),
        ("appName=a&appName=b", "'appName' stands there more than once: only the last counts."),
        ("compressors=s3cret", "a value of 'compressors' is not one that LIBRARY takes, and is ignored."),
        (
            "tlsCertificateKeyFilePassword=a&s3cret=x&tls=false",
            "something behind a secret value is not an option of LIBRARY, and is ignored. An & that belongs to the "
                + "value is written %26."
        ),
    ])
    func whatIsPassedOverIsAWarningOfEveryOperation(option: String, text: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1, "n": 1]], into: "customers")
            let warning = "the connection string: " + text.replacing("LIBRARY", with: Self.version)
            let (file, uriFile, report) = (folder.file("x.csv"), folder.file("uri.txt"), folder.file("r.json"))
            try folder.write(try Self.uri(option), to: "uri.txt")
            for command in [
                ["export", "-o", file], ["import", file], ["verify", file], ["verify"], ["plan"], ["discover"],
            ] {
                let hasReport = !["plan", "discover"].contains(command[0])
                let outcome = try Program.run(
                    command + ["--quiet", "--db", database.name, "--uri-file", uriFile]
                        + (hasReport ? ["--report", report] : []))
                #expect(outcome.errors == "warning: \(warning)\n")
                #expect(outcome.status == 0)
                guard hasReport else { continue }
                let written = try JSONSerialization.jsonObject(with: Data(folder.text("r.json").utf8)) as? [String: Any]
                #expect(written?["warnings"] as? [String] == [warning])
                #expect(written?["status"] as? String == "done")
            }
            // Also if the operation fails, even midway.
            try folder.write("collection,data\ncustomers,nonsense\n", to: "x.csv")
            try folder.write(
                "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100&serverSelectionTryOnce=true&" + option,
                to: "nobody.txt")
            for (command, place, status) in [
                (["import", file, "--mode", "replace", "--yes", "--max-rejects", "5"], uriFile, Int32(2)),
                (["export", "-o", folder.file("y.csv")], folder.file("nobody.txt"), 1),
                (["verify"], folder.file("nobody.txt"), 1),
            ] {
                let outcome = try Program.run(
                    command + ["--quiet", "--db", database.name, "--uri-file", place, "--report", report])
                #expect(outcome.status == status, "\(command): \(outcome.text)")
                let written = try JSONSerialization.jsonObject(with: Data(folder.text("r.json").utf8)) as? [String: Any]
                #expect((written?["warnings"] as? [String])?.contains(warning) == true, "\(command)")
            }
            let target = try Target(uri: try Self.uri(option), database: database.name)
            #expect(target.warnings == [warning])
        }
    }

    /// Otherwise the password and the data would be sent over the network unprotected.
    @Test(arguments: [
        ("tsl=true", "'tsl' is not an option of LIBRARY. Did you mean 'tls'?"),
        ("sll=true", "'sll' is not an option of LIBRARY. Did you mean 'ssl'?"),
        ("authSorce=a", "'authSorce' is not an option of LIBRARY. Did you mean 'authSource'?"),
        ("tlsCRLFile=a", "'tlsCRLFile' is not an option of LIBRARY. Did you mean 'tlsCAFile'?"),
        ("%20tls=true", "'%20tls' is not an option of LIBRARY. Did you mean 'tls'?"),
        ("tls=", "'tls' has no value."),
        ("tls=true&tls=false", "'tls' stands there more than once: only the last counts."),
    ])
    func whatWouldProtectTheConnectionIsNotPassedOver(option: String, text: String) throws {
        let expected = """
            the connection string: \(text.replacing("LIBRARY", with: Self.version))
              What may be meant to protect the connection is not passed over: mend it, or leave it out.
            """
        let uri = try Self.uri(option)
        let outcome = try Program.run(["verify", "--db", "x", "--uri", uri])
        #expect(outcome.errors == "mongoferry: \(expected)\n")
        #expect(outcome.status == 64)
        let fromEnvironment = try Program.run(["verify", "--db", "x"], environment: ["MONGODB_URI": uri])
        var lines = expected.split(separator: "\n")
        lines.insert("  The connection string is $MONGODB_URI's.", at: 1)
        #expect(fromEnvironment.errors == "mongoferry: \(lines.joined(separator: "\n"))\n")
        #expect(fromEnvironment.status == 64)
        let error = #expect(throws: FerryError.self) { try Target(uri: uri) }
        #expect(error?.description == expected)
    }

    /// A script that found no server must not go on with the one at the default address.
    @Test func anEmptyAddressIsNotTheDefault() throws {
        for command in [
            ["verify", "--db", "x"], ["import", "x.csv"], ["export", "--db", "x"], ["discover", "--db", "x"],
        ] {
            let outcome = try Program.run(command, environment: ["MONGODB_URI": ""])
            #expect(outcome.status == 64 && outcome.errors.contains("MONGODB_URI is set, and empty"), "\(outcome.text)")
        }
        let named = try Program.run(
            ["verify", "--db", "x", "--uri", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"],
            environment: ["MONGODB_URI": ""])
        #expect(named.status == 1, "\(named.text)")
    }

    @Test(.whereNothingListensByDefault) func whereNoServerWasNamedItSaysWhichAddressItTook() throws {
        let outcome = try Program.run(["verify", "--db", "x"])
        #expect(outcome.errors.contains("cannot connect to localhost:27017"), "\(outcome.errors)")
        #expect(
            outcome.errors.contains(
                "\n  Neither --uri, --uri-file nor $MONGODB_URI was given: this is the default.\n"),
            "\(outcome.errors)")
    }
}
