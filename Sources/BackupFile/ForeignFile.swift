/// A file that is not a backup, though it may contain one.
struct ForeignFile {
    /// As a phrase.
    let what: String
    /// What to do about it.
    let advice: String

    /// The number of bytes at a file's beginning that tell what it is.
    static let telling = 262

    /// Nil for what may be a backup.
    /// - Parameter bytes: the beginning of the file, decompressed.
    init?(_ bytes: UnsafeRawBufferPointer, _ path: String, _ compression: Compression) {
        let start = Array(bytes.prefix(Self.telling))
        func begins(_ magic: UInt8...) -> Bool { start.starts(with: magic) }
        func made(by filter: String) -> String {
            "`\(MendingCommand(filter, of: path, compression).text)` makes one of it."
        }
        let file = MendingCommand.source(path)
        switch Compression(magic: start) {
        case .gzip: (what, advice) = ("is compressed twice", made(by: "gzip -dc"))
        case .zstd: (what, advice) = ("is compressed twice", made(by: "zstd -dc"))
        case .none where begins(0xFF, 0xFE) || begins(0xFE, 0xFF):
            (what, advice) = ("is UTF-16, not UTF-8", made(by: "iconv -f UTF-16 -t UTF-8"))
        case .none where start.count >= 4 && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
            (what, advice) = ("is UTF-16, not UTF-8", made(by: "iconv -f UTF-16LE -t UTF-8"))
        // https://tukaani.org/xz/xz-file-format.txt
        case .none where begins(0xFD, 0x37, 0x7A, 0x58, 0x5A, 0):
            (what, advice) = ("is compressed by xz", made(by: "xz -dc"))
        case .none where start.starts(with: "BZh".utf8) && start.count > 3 && (0x31...0x39).contains(start[3]):
            (what, advice) = ("is compressed by bzip2", made(by: "bzip2 -dc"))
        // LZ4 Frame Format Description
        case .none where begins(0x04, 0x22, 0x4D, 0x18):
            (what, advice) = ("is compressed by lz4", made(by: "lz4 -dc"))
        // APPNOTE.TXT of PKWARE, 4.3.7: the first file's name is in its header's 31st byte.
        case .none where begins(0x50, 0x4B, 3, 4) && Self.isOfWorkbook(start.dropFirst(30)):
            (what, advice) = ("is a workbook of a spreadsheet program", "Save it as CSV.")
        case .none where begins(0x50, 0x4B, 3, 4):
            (what, advice) = (
                "is a zip archive", "`unzip -l \(file)` says what is in it, `unzip \(file)` takes it out."
            )
        // POSIX, pax: the ustar header's magic, after fields padded with zeros. In a text it may be there by chance.
        case .none where start.dropFirst(257).starts(with: "ustar".utf8) && start.prefix(257).contains(0):
            (what, advice) = (
                "is a tar archive", "`tar -tf \(file)` says what is in it, `tar -xf \(file)` takes it out."
            )
        // mongo-tools, common/archive: the magic number 0x8199e26d.
        case .none where begins(0x6D, 0xE2, 0x99, 0x81):
            (what, advice) = ("is an archive of mongodump", "`mongorestore --archive` reads it.")
        case .none where Self.isDocument(start):
            (what, advice) = ("is BSON, as mongodump writes it", "`mongorestore` reads it.")
        case .none: return nil
        }
    }

    /// Whether a zip archive's first file is one of those with which Office Open XML and OpenDocument begin.
    private static func isOfWorkbook(_ name: ArraySlice<UInt8>) -> Bool {
        ["[Content_Types].xml", "_rels/.rels", "xl/", "mimetypeapplication/vnd.oasis.opendocument.spreadsheet"]
            .contains { name.starts(with: $0.utf8) }
    }

    /// Whether the bytes begin a document: its length, its first field's type, and a name. A text has no zeros there.
    /// Source: bsonspec.org.
    private static func isDocument(_ start: [UInt8]) -> Bool {
        // A document of less than 16 MiB, whose length ends with a zero.
        guard start.count > 6, start[3] == 0, (1...0x13).contains(start[4]) else { return false }
        return start.dropFirst(5).contains(0)
    }
}
