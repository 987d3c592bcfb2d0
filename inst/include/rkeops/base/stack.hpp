// How much of the calling thread's stack is left: recursion over formulas ends with an error before the stack does.
#pragma once

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "error.hpp"

namespace rkeops {

struct StackBounds {
  std::uintptr_t top = 0;
  std::size_t size = 0;  // 0: unknown
};

inline StackBounds find_stack_bounds() {
  StackBounds bounds;
#if defined(__linux__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return bounds;
  void* low = nullptr;
  if (pthread_attr_getstack(&attributes, &low, &bounds.size) == 0) {
    bounds.top = reinterpret_cast<std::uintptr_t>(low) + bounds.size;
  }
  pthread_attr_destroy(&attributes);
#elif defined(__APPLE__)
  bounds.top = reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(pthread_self()));
  bounds.size = pthread_get_stacksize_np(pthread_self());
#endif
  return bounds;
}

// Is less left than what one step and all that it calls may need? Asking the system is dear, so it is asked about the
// thread once, and about the limit of the process, which may have been lowered since, only when some stack has been used.
inline bool stack_is_short() {
  constexpr std::size_t reserve = 96 << 10, no_question_below = 160 << 10, no_stack = std::size_t{1} << 40;
  thread_local const StackBounds bounds = find_stack_bounds();
  const std::size_t used = bounds.top - reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (bounds.size == 0 || used > no_stack) return false;  // unknown, or on a stack of somebody's own
  std::size_t size = bounds.size;
  if (used > no_question_below) {
    rlimit limit{};
    if (getrlimit(RLIMIT_STACK, &limit) == 0) size = std::min<std::uint64_t>(size, limit.rlim_cur);
  }
  return used + reserve > size;
}

inline void require_stack() {
  if (!stack_is_short()) return;
  throw Error(ErrorKind::unsupported, "the formula is nested too deeply for the stack of this process",
              "Give names to its parts as formulas of their own, or raise the limit of the stack (ulimit -s).");
}

}  // namespace rkeops
