// A backend makes kernels of plans. Each is a folder beside this file: cpu/ has C compiled, gpu/ has CUDA compiled.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

#include "../base/hash.hpp"
#include "../base/recent.hpp"
#include "../plan/kernel_plan.hpp"
#include "options.hpp"

namespace rkeops {

// How a kernel is asked for. No lock is held while the caller is asked or told something: it may come back with other
// programs, or with this one.
struct Hooks {
  std::function<bool()> stop;                    // true ends the compilation
  std::function<void(const std::string&)> warn;  // hears once of a cache directory that cannot be used
};

struct BackendCounters {  // since the process started, of all backends
  std::atomic<std::int64_t> compiled{0}, from_disk{0}, compile_microseconds{0};

  static BackendCounters& instance() {
    static BackendCounters counters;
    return counters;
  }

  void note_compilation(std::chrono::steady_clock::time_point start) {
    ++compiled;
    compile_microseconds +=
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
  }
};

// A kernel that works in the memory of this process. Parameters, tiles of rows, columns and states are laid out as its
// KernelPlan says; `work` has room for plan.work_vectors vectors. Called by many threads at once.
class HostKernel {
 public:
  struct FoldCall {
    const void *parameter, *row, *column;  // packed: parameters, one tile of rows, columns one after the other
    long long columns, first_column;       // how many, and the number of the first one
    double* values;                        // the state of the tile, or its entries
    long long* indices;
    void* work;
    void* column_sums = nullptr;  // two-sided: sums over the valid rows join these
    long long valid_rows = 0;
    const int* numbers = nullptr;  // KernelPlan::ordered: those of the columns, instead of first_column
    bool resumes = false;  // ordered: the state is still in `work`, where the last call left it
    Bar* bars = nullptr;   // ordered: if they are asked for, the state stays in `work`
  };

  virtual ~HostKernel() = default;
  virtual void fold(const FoldCall& call) const = 0;
  // What is computed once per call, row and column is added to packed data. Where nothing is, these do nothing.
  virtual void hoist_parameters(void* parameter, void* work) const = 0;
  virtual void hoist_rows(const void* parameter, void* tile, void* work) const = 0;
  virtual void hoist_columns(const void* parameter, void* tile, void* work) const = 0;
};

// Kernels of one kind, of which those used last are kept.
template <class Kernel>
class Backend {
 public:
  using KernelPtr = std::shared_ptr<const Kernel>;

  // The kernel of a plan, whose text has this digest: kept, or made. To be asked for at each call, which is cheap: then
  // clear() forgets all kernels but those at work. Throws Error of kind compiler, cache, gpu or interrupt.
  KernelPtr kernel(const KernelPlan& plan, const Digest& digest, const JitOptions& options, const Hooks& hooks) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (const KernelPtr* kept = kernels_.find(digest)) return *kept;
    }
    KernelPtr made = compile(plan, options, hooks);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const KernelPtr* kept = kernels_.find(digest)) return *kept;  // another thread was as quick
    kernels_.insert(digest, made, options.kernels_in_memory);
    return made;
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    kernels_.clear();
  }

  std::int64_t size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<std::int64_t>(kernels_.size());
  }

 protected:
  Backend() = default;
  virtual ~Backend() = default;
  virtual KernelPtr compile(const KernelPlan& plan, const JitOptions& options, const Hooks& hooks) = 0;

 private:
  std::mutex mutex_;
  Recent<KernelPtr, Digest> kernels_;
};

}  // namespace rkeops
