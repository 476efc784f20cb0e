import BSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A shell command that makes a readable file of one with a known fault.
struct MendingCommand {
    let text: String
    /// The new file's name, quoted for a shell.
    let result: String

    /// - Parameters:
    ///   - filter: the command that removes the fault; of a damaged compressed file, it gets what can be decompressed.
    ///   - path: the faulty file; if there is no such file, as for standard input, `FILE` and `NEW` stand for the two.
    ///   - label: what is added to the new file's name.
    init(_ filter: String, of path: String, _ compression: Compression, label: String = "mended") {
        let source = Self.source(path)
        result = Self.isThere(path) ? Self.free(path, label).shellPath : "NEW"
        text =
            switch compression {
            case .none: "\(filter) < \(source) > \(result)"
            case .gzip: "gzip -dc < \(source) | \(filter) > \(result)"
            case .zstd: "zstd -dc < \(source) | \(filter) > \(result)"
            }
    }

    /// The file's name, quoted for a shell.
    static func source(_ path: String) -> String { isThere(path) ? path.shellPath : "FILE" }

    private static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// A free name beside the file: a shell would overwrite an existing file.
    private static func free(_ path: String, _ label: String) -> String {
        var stem = Substring(path)
        if let ending = [".gz", ".zst"].first(where: { path.lowercased().hasScalarSuffix($0) }) {
            stem = stem.dropLast(ending.count)
        }
        var ending = ""
        if stem.lowercased().hasScalarSuffix(".csv") {
            ending = ".csv"
            stem = stem.dropLast(ending.count)
        }
        var name = "\(stem).\(label)\(ending)"
        var number = 2
        while access(name, F_OK) == 0 {
            name = "\(stem).\(label)\(number)\(ending)"
            number += 1
        }
        return name
    }
}

extension String {
    /// The path as a word for a shell that no command takes for an option.
    package var shellPath: String { (hasScalarPrefix("-") ? "./" + self : self).shellWord }

    /// The text quoted for a shell, if necessary.
    package var shellWord: String {
        let isPlain =
            !isEmpty
            && utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x2F, 0x5F, 0x2D, 0x3A, 0x2B, 0x2C, 0x40: true
                default: $0 >= 0x80
                }
            }
        return isPlain ? self : "'" + replacingScalar("'", with: #"'\''"#) + "'"
    }
}
