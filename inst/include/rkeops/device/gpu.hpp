// One GPU: its context and stream, and its memory, which is pooled.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "cuda_api.hpp"

namespace rkeops {

using DevicePointer = unsigned long long;

struct GpuInfo {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  std::size_t memory = 0;    // bytes
  std::string architecture() const { return std::to_string(major) + std::to_string(minor); }
};

class Gpu {
 public:
  explicit Gpu(int number) : api_(CudaApi::instance()), number_(number) {
    int device = 0;
    api_.check(api_.device(&device, number), "opening the GPU");
    char name[128] = {};
    api_.check(api_.device_name(name, sizeof name - 1, device), "asking the name of the GPU");
    info_.name = name;
    constexpr int capability_major = 75, capability_minor = 76;
    api_.check(api_.device_attribute(&info_.major, capability_major, device), "asking for the compute capability");
    api_.check(api_.device_attribute(&info_.minor, capability_minor, device), "asking for the compute capability");
    api_.check(api_.device_memory(&info_.memory, device), "asking for the memory of the GPU");
    api_.check(api_.retain_context(&context_, device), "opening the GPU");
    activate();
    constexpr unsigned not_blocking = 1;
    api_.check(api_.create_stream(&stream_, not_blocking), "making a stream on the GPU");
  }
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  int number() const { return number_; }
  const GpuInfo& info() const { return info_; }
  void* stream() const { return stream_; }
  const CudaApi& api() const { return api_; }

  // Calls of this thread go to this GPU from now on.
  void activate() const { api_.check(api_.set_context(context_), "changing to the GPU"); }

  void synchronize() const { api_.check(api_.synchronize(stream_), "the computation on the GPU"); }

  // Starts x * y blocks of a kernel, with the given number of threads each.
  template <class... Args>
  void launch(void* function, std::int64_t x, std::int64_t y, std::int64_t threads, Args... args) const {
    void* pointers[] = {&args...};
    api_.check(api_.launch(function, static_cast<unsigned>(x), static_cast<unsigned>(y), 1, static_cast<unsigned>(threads), 1,
                           1, 0, stream_, pointers, nullptr),
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

  // GPU `number`, opened when first asked for.
  static Gpu& instance(int number) {
    static std::mutex mutex;
    static std::map<int, std::unique_ptr<Gpu>> open;
    const CudaApi& api = CudaApi::instance();
    api.require();
    if (number < 0 || number >= api.devices()) {
      gpu_error("there is no GPU number " + std::to_string(number), "GPUs are counted from 0; " +
                                                                        std::to_string(api.devices()) + " are there.");
    }
    const std::lock_guard<std::mutex> lock(mutex);
    std::unique_ptr<Gpu>& gpu = open[number];
    if (!gpu) gpu = std::make_unique<Gpu>(number);
    gpu->activate();
    return *gpu;
  }

 private:
  void release_pool() {
    api_.set_context(context_);
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
