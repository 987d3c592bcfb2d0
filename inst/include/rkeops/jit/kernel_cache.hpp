// Kernel text to loaded functions: memory, then disk, then the compiler.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>

#include "compiler.hpp"
#include "disk_cache.hpp"

namespace rkeops {

// A loaded shared object with the functions of a generated kernel; float and double kernels have the same signatures.
struct LoadedKernel {
  using Fold = void (*)(const void* parameter, const void* row, const void* column, long n, long long base,
                        double* value, long long* index, void* work);
  using FoldBoth = void (*)(const void* parameter, const void* row, const void* column, long n, long long base,
                            double* value, long long* index, void* work, void* back, long valid);
  using ParameterPrologue = void (*)(void* parameter, void* work);
  using Prologue = void (*)(const void* parameter, void* tile, void* work);

  Fold fold = nullptr;
  FoldBoth fold_both = nullptr;  // instead of fold where sums are taken over rows too
  ParameterPrologue parameter_prologue = nullptr;  // null where nothing is derived
  Prologue row_prologue = nullptr, column_prologue = nullptr;

  explicit LoadedKernel(void* handle) : handle_(handle) {
    fold = reinterpret_cast<Fold>(dlsym(handle, "rkeops_fold"));
    fold_both = reinterpret_cast<FoldBoth>(dlsym(handle, "rkeops_fold_both"));
    parameter_prologue = reinterpret_cast<ParameterPrologue>(dlsym(handle, "rkeops_prologue_parameter"));
    row_prologue = reinterpret_cast<Prologue>(dlsym(handle, "rkeops_prologue_row"));
    column_prologue = reinterpret_cast<Prologue>(dlsym(handle, "rkeops_prologue_column"));
  }
  ~LoadedKernel() { dlclose(handle_); }
  LoadedKernel(const LoadedKernel&) = delete;
  LoadedKernel& operator=(const LoadedKernel&) = delete;

 private:
  void* handle_;
};

struct KernelCounters {
  std::atomic<std::int64_t> compiled{0}, from_disk{0};
  std::atomic<std::int64_t> compile_microseconds{0};
};

class KernelCache {
 public:
  static KernelCache& instance() {
    static KernelCache cache;
    return cache;
  }

  // Throws Error of kind compiler or interrupt. `warn` hears once of a cache directory that cannot be used.
  std::shared_ptr<const LoadedKernel> get(const std::string& text, const JitOptions& options,
                                          const std::function<bool()>& stop,
                                          const std::function<void(const std::string&)>& warn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto held = kernels_.find(text); held != kernels_.end()) return held->second;
    std::string problem;
    const DiskCache disk(options.cache_dir, options.cache_limit_bytes, problem);
    const auto warn_once = [&](const std::string& message) {
      if (warned_.insert(options.cache_dir).second) warn(message);
    };
    if (!problem.empty()) {
      warn_once("the cache directory '" + options.cache_dir + "' " + problem + "; kernels are kept in memory only");
    }
    const CCompiler compiler(options);
    const std::string key = hash_name(std::string(cache_format) + compiler.identity() + "\n" + text);
    std::shared_ptr<const LoadedKernel> kernel;
    if (disk.contains(key)) kernel = load(disk.path(key));
    if (kernel) {
      ++counters.from_disk;
    } else {
      kernel = compile(text, key, disk, compiler, stop, warn_once);
    }
    return kernels_[text] = kernel;
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    kernels_.clear();
  }

  std::int64_t size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<std::int64_t>(kernels_.size());
  }

  KernelCounters counters;

 private:
  static std::shared_ptr<const LoadedKernel> load(const std::string& path) {
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return nullptr;
    auto kernel = std::make_shared<const LoadedKernel>(handle);
    return kernel->fold || kernel->fold_both ? kernel : nullptr;
  }

  struct Scratch {  // removed with all in it
    std::string directory, stem;
    bool own = false;
    bool write(const std::string& where, const std::string& key, const std::string& text) {
      directory = where;
      stem = directory + "/" + key + "." + std::to_string(getpid());
      std::ofstream out(stem + ".c", std::ios::binary);
      out << text;
      if (out.flush()) return true;
      unlink((stem + ".c").c_str());
      return false;
    }
    ~Scratch() {
      for (const char* end : {".c", ".so", ".so.log"}) unlink((stem + end).c_str());
      if (own) rmdir(directory.c_str());
    }
  };

  std::shared_ptr<const LoadedKernel> compile(const std::string& text, const std::string& key, const DiskCache& disk,
                                              const CCompiler& compiler, const std::function<bool()>& stop,
                                              const std::function<void(const std::string&)>& warn) {
    const auto start = std::chrono::steady_clock::now();
    Scratch scratch;
    if (!disk.usable() || !scratch.write(disk.directory(), key, text)) {
      if (disk.usable()) warn("the cache directory '" + disk.directory() + "' cannot be written; is the disk full?");
      scratch.own = true;
      const std::string directory = temporary_directory();
      if (!scratch.write(directory, key, text)) {
        throw Error(ErrorKind::cache, "cannot write to '" + directory + "'",
                    "Is the disk full? TMPDIR names another place.");
      }
    }
    const std::string source = scratch.stem + ".c", object = scratch.stem + ".so";
    compiler.compile(source, object, stop);
    ++counters.compiled;
    counters.compile_microseconds +=
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
    std::shared_ptr<const LoadedKernel> kernel;
    if (!scratch.own) {
      if (disk.publish(key, object)) {
        kernel = load(disk.path(key));
        disk.evict();
      } else {
        warn("a kernel could not be kept in the cache directory '" + disk.directory() + "'");
      }
    }
    if (!kernel) kernel = load(object);
    if (!kernel) {
      const char* reason = dlerror();
      throw Error(ErrorKind::compiler,
                  std::string("a compiled kernel could not be loaded: ") + (reason ? reason : "no reason given"));
    }
    return kernel;
  }

  static std::string temporary_directory() {
    const char* root = std::getenv("TMPDIR");
    std::string pattern = std::string(root && *root ? root : "/tmp") + "/rkeops-XXXXXX";
    if (!mkdtemp(&pattern[0])) {
      throw Error(ErrorKind::cache, "cannot create a directory for compiling at '" + pattern + "'", "Set TMPDIR.");
    }
    return pattern;
  }

  std::mutex mutex_;
  std::set<std::string> warned_;  // cache directories whose trouble has been told
  std::unordered_map<std::string, std::shared_ptr<const LoadedKernel>> kernels_;
};

}  // namespace rkeops
