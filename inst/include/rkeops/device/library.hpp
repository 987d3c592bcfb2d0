// A shared library opened at run time, and its functions.
#pragma once

#include <dlfcn.h>
#if defined(__linux__)
#include <link.h>
#endif

#include <climits>
#include <cstdlib>
#include <string>
#include <vector>

namespace rkeops {

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
  void* handle_ = nullptr;  // stays open: drivers do not like to be unloaded
  std::string name_, problem_;
};

}  // namespace rkeops
