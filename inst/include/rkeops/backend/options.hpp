// Where and how kernels are compiled and kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rkeops {

struct JitOptions {
  std::string cache_dir;              // empty: memory cache only
  std::vector<std::string> compiler;  // argv of the C compiler, e.g. {"ccache", "gcc"}; empty: none found
  std::string nvrtc;                  // where `configure` found NVRTC; may be empty
  double compile_timeout_s = 60;
  std::int64_t cache_limit_bytes = 512ll << 20;
  std::size_t kernels_in_memory = 1000;  // at most; each takes 5 of the 65530 mappings that Linux gives a process
};

}  // namespace rkeops
