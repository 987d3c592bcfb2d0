// The machine and the process on it: SIMD width, name and features of the processor, cores that may be used, environment.
#pragma once

#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "../base/types.hpp"

namespace rkeops {

struct CpuInfo {
  std::string name;
  std::string features;  // as text: part of the cache key
  int vector_bytes = 16;
};

inline CpuInfo read_cpu_info() {
  CpuInfo info;
  std::ifstream file("/proc/cpuinfo");  // absent on macOS: the defaults are right for NEON
  std::string line;
  while (std::getline(file, line) && (info.name.empty() || info.features.empty())) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(std::min(colon + 2, line.size()));
    if (line.compare(0, 10, "model name") == 0) info.name = value;
    if (line.compare(0, 5, "flags") == 0 || line.compare(0, 8, "Features") == 0) info.features = value;
  }
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    info.vector_bytes = 64;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    info.vector_bytes = 32;
  }
#endif
  return info;
}

inline const CpuInfo& cpu_info() {
  static const CpuInfo info = read_cpu_info();
  return info;
}

// Cores that the quota of the control group leaves to this process; a large number where there is none.
inline int read_core_quota() {
  int cores = 1 << 20;
#if defined(__linux__)
  double quota = -1, period = -1;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  if (!(v2 >> quota >> period)) {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  if (quota > 0 && period > 0) cores = std::max(1, static_cast<int>(quota / period + 0.5));
#endif
  return cores;
}

// Cores this process may use. The affinity mask may change at any time; files are read once, since calls are short.
inline int available_threads() {
  static const int quota = read_core_quota();
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::min(std::max(1, CPU_COUNT(&set)), quota);
#endif
  return std::min(std::max(1, static_cast<int>(std::thread::hardware_concurrency())), quota);
}

inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

inline Target cpu_target(Precision precision) { return {precision, cpu_info().vector_bytes}; }

}  // namespace rkeops
