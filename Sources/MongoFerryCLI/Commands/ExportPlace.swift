import Foundation
import MongoFerry

/// Where an export's file is to stand, looked at before the database is read: that may take long.
struct ExportPlace {
    let path: String
    let overwrites: Bool

    /// The file has a longer name until it is complete, `.NAME.partial`.
    private static let addedBytes = 9

    private enum Occupant {
        case file, folder
        /// A pipe or a device is written to, not overwritten.
        case special
        /// A symbolic link to nothing: a name that is taken all the same.
        case link
    }

    /// - Throws: ``FerryError`` where no file can be made there.
    func check() throws {
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard !path.isEmpty else {
            throw FerryError("-o is empty: it takes a file's name", kind: .usage, advice: ["- is standard output."])
        }
        let occupant = occupant
        guard !["", ".", ".."].contains(name), occupant != .folder else {
            throw FerryError(
                "\(path): this is a folder, and a file is to be written", kind: .usage,
                advice: ["Add the file's name."])
        }
        if occupant == .special { return }
        try checkEnding()
        if occupant != nil, !overwrites {
            throw FerryError(
                "\(path): the file exists already", advice: ["Choose another name, or use --force to overwrite it."])
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw FerryError("\(path): there is no folder \(folder)")
        }
        let most = pathconf(folder, Int32(_PC_NAME_MAX)) - Self.addedBytes
        guard most <= 0 || name.utf8.count <= most else {
            throw FerryError(
                "\(path): the name has \(name.utf8.count) bytes, and a backup's may have \(most) there", kind: .usage,
                advice: ["Choose a shorter one: until the file is complete, its name is .NAME.partial."])
        }
    }

    private static let otherCompressions = [
        "7z", "br", "bz2", "gzip", "lz4", "lzma", "rar", "tar", "tgz", "xz", "z", "zip", "zstd",
    ]

    /// - Throws: ``FerryError`` for a name that says of the content what is not true.
    private func checkEnding() throws {
        let ending = URL(fileURLWithPath: path).pathExtension
        guard Self.otherCompressions.contains(ending.lowercased()) else { return }
        throw FerryError(
            "\(path): unsupported compression .\(ending): use .gz or .zst", kind: .usage,
            advice: ["Names that end in .gz and .zst are compressed, others are not. For more: -o - and a pipe."])
    }

    /// What stands there already.
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
