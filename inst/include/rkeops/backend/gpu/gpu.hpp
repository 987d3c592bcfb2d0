// One GPU: its context and stream, and its memory, which is pooled.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>

#include "cuda_api.hpp"

namespace rkeops {

using DevicePointer = unsigned long long;

struct GpuInfo {
  std::string name;
  int major = 0, minor = 0;                                                        // compute capability
  std::size_t memory = 0;                                                          // bytes
  int processors = 0, threads_per_processor = 0, clock_khz = 0, double_ratio = 0;  // 0: not known
  int capability() const { return 10 * major + minor; }

  // Simple operations in a second if all goes well: what work is cut by, so that no launch takes long.
  double speed(bool wide) const {
    const double lanes = major < 8 || capability() == 80 ? 64 : 128, unknown = 1e12;
    const double single = processors > 0 && clock_khz > 0 ? processors * lanes * clock_khz * 1000. : unknown;
    return wide ? single / (double_ratio > 0 ? double_ratio : 32) : single;
  }
  // Bytes that the driver sets aside where each thread has `bytes` of its own.
  double thread_memory(double bytes) const { return bytes * processors * threads_per_processor; }
};

// What GPU `number` is. Opens nothing on it: a context costs some hundred megabytes, and a GPU that another program has to
// itself cannot be opened.
inline GpuInfo describe_gpu(const CudaApi& api, int number) {
  GpuInfo info;
  int device = 0;
  const std::string which = "GPU " + std::to_string(number);
  api.check(api.device(&device, number), ("asking for " + which).c_str());
  char name[128] = {};
  api.check(api.device_name(name, sizeof name - 1, device), ("asking for the name of " + which).c_str());
  info.name = name;
  constexpr int capability_major = 75, capability_minor = 76;
  const std::string capability = "asking for the compute capability of " + which;
  api.check(api.device_attribute(&info.major, capability_major, device), capability.c_str());
  api.check(api.device_attribute(&info.minor, capability_minor, device), capability.c_str());
  api.check(api.device_memory(&info.memory, device), ("asking for the memory of " + which).c_str());
  const auto hint = [&](int attribute) {
    int value = 0;
    return api.device_attribute(&value, attribute, device) == 0 ? value : 0;
  };
  info.processors = hint(16);
  info.threads_per_processor = hint(39);
  info.clock_khz = hint(13);
  info.double_ratio = hint(87);
  return info;
}

class Gpu {
 public:
  explicit Gpu(int number) : api_(CudaApi::instance()), number_(number), info_(describe_gpu(api_, number)) {
    int device = 0;
    const std::string opening = "opening GPU " + std::to_string(number);
    api_.check(api_.device(&device, number), opening.c_str());
    api_.check(api_.retain_context(&context_, device), opening.c_str());
    const Current current(*this);
    constexpr unsigned not_blocking = 1;
    api_.check(api_.create_stream(&stream_, not_blocking), "making a stream on the GPU");
  }
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  int number() const { return number_; }
  const GpuInfo& info() const { return info_; }
  void* stream() const { return stream_; }
  const CudaApi& api() const { return api_; }

  // Calls of this thread go to this GPU while this lives; then to what the caller had before, which may be another library's.
  class Current {
   public:
    explicit Current(const Gpu& gpu) : api_(gpu.api_) {
      const int code = api_.push_context(gpu.context_);
      pushed_ = code == 0;
      api_.check(code, "changing to the GPU");
    }
    Current(const Gpu& gpu, std::nothrow_t) : api_(gpu.api_), pushed_(api_.push_context(gpu.context_) == 0) {}
    ~Current() {
      void* left = nullptr;
      if (pushed_) api_.pop_context(&left);
    }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    const CudaApi& api_;
    bool pushed_ = false;
  };

  // At the end of its life no copy from or to the caller's memory is under way any more, whatever happened.
  class Settled {
   public:
    explicit Settled(const Gpu& gpu) : gpu_(gpu) {}
    ~Settled() { gpu_.api_.synchronize(gpu_.stream_); }
    Settled(const Settled&) = delete;
    Settled& operator=(const Settled&) = delete;

   private:
    const Gpu& gpu_;
  };

  void synchronize() const { api_.check(api_.synchronize(stream_), "the computation on the GPU"); }

