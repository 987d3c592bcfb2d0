// What the tests of the GPU target share: the fake driver, NVRTC for several architectures, work in two processes.
#pragma once

#include "gpu_cases.hpp"

namespace check {

// Builds the fake driver and NVRTC, next to which `test` (a __FILE__) lies, and has everything use them.
inline void use_fake_cuda(const Directory& directory, const std::string& test) {
  const std::string folder = test.substr(0, test.rfind('/')), library = directory.path() + "/libfake_cuda.so";
  const std::string command = "g++ -std=c++17 -O1 -shared -fPIC '-DFAKE_CUDA_HEADERS=\"" + folder + "\"' '" + folder +
                              "/fake_cuda.cpp' -o " + library + " -ldl";
  CHECK(std::system(command.c_str()) == 0);
  setenv("RKEOPS_CUDA_DRIVER", library.c_str(), 1);
  setenv("RKEOPS_NVRTC", library.c_str(), 1);
  setenv("FAKE_CUDA_SCRATCH", directory.path().c_str(), 1);
}

// The real one, if this machine has it.
inline const rkeops::Nvrtc& real_nvrtc() {
  const char* fake = std::getenv("RKEOPS_NVRTC");
  const std::string place = fake ? fake : "";
  unsetenv("RKEOPS_NVRTC");
  static const rkeops::Nvrtc real("");
  if (fake) setenv("RKEOPS_NVRTC", place.c_str(), 1);
  return real;
}

// All stages of a formula, for the architectures that the package is for; of these, sm_75 has no tensor cores that are used.
inline void compile_for_all(const rkeops::Nvrtc& nvrtc, const Case& c, Precision precision, bool tensor_cores = false) {
  rkeops::Graph graph;
  rkeops::Arguments known(arguments(c.declarations));
  const rkeops::Expr root = rkeops::Parser(graph, c.formula, known, rkeops::differentiation()).parse();
  for (rkeops::Expr stage : rkeops::stages_of(root)) {
    if (tensor_cores) stage = expand_distances(stage);
    const rkeops::Target target{precision, 32, Processor::gpu, tensor_cores};
    const std::string text = generate(rkeops::make_plan(stage), target).text;
    for (const char* architecture : {"75", "80", "90"}) {
      if (tensor_cores && std::string(architecture) == "75") continue;
      std::string problem;
      try {
        nvrtc.compile_to_cubin(text, architecture);
      } catch (const rkeops::Error& error) {
        problem = error.what() + ("\n" + error.log);
      }
      CHECK_THAT(problem.empty(), c.formula + " for sm_" + architecture + ": " + problem);
    }
  }
}

// Runs body(k) for all k < n, half of them in each of two processes, whose counts are added here: compilers take their time, and
// NVRTC compiles one text at a time.
inline void in_two_processes(std::int64_t n, const std::function<void(std::int64_t)>& body) {
  int results[2];
  CHECK(pipe(results) == 0);
  std::fflush(stdout);
  for (int half : {0, 1}) {
    if (fork() != 0) continue;
    counts() = {};
    for (std::int64_t k = half; k < n; k += 2) body(k);
    std::fflush(stdout);
    const Counts own = counts();
    _exit(write(results[1], &own, sizeof own) == sizeof own ? 0 : 1);
  }
  for (int half : {0, 1}) {
    int status = 0;
    wait(&status);
    CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process " + show(half));
  }
  close(results[1]);
  Counts half;
  while (read(results[0], &half, sizeof half) == sizeof half) {
    counts().passed += half.passed;
    counts().failed += half.failed;
    counts().skipped += half.skipped;
  }
  close(results[0]);
}

}  // namespace check
