#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file in which a backup stands until it is complete.
enum PartialFile {
    /// `.NAME.partial` in the folder of the file, so that renaming it is one step.
    static func path(for path: String) -> String {
        let slash = path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
        return "\(path[..<slash]).\(path[slash...]).partial"
    }

    /// Opens it, locked against a second export to the same name, and empties it.
    /// - Parameters:
    ///   - path: the backup's own name.
    ///   - beforeLocking: called between opening and locking it.
    /// - Throws: ``BackupError`` where another export writes it; ``FileError``.
    static func open(for path: String, beforeLocking: () throws -> Void = {}) throws -> OpenFile {
        let partial = Self.path(for: path)
        while true {
            let file = try OpenFile(path: partial, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            try beforeLocking()
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw BackupError(.exists, path, "another export is writing this file now")
            }
            // The other may have ended in between: what was opened is its backup then, under its final name.
            guard try isStill(file, at: partial) else { continue }
            guard try isOwn(file) else {
                guard unlink(partial) == 0 || errno == ENOENT else { throw FileError("remove", partial) }
                continue
            }
            guard ftruncate(file.descriptor, 0) == 0, fchmod(file.descriptor, 0o600) == 0 else {
                throw FileError("empty", partial)
            }
            return file
        }
    }

    /// Whether nobody else has a way to it: in a folder that others may write to, one of them may have put it there.
    private static func isOwn(_ file: OpenFile) throws(FileError) -> Bool {
        let status = try file.status()
        return status.st_uid == geteuid() && status.st_nlink == 1 && status.st_mode & S_IFMT == S_IFREG
    }

    private static func isStill(_ file: OpenFile, at path: String) throws(FileError) -> Bool {
        let mine = try file.status()
        var there = stat()
        guard lstat(path, &there) == 0 else {
            guard errno == ENOENT else { throw FileError("look at", path) }
            return false
        }
        return there.st_dev == mine.st_dev && there.st_ino == mine.st_ino
    }
}
