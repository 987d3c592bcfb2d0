// Text to shared object by the C compiler, in a child process.
#pragma once

#include "../../base/error.hpp"
#include "../../base/heuristics.hpp"
#include "../../base/text.hpp"
#include "../../base/utf8.hpp"
#include "../../platform/machine.hpp"
#include "../../platform/process.hpp"
#include "../../platform/scratch.hpp"
#include "../options.hpp"

namespace rkeops {

class CCompiler {
 public:
  explicit CCompiler(const JitOptions& options) : options_(options) {
    if (options.compiler.empty()) {
      throw Error(ErrorKind::compiler, "no C compiler was found",
                  "Install one (Debian: apt install gcc; macOS: xcode-select --install), or name one in the option "
                  "`compiler` or the environment variable RKEOPS_CC.");
    }
    path_ = find_program(options.compiler[0]);
    if (path_.empty()) {
      throw Error(ErrorKind::compiler, "the C compiler '" + options.compiler[0] + "' was not found on the PATH",
                  "Install it, or name another in the option `compiler` or the environment variable RKEOPS_CC.");
    }
  }

  // Everything that makes its output what it is, as text for the cache key.
  std::string identity() const {
    std::string text = path_;
    struct stat info;
    if (stat(path_.c_str(), &info) == 0) {
      text += " " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtime);
    }
    for (const std::string& word : command("", "")) text += " " + word;
    return text + " " + cpu_info().features;
  }

  // The shared object made of kernel.c in `scratch`, which stays there as kernel.so. Throws Error of kind compiler or
  // interrupt.
  std::string compile(const Scratch& scratch, const std::function<bool()>& stop) const {
    const std::string source = scratch.path("kernel.c"), object = scratch.path("kernel.so");
    const ProcessResult result =
        run_process(command(source, object), scratch.directory(), options_.compile_timeout_s, stop);
    using End = ProcessResult::End;
    if (result.end == End::interrupted) throw Error(ErrorKind::interrupt, "interrupted while compiling");
    std::string problem = "is missing", bytes;
    const bool may_be_good = result.end == End::unknown || (result.end == End::exited && result.code == 0);
    struct stat info;
    if (may_be_good && lstat(object.c_str(), &info) == 0) bytes = read_file(object, true, problem);
    if (!bytes.empty()) return bytes;
    Error error(ErrorKind::compiler, "the C compiler '" + path_ + "' " + explain(result, problem),
                "Check the compiler with check_rkeops(), or name another in the option `compiler`.");
    error.log = valid_utf8(result.log);
    throw error;
  }

 private:
  std::string explain(const ProcessResult& result, const std::string& problem) const {
    const std::string output = problem == "is missing" ? "wrote no output" : "wrote an output that " + problem;
    switch (result.end) {
      case ProcessResult::End::exited:
        return result.code == 0 ? output : "failed with status " + std::to_string(result.code);
      case ProcessResult::End::signalled:
        return "was killed by signal " + std::to_string(result.code);
      case ProcessResult::End::timed_out:
        return "did not finish within " + number_text(options_.compile_timeout_s) + " s";
      case ProcessResult::End::flooded:
        return "wrote endless messages and was stopped";
      case ProcessResult::End::unknown:
        return output + "; its status is unknown, since SIGCHLD is ignored or handled elsewhere";
      default:
        return std::string("could not be started: ") + std::strerror(result.code);
    }
  }

  std::vector<std::string> command(const std::string& source, const std::string& object) const {
    std::vector<std::string> words = options_.compiler;
    words[0] = path_;
#if defined(__x86_64__) || defined(__i386__)
    words.push_back("-march=native");
#elif defined(__aarch64__)
    words.push_back("-mcpu=native");
#endif
    // Texts of a megabyte take minutes at -O2.
    struct stat info;
    const bool is_long = !source.empty() && stat(source.c_str(), &info) == 0 && info.st_size > heuristics::longest_optimized;
    words.insert(words.end(), {"-std=gnu11", is_long ? "-O1" : "-O2", "-ffp-contract=fast", "-fno-math-errno",
                               "-fno-trapping-math", "-fno-asynchronous-unwind-tables", "-w", "-fPIC", "-shared"});
#if defined(__linux__) && defined(__LP64__)
    // Start files, which take the linker a twentieth of the time of a compilation, are not needed; nor is the compiler's own
    // library, but for 64-bit integers on machines of 32 bits.
    words.push_back("-nostdlib");
#endif
    words.insert(words.end(), {"-x", "c", source, "-o", object, "-lm", "-lc"});
    return words;
  }

  const JitOptions& options_;
  std::string path_;
};

}  // namespace rkeops
