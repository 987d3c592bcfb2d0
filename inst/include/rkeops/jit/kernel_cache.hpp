// Kernel text to loaded functions: memory, then disk, then the compiler.
#pragma once

#include <mutex>
#include <set>

#include "../base/recent.hpp"
#include "compiler.hpp"
#include "disk_cache.hpp"
#include "loaded_kernel.hpp"

namespace rkeops {

struct KernelCounters {
  std::atomic<std::int64_t> compiled{0}, from_disk{0};
  std::atomic<std::int64_t> compile_microseconds{0};
};

class KernelCache {
 public:
  using Stop = std::function<bool()>;
  using Warn = std::function<void(const std::string&)>;

  static KernelCache& instance() {
    static KernelCache cache;
    return cache;
  }

  // What a text is called in memory: to be asked for once, since texts are long.
  static std::string name_of(const std::string& text) { return hash_name(text) + std::to_string(text.size()); }

  // The kernel stays loaded while the caller holds it. Throws Error of kind compiler, cache or interrupt. `warn` hears
  // once of a cache directory that cannot be used.
  LoadedKernelPtr get(const std::string& name, const std::string& text, const JitOptions& options, const Stop& stop,
                      const Warn& warn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const LoadedKernelPtr* held = kernels_.find(name)) return *held;
    std::string problem;
    const DiskCache disk(options.cache_dir, options.cache_limit_bytes, problem);
    const Warn warn_once = [&](const std::string& trouble) {
      if (!warned_.insert(options.cache_dir).second) return;
      warn("the cache directory '" + options.cache_dir + "' " + trouble);
    };
    if (!problem.empty()) warn_once(problem + in_memory_only);
    if (disk.usable() && is_noexec(disk.directory())) warn_once(noexec);
    const CCompiler compiler(options);
    const std::string key = hash_name(std::string(cache_format) + compiler.identity() + "\n" + text);
    LoadedKernelPtr kernel;
    if (const std::string bytes = disk.read(key, text); !bytes.empty()) {
      kernel = KernelLoader(key).load(disk.path(key), bytes);
      if (kernel) ++counters.from_disk;
    }
    if (!kernel) kernel = compile(text, key, disk, compiler, stop, warn_once);
    kernels_.insert(name, kernel, options.kernels_in_memory);
    return kernel;
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    kernels_.clear();
  }

  std::int64_t size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<std::int64_t>(kernels_.size());
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

  KernelCounters counters;

 private:
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

  LoadedKernelPtr compile(const std::string& text, const std::string& key, const DiskCache& disk,
                          const CCompiler& compiler, const Stop& stop, const Warn& warn) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::string> places = temporary_directories();
    if (disk.usable()) places.insert(places.begin(), disk.directory());
    std::string reasons;
    for (const std::string& place : places) {
      const bool in_cache = disk.usable() && &place == &places[0];
      if (!in_cache && swept_.insert(place).second) Scratch::sweep(place);
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
      ++counters.compiled;
      counters.compile_microseconds +=
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
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

  std::mutex mutex_;
  std::set<std::string> warned_;  // cache directories whose trouble has been told
  std::set<std::string> swept_;   // directories for temporary files
  Recent<LoadedKernelPtr> kernels_;
};

}  // namespace rkeops
