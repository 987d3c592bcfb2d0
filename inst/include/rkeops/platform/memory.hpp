// Aligned memory, uninitialised.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "../base/error.hpp"

namespace rkeops {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size) {
    constexpr std::size_t alignment = 64;
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(T) - alignment) fail();
    const std::size_t bytes = (size * sizeof(T) + alignment - 1) / alignment * alignment;
    data_ = bytes == 0 ? nullptr : static_cast<T*>(std::aligned_alloc(alignment, bytes));
    if (bytes != 0 && !data_) fail();
  }
  Buffer(Buffer&& from) noexcept : data_(std::exchange(from.data_, nullptr)), size_(std::exchange(from.size_, 0)) {}
  Buffer& operator=(Buffer&& from) noexcept {
    std::swap(data_, from.data_);
    std::swap(size_, from.size_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t k) { return data_[k]; }
  const T& operator[](std::size_t k) const { return data_[k]; }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::memory, "out of memory: " + std::to_string(size_) + " numbers were asked for");
  }
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rkeops
