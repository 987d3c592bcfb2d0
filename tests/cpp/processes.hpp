// Work in processes of their own: whose counts are added here, or which need a driver or an environment of their own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>

#include "check.hpp"

namespace check {

// Runs body(k) for all k < n, shared out over `processes`, and adds their counts. What went wrong with a process: one that did
// not end well, or did not tell its counts, or left work undone. "" if nothing.
inline std::string run_in_processes(int processes, std::int64_t n, const std::function<void(std::int64_t)>& body) {
  struct Report {
    Counts counts;
    std::int64_t done = 0;
  };
  struct Child {
    pid_t id;
    int results;
  };
  std::vector<Child> children;
  std::string problems;
  std::fflush(stdout);
  for (int p = 0; p < processes; ++p) {
    int ends[2];
    if (pipe(ends) != 0) return problems + "no pipe; ";
    const pid_t id = fork();
    if (id < 0) return problems + "no process; ";
    if (id == 0) {
      counts() = {};
      Report report;
      try {
        for (std::int64_t k = p; k < n; k += processes, ++report.done) body(k);
      } catch (const std::exception& error) {
        std::printf("process %d: %s\n", p, error.what());
        std::fflush(stdout);
        _exit(1);
      }
      std::fflush(stdout);
      report.counts = counts();
      _exit(write(ends[1], &report, sizeof report) == sizeof report ? 0 : 1);
    }
    close(ends[1]);
    children.push_back({id, ends[0]});
  }
  for (std::size_t p = 0; p < children.size(); ++p) {
    Report report;
    const bool told = read(children[p].results, &report, sizeof report) == sizeof report;
    close(children[p].results);
    int status = 0;
    waitpid(children[p].id, &status, 0);
    const std::int64_t own = (n - static_cast<std::int64_t>(p) + processes - 1) / processes;
    const std::string name = "process " + show(p);
    if (WIFSIGNALED(status)) problems += name + " was killed by signal " + show(WTERMSIG(status)) + "; ";
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
      problems += name + " ended with status " + show(WEXITSTATUS(status)) + "; ";
    if (!told) problems += name + " did not tell its counts; ";
    if (told && report.done != std::max<std::int64_t>(0, own)) problems += name + " left work undone; ";
    counts().passed += report.counts.passed;
    counts().failed += report.counts.failed;
    counts().skipped += report.counts.skipped;
  }
  return problems;
}

inline void in_processes(int processes, std::int64_t n, const std::function<void(std::int64_t)>& body) {
  const std::string problems = run_in_processes(processes, n, body);
  CHECK_THAT(problems.empty(), problems);
}

// A child process with an environment of its own; its exit status says whether `body` held.
inline void in_child(const char* what, const std::vector<std::pair<const char*, const char*>>& settings,
                     const std::function<bool()>& body) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (const auto& [name, value] : settings) setenv(name, value, 1);
    bool good = false;
    try {
      good = body();
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", what, error.what());
    }
    std::fflush(stdout);
    _exit(good ? 0 : 1);
  }
  int status = -1;
  CHECK_THAT(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}

}  // namespace check
