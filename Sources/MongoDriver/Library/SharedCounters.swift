import Foundation

/// The shared memory in which libmongoc keeps statistics for external monitoring tools.
///
/// A libmongoc built with GCC or Clang creates it before `main` and removes it when the process ends by `exit`. If the
/// process ends otherwise, for instance by a signal, it remains: it takes memory until the machine restarts, and the
/// next process with the same ID warns that it cannot create its own. Source: libmongoc's `mongoc-init.c` and
/// `mongoc-counters.c`.
public enum SharedCounters {
    /// Unlinks this process's counters, if any, so that they disappear with the process however it ends.
    public static func remove() { _ = "/mongoc-\(getpid())".withCString { shm_unlink($0) } }
}
