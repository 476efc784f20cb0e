import BSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Shows without reading a file whether it may have been changed. Source: inode(7).
struct FileState: Equatable {
    /// In bytes.
    let size: Int
    /// When the content was last written; anybody with write permission can set it back.
    private let modified: Time
    /// When the content or any attribute was last changed; nobody can set it back.
    private let changed: Time

    private struct Time: Equatable {
        let seconds: Int
        let nanoseconds: Int

        init(_ time: timespec) {
            seconds = Int(time.tv_sec)
            nanoseconds = Int(time.tv_nsec)
        }
    }

    init(_ status: stat) {
        size = Int(status.st_size)
        #if canImport(Darwin)
            modified = Time(status.st_mtimespec)
            changed = Time(status.st_ctimespec)
        #else
            modified = Time(status.st_mtim)
            changed = Time(status.st_ctim)
        #endif
    }

    func differsInChangeTimeOnly(from other: FileState) -> Bool {
        size == other.size && modified == other.modified && changed != other.changed
    }
}

extension OpenFile {
    /// The SHA-256, in hexadecimal, of the first `count` decompressed bytes; nil if they cannot be decompressed, or are
    /// fewer. The read position is restored.
    /// - Parameter check: called before each piece; an error that it throws stops the reading.
    /// - Throws: ``FileError``; ``BackupError`` if the decompression library fails; whatever `check` throws.
    func digestOfContent(upTo count: Int, _ check: () throws -> Void) throws -> String? {
        let place = try offset()
        let sum = try SHA256Sum(of: path)
        var isWhole = false
        do {
            isWhole = try sum.update(from: makeByteSource(self).source, upTo: count, check) == count
        } catch let error as BackupError where error.kind != .unavailable {
            // No longer what was read before: there is no digest.
        }
        try seek(to: place)
        return isWhole ? try sum.finish() : nil
    }
}
