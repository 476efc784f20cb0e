import BSON
import CGlibc

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file descriptor with its path, so that every error can name it.
///
/// The position in the file belongs to whoever reads or writes it: one thread at a time. Closed when the last reference
/// is released.
public final class OpenFile: Sendable {
    public let path: String
    let descriptor: Int32
    private let closes: Bool

    /// Wraps a descriptor that stays open afterwards, such as standard input.
    public init(borrowing descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        closes = false
    }

    /// Opens a file.
    /// - Throws: ``FileError``.
    public init(path: String, flags: Int32, mode: mode_t = 0o600) throws(FileError) {
        // The system would take what precedes the zero byte for the whole path.
        guard !path.utf8.contains(0) else { throw FileError("open", path, code: EINVAL) }
        let descriptor = open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError("open", path) }
        self.descriptor = descriptor
        self.path = path
        closes = true
    }

    public convenience init(reading path: String) throws(FileError) {
        try self.init(path: path, flags: O_RDONLY)
        let kind = try status().st_mode & S_IFMT
        guard kind != S_IFDIR else { throw FileError("read", path, code: EISDIR) }
    }

    /// Opens a file for reading; for a named pipe, waits until somebody writes to it.
    ///
    /// A blocking `open` would wait for a writer, too, but could not be stopped. Source: fifo(7), open(2), poll(2).
    /// - Parameter whileWaiting: called ten times a second while waiting.
    /// - Throws: ``FileError``; whatever `whileWaiting` throws.
    public convenience init(reading path: String, whileWaiting: () throws -> Void) throws {
        try self.init(path: path, flags: O_RDONLY | O_NONBLOCK)
        let kind = try status().st_mode & S_IFMT
        guard kind != S_IFDIR else { throw FileError("read", path, code: EISDIR) }
        while kind == S_IFIFO, !isReadable(within: 100) { try whileWaiting() }
        try makeBlocking()
    }

    /// Ends the non-blocking mode that it was opened in.
    func makeBlocking() throws(FileError) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 else { throw FileError("open", path) }
    }

    /// Creates a file without a name, which is gone when it is closed and readable only by its owner.
    public convenience init(temporaryIn directory: String) throws(FileError) {
        var template = Array("\(directory)/mongoferry-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw FileError(
                "create a temporary file there", directory, advice: "Set TMPDIR to a folder that can be written.")
        }
        unlink(template)
        self.init(owning: descriptor, path: "temporary file in \(directory)")
    }

    private init(owning descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        closes = true
    }

    /// The same file from its beginning, under the path that errors should name.
    /// - Throws: ``FileError``.
    public convenience init(renaming file: OpenFile, to path: String) throws(FileError) {
        let copy = Self.copy(file.descriptor)
        guard copy >= 0 else { throw FileError("open", path) }
        self.init(owning: copy, path: path)
        try seek(to: 0)
    }

    /// The same file, which stays open when `file` is closed.
    /// - Throws: ``FileError``.
    package convenience init(copying file: OpenFile) throws(FileError) {
        let copy = Self.copy(file.descriptor)
        guard copy >= 0 else { throw FileError("open", file.path) }
        self.init(owning: copy, path: file.path)
    }

    /// Duplicates it with close-on-exec: a process started meanwhile would keep a pipe's end open.
    private static func copy(_ descriptor: Int32) -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

    deinit { if closes { close(descriptor) } }

    public func status() throws(FileError) -> stat {
        var result = stat()
        guard fstat(descriptor, &result) == 0 else { throw FileError("look at", path) }
        return result
    }

    /// Whether reading would not block: there are bytes, the end, or an error.
    public func isReadable(within milliseconds: Int32) -> Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&question, 1, milliseconds) > 0
    }

    /// Returns the number of bytes read, 0 at the end.
    public func read(into room: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        while true {
            let count = readSome(descriptor, room)
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileError("read", path) }
        }
    }

    /// Reads at an offset without moving the current position; returns the number of bytes read, 0 at the end.
    public func read(into room: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
        while true {
            let count = pread(descriptor, room.baseAddress, room.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileError("read", path) }
        }
    }

    /// Writes all of `bytes`, at the current position or at an offset.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int?) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count =
                offset.map { pwrite(descriptor, rest.baseAddress, rest.count, off_t($0 + written)) }
                ?? writeSome(descriptor, rest)
            if count > 0 {
                written += count
            } else if count < 0 && errno == EAGAIN {
                // The reader has made it non-blocking.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            } else if count < 0 && errno != EINTR {
                throw FileError("write", path)
            }
        }
    }

    /// Writes a text at the current position.
    /// - Throws: ``FileError``.
    public func write(_ text: String) throws(FileError) {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { bytes -> Result<Void, FileError> in
            do throws(FileError) { return .success(try write(bytes, at: nil)) } catch { return .failure(error) }
        }
        try result.get()
    }

    public func seek(to offset: Int) throws(FileError) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw FileError("seek in", path) }
    }

    /// The position at which the next byte is read or written.
    func offset() throws(FileError) -> Int {
        let offset = lseek(descriptor, 0, SEEK_CUR)
        guard offset >= 0 else { throw FileError("seek in", path) }
        return Int(offset)
    }

    /// Waits until a part of the content has been handed to the disk, which may still hold it in its own cache.
    ///
    /// Only an optimisation: a system without such a call leaves everything to ``synchronizeData()``.
    /// - Throws: ``FileError`` if a write has failed. Source: sync_file_range(2).
    package func writeBack(_ part: Range<Int>) throws(FileError) {
        #if canImport(Glibc)
            let flags = UInt32(SYNC_FILE_RANGE_ALL)
            guard
                sync_file_range(descriptor, off_t(part.lowerBound), off_t(part.count), flags) == 0
                    || Self.meansNoSuchCall(errno)
            else { throw FileError("write", path) }
        #endif
    }

    /// Whether the code only means that ``writeBack(_:)`` is not supported. Any other code means that a write has
    /// failed, which no other call reports again, whatever a disk or another machine returned, such as ENODATA, ESTALE
    /// or ETIMEDOUT.
    static func meansNoSuchCall(_ code: Int32) -> Bool { [ENOSYS, EINVAL, ESPIPE, EOPNOTSUPP].contains(code) }

    /// Returns the space of a part of the content to the file system; the part reads as zeros from then on.
    ///
    /// If the system or the file system does not support holes, the space stays in use, without harm. Source:
    /// fallocate(2).
    package func punchHole(_ part: Range<Int>) {
        #if canImport(Glibc)
            let mode = Int32(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
            _ = fallocate64(descriptor, mode, off_t(part.lowerBound), off_t(part.count))
        #endif
    }

    /// Returns the space of the whole content by emptying the file, if the system allows it.
    package func truncate() { _ = ftruncate(descriptor, 0) }

    /// The total size of its file system and the space left for unprivileged users, in bytes; nil if unknown.
    ///
    /// Floating-point, since some file systems claim more bytes than an integer can hold.
    package var room: (whole: Double, left: Double)? {
        var system = statvfs()
        guard fstatvfs(descriptor, &system) == 0, system.f_blocks > 0 else { return nil }
        let block = Double(system.f_frsize)
        return (Double(system.f_blocks) * block, Double(system.f_bavail) * block)
    }

    /// Waits until the content is on the disk.
    func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError("flush", path) }
    }

    /// Waits until the content so far is on the disk, while another thread may go on writing.
    /// - Throws: ``FileError``. Source: fdatasync(2).
    package func synchronizeData() throws(FileError) {
        #if canImport(Glibc)
            guard fdatasync(descriptor) == 0 || errno == EINVAL else { throw FileError("flush", path) }
        #else
            try synchronize()
        #endif
    }
}

// Outside the class, so that no method of the same name hides the system call, whichever C library it comes from.

private func readSome(_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, room.baseAddress, room.count)
}

private func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

extension OpenFile {
    /// The folder for temporary files: `$TMPDIR`, or else `/tmp`.
    package static var temporaryFolder: String {
        getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    }
}
