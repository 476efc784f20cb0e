#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
    import ObjectiveC
#endif

/// A thread of the operating system whose creation fails with an error.
///
/// If the system refuses a thread, Foundation's `Thread` silently never runs, so that whoever waits for it waits for
/// ever, and a dispatch queue keeps retrying.
package enum DetachedThread {
    /// Enough for recursion through the most deeply nested document that a server stores.
    package static let stackSize = 8 << 20

    /// Why no thread could be created.
    package struct Refusal: Error {
        let code: Int32

        /// One line that names the limits that may be the cause.
        package var text: String {
            "cannot start a thread: \(String(cString: strerror(code))): the system or a limit (ulimit -u, ulimit -v, a "
                + "container's pids limit) allows no more of them"
        }
    }

    /// Runs `body` on its own thread, which is never joined.
    /// - Throws: ``Refusal`` if the system refuses the thread; then `body` does not run.
    package static func start(
        stackSize: Int = stackSize, _ body: @escaping @Sendable () -> Void
    ) throws(Refusal) {
        var attributes = pthread_attr_t()
        try check(pthread_attr_init(&attributes))
        defer { pthread_attr_destroy(&attributes) }
        try check(pthread_attr_setstacksize(&attributes, stackSize))
        try check(pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED)))
        let work = Unmanaged.passRetained(Work(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, &attributes, Work.run, work.toOpaque())
        if code != 0 { work.release() }
        try check(code)
    }

    private static func check(_ code: Int32) throws(Refusal) {
        guard code == 0 else { throw Refusal(code: code) }
    }
}

/// A thread's work, passed through a C pointer.
private final class Work: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    #if canImport(Darwin)
        static let run: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { pointer in
            let work = Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
            autoreleasepool { work.body() }
            return nil
        }
    #else
        static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
            guard let pointer else { return nil }
            Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        }
    #endif
}
