#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
    import ObjectiveC
#endif

/// A thread of the operating system's, which says so where it cannot be had.
///
/// Foundation's starts without a word where the system makes none, and whoever waits for it waits for ever; a dispatch
/// queue tries again and again.
package enum DetachedThread {
    /// Room for the deepest document that a server stores, walked by recursion.
    package static let stackSize = 8 << 20

    /// Why there is no thread.
    package struct Refusal: Error {
        let code: Int32

        /// One line, with the limits that it may be.
        package var text: String {
            "cannot start a thread: \(String(cString: strerror(code))): the system or a limit (ulimit -u, ulimit -v, a "
                + "container's pids limit) allows no more of them"
        }
    }

    /// Runs `body` on a thread of its own, which nobody joins.
    /// - Throws: ``Refusal`` where the system makes no thread; `body` is not run then.
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

/// What a thread is to do, on its way through a C pointer.
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
