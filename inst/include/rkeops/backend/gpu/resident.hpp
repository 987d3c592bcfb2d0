// Matrices that stay on GPUs between calls, for as long as their owner says that the data are the same.
#pragma once

#include <tuple>

#include "gpu.hpp"

namespace rkeops {

class ResidentMatrices {
 public:
  using Held = std::shared_ptr<const DeviceBuffer>;
  using Key = std::tuple<const void*, int, std::int64_t, std::int64_t, int>;  // data, GPU, rows, columns, what of the data

  // Never destroyed: at exit, the driver may be gone before.
  static ResidentMatrices& instance() {
    static auto* matrices = new ResidentMatrices();
    return *matrices;
  }

  // The matrix of that key, uploaded by `make` where it is not there yet.
  template <class Make>
  Held get(const Key& key, Make make) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (const auto found = held_.find(key); found != held_.end()) return found->second;
    }
    Held made = std::make_shared<const DeviceBuffer>(make());
    const std::lock_guard<std::mutex> lock(mutex_);
    return held_.emplace(key, std::move(made)).first->second;
  }

  // The data at this address end, or change. In a forked process nothing happens: the GPU is the parent's.
  void forget(const void* data) {
    if (getpid() != process_) return;
    erase_if([&](const Key& key, const Held&) { return std::get<0>(key) == data; });
  }

  // Those of one GPU that no computation reads; false if there were none.
  bool drop_unused(int gpu) {
    return erase_if([&](const Key& key, const Held& held) { return std::get<1>(key) == gpu && held.use_count() == 1; });
  }

  std::int64_t bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::int64_t sum = 0;
    for (const auto& [key, held] : held_) sum += static_cast<std::int64_t>(held->size());
    return sum;
  }

 private:
  template <class Condition>
  bool erase_if(Condition condition) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::size_t before = held_.size();
    for (auto k = held_.begin(); k != held_.end();) k = condition(k->first, k->second) ? held_.erase(k) : std::next(k);
    return held_.size() < before;
  }

  const pid_t process_ = getpid();
  mutable std::mutex mutex_;
  std::map<Key, Held> held_;
};

}  // namespace rkeops
