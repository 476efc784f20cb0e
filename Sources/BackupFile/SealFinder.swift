import BSON

/// Finds the seal at the end of a file without reading what precedes it.
public enum SealFinder {
    /// Longer than any seal of 100,000 collections.
    private static let longest = 32 << 20

    /// Returns the seal of a file of format 1; nil if its last line is not a seal.
    ///
    /// In a compressed file, the seal is a member of its own, so its beginning is searched for from the end.
    /// - Throws: ``FileError``; ``BackupError`` if the decompression library fails.
    public static func find(in file: OpenFile) throws -> Seal? {
        let size = Int(try file.status().st_size)
        var search = MemberSearch(file, Compression(magic: try bytes(of: file, from: 0, count: min(size, 4))))
        var length = min(size, 4096)
        while true {
            let tail = try bytes(of: file, from: size - length, count: length)
            if let seal = search.compression == .none
                ? lastLine(of: tail) : try search.seal(in: tail, at: size - length)
            {
                return seal
            }
            guard length < min(size, longest) else { return nil }
            length = min(length * 16, size, longest)
        }
    }

    /// Whether a compressed file's header is a member of its own, as this program writes it: then the seal is one, too.
    /// - Parameter headBytes: the header's length, including the column header.
    /// - Throws: ``FileError``.
    public static func canFind(in file: OpenFile, headBytes: Int, _ compression: Compression) throws -> Bool {
        let beginning = StoredMember.beginning(count: headBytes, compression)
        return try bytes(of: file, from: 0, count: beginning.count) == beginning
    }

    private static func bytes(of file: OpenFile, from offset: Int, count: Int) throws -> [UInt8] {
        try file.seek(to: offset)
        var result = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = try result.withUnsafeMutableBytes { try file.read(into: .init(rebasing: $0[have...])) }
            if got == 0 { break }
            have += got
        }
        return Array(result.prefix(have))
    }

    fileprivate static func lastLine(of bytes: [UInt8]) -> Seal? {
        guard bytes.last == 0x0A else { return nil }
        let body = bytes.dropLast()
        let start = body.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return Seal(line: body[start...])
    }
}

/// Tries the positions in a compressed file where a member seems to begin, starting with the last.
private struct MemberSearch {
    let compression: Compression
    private let file: OpenFile
    private let magic: [UInt8]
    /// Every position from here on has been tried.
    private var searched = Int.max
    /// The number of positions still to try. A member's first bytes also occur inside members, by chance or in a file
    /// that is full of them; by chance, a seal of 32 MB contains about two.
    private var tries = 24
    /// The number of bytes that may still be decompressed: no seal is larger, and what goes on is something else.
    private var room = 32 << 20

    init(_ file: OpenFile, _ compression: Compression) {
        self.file = file
        self.compression = compression
        magic = compression == .gzip ? [0x1F, 0x8B, 8] : [0x28, 0xB5, 0x2F, 0xFD]
    }

    /// - Parameter offset: the position in the file of `tail`, which reaches to the file's end.
    mutating func seal(in tail: [UInt8], at offset: Int) throws -> Seal? {
        let last = min(tail.count - magic.count, searched - offset - 1)
        searched = offset
        for place in stride(from: last, through: 0, by: -1)
        where tail[place] == magic[0] && tail[place..<place + magic.count].elementsEqual(magic) {
            guard tries > 0, room > 0 else { return nil }
            tries -= 1
            if let text = try decompressed(from: offset + place), let seal = SealFinder.lastLine(of: text) {
                return seal
            }
        }
        return nil
    }

    /// The decompressed content from a position to the end of the file, empty if it exceeds ``room``; nil if no member
    /// begins there.
    /// - Throws: ``FileError``; ``BackupError`` if the decompression library fails.
    private mutating func decompressed(from place: Int) throws -> [UInt8]? {
        do { return try text(from: place) } catch let error as BackupError where error.isAboutContent { return nil }
    }

    private mutating func text(from place: Int) throws -> [UInt8] {
        try file.seek(to: place)
        let source: any ByteSource = compression == .gzip ? try GzipSource(file) : try ZstdSource(file)
        let buffer = ByteBuffer(capacity: 1 << 20)
        var result: [UInt8] = []
        while room > 0 {
            let count = try source.read(into: buffer.storage)
            guard count > 0 else { return result }
            room -= count
            result.append(contentsOf: UnsafeRawBufferPointer(start: buffer.storage.baseAddress, count: count))
        }
        return []
    }
}
