// What the tests of compiled kernels share: kernels made to order, and a look into cache directories.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>

#include "check.hpp"
#include "rkeops/backend/disk_cache.hpp"
#include "rkeops/platform/process.hpp"

using namespace check;
using rkeops::ErrorKind;
namespace fs = std::filesystem;

inline std::vector<std::string> warnings;

inline rkeops::Host host() {
  rkeops::Host h;
  h.warn = [](void*, const char* message) { warnings.push_back(message); };
  return h;
}

inline rkeops::RunOptions options_with(const std::string& directory) {
  rkeops::RunOptions options;
  options.jit.cache_dir = directory;
  options.jit.compiler = {compiler()};
  return options;
}

// sum over j of y + c: every c is another kernel.
inline double sum_plus(double c, const rkeops::RunOptions& options) {
  const auto program = rkeops::Program::create("Sum_Reduction(y+" + show(c) + ",1)", arguments({"y=Vj(1)"}));
  return run(*program, inputs({column({1, 2, 3})}), options, host())[0].values[0];
}

inline bool works(double c, const rkeops::RunOptions& options) { return std::fabs(sum_plus(c, options) - (6 + 3 * c)) < 1e-9; }

inline std::int64_t compiled() { return rkeops::statistics().kernels_compiled; }
inline std::int64_t from_disk() { return rkeops::statistics().kernels_from_disk; }

inline bool only_kernels(const Directory& directory) {
  for (const std::string& name : directory.files()) {
    if (name.size() != 35 || name.substr(32) != ".so") {
      std::printf("left behind: %s\n", name.c_str());
      return false;
    }
  }
  return true;
}

// Checks of their own in a child process; one that ends otherwise than by its end has failed.
inline void in_child(const std::function<void()>& body) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    counts() = {};
    warnings.clear();
    std::string wrong;
    try {
      body();
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    CHECK_THAT(wrong.empty(), "in a child: " + wrong);
    std::fflush(stdout);
    _exit(counts().failed > 0 ? 1 : 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
             WIFSIGNALED(status) ? "a child was killed by signal " + show(WTERMSIG(status)) : "a child failed");
}

// How a formula fails, "" if it works.
inline std::string failure_of(double c, const rkeops::RunOptions& options) {
  try {
    return works(c, options) ? "" : "a wrong result";
  } catch (const rkeops::Error& error) {
    return std::string(error.what()) + "\n" + error.log;
  }
}

inline std::string only_file(const Directory& directory) { return directory.path() + "/" + directory.files().at(0); }

inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

inline void write(const std::string& path, const std::string& bytes, mode_t mode = 0600) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  chmod(path.c_str(), mode);
}
