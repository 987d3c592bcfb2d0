// What the tests of the GPU target share: the fake driver, NVRTC for several architectures.
#pragma once

#include "engine_parts.hpp"
#include "gpu_cases.hpp"
#include "processes.hpp"

namespace check {

// Builds the fake driver and NVRTC.
inline void build_fake_cuda(const std::string& library, const std::string& definitions = "") {
  const std::string folder = std::filesystem::absolute(__FILE__).parent_path().string();
  const std::string command = "g++ -std=c++17 -O1 -shared -fPIC '-DFAKE_CUDA_HEADERS=\"" + folder + "\"' " + definitions + " '" +
                              folder + "/fake_cuda.cpp' -o '" + library + "' -ldl";
  CHECK(std::system(command.c_str()) == 0);
}

// Has everything use them: those that tools/test.sh has built, or its own. Returns a folder for other ones.
inline const Directory& use_fake_cuda() {
  static const Directory directory;
  const std::string built = rkeops::environment("RKEOPS_FAKE_CUDA"), own = directory.path() + "/libfake_cuda.so",
                    library = built.empty() ? own : built;
  if (!std::filesystem::exists(library)) build_fake_cuda(library);
  setenv("RKEOPS_CUDA_DRIVER", library.c_str(), 1);
  setenv("RKEOPS_NVRTC", library.c_str(), 1);
  setenv("FAKE_CUDA_SCRATCH", directory.path().c_str(), 0);
  return directory;
}

// What the fake driver counted; see fake_cuda.cpp.
inline unsigned long long fake_count(const char* what) {
  void* library = dlopen(std::getenv("RKEOPS_CUDA_DRIVER"), RTLD_NOW | RTLD_NOLOAD);
  return reinterpret_cast<unsigned long long (*)()>(dlsym(library, what))();
}

// The real one, if this machine has it, or null.
inline const rkeops::Nvrtc* real_nvrtc() {
  const std::string fake = rkeops::environment("RKEOPS_NVRTC");
  unsetenv("RKEOPS_NVRTC");
  static auto* search = new rkeops::NvrtcSearch("");
  if (!fake.empty()) setenv("RKEOPS_NVRTC", fake.c_str(), 1);
  return search->first();
}

inline std::vector<rkeops::KernelPlan> gpu_kernels(const Case& c, Precision precision, bool tensor_cores = false) {
  rkeops::Graph graph;
  rkeops::Arguments known(arguments(c.declarations));
  const rkeops::Expr root = check::parse(graph, c.formula, known);
  std::vector<rkeops::KernelPlan> kernels;
  for (rkeops::Expr stage : check::stages(root)) {
    if (tensor_cores) stage = expand_distances(stage);
    kernels.push_back(generate(rkeops::lower(stage), rkeops::Target{precision, 32, Processor::gpu, tensor_cores}));
  }
  return kernels;
}

// All stages of a formula, for the architectures that the package is for, or some of them; sm_75 has no tensor cores that are
// used, and sm_100 differs from sm_90 in little: one precision is enough.
inline void compile_for(const std::vector<int>& capabilities, const rkeops::Nvrtc& nvrtc, const Case& c, Precision precision,
                        bool tensor_cores = false) {
  for (const rkeops::KernelPlan& kernel : gpu_kernels(c, precision, tensor_cores)) {
    for (const int capability : capabilities) {
      const std::string target = nvrtc.target(capability);
      if (capability == 100 && precision == Precision::float64) continue;
      if ((tensor_cores && capability == 75) || target != "sm_" + std::to_string(capability)) continue;
      std::string problem;
      try {
        nvrtc.compile_for(target, kernel.text);
      } catch (const rkeops::Error& error) {
        problem = error.what() + ("\n" + error.log);
      }
      CHECK_THAT(problem.empty(), c.formula + " for " + target + ": " + problem);
    }
  }
}

inline int in_turn(std::int64_t k) { return std::vector<int>{75, 80, 90}[static_cast<std::size_t>(k % 3)]; }

inline void compile_for_all(const rkeops::Nvrtc& nvrtc, const Case& c, Precision precision, bool tensor_cores = false) {
  compile_for({75, 80, 90, 100}, nvrtc, c, precision, tensor_cores);
}

}  // namespace check
