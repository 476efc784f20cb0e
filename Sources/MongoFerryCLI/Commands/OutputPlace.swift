import BSON
import Foundation
import MongoFerry

/// Where a file is to be written. Checked before the database is read, since that may take long.
struct OutputPlace {
    let path: String
    let overwrites: Bool

    private enum Occupant {
        case file, folder
        /// A pipe or a device, which is written to, not replaced.
        case special
        /// A dangling symbolic link: the name is taken all the same.
        case link
    }

    /// Whether the path is a name of standard output, which the shell has already opened: it is written to, not
    /// replaced.
    static func isStandardOutput(_ path: String?) -> Bool {
        ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].contains(path)
    }

    var name: Substring { path[path.placeBehindLast("/")...] }
    var folder: String { FilePath.folder(of: path) }
    var isSpecial: Bool { occupant == .special }

    /// - Parameter own: what the file is to this command, if it must stay; otherwise nil.
    /// - Throws: ``FerryError`` if no file can be created there.
    func check(isOwn own: String?) throws {
        try checkName()
        if let own {
            throw FerryError(
                "\(path): this is \(own), which would be overwritten", kind: .usage, advice: ["Choose another name."])
        }
        let occupant = occupant
        if occupant == .special { return }
        if occupant != nil, !overwrites {
            throw FerryError(
                "\(path): the file exists already", advice: ["Choose another name, or use --force to overwrite it."])
        }
        let folder = folder
        guard FilePath.isFolder(folder) else {
            throw FerryError(
                "\(path): there is no folder \(folder)", advice: ["`mkdir -p \(folder.shellPath)` makes it."])
        }
    }

    /// - Throws: ``FerryError`` if the path is empty or that of a folder.
    func checkName() throws {
        guard !path.isEmpty else {
            throw FerryError("-o is empty: it takes a file's name", kind: .usage, advice: ["- is standard output."])
        }
        guard !["", ".", ".."].contains(name), occupant != .folder else {
            throw FerryError(
                "\(path): this is a folder, and a file is to be written", kind: .usage,
                advice: ["Add the file's name."])
        }
    }

    /// What exists there already.
    private var occupant: Occupant? {
        var status = stat()
        guard stat(path, &status) == 0 else { return lstat(path, &status) == 0 ? .link : nil }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .special
        }
    }
}
