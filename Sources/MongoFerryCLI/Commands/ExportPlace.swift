import Foundation
import MongoFerry

/// Where an export's file is to be created.
struct ExportPlace {
    let place: OutputPlace

    /// How much longer the file's name is until it is complete: `.NAME.partial`.
    private static let addedBytes = 9

    /// - Parameter common: the options whose files must not be overwritten.
    /// - Throws: ``FerryError`` if no file can be created there.
    func check(_ common: CommonOptions) throws {
        try place.checkName()
        if !place.isSpecial { try checkEnding() }
        try place.check(isOwn: common.nameOfFile(at: place.path))
        if !place.isSpecial { try checkLength() }
    }

    private static let otherCompressions = [
        "7z", "br", "bz2", "gzip", "lz4", "lzma", "rar", "tar", "tgz", "xz", "z", "zip", "zstd",
    ]

    /// - Throws: ``FerryError`` if the name's extension is that of a compression that is not supported.
    private func checkEnding() throws {
        let ending = FilePath.ending(of: place.path)
        guard Self.otherCompressions.contains(ending.lowercased()) else { return }
        throw FerryError(
            "\(place.path): unsupported compression .\(ending): use .gz or .zst", kind: .usage,
            advice: ["Names that end in .gz and .zst are compressed, others are not. For more: -o - and a pipe."])
    }

    private func checkLength() throws {
        let bytes = place.name.utf8.count
        let most = pathconf(place.folder, Int32(_PC_NAME_MAX)) - Self.addedBytes
        guard most <= 0 || bytes <= most else {
            throw FerryError(
                "\(place.path): the name has \(bytes) bytes, and a backup's may have \(most) there", kind: .usage,
                advice: ["Choose a shorter one: until the file is complete, its name is .NAME.partial."])
        }
    }
}
