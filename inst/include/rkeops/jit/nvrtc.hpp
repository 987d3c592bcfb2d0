// NVRTC, NVIDIA's run-time compiler, opened at run time: CUDA text to a cubin.
#pragma once

#include "../device/cuda_api.hpp"

namespace rkeops {

class Nvrtc {
 public:
#define RKEOPS_NVRTC(name, symbol, parameters) int(*name) parameters = nullptr;
  RKEOPS_NVRTC_FUNCTIONS(RKEOPS_NVRTC)
#undef RKEOPS_NVRTC

  // `hint`: where `configure` found a toolkit. RKEOPS_NVRTC and CUDA_HOME come first.
  explicit Nvrtc(const std::string& hint) : library_(places(hint)) {
    if (!library_.is_open()) {
      problem_ = "NVRTC, the compiler of the CUDA toolkit, was not found";
      return;
    }
    bool complete = true;
#define RKEOPS_NVRTC(name, symbol, parameters) complete = library_.find(name, symbol) && complete;
    RKEOPS_NVRTC_FUNCTIONS(RKEOPS_NVRTC)
#undef RKEOPS_NVRTC
    if (!complete) problem_ = library_.problem();
    if (complete) version(&major_, &minor_);
  }

  bool usable() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  const std::string& place() const { return library_.name(); }
  int major() const { return major_; }
  std::string identity() const { return "nvrtc " + std::to_string(major_) + "." + std::to_string(minor_); }

  void require() const {
    if (usable()) return;
    gpu_error(problem_,
              "Install the CUDA toolkit, or the package nvidia-cuda-nvrtc; the environment variable RKEOPS_NVRTC can name "
              "libnvrtc.so.");
  }

  // Cubins of a toolkit run on drivers of its own major version, and newer ones.
  void require_driver(int driver_version) const {
    if (driver_version / 1000 >= major_) return;
    gpu_error("the NVIDIA driver supports CUDA " + std::to_string(driver_version / 1000) + ", NVRTC is that of CUDA " +
                  std::to_string(major_),
              "Update the driver, or let RKEOPS_NVRTC name libnvrtc.so of an older toolkit.");
  }

  // The cubin of `text` for an architecture such as "90". Error of kind compiler, with the log.
  std::string compile_to_cubin(const std::string& text, const std::string& architecture) const {
    require();
    void* program = nullptr;
    check(create(&program, text.c_str(), "rkeops.cu", 0, nullptr, nullptr), "creating the program");
    const std::string target = "--gpu-architecture=sm_" + architecture;
    const char* options[] = {target.c_str(), "--std=c++17"};
    const int code = compile(program, 2, options);
    std::size_t size = 0;
    if (code != 0) {
      Error error(ErrorKind::compiler, "NVRTC could not compile a kernel for sm_" + architecture,
                  "If the GPU is newer than the toolkit, update the toolkit.");
      if (log_size(program, &size) == 0 && size > 0) {
        error.log.resize(size);
        log(program, &error.log[0]);
      }
      destroy(&program);
      throw error;
    }
    check(cubin_size(program, &size), "asking for the size of the cubin");
    std::string binary(size, '\0');
    check(cubin(program, &binary[0]), "reading the cubin");
    destroy(&program);
    return binary;
  }

 private:
  static std::vector<std::string> places(const std::string& hint) {
    std::vector<std::string> list{environment("RKEOPS_NVRTC")};
    const auto toolkit = [&](const std::string& home) {
      if (home.empty()) return;
      for (const char* folder : {"/lib64/", "/lib/", "/targets/x86_64-linux/lib/"}) {
        list.push_back(home + folder + "libnvrtc.so");
      }
    };
    toolkit(environment("CUDA_HOME"));
    toolkit(environment("CUDA_PATH"));
    list.push_back(hint);
    for (const char* name : {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"}) list.push_back(name);
    toolkit("/usr/local/cuda");
    return list;
  }

  static void check(int code, const char* what) {
    if (code != 0) gpu_error(std::string("NVRTC: ") + what + " failed with code " + std::to_string(code));
  }

  Library library_;
  std::string problem_;
  int major_ = 0, minor_ = 0;
};

}  // namespace rkeops
