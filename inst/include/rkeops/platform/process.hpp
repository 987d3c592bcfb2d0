// A child process with a time limit, its output captured.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "files.hpp"

extern char** environ;

namespace rkeops {

struct ProcessResult {
  // unknown: it is over, but somebody else learned how (SIGCHLD is ignored, or a handler waits for all children).
  enum class End { exited, signalled, timed_out, interrupted, flooded, unknown, not_started } end = End::not_started;
  int code = 0;     // exit status, signal or errno
  std::string log;  // the first of what it wrote
};

constexpr std::size_t longest_log = 64 << 10, longest_output = 1 << 20;

// Runs one process; it is killed, with its children, when the object goes.
class ChildProcess {
 public:
  // `temporary`: where it and its children put temporary files.
  ChildProcess(const std::vector<std::string>& argv, const std::string& temporary) {
    int ends[2];
    if (pipe(ends) != 0) {
      failure_ = errno;
      return;
    }
    output_ = Descriptor(ends[0]);
    Descriptor input(ends[1]);
    for (int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    posix_spawn_file_actions_adddup2(&files, ends[1], 2);
    posix_spawnattr_t attributes;  // a process group of its own: killed with all its children, spared our Ctrl-C
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t signals;  // a compiler waits for children of its own, so SIGCHLD must not be ignored there
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    for (int number : {SIGCHLD, SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGXFSZ}) sigaddset(&signals, number);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    const std::vector<std::string> variables = environment_with(temporary);
    const mode_t mask = umask(077);  // for the child's files
    failure_ = posix_spawnp(&pid_, argv[0].c_str(), &files, &attributes, pointers(argv).data(),
                            pointers(variables).data());
    umask(mask);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    is_running_ = failure_ == 0;
  }

  ~ChildProcess() {
    if (!is_running_) return;
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  int failure() const { return failure_; }  // errno of the start

  // True, with the result, once it is over.
  bool is_over(ProcessResult& result) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    is_running_ = false;
    using End = ProcessResult::End;
    result.end = ended < 0 ? End::unknown : WIFSIGNALED(status) ? End::signalled : End::exited;
    result.code = ended < 0 ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return true;
  }

  // Waits a little for output, and appends it. False if there is too much.
  bool listen(std::string& log, int milliseconds) {
    pollfd events{is_listening_ ? output_.get() : -1, POLLIN, 0};
    if (poll(&events, 1, milliseconds) <= 0) return true;
    char bytes[4096];
    while (is_listening_) {
      const ssize_t n = ::read(output_.get(), bytes, sizeof bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) is_listening_ = false;
      if (n <= 0) return true;
      log.append(bytes, std::min(static_cast<std::size_t>(n), longest_log - std::min(longest_log, log.size())));
      written_ += static_cast<std::size_t>(n);
      if (written_ > longest_output) return false;
    }
    return true;
  }

 private:
  static std::vector<std::string> environment_with(const std::string& temporary) {
    std::vector<std::string> variables{"TMPDIR=" + temporary};
    for (char** entry = environ; entry && *entry; ++entry) {
      const auto is = [&](const char* name) { return std::strncmp(*entry, name, std::strlen(name)) == 0; };
      if (!is("TMPDIR=") && !is("TMP=") && !is("TEMP=")) variables.emplace_back(*entry);
    }
    return variables;
  }

  static std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> list;
    for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
    list.push_back(nullptr);
    return list;
  }

  Descriptor output_;
  pid_t pid_ = 0;
  int failure_ = 0;
  bool is_running_ = false, is_listening_ = true;
  std::size_t written_ = 0;
};

// Standard input is empty. `stop` is asked now and then; true ends the child.
inline ProcessResult run_process(const std::vector<std::string>& argv, const std::string& temporary, double timeout_s,
                                 const std::function<bool()>& stop) {
  ProcessResult result;
  ChildProcess child(argv, temporary);
  result.code = child.failure();
  if (result.code != 0) return result;
  const auto start = std::chrono::steady_clock::now();
  auto next_question = start + std::chrono::milliseconds(50);
  using End = ProcessResult::End;
  for (int nap_ms = 1; !child.is_over(result); nap_ms = std::min(nap_ms + 1, 5)) {
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - start).count() > timeout_s) return result.end = End::timed_out, result;
    if (now > next_question) {
      if (stop && stop()) return result.end = End::interrupted, result;
      next_question = now + std::chrono::milliseconds(50);
    }
    if (!child.listen(result.log, nap_ms)) return result.end = End::flooded, result;
  }
  child.listen(result.log, 0);
  return result;
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
