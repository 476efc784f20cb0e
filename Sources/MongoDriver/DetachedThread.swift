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
    /// Runs `body` on a thread of its own, which nobody joins.
    /// - Returns: 0; else the system's error number, and `body` is not run.
    package static func start(stackSize: Int = 8 << 20, _ body: @escaping @Sendable () -> Void) -> Int32 {
        var attributes = pthread_attr_t()
        var code = pthread_attr_init(&attributes)
        guard code == 0 else { return code }
        defer { pthread_attr_destroy(&attributes) }
        code = pthread_attr_setstacksize(&attributes, stackSize)
        guard code == 0 else { return code }
        code = pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        guard code == 0 else { return code }
        let work = Unmanaged.passRetained(Work(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        code = pthread_create(&thread, &attributes, Work.run, work.toOpaque())
        if code != 0 { work.release() }
        return code
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