  // Starts x * y * z blocks of a kernel, with the given number of threads each. Arguments have 64 bits.
  template <class... Args>
  void launch(void* function, std::int64_t x, std::int64_t y, std::int64_t z, std::int64_t threads, Args... args) const {
    static_assert(((sizeof(Args) == 8) && ...), "pointers and long long are what kernels take");
    void* pointers[] = {&args...};
    api_.check(api_.launch(function, static_cast<unsigned>(x), static_cast<unsigned>(y), static_cast<unsigned>(z),
                           static_cast<unsigned>(threads), 1, 1, 0, stream_, pointers, nullptr),
               "starting a kernel on the GPU");
  }

  // Bytes that can be allocated, pooled ones included.
  std::size_t free_memory() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::size_t free = 0, total = 0;
    api_.check(api_.memory_info(&free, &total), "asking for the free memory of the GPU");
    return free + pooled_;
  }

  // Memory of at least `bytes` bytes; Error of kind memory if there is none.
  DevicePointer allocate(std::size_t bytes, std::size_t& size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = pool_.lower_bound(bytes);
    if (found != pool_.end() && found->first <= 2 * bytes + 4096) {
      size = found->first;
      const DevicePointer pointer = found->second;
      pooled_ -= size;
      pool_.erase(found);
      return pointer;
    }
    size = (bytes + 511) / 512 * 512;
    DevicePointer pointer = 0;
    int code = api_.allocate(&pointer, size);
    if (code == CudaApi::out_of_memory && !pool_.empty()) {
      release_pool();
      code = api_.allocate(&pointer, size);
    }
    api_.check(code, "allocating memory on the GPU");
    return pointer;
  }

  // Called by any thread.
  void give_back(DevicePointer pointer, std::size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    pool_.emplace(size, pointer);
    pooled_ += size;
    if (pooled_ > info_.memory / 4) release_pool();
  }

  void drop_pool() {
    const std::lock_guard<std::mutex> lock(mutex_);
    release_pool();
  }

  // GPU `number`, opened when first asked for. Never destroyed: at exit, the driver may be gone before.
  static Gpu& instance(int number) {
    static auto* mutex = new std::mutex();
    static auto* open = new std::map<int, std::unique_ptr<Gpu>>();
    const CudaApi& api = CudaApi::instance();
    api.require();
    if (number < 0 || number >= api.devices()) {
      gpu_error("there is no GPU number " + std::to_string(number), "GPUs are counted from 0; " +
                                                                        std::to_string(api.devices()) + " are there.");
    }
    const std::lock_guard<std::mutex> lock(*mutex);
    std::unique_ptr<Gpu>& gpu = (*open)[number];
    if (!gpu) gpu = std::make_unique<Gpu>(number);
    return *gpu;
  }

 private:
  void release_pool() {
    const Current current(*this, std::nothrow);
    for (const auto& [size, pointer] : pool_) api_.release(pointer);
    pool_.clear();
    pooled_ = 0;
  }

  const CudaApi& api_;
  int number_;
  GpuInfo info_;
  void *context_ = nullptr, *stream_ = nullptr;
  mutable std::mutex mutex_;  // of the pool
  std::multimap<std::size_t, DevicePointer> pool_;
  std::size_t pooled_ = 0;
};

// Memory on a GPU, returned to its pool at the end.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Gpu& gpu, std::size_t bytes) : gpu_(&gpu), pointer_(gpu.allocate(std::max<std::size_t>(bytes, 8), size_)) {}
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceBuffer() {
    if (gpu_) gpu_->give_back(pointer_, size_);
  }

  DevicePointer at(std::size_t byte = 0) const { return pointer_ + byte; }
  std::size_t size() const { return size_; }

  void upload(const void* from, std::size_t bytes, std::size_t at = 0) const {
    gpu_->api().check(gpu_->api().to_device(pointer_ + at, from, bytes, gpu_->stream()), "copying to the GPU");
  }
  void download(void* to, std::size_t bytes) const {
    gpu_->api().check(gpu_->api().to_host(to, pointer_, bytes, gpu_->stream()), "copying from the GPU");
  }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(gpu_, other.gpu_);
    std::swap(pointer_, other.pointer_);
    std::swap(size_, other.size_);
  }

  Gpu* gpu_ = nullptr;
  std::size_t size_ = 0;
  DevicePointer pointer_ = 0;
};

}  // namespace rkeops
