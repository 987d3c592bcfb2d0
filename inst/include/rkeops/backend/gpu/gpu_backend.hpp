// Kernels on a GPU: CUDA compiled by NVRTC, or from the cache directory, and loaded by the driver.
#pragma once

#include "../backend.hpp"
#include "../disk_cache.hpp"
#include "gpu.hpp"
#include "nvrtc.hpp"

namespace rkeops {

// The functions of a generated module; those of areas without hoisted values are null.
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

class GpuBackend final : public Backend<LoadedModule> {
 public:
  // That of one GPU. Never destroyed: at exit, the driver may be gone before.
  static GpuBackend& of(Gpu& gpu) {
    const std::lock_guard<std::mutex> lock(mutex());
    std::unique_ptr<GpuBackend>& backend = all()[gpu.number()];
    if (!backend) backend.reset(new GpuBackend(gpu));
    return *backend;
  }

  static void clear_all() {
    const std::lock_guard<std::mutex> lock(mutex());
    for (auto& [number, backend] : all()) backend->clear();
  }

  ~GpuBackend() override = default;

 private:
  explicit GpuBackend(Gpu& gpu) : gpu_(gpu) {}

  KernelPtr compile(const KernelPlan& plan, const JitOptions& options, const Hooks&) override {
    const int capability = gpu_.info().capability();
    const Nvrtc& nvrtc = NvrtcSearch::instance(options.nvrtc).choose(gpu_.api().version(), capability);
    return std::make_shared<const LoadedModule>(gpu_, code(nvrtc, nvrtc.target(capability), plan.text, options));
  }

  // What the driver loads, from disk if it is there.
  static std::string code(const Nvrtc& nvrtc, const std::string& target, const std::string& text, const JitOptions& options) {
    std::string problem;
    const DiskCache disk(options.cache_dir, options.cache_limit_bytes, problem);
    const std::string key = hash_name(std::string(cache_format) + nvrtc.identity() + " " + target + "\n" + text);
    if (std::string found = disk.read(key, text); !found.empty()) {
      ++BackendCounters::instance().from_disk;
      return found;
    }
    const auto start = std::chrono::steady_clock::now();
    const std::string made = nvrtc.compile_for(target, text);
    BackendCounters::instance().note_compilation(start);
    if (disk.usable()) disk.store(key, text, made);
    return made;
  }

  static std::mutex& mutex() {
    static auto* mutex = new std::mutex();
    return *mutex;
  }
  static std::map<int, std::unique_ptr<GpuBackend>>& all() {
    static auto* backends = new std::map<int, std::unique_ptr<GpuBackend>>();
    return *backends;
  }

  Gpu& gpu_;
};

}  // namespace rkeops
