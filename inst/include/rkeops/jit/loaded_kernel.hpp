// A shared object as functions: from its file, or where that must not be executed, from a copy elsewhere or in memory.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <memory>

#if defined(__linux__)
#include <elf.h>
#include <sys/syscall.h>
#endif

#include "scratch.hpp"

namespace rkeops {

// The functions of a generated kernel; float and double kernels have the same signatures.
struct LoadedKernel {
  using Fold = void (*)(const void* parameter, const void* row, const void* column, long long n, long long base,
                        double* value, long long* index, void* work);
  using FoldBoth = void (*)(const void* parameter, const void* row, const void* column, long long n, long long base,
                            double* value, long long* index, void* work, void* back, long long valid);
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

  // Is it what was compiled under this key? (A loader may answer with a library that it has already.)
  bool is_of(const std::string& key) const {
    const char* name = static_cast<const char*>(dlsym(handle_, "rkeops_key"));
    return name && std::strncmp(name, key.c_str(), key.size() + 1) == 0 && (fold || fold_both);
  }

  // What makes a source that of a key.
  static std::string with_key(const std::string& text, const std::string& key) {
    return text + "\n__attribute__((visibility(\"default\"))) const char rkeops_key[] = \"" + key + "\";\n";
  }

 private:
  void* handle_;
};

using LoadedKernelPtr = std::shared_ptr<const LoadedKernel>;

// Loads one kernel; `problem` is the first reason that there was against it.
class KernelLoader {
 public:
  explicit KernelLoader(const std::string& key) : key_(key) {}

  // `bytes`: those of the kernel in `file`, which may have a trailer. It may be gone, or where nothing may be executed.
  LoadedKernelPtr load(const std::string& file, const std::string& bytes) {
    if (!is_whole(bytes)) {
      note("it is not a whole shared object");
      return nullptr;
    }
    if (LoadedKernelPtr kernel = open(file, bytes)) return kernel;
    for (const std::string& directory : temporary_directories()) {
      if (is_noexec(directory)) continue;
      const Scratch scratch(directory);
      if (!scratch.problem().empty()) continue;
      const std::string copy = scratch.path("kernel.so");
      if (!write_file(copy, bytes).empty()) continue;
      if (LoadedKernelPtr kernel = open(copy, bytes)) return kernel;
    }
    return from_memory(bytes);
  }

  std::string problem() const {
    return problem_.empty() ? "all file systems that can be written are mounted noexec" : problem_;
  }

 private:
  void note(const std::string& reason) {
    if (problem_.empty()) problem_ = reason;
  }

  // Where the system lets us, the very file whose bytes have been looked at, whatever its name means by now.
  LoadedKernelPtr open(const std::string& name, const std::string& bytes) {
    if (is_noexec(name)) return nullptr;
    std::string problem;
    const Descriptor file = open_file(name, true, problem);
    const std::string there = file ? read_file(file, problem) : "";
    if (there.compare(0, bytes.size(), bytes) != 0) {
      note(problem.empty() ? "it was changed" : problem);
      return nullptr;
    }
    return open_library(has_names_of_files() ? name_of(file) : name);
  }

  static bool has_names_of_files() {
#if defined(__linux__)
    return access("/proc/self/fd", X_OK) == 0;
#else
    return false;
#endif
  }

  // A name that this process has not used: the loader takes equal names for the same library.
  static std::string name_of(const Descriptor& file) {
    static std::atomic<unsigned> count{0};
    std::string name = "/proc/self/";
    for (unsigned number = ++count; number > 0; number /= 2) name += number % 2 ? "./" : ".//";
    return name + "fd/" + std::to_string(file.get());
  }

  LoadedKernelPtr open_library(const std::string& name) {
    void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char* reason = dlerror();
      note(reason ? reason : "no reason given");
      return nullptr;
    }
    auto kernel = std::make_shared<const LoadedKernel>(handle);
    if (kernel->is_of(key_)) return kernel;
    note("it does not hold the kernel that was asked for");
    return nullptr;
  }

  LoadedKernelPtr from_memory(const std::string& bytes) {
#if defined(SYS_memfd_create)
    constexpr unsigned close_on_exec = 1, executable = 16;
    Descriptor file(static_cast<int>(syscall(SYS_memfd_create, "rkeops", close_on_exec | executable)));
    const bool is_older_system = !file;
    if (is_older_system) file = Descriptor(static_cast<int>(syscall(SYS_memfd_create, "rkeops", close_on_exec)));
    if (!file || !write_all(file.get(), bytes)) return nullptr;
    return open_library(name_of(file));
#else
    return bytes.empty() ? nullptr : nullptr;
#endif
  }

  // The loader reads what the headers promise, and ends the process where the file ends too early.
  static bool is_whole(const std::string& bytes) {
#if defined(__linux__)
    using Header = std::conditional_t<sizeof(void*) == 8, Elf64_Ehdr, Elf32_Ehdr>;
    using Segment = std::conditional_t<sizeof(void*) == 8, Elf64_Phdr, Elf32_Phdr>;
    Header header;
    if (bytes.size() < sizeof header) return false;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(Segment)) return false;
    const auto fits = [&](std::uint64_t from, std::uint64_t size) {
      return from <= bytes.size() && size <= bytes.size() - from;
    };
    if (!fits(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Segment))) return false;
    if (!fits(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize)) return false;
    for (unsigned k = 0; k < header.e_phnum; ++k) {
      Segment segment;
      std::memcpy(&segment, bytes.data() + header.e_phoff + k * sizeof segment, sizeof segment);
      if (!fits(segment.p_offset, segment.p_filesz)) return false;
    }
#endif
    return !bytes.empty();
  }

  const std::string& key_;
  std::string problem_;
};

}  // namespace rkeops
