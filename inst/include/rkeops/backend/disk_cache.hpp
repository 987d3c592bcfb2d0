// Compiled kernels as files in a directory private to the user. A file is what was compiled, followed by a trailer that
// ties it to its key and its source; whatever does not match, or others could have written, is a miss. Files appear by
// rename, so readers see all or nothing.
#pragma once

#include <cstdio>

#include "../base/hash.hpp"
#include "../platform/scratch.hpp"

namespace rkeops {

constexpr const char* cache_format = "rkeops-2";

class DiskCache {
 public:
  // An empty directory name gives a cache that is off. Otherwise `problem` tells why it cannot be used, if so.
  DiskCache(std::string directory, std::int64_t limit_bytes, std::string& problem)
      : directory_(std::move(directory)), limit_bytes_(limit_bytes) {
    if (directory_.empty()) return;
    problem = prepare();
    if (!problem.empty()) directory_.clear();
  }

  bool usable() const { return !directory_.empty(); }
  const std::string& directory() const { return directory_; }
  std::string path(const std::string& key) const { return directory_ + "/" + key + ".so"; }

  // What was compiled from `source` under `key`; empty if it is not there or not intact.
  std::string read(const std::string& key, std::string_view source) const {
    if (!usable()) return {};
    std::string problem, bytes = read_file(path(key), false, problem);
    if (bytes.size() <= trailer_size) return {};
    const std::string_view payload(bytes.data(), bytes.size() - trailer_size);
    if (bytes.compare(payload.size(), trailer_size, trailer(key, source, payload)) != 0) return {};
    utimensat(AT_FDCWD, path(key).c_str(), nullptr, 0);  // time of last use
    bytes.resize(payload.size());
    return bytes;
  }

  // What `read` will take for `payload`.
  static std::string sealed(const std::string& key, std::string_view source, std::string_view payload) {
    return std::string(payload) + trailer(key, source, payload);
  }

  // Makes `file`, sealed and in this directory's file system, the entry of `key`; "" or why it could not be.
  std::string publish(const std::string& key, const std::string& file) const {
    if (std::rename(file.c_str(), path(key).c_str()) != 0) return std::strerror(errno);
    evict(key);
    return "";
  }

  // Both in one, for what is not loaded from a file.
  std::string store(const std::string& key, std::string_view source, std::string_view payload) const {
    const Scratch scratch(directory_);
    if (!scratch.problem().empty()) return scratch.problem();
    const std::string problem = write_file(scratch.path("entry"), sealed(key, source, payload), true);
    return problem.empty() ? publish(key, scratch.path("entry")) : problem;
  }

  // Bytes of all that is ours in a directory; what running compilations have there does not count.
  static std::int64_t usage(const std::string& directory) {
    std::int64_t bytes = Scratch::sweep(directory, false);
    for (const Entry& entry : entries_of(directory)) bytes += entry.bytes;
    return bytes;
  }

  // Removes all that is ours in a directory.
  static void clear(const std::string& directory) {
    Scratch::sweep(directory);
    for (const Entry& entry : entries_of(directory)) unlink(entry.path.c_str());
  }

 private:
  struct Entry {
    std::string path;
    std::int64_t bytes, used;
    bool is_kernel;
  };

  static std::vector<Entry> entries_of(const std::string& directory) {
    std::vector<Entry> entries;
    for_files(directory, [&](const std::string& name) {
      constexpr std::size_t key_size = 32;
      if (name.size() <= key_size || name.find_first_not_of("0123456789abcdef") != key_size) return;
      const std::string end = name.substr(key_size);
      const bool is_kernel = end == ".so";
      // Until format 2 compilations left <key>.<process>.c, .so and .so.log behind when they were killed.
      const std::size_t number = std::min(end.find_first_not_of("0123456789", 1), end.size());
      const std::string rest = end.substr(number);
      const bool is_old_end = rest.empty() || rest == ".c" || rest == ".so" || rest == ".so.log";
      const bool is_old = end[0] == '.' && number > 1 && is_old_end;
      struct stat info;
      const std::string path = directory + "/" + name;
      if ((is_kernel || is_old) && lstat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
        entries.push_back({path, info.st_size, info.st_mtime, is_kernel});
      }
    });
    return entries;
  }

  // Removes the files used least recently until the size limit holds. Times in the future, left from before a clock was
  // set back, tell nothing: they come first.
  void evict(const std::string& newest) const {
    Scratch::sweep(directory_);
    const std::string newest_path = path(newest);
    struct stat info;
    std::int64_t now = std::time(nullptr), total = 0;
    if (stat(newest_path.c_str(), &info) == 0) now = std::max<std::int64_t>(now, info.st_mtime);  // the server's clock
    std::vector<Entry> entries;
    for (const Entry& entry : entries_of(directory_)) {
      constexpr std::int64_t hour = 3600;
      if (!entry.is_kernel && now - entry.used > hour && unlink(entry.path.c_str()) == 0) continue;
      entries.push_back(entry);
      total += entry.bytes;
    }
    if (total <= limit_bytes_) return;
    std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
      const auto rank = [&](const Entry& entry) { return entry.path == newest_path ? 2 : entry.used <= now ? 1 : 0; };
      return rank(a) != rank(b) ? rank(a) < rank(b) : a.used < b.used;
    });
    for (const Entry& entry : entries) {
      if (total <= limit_bytes_) break;
      if (unlink(entry.path.c_str()) == 0) total -= entry.bytes;
    }
  }

  static constexpr std::size_t trailer_size = 8 + 32 + 4 * 16;

  static std::string trailer(const std::string& key, std::string_view source, std::string_view payload) {
    char digits[65];
    const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::snprintf(digits, sizeof digits, "%016llx%016llx%016llx%016llx", number(source.size()),
                  number(hash_bytes(source, 3)), number(payload.size()), number(hash_bytes(payload, 7)));
    return cache_format + key + digits;
  }

  std::string prepare() {
    if (directory_.find('$') != std::string::npos) return has_dollar;
    for (std::size_t at = directory_.find('/', 1);; at = directory_.find('/', at + 1)) {
      const std::string parent = directory_.substr(0, at);
      if (mkdir(parent.c_str(), 0700) == 0) {
        chmod(parent.c_str(), 0700);  // with any umask
      } else if (errno != EEXIST) {
        const int reason = errno;
        struct stat there;
        if (stat(parent.c_str(), &there) != 0) return "cannot be created: " + std::string(std::strerror(reason));
      }
      if (at == std::string::npos) break;
    }
    struct stat info;
    const std::string real = real_path(directory_);
    if (real.empty() || stat(real.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return "is not a directory";
    if (real.find('$') != std::string::npos) return has_dollar;
    directory_ = real;  // absolute: no part of it is taken for an option of a compiler
    if (const std::string reason = distrust(info); !reason.empty()) return reason;
    if (access(directory_.c_str(), R_OK | W_OK | X_OK) != 0) {
      return errno == EROFS ? "is on a file system that is read-only" : "cannot be written";
    }
    return "";
  }

  std::string directory_;
  std::int64_t limit_bytes_;
};

}  // namespace rkeops
