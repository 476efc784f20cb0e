import Foundation

/// The shared memory in which libmongoc counts what it does, for tools that watch it from outside.
///
/// libmongoc makes it when the process starts and removes it when that ends by `exit`. Whoever ends it by `_exit` has to: it
/// takes memory until the machine is started again, and the next process of that number warns that it could not make its
/// own. Source: libmongoc's `mongoc-counters.c`.
public enum SharedCounters {
    private static let name = ContiguousArray("/mongoc-\(getpid())".utf8CString)

    /// For signal handlers: after this ``remove()`` makes nothing but a system call.
    public static func prepare() { _ = name }

    /// Removes those of this process, where there are any.
    public static func remove() {
        name.withUnsafeBufferPointer { name in
            if let name = name.baseAddress { _ = shm_unlink(name) }
        }
    }
}
