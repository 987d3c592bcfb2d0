// NVRTC, NVIDIA's run-time compiler, opened at run time: CUDA text to what a GPU's driver loads.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "cuda_api.hpp"

namespace rkeops {

// One NVRTC: a library of a version, which knows GPUs from some compute capability on.
class Nvrtc {
 public:
#define RKEOPS_NVRTC(name, symbol, parameters) int(*name) parameters = nullptr;
  RKEOPS_NVRTC_FUNCTIONS(RKEOPS_NVRTC)
  RKEOPS_NVRTC_OPTIONAL(RKEOPS_NVRTC)
#undef RKEOPS_NVRTC

  explicit Nvrtc(const std::string& place) : library_({place}) {
    if (!library_.is_open()) {
      problem_ = "NVRTC, the compiler of the CUDA toolkit, cannot be opened: " + library_.problem();
      return;
    }
    bool complete = true;
#define RKEOPS_NVRTC(name, symbol, parameters) complete = library_.find(name, symbol) && complete;
    RKEOPS_NVRTC_FUNCTIONS(RKEOPS_NVRTC)
#undef RKEOPS_NVRTC
    if (!complete) {
      problem_ = library_.problem();
      return;
    }
#define RKEOPS_NVRTC(name, symbol, parameters) library_.find_optional(name, symbol);
    RKEOPS_NVRTC_OPTIONAL(RKEOPS_NVRTC)
#undef RKEOPS_NVRTC
    version(&major_, &minor_);
    // It asks the loader for its other half by the bare name, which is not found in a folder that the loader does not search.
    const std::string builtins = "libnvrtc-builtins.so";
    if (!library_.load_beside(builtins + "." + version_text())) library_.load_beside(builtins);
    int count = 0;
    if (architecture_count && architectures && architecture_count(&count) == 0 && count > 0) {
      known_.resize(static_cast<std::size_t>(count));
      if (architectures(known_.data()) != 0) known_.clear();
    }
  }

  bool is_open() const { return library_.is_open(); }
  bool usable() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  const std::string& place() const { return library_.name(); }
  int major() const { return major_; }
  std::string identity() const { return "nvrtc " + version_text(); }

  // Why its code does not run on such a GPU with such a driver: an Error to be thrown. It supports drivers of its own major
  // version, and newer ones.
  std::unique_ptr<Error> objection(int driver_version, int capability) const {
    const auto error = [](const std::string& message, const std::string& hint) {
      return std::make_unique<Error>(ErrorKind::gpu, message, hint);
    };
    if (!usable()) {
      return error(problem_,
                   "Install the CUDA toolkit, or the package nvidia-cuda-nvrtc; the environment variable RKEOPS_NVRTC can name "
                   "libnvrtc.so.");
    }
    if (driver_version / 1000 < major_) {
      return error("the NVIDIA driver supports CUDA " + std::to_string(driver_version / 1000) + ", NVRTC is that of CUDA " +
                       std::to_string(major_),
                   "Update the driver, or let RKEOPS_NVRTC name libnvrtc.so of an older toolkit.");
    }
    if (capability > 0 && best_known(capability) == 0) {
      return error("NVRTC of CUDA " + version_text() + " makes code for compute capability " +
                       dotted(*std::min_element(known_.begin(), known_.end())) + " and higher, the GPU has " + dotted(capability),
                   "Install an older CUDA toolkit beside it (CUDA 12 knows GPUs from 5.0 on), and let RKEOPS_NVRTC name its "
                   "libnvrtc.so.");
    }
    return nullptr;
  }

  // What to compile for: machine code, "sm_90", for a GPU that it knows. For one that is newer, the driver makes machine code
  // of PTX text for the newest that it knows, "compute_90".
  std::string target(int capability) const {
    const int known = best_known(capability);
    return (known == capability ? "sm_" : "compute_") + std::to_string(known);
  }

  // Machine code or PTX of `text` for a target. Error of kind compiler, with the log.
  std::string compile_for(const std::string& target, const std::string& text) const {
    void* program = nullptr;
    check(create(&program, text.c_str(), "rkeops.cu", 0, nullptr, nullptr), "creating the program");
    const std::string option = "--gpu-architecture=" + target;
    const char* options[] = {option.c_str(), "--std=c++17"};
    const int code = compile(program, 2, options);
    std::size_t size = 0;
    if (code != 0) {
      constexpr int builtins_missing = 7;
      Error error(ErrorKind::compiler, "NVRTC could not compile a kernel for " + target,
                  code == builtins_missing ? "libnvrtc-builtins must lie in the folder of " + place() + ", in the same version."
                  : known_.empty()         ? "If the GPU is newer than the toolkit, update the toolkit."
                                           : "The toolkit may be damaged: check_rkeops() says which NVRTC was used.");
      if (log_size(program, &size) == 0 && size > 0) {
        error.log.resize(size);
        log(program, &error.log[0]);
      }
      destroy(&program);
      throw error;
    }
    const bool machine_code = target.compare(0, 3, "sm_") == 0;
    check(machine_code ? cubin_size(program, &size) : ptx_size(program, &size), "asking for the size of the code");
    std::string binary(size, '\0');
    check(machine_code ? cubin(program, &binary[0]) : ptx(program, &binary[0]), "reading the code");
    destroy(&program);
    return binary;
  }

