// A child process with a time limit, its output captured in a file.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace rkeops {

struct ProcessResult {
  enum class End { exited, signalled, timed_out, interrupted, not_started } end = End::not_started;
  int code = 0;  // exit status, signal or errno
};

// stdout and stderr go to `output`; standard input is empty. `stop` is asked now and then; true kills the child.
inline ProcessResult run_process(const std::vector<std::string>& argv, const std::string& output, double timeout_s,
                                 const std::function<bool()>& stop) {
  std::vector<char*> arguments;
  for (const std::string& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawnattr_t attributes;  // a process group of its own: killed with all its children, spared our Ctrl-C
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = 0;
  const int failure = posix_spawnp(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) return {ProcessResult::End::not_started, failure};

  const auto start = std::chrono::steady_clock::now();
  auto next_question = start + std::chrono::milliseconds(50);
  for (int nap_us = 500;; nap_us = nap_us < 5000 ? nap_us + 500 : nap_us) {
    int status = 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) {
      if (WIFSIGNALED(status)) return {ProcessResult::End::signalled, WTERMSIG(status)};
      return {ProcessResult::End::exited, WEXITSTATUS(status)};
    }
    if (ended < 0 && errno != EINTR) return {ProcessResult::End::not_started, errno};
    const auto now = std::chrono::steady_clock::now();
    const bool late = std::chrono::duration<double>(now - start).count() > timeout_s;
    bool stopped = false;
    if (now > next_question) {
      stopped = stop && stop();
      next_question = now + std::chrono::milliseconds(50);
    }
    if (late || stopped) {
      kill(-pid, SIGKILL);
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return {late ? ProcessResult::End::timed_out : ProcessResult::End::interrupted, 0};
    }
    std::this_thread::sleep_for(std::chrono::microseconds(nap_us));
  }
}

// Absolute path of a program as the shell would find it; "" if there is none.
inline std::string find_program(const std::string& name) {
  const auto runs = [](const std::string& path) {
    struct stat info;
    return access(path.c_str(), X_OK) == 0 && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  };
  if (name.find('/') != std::string::npos) return runs(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::string directories = path ? path : "/usr/bin:/bin";
  for (std::size_t from = 0; from <= directories.size();) {
    const std::size_t to = std::min(directories.find(':', from), directories.size());
    const std::string candidate = directories.substr(from, to - from) + "/" + name;
    if (to > from && runs(candidate)) return candidate;
    from = to + 1;
  }
  return "";
}

}  // namespace rkeops
