// Kernels by the C compiler of the machine: from the cache directory, or compiled in a child process.
#pragma once

#include <set>

#include "../disk_cache.hpp"
#include "compiler.hpp"
#include "loaded_kernel.hpp"

namespace rkeops {

class CpuBackend final : public Backend<HostKernel> {
 public:
  static CpuBackend& instance() {
    static CpuBackend backend;
    return backend;
  }

  // Why kernels cannot be kept in this directory, or how they have to be loaded from it; "" if all is well.
  static std::string trouble_with(const JitOptions& options) {
    std::string problem;
    const DiskCache disk(options.cache_dir, options.cache_limit_bytes, problem);
    if (!disk.usable()) return problem + (problem.empty() ? "" : in_memory_only);
    const Scratch scratch(disk.directory());
    problem = scratch.problem().empty() ? scratch.want_of_room(room_for("")) : scratch.problem();
    if (!problem.empty()) return cannot_compile(problem);
    return is_noexec(disk.directory()) ? noexec : "";
  }

 private:
  using Warn = std::function<void(const std::string&)>;
  static constexpr const char* in_memory_only = "; kernels are kept in memory only";
  static constexpr const char* noexec =
      "is on a file system that is mounted noexec; its kernels are loaded from copies in TMPDIR or in memory";
  static std::string cannot_compile(const std::string& problem) {
    return "cannot be written (" + problem + ")" + in_memory_only;
  }

  // Bytes that a compiler needs for its files.
  static std::size_t room_for(const std::string& text) { return (1u << 20) + 8 * text.size(); }

  // Why a compilation that failed here may succeed elsewhere; "" if the compiler is to blame.
  static std::string excuse(const Scratch& scratch, const std::string& log, std::size_t room) {
    if (!scratch.is_intact()) return "files were removed from it";
    for (int code : {ENOSPC, EDQUOT, EROFS}) {
      if (log.find(std::strerror(code)) != std::string::npos) return std::strerror(code);
    }
    return scratch.want_of_room(room);
  }

  KernelPtr compile(const KernelPlan& plan, const JitOptions& options, const Hooks& hooks) override {
    std::string problem;
    const DiskCache disk(options.cache_dir, options.cache_limit_bytes, problem);
    const Warn warn = [&](const std::string& trouble) {
      if (hooks.warn && is_first(warned_, options.cache_dir)) {
        hooks.warn("the cache directory '" + options.cache_dir + "' " + trouble);
      }
    };
    if (!problem.empty()) warn(problem + in_memory_only);
    if (disk.usable() && is_noexec(disk.directory())) warn(noexec);
    const CCompiler compiler(options);
    const std::string key = hash_name(std::string(cache_format) + compiler.identity() + "\n" + plan.text);
    if (const std::string bytes = disk.read(key, plan.text); !bytes.empty()) {
      if (LoadedKernelPtr kernel = KernelLoader(key).load(disk.path(key), bytes)) {
        ++BackendCounters::instance().from_disk;
        return kernel;
      }
    }
    return compile_at_some_place(plan.text, key, disk, compiler, hooks.stop, warn);
  }

  LoadedKernelPtr compile_at_some_place(const std::string& text, const std::string& key, const DiskCache& disk,
                                        const CCompiler& compiler, const std::function<bool()>& stop, const Warn& warn) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::string> places = temporary_directories();
    if (disk.usable()) places.insert(places.begin(), disk.directory());
    std::string reasons;
    for (const std::string& place : places) {
      const bool in_cache = disk.usable() && &place == &places[0];
      if (!in_cache && is_first(swept_, place)) Scratch::sweep(place);
      const Scratch scratch(place);
      std::string problem = scratch.problem(), bytes;
      if (problem.empty()) problem = scratch.want_of_room(room_for(text));
      if (problem.empty()) problem = write_file(scratch.path("kernel.c"), LoadedKernel::with_key(text, key));
      if (problem.empty()) {
        try {
          bytes = compiler.compile(scratch, stop);
        } catch (const Error& error) {
          if (error.kind == ErrorKind::compiler) problem = excuse(scratch, error.log, room_for(text));
          if (problem.empty()) throw;
        }
      }
      if (!problem.empty()) {
        if (in_cache && !was_removed(disk, scratch)) warn(cannot_compile(problem));
        reasons += (reasons.empty() ? "'" : "; '") + place + "': " + problem;
        continue;
      }
      BackendCounters::instance().note_compilation(start);
      if (in_cache) return load_and_keep(bytes, text, key, disk, scratch, warn);
      return load(scratch.path("kernel.so"), bytes, key);
    }
    throw Error(ErrorKind::cache, "there is no place to compile at: " + reasons,
                "Make room, or let TMPDIR name a directory that can be written.");
  }

  static LoadedKernelPtr load(const std::string& file, const std::string& bytes, const std::string& key) {
    KernelLoader loader(key);
    if (LoadedKernelPtr kernel = loader.load(file, bytes)) return kernel;
    throw Error(ErrorKind::compiler, "a compiled kernel could not be loaded: " + loader.problem(),
                "Check the compiler with check_rkeops(), or name another in the option `compiler`.");
  }

  // In this order: what others may remove at any time is not needed any more.
  static LoadedKernelPtr load_and_keep(const std::string& bytes, const std::string& text, const std::string& key,
                                       const DiskCache& disk, const Scratch& scratch, const Warn& warn) {
    const std::string entry = scratch.path("entry");
    std::string problem = write_file(entry, DiskCache::sealed(key, text, bytes), true);
    LoadedKernelPtr kernel = load(problem.empty() ? entry : scratch.path("kernel.so"), bytes, key);
    if (problem.empty()) problem = disk.publish(key, entry);
    if (!problem.empty() && !was_removed(disk, scratch)) warn(cannot_compile(problem));
    return kernel;
  }

  // By somebody who cleans up: next time all will be well.
  static bool was_removed(const DiskCache& disk, const Scratch& scratch) {
    return access(disk.directory().c_str(), F_OK) != 0 || (scratch.problem().empty() && !scratch.is_intact());
  }

  bool is_first(std::set<std::string>& list, const std::string& entry) {
    const std::lock_guard<std::mutex> lock(lists_);
    return list.insert(entry).second;
  }

  std::mutex lists_;
  std::set<std::string> warned_;  // cache directories whose trouble has been told
  std::set<std::string> swept_;   // directories for temporary files
};

}  // namespace rkeops
