// Shared libraries opened at run time, and their functions.
#pragma once

#include <dlfcn.h>
#if defined(__linux__)
#include <elf.h>
#include <link.h>
#include <sys/syscall.h>
#endif

#include <atomic>
#include <climits>
#include <string>
#include <type_traits>
#include <vector>

#include "files.hpp"

namespace rkeops {

// One library, closed with the object; `problem` says why there is none.
class OpenLibrary {
 public:
  OpenLibrary(const std::string& name, std::string& problem) : handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_) return;
    const char* reason = dlerror();
    problem = reason ? reason : "no reason given";
  }
  ~OpenLibrary() {
    if (handle_) dlclose(handle_);
  }
  OpenLibrary(const OpenLibrary&) = delete;
  OpenLibrary& operator=(const OpenLibrary&) = delete;

  explicit operator bool() const { return handle_ != nullptr; }

  // Null if it is not there.
  template <class Pointer>
  Pointer find(const char* symbol) const {
    return reinterpret_cast<Pointer>(dlsym(handle_, symbol));
  }

 private:
  void* handle_;
};

// A name by which the very file that is open can be opened as a library, whatever its own name means by now; "" where the
// system has no such names. The loader takes equal names for the same library: each is used once.
inline std::string library_name_of(const Descriptor& file) {
#if defined(__linux__)
  if (access("/proc/self/fd", X_OK) != 0) return "";
  static std::atomic<unsigned> count{0};
  std::string name = "/proc/self/";
  for (unsigned number = ++count; number > 0; number /= 2) name += number % 2 ? "./" : ".//";
  return name + "fd/" + std::to_string(file.get());
#else
  static_cast<void>(file);
  return "";
#endif
}

// These bytes as a file that is on no disk; none where the system has no such files.
inline Descriptor file_in_memory(const std::string& bytes) {
#if defined(SYS_memfd_create)
  constexpr unsigned close_on_exec = 1, executable = 16;
  Descriptor file(static_cast<int>(syscall(SYS_memfd_create, "rkeops", close_on_exec | executable)));
  const bool is_older_system = !file;
  if (is_older_system) file = Descriptor(static_cast<int>(syscall(SYS_memfd_create, "rkeops", close_on_exec)));
  return file && write_all(file.get(), bytes) ? std::move(file) : Descriptor();
#else
  static_cast<void>(bytes);
  return Descriptor();
#endif
}

// The loader reads what the headers promise, and ends the process where the file ends too early.
inline bool is_whole_library(const std::string& bytes) {
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

// A library that stays open to the end: drivers do not like to be unloaded.
class Library {
 public:
  // The first of `names` that can be opened.
  explicit Library(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (name.empty()) continue;
      handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_) {
        name_ = name;
        return;
      }
      if (const char* reason = dlerror()) problem_ += (problem_.empty() ? "" : "; ") + std::string(reason);
    }
  }

  bool is_open() const { return handle_ != nullptr; }
  const std::string& name() const { return name_; }
  const std::string& problem() const { return problem_; }  // why none could be opened, or which function is missing

  // Looks up one function; false, with the problem, if the library lacks it.
  template <class Function>
  bool find(Function& function, const char* symbol) {
    if (find_optional(function, symbol)) return true;
    if (problem_.empty()) problem_ = "'" + name_ + "' has no function " + symbol;
    return false;
  }
  template <class Function>
  bool find_optional(Function& function, const char* symbol) const {
    function = reinterpret_cast<Function>(dlsym(handle_, symbol));
    return function != nullptr;
  }

  // The file, links followed; the bare name where the loader does not tell.
  std::string file() const {
    std::string path = name_;
#if defined(__linux__)
    link_map* map = nullptr;
    if (handle_ && dlinfo(handle_, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name && *map->l_name) path = map->l_name;
#endif
    char resolved[PATH_MAX];
    return realpath(path.c_str(), resolved) ? resolved : path;
  }

  // Loads a library that lies beside this one, which this one will ask the loader for by its bare name.
  bool load_beside(const std::string& name) const {
    for (const std::string& path : {name_, file()}) {
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos) continue;
      if (dlopen((path.substr(0, slash + 1) + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return true;
    }
    return false;
  }

 private:
  void* handle_ = nullptr;
  std::string name_, problem_;
};

}  // namespace rkeops