 private:
  // The newest compute capability it knows that is not newer than this one; 0 if all are.
  int best_known(int capability) const {
    if (known_.empty()) return capability;  // too old to tell
    int best = 0;
    for (int known : known_) best = known <= capability ? std::max(best, known) : best;
    return best;
  }

  std::string version_text() const { return std::to_string(major_) + "." + std::to_string(minor_); }
  static std::string dotted(int capability) { return std::to_string(capability / 10) + "." + std::to_string(capability % 10); }

  static void check(int code, const char* what) {
    if (code != 0) gpu_error(std::string("NVRTC: ") + what + " failed with code " + std::to_string(code));
  }

  Library library_;
  std::string problem_;
  int major_ = 0, minor_ = 0;
  std::vector<int> known_;  // compute capabilities
};

// All NVRTCs that may be there, in order of preference; each is opened when those before it are of no use.
class NvrtcSearch {
 public:
  // `hint`: where `configure` found a toolkit. RKEOPS_NVRTC is taken at its word; CUDA_HOME and CUDA_PATH come first.
  explicit NvrtcSearch(const std::string& hint) : NvrtcSearch(places(hint)) {}
  explicit NvrtcSearch(std::vector<std::string> places) : places_(std::move(places)) {}

  // One for each list of places, so that what the options and the environment say is heeded at any time. Never destroyed:
  // what it opened is used until the very end.
  static NvrtcSearch& instance(const std::string& hint) {
    static auto* mutex = new std::mutex();
    static auto* searches = new std::map<std::vector<std::string>, std::unique_ptr<NvrtcSearch>>();
    const std::vector<std::string> list = places(hint);
    const std::lock_guard<std::mutex> lock(*mutex);
    std::unique_ptr<NvrtcSearch>& search = (*searches)[list];
    if (!search) search = std::make_unique<NvrtcSearch>(list);
    return *search;
  }

  // The first that suits the driver and a GPU of this compute capability; the Error says what is wrong with the first one.
  const Nvrtc& choose(int driver_version, int capability) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::unique_ptr<Error> first;
    bool first_is_open = false;
    for (std::size_t k = 0; const Nvrtc* nvrtc = opened(k); ++k) {
      std::unique_ptr<Error> objection = nvrtc->objection(driver_version, capability);
      if (!objection) return *nvrtc;
      if (!first || (nvrtc->is_open() && !first_is_open)) {
        first = std::move(objection);
        first_is_open = nvrtc->is_open();
      }
    }
    throw *first;
  }

  // The first that works at all, or null.
  const Nvrtc* first() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::size_t k = 0; const Nvrtc* nvrtc = opened(k); ++k) {
      if (nvrtc->usable()) return nvrtc;
    }
    return nullptr;
  }

 private:
  const Nvrtc* opened(std::size_t k) {
    if (k == places_.size()) return nullptr;
    if (k == opened_.size()) opened_.push_back(std::make_unique<Nvrtc>(places_[k]));
    return opened_[k].get();
  }

  static std::vector<std::string> places(const std::string& hint) {
    const std::vector<std::string> names{"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"};
    if (const std::string named = environment("RKEOPS_NVRTC"); !named.empty()) return {named};
    std::vector<std::string> list;
    const auto add = [&](const std::string& place) {
      if (access(place.c_str(), R_OK) == 0) list.push_back(place);
    };
    const auto toolkit = [&](const std::string& home) {
      if (home.empty()) return;
      for (const char* folder : {"/lib64/", "/lib/", "/targets/x86_64-linux/lib/", "/targets/sbsa-linux/lib/"}) {
        for (const std::string& name : names) add(home + folder + name);
      }
    };
    toolkit(environment("CUDA_HOME"));
    toolkit(environment("CUDA_PATH"));
    add(hint);
    list.insert(list.end(), names.begin(), names.end());
    for (const char* home : {"/usr/local/cuda", "/usr/local/cuda-12", "/usr/local/cuda-11"}) toolkit(home);
    return list;
  }

  std::mutex mutex_;
  const std::vector<std::string> places_;
  std::vector<std::unique_ptr<Nvrtc>> opened_;  // the first of places_
};

}  // namespace rkeops
