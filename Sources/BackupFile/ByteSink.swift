#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the bytes of a file go that cannot be rewound: a pipe, a terminal, a socket.
public protocol ByteSink: AnyObject, Sendable {
    /// What errors call it.
    var path: String { get }
    /// Takes bytes; they are copied or written before it returns.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Waits until everything has arrived.
    func finish() throws
    /// Forgets what has not arrived yet; may be called more than once.
    func abandon()
}

extension OpenFile: ByteSink {
    public func write(_ bytes: UnsafeRawBufferPointer) throws { try write(bytes, at: nil) }

    /// Waits until what can be flushed is on the disk: a network file system may say only then that it has no room.
    /// - Throws: ``FileError``.
    public func finish() throws(FileError) {
        let kind = try status().st_mode & S_IFMT
        if kind == S_IFREG || kind == S_IFBLK { try synchronize() }
    }

    public func abandon() {}

    /// Whether it keeps what is written to it: anything else may make its writer wait.
    public var isRegular: Bool {
        get throws(FileError) { try status().st_mode & S_IFMT == S_IFREG }
    }

    /// Whether something is there that is neither an ordinary file nor a folder.
    package static func isPipeOrDevice(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }

    /// Opens a device, a named pipe or the like for writing; nil where the path is that of an ordinary file or of
    /// nothing yet. Such a thing is written into and never replaced by a file.
    /// - Parameter whileWaiting: called now and then as long as nobody reads a named pipe.
    /// - Throws: ``FileError``, also for a folder; what `whileWaiting` throws.
    public static func special(writing path: String, whileWaiting: () throws -> Void) throws -> OpenFile? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return nil
        case S_IFDIR: throw FileError("write", path, code: EISDIR)
        case S_IFIFO: return try namedPipe(writing: path, whileWaiting)
        default: return try OpenFile(path: path, flags: O_WRONLY)
        }
    }

    /// Opens a named pipe when somebody reads it.
    ///
    /// The system would wait for a reader too, and let nobody stop it. Source: fifo(7), open(2).
    private static func namedPipe(writing path: String, _ whileWaiting: () throws -> Void) throws -> OpenFile {
        while true {
            do throws(FileError) {
                let file = try OpenFile(path: path, flags: O_WRONLY | O_NONBLOCK)
                try file.makeBlocking()
                return file
            } catch {
                // Nobody reads it yet.
                guard error.code == ENXIO else { throw error }
                try whileWaiting()
                usleep(20_000)
            }
        }
    }
}
