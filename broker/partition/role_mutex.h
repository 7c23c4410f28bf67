// The lock of a partition's role.
#pragma once

#include <pthread.h>

#include "base/assert.h"

namespace longhaul::broker::partition {

/// Like std::shared_mutex, but a writer that waits goes before readers that come after it: glibc's
/// lets readers in for as long as any is there, and under producers there always is one, so that a
/// leader might not learn that it leads no more. A thread must not take it shared twice.
class RoleMutex {
 public:
  RoleMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    int failed = pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    LH_ASSERT(failed == 0, "a lock cannot be made");
  }
  ~RoleMutex() { pthread_rwlock_destroy(&lock_); }
  RoleMutex(const RoleMutex&) = delete;
  RoleMutex& operator=(const RoleMutex&) = delete;

  void lock() { check(pthread_rwlock_wrlock(&lock_)); }
  void unlock() { check(pthread_rwlock_unlock(&lock_)); }
  void lock_shared() { check(pthread_rwlock_rdlock(&lock_)); }
  bool try_lock_shared() { return pthread_rwlock_tryrdlock(&lock_) == 0; }
  void unlock_shared() { check(pthread_rwlock_unlock(&lock_)); }

 private:
  static void check(int failed) { LH_ASSERT(failed == 0, "a lock is used wrongly"); }

  pthread_rwlock_t lock_;
};

}  // namespace longhaul::broker::partition
