/* What glibc has and Swift's own module of it leaves out. Empty on other systems. */
#if defined(__linux__)
#include <features.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/types.h>

/* Declared here, as <fcntl.h> does under _GNU_SOURCE: sync_file_range(2), fallocate(2). */
extern int sync_file_range(int fd, __off64_t offset, __off64_t count, unsigned int flags);
enum { SYNC_FILE_RANGE_ALL = 7 };  /* WAIT_BEFORE, WRITE, WAIT_AFTER */
extern int fallocate64(int fd, int mode, __off64_t offset, __off64_t count);
enum { FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2 };
#endif
