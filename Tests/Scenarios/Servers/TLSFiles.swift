import Foundation
import Testing

/// A self-made authority, and a certificate from it for 127.0.0.1.
struct TLSFiles {
    let folder: TemporaryFolder

    static var arePossible: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") }

    /// Creates the files in a folder of their own, which is removed with the server that uses it.
    init() throws {
        folder = TemporaryFolder(path: NSTemporaryDirectory() + "mongoferry_tls_\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let (authorityKey, key, request) = (folder.file("ca.key"), folder.file("server.key"), folder.file("server.csr"))
        try Self.openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout \(authorityKey) -out \(authority)")
        try Self.openssl("req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout \(key) -out \(request)")
        try folder.write("subjectAltName=IP:127.0.0.1\n", to: "names")
        try Self.openssl(
            "x509 -req -days 2 -in \(request) -CA \(authority) -CAkey \(authorityKey) -CAcreateserial "
                + "-extfile \(folder.file("names")) -out \(folder.file("server.crt"))")
        try folder.write(try folder.text("server.key") + folder.text("server.crt"), to: "server.pem")
    }

    /// The authority's certificate.
    var authority: String { folder.file("ca.pem") }

    /// Starts a server that accepts only TLS.
    func startServer(_ arguments: [String] = []) throws -> OwnServer {
        try OwnServer(
            [
                "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", folder.file("server.pem"), "--tlsCAFile",
                authority, "--tlsAllowConnectionsWithoutCertificates",
            ] + arguments, options: "tls=true&tlsCAFile=\(authority)", folder: folder.path)
    }

    static func openssl(_ arguments: String) throws {
        let outcome = try Program(arguments.split(separator: " ").map(String.init), executable: "/usr/bin/openssl")
            .wait()
        try #require(outcome.status == 0, "\(outcome.text)")
    }
}
