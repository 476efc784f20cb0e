import BSON

/// Finds the seal at the end of a file without reading what stands before it.
public enum SealFinder {
    /// Longer than any seal of 100,000 collections.
    private static let longest = 32 << 20

    /// The seal of a file of format 1; nil where its last line is none.
    ///
    /// In a compressed file the seal is a member of its own, so its beginning is searched for from the end.
    /// - Throws: ``FileError``.
    public static func find(in file: OpenFile) throws -> Seal? {
        let size = Int(try file.status().st_size)
        var length = min(size, 4096)
        while true {
            let tail = try bytes(of: file, from: size - length, count: length)
            if let seal = seal(in: tail, file) { return seal }
            guard length < min(size, longest) else { return nil }
            length = min(length * 16, size, longest)
        }
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

    private static func seal(in tail: [UInt8], _ file: OpenFile) -> Seal? {
        if tail.last == 0x0A, let seal = lastLine(of: tail) { return seal }
        // Gzip's and zstd's magic numbers; each place where one stands is tried, the last first.
        for magic in [[0x1F, 0x8B, 8], [0x28, 0xB5, 0x2F, 0xFD]] as [[UInt8]] {
            for start in stride(from: tail.count - magic.count, through: 0, by: -1)
            where tail[start] == magic[0] && tail[start..<start + magic.count].elementsEqual(magic) {
                if let text = try? Decompressed.bytes(Array(tail[start...])), let seal = lastLine(of: text) {
                    return seal
                }
            }
        }
        return nil
    }

    private static func lastLine(of bytes: [UInt8]) -> Seal? {
        guard bytes.last == 0x0A else { return nil }
        let body = bytes.dropLast()
        let start = body.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return Seal(line: body[start...])
    }
}

/// A whole compressed text in memory.
enum Decompressed {
    /// - Throws: ``BackupError``, ``FileError`` where it is damaged.
    static func bytes(_ compressed: [UInt8]) throws -> [UInt8] {
        let file = try OpenFile(temporaryIn: temporaryDirectory())
        try compressed.withUnsafeBytes { try file.write($0) }
        let (source, _) = try makeByteSource(file)
        let buffer = ByteBuffer(capacity: 1 << 20)
        var result: [UInt8] = []
        while true {
            let count = try source.read(into: buffer.storage)
            // A seal is no larger; what grows on is something else that looked like one.
            guard count > 0, result.count < 16 << 20 else { return result }
            result.append(contentsOf: UnsafeRawBufferPointer(start: buffer.storage.baseAddress, count: count))
        }
    }
}
