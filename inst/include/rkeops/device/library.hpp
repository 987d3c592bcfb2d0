// A shared library opened at run time, and its functions.
#pragma once

#include <dlfcn.h>

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
    function = reinterpret_cast<Function>(dlsym(handle_, symbol));
    if (!function && problem_.empty()) problem_ = "'" + name_ + "' has no function " + symbol;
    return function != nullptr;
  }

 private:
  void* handle_ = nullptr;  // stays open: drivers do not like to be unloaded
  std::string name_, problem_;
};

}  // namespace rkeops
