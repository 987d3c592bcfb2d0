// CUDA text to modules loaded on a GPU: memory, then disk, then NVRTC.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "../device/gpu.hpp"
#include "kernel_cache.hpp"
#include "nvrtc.hpp"

namespace rkeops {

// The functions of a generated module; those of areas without derived values are null.
struct LoadedModule {
  void *fold = nullptr, *start = nullptr, *pack = nullptr, *columns = nullptr;
  void *parameter_prologue = nullptr, *row_prologue = nullptr, *column_prologue = nullptr;

  LoadedModule(Gpu& gpu, const std::string& code) : gpu_(gpu), api_(gpu.api()) {
    const Gpu::Current current(gpu);
    api_.check(api_.load_module(&module_, code.c_str()), "loading a kernel on the GPU");
    fold = function("rkeops_gpu_fold", true);
    start = function("rkeops_gpu_start", true);
    pack = function("rkeops_gpu_pack", true);
    columns = function("rkeops_gpu_columns", true);
    parameter_prologue = function("rkeops_gpu_prologue_parameter", false);
    row_prologue = function("rkeops_gpu_prologue_row", false);
    column_prologue = function("rkeops_gpu_prologue_column", false);
  }
  // In the context that it was loaded in, whichever is current.
  ~LoadedModule() {
    if (!api_.is_own()) return;
    const Gpu::Current current(gpu_, std::nothrow);
    api_.unload_module(module_);
  }
  LoadedModule(const LoadedModule&) = delete;
  LoadedModule& operator=(const LoadedModule&) = delete;

 private:
  void* function(const char* name, bool needed) {
    void* found = nullptr;
    const int code = api_.module_function(&found, module_, name);
    if (code != 0 && needed) api_.check(code, "finding a function of a kernel");
    return code == 0 ? found : nullptr;
  }

  const Gpu& gpu_;
  const CudaApi& api_;
  void* module_ = nullptr;
};

class ModuleCache {
 public:
  // Never destroyed: at exit, the driver may be gone before.
  static ModuleCache& instance() {
    static auto* cache = new ModuleCache();
    return *cache;
  }

  // Throws Error of kind compiler or gpu.
  std::shared_ptr<const LoadedModule> get(Gpu& gpu, const std::string& text, const JitOptions& options) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string place = std::to_string(gpu.number()) + "\n" + text;
    if (const auto held = modules_.find(place); held != modules_.end()) return held->second;
    const int capability = gpu.info().capability();
    const Nvrtc& nvrtc = compilers(options).choose(gpu.api().version(), capability);
    return modules_[place] = std::make_shared<const LoadedModule>(gpu, code(nvrtc, nvrtc.target(capability), text, options));
  }

  // What the driver loads, from disk if it is there.
  std::string code(const Nvrtc& nvrtc, const std::string& target, const std::string& text, const JitOptions& options) {
    std::string problem;
    const DiskCache disk(options.cache_dir, options.cache_limit_bytes, problem);
    const std::string key = hash_name(std::string(cache_format) + nvrtc.identity() + " " + target + "\n" + text);
    KernelCounters& counters = KernelCache::instance().counters;
    if (std::string found = disk.read(key, text); !found.empty()) {
      ++counters.from_disk;
      return found;
    }
    const auto start = std::chrono::steady_clock::now();
    const std::string made = nvrtc.compile_for(target, text);
    ++counters.compiled;
    counters.compile_microseconds +=
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
    if (disk.usable()) disk.store(key, text, made);
    return made;
  }

  static NvrtcSearch& compilers(const JitOptions& options) {
    static auto* search = new NvrtcSearch(options.nvrtc);
    return *search;
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    modules_.clear();
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const LoadedModule>> modules_;
};

}  // namespace rkeops
