import Foundation

/// The shared memory in which libmongoc counts what it does, for tools that watch it from outside.
///
/// libmongoc makes it when the process starts, where it starts by itself as it does when built by GCC or Clang, and removes it when that ends by `exit`. Of a process that ends otherwise, by a
/// signal for one, it stays: it takes memory until the machine is started again, and the next process of that number warns
/// that it could not make its own. Source: libmongoc's `mongoc-counters.c`.
public enum SharedCounters {
    /// Takes the name away from those of this process, where there are any: they go with the process then, however that
    /// ends.
    public static func remove() { _ = "/mongoc-\(getpid())".withCString { shm_unlink($0) } }
}
