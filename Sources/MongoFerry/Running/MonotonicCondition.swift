#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock with a condition, as `NSCondition`, for waits with an end. These go by a clock that nobody sets: the wall
/// clock may be set back by an hour, and `NSCondition` then waits an hour longer.
///
/// Source: pthread_condattr_setclock(3), pthread_cond_timedwait(3).
// @unchecked: the pointers never change, and POSIX's mutexes and conditions are for any number of threads.
package final class MonotonicCondition: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        pthread_mutex_init(mutex, nil)
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func lock() { pthread_mutex_lock(mutex) }

    package func unlock() { pthread_mutex_unlock(mutex) }

    package func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    package func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits, with the lock held, until another thread broadcasts; may also return without that.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// As ``wait()``, but no longer than until that time.
    /// - Returns: whether the time has not come yet.
    @discardableResult
    package func wait(until end: ContinuousClock.Instant) -> Bool {
        let left = (end - .now).components
        guard left.seconds > 0 || left.seconds == 0 && left.attoseconds > 0 else { return false }
        var time = timespec(tv_sec: Int(left.seconds), tv_nsec: Int(left.attoseconds / 1_000_000_000))
        #if canImport(Darwin)
            pthread_cond_timedwait_relative_np(condition, mutex, &time)
        #else
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            time.tv_sec += now.tv_sec
            time.tv_nsec += now.tv_nsec
            if time.tv_nsec >= 1_000_000_000 {
                time.tv_sec += 1
                time.tv_nsec -= 1_000_000_000
            }
            pthread_cond_timedwait(condition, mutex, &time)
        #endif
        return .now < end
    }
}
