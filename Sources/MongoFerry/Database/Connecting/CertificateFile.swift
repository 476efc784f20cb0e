import Foundation
import MongoDriver

/// A certificate or key file that the connection string names. If libmongoc cannot use one, it only reports `connection
/// error`, after the whole server selection timeout.
struct CertificateFile {
    /// What is wrong with a file, and how to fix it.
    struct Fault {
        let phrase: String
        let remedy: String
    }

    let option: String
    let path: String

    private var isKeyFile: Bool { option == "tlsCertificateKeyFile" }

    /// All such files that a connection string names.
    static func all(of connection: ConnectionString) -> [CertificateFile] {
        connection.files.map { CertificateFile(option: $0.option, path: $0.path) }
    }

    /// Checks the files before libmongoc uses them: for the missing password of an encrypted key, OpenSSL would prompt
    /// on the terminal or read standard input, once per connection.
    /// - Throws: ``FerryError``.
    static func check(_ connection: ConnectionString) throws {
        guard connection.usesTLS else { return }
        for file in all(of: connection) {
            guard let fault = file.fault(hasPassword: connection.hasKeyPassword) else { continue }
            throw FerryError(
                "cannot connect to \(connection.hosts.joined(separator: ", ")): \(fault.phrase)", advice: [fault.remedy]
            )
        }
    }

    /// What certainly makes the file unusable; nil if it looks sound.
    private func fault(hasPassword: Bool) -> Fault? {
        guard let text else {
            return Fault(
                phrase: "\(option) \(path) cannot be read",
                remedy: "Check the file's name in the connection string, and who may read it.")
        }
        if isKeyFile, !text.contains("PRIVATE KEY-----") {
            return Fault(
                phrase: "\(option) \(path) holds no private key",
                remedy: "It must have a private key and its certificate, both in PEM form: -----BEGIN PRIVATE KEY-----."
            )
        }
        if !text.contains("CERTIFICATE-----") {
            return Fault(
                phrase: "\(option) \(path) holds no certificate",
                remedy: "It must have certificates in PEM form: -----BEGIN CERTIFICATE-----.")
        }
        if isKeyFile, isEncrypted, !hasPassword {
            return Fault(
                phrase: "the private key in \(option) \(path) is encrypted",
                remedy: "Give its password in the connection string, tlsCertificateKeyFilePassword=PASSWORD; with "
                    + "--uri-file it stays out of the process list.")
        }
        return nil
    }

    /// What may be wrong with the file if a connection fails without a stated cause.
    var doubt: Fault? {
        guard isKeyFile, isEncrypted else { return nil }
        return Fault(
            phrase: "the private key in \(option) \(path) could not be used",
            remedy: "It is encrypted: is tlsCertificateKeyFilePassword in the connection string its password?")
    }

    private var text: String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// PKCS #8 says so in the first line, the older format in a header, `Proc-Type: 4,ENCRYPTED` (RFC 1421).
    private var isEncrypted: Bool { text?.contains("ENCRYPTED") == true }
}
