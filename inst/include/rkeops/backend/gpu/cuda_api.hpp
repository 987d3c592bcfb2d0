// The CUDA driver, opened at run time. Whoever asks for it where it cannot be used gets an Error that says what is missing.
#pragma once

#include <unistd.h>


#include "../../base/error.hpp"
#include "../../base/text.hpp"
#include "../../platform/library.hpp"
#include "../../platform/machine.hpp"
#include "cuda_functions.hpp"

namespace rkeops {

[[noreturn]] inline void gpu_error(const std::string& message, std::string hint = {}) {
  throw Error(ErrorKind::gpu, message, std::move(hint));
}

class CudaApi {
 public:
#define RKEOPS_CUDA(name, symbol, parameters) int(*name) parameters = nullptr;
  RKEOPS_CUDA_FUNCTIONS(RKEOPS_CUDA)
#undef RKEOPS_CUDA

  // RKEOPS_CUDA_DRIVER names another library.
  CudaApi() : library_({environment("RKEOPS_CUDA_DRIVER"), "libcuda.so.1", "libcuda.so"}), process_(getpid()) {
    if (!library_.is_open()) {
      problem_ = "no NVIDIA driver was found (" + library_.problem() + ")";
      hint_ = "Install the driver of the GPU; rkeops_use_cpu() computes without one.";
      return;
    }
    bool complete = true;
#define RKEOPS_CUDA(name, symbol, parameters) complete = library_.find(name, symbol) && complete;
    RKEOPS_CUDA_FUNCTIONS(RKEOPS_CUDA)
#undef RKEOPS_CUDA
    if (!complete) {
      problem_ = "the NVIDIA driver is too old: " + library_.problem();
      hint_ = "Update the driver.";
      return;
    }
    if (const int code = init(0)) {
      problem_ = "the NVIDIA driver cannot be used: " + describe(code);
      hint_ = code == no_device ? "No GPU is there, or none is visible: look at CUDA_VISIBLE_DEVICES."
                                : "nvidia-smi may tell more.";
      return;
    }
    driver_version(&version_);
    device_count(&devices_);
    if (devices_ == 0) {
      problem_ = "the NVIDIA driver sees no GPU";
      hint_ = "Look at CUDA_VISIBLE_DEVICES and nvidia-smi.";
    }
  }

  bool usable() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  int version() const { return version_; }  // 1000 * major + 10 * minor
  int devices() const { return devices_; }

  void require() const {
    if (!usable()) gpu_error(problem_, hint_);
    if (!is_own()) {
      gpu_error("the GPU cannot be used in a forked process",
                "Use rkeops_use_cpu() there, or processes of their own (parallel::makeCluster, future::multisession).");
    }
  }

  // In a forked process the driver is the parent's, and must not be touched.
  bool is_own() const { return getpid() == process_; }

  // Codes that the caller deals with; everything else is an Error here.
  static constexpr int out_of_memory = 2, no_device = 100;

  void check(int code, const char* what) const {
    if (code == 0) return;
    if (code == out_of_memory) {
      throw Error(ErrorKind::memory, std::string("the GPU has not enough memory: ") + what + " failed",
                  "Other programs may use it: look at nvidia-smi.");
    }
    gpu_error(std::string(is_fatal(code) ? "a computation on the GPU" : what) + " failed: " + describe(code), advice(code));
  }

  // Errors of kernels, which whatever is called next hears of, and everything after it.
  static bool is_fatal(int code) { return code == 700 || code == 702 || (code >= 709 && code <= 719); }

  // Codes are those of CUresult.
  static const char* advice(int code) {
    constexpr int took_too_long = 702;
    if (is_fatal(code) && code != took_too_long) code = 999;
    switch (code) {
      case 46:
        return "Another program uses this GPU exclusively: wait, or choose another one with rkeops_use_gpu(device).";
      case 222:
        return "The driver is older than NVRTC: update the driver, or let RKEOPS_NVRTC name libnvrtc.so of an older toolkit.";
      case took_too_long:
        return "The system stops kernels that run long on a GPU with a display. Restart R to use the GPU again; "
               "rkeops_use_cpu() goes on without it.";
      case 999:
        return "The GPU cannot be used any more in this session: restart R; rkeops_use_cpu() goes on without it.";
      default:
        return "nvidia-smi may tell more.";
    }
  }

  std::string describe(int code) const {
    const char *name = nullptr, *text = nullptr;
    if (error_name) error_name(code, &name);
    if (error_text) error_text(code, &text);
    return std::string(name ? name : "error " + std::to_string(code)) + (text ? std::string(", ") + text : "");
  }

  // Never destroyed: what it opened is used until the very end.
  static CudaApi& instance() {
    static auto* api = new CudaApi();
    return *api;
  }

 private:
  Library library_;
  pid_t process_;
  std::string problem_, hint_;
  int version_ = 0, devices_ = 0;
};

}  // namespace rkeops
