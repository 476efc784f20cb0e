#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An output that cannot be rewound: a pipe, a terminal, a socket.
public protocol ByteSink: AnyObject, Sendable {
    /// The output's name in errors.
    var path: String { get }
    /// Takes bytes; they are copied or written before it returns.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Waits until everything has arrived.
    func finish() throws
    /// Discards what has not arrived yet; may be called more than once.
    func abandon()
}

extension OpenFile: ByteSink {
    public func write(_ bytes: UnsafeRawBufferPointer) throws { try write(bytes, at: nil) }

    /// Waits until everything that can be flushed is on the disk: a network file system may only then report a lack of
    /// space.
    /// - Throws: ``FileError``.
    public func finish() throws(FileError) {
        let kind = try status().st_mode & S_IFMT
        if kind == S_IFREG || kind == S_IFBLK { try synchronize() }
    }

    public func abandon() {}

    /// Whether it is an ordinary file; anything else may block its writer.
    public var isRegular: Bool {
        get throws(FileError) { try status().st_mode & S_IFMT == S_IFREG }
    }

    /// Whether the path exists and is neither an ordinary file nor a folder.
    package static func isPipeOrDevice(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }

    /// Opens a device, a named pipe or the like for writing; nil if the path is an ordinary file or does not exist.
    /// Such an output is written to and never replaced by a file.
    /// - Parameter whileWaiting: called from time to time while nobody reads a named pipe.
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

    /// Opens a named pipe once somebody reads it.
    ///
    /// A blocking `open` would wait for a reader, too, but could not be stopped. Source: fifo(7), open(2).
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
