import BSON
import Foundation

/// Parts of a path as it was given. A relative one stays so: the working folder's name may not be UTF-8, which no string
/// can hold, so that an absolute path would lead elsewhere.
enum FilePath {
    /// The folder in which the path's last name is: `.` for a path that is only a name.
    static func folder(of path: String) -> String {
        let parent = path[..<path.placeBehindLast("/")].unicodeScalars
        guard let first = parent.first else { return "." }
        guard let end = parent.lastIndex(where: { $0 != "/" }) else { return "/" }
        // In an advised command it must not look like an option.
        return (first == "-" ? "./" : "") + String(parent[...end])
    }

    /// What follows the last dot of the last name; empty if there is none, or if only a hidden file's dot is there.
    static func ending(of path: String) -> String {
        let name = path[path.placeBehindLast("/")...]
        guard let dot = name.unicodeScalars.lastIndex(of: "."), dot > name.startIndex else { return "" }
        return String(name.unicodeScalars[name.unicodeScalars.index(after: dot)...])
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// No system follows more links in a row.
    private static let mostLinks = 40

    /// Where a file is, or would be created, if the path is a symbolic link; nil if links lead round. Links to its
    /// folder stay: the system follows them.
    static func behindLinks(_ path: String) -> String? {
        var path = path
        for _ in 0..<mostLinks {
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
            path = (target.hasScalarPrefix("/") ? "" : path[..<path.placeBehindLast("/")]) + target
        }
        return nil
    }
}
