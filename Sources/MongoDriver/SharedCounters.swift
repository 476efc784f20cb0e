import Foundation

/// The shared memory in which libmongoc counts what it does, for tools that watch it from outside.
///
/// libmongoc makes it before `main`, where GCC or Clang has built it, and removes it when the process ends by `exit`. Of one
/// that ends otherwise, by a signal for instance, it stays: it takes memory until the machine is started again, and the next
/// process of that number warns that it could not make its own. Source: libmongoc's `mongoc-init.c` and `mongoc-counters.c`.
public enum SharedCounters {
    /// Takes the name away from those of this process, where there are any: they go with the process then, however that
    /// ends.
    public static func remove() { _ = "/mongoc-\(getpid())".withCString { shm_unlink($0) } }
}
