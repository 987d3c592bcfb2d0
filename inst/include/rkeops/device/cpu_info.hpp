// What the processor is: SIMD width, name, and the features that a natively compiled kernel may use.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

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

inline Target cpu_target(Precision precision) { return {precision, cpu_info().vector_bytes}; }

}  // namespace rkeops
