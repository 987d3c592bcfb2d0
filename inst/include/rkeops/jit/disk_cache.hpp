// Compiled kernels as files in a directory private to the user. A file is the shared object followed by a trailer with
// its length and checksum; whatever does not match is a miss. Files appear by rename, so readers see all or nothing.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../base/hash.hpp"

namespace rkeops {

constexpr const char* cache_format = "rkeops-1";

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
  std::string path(const std::string& key) const { return directory_ + "/" + key + ".so"; }

  // True if the file of `key` is there and intact.
  bool contains(const std::string& key) const { return !read(key).empty(); }

  // What the file of `key` holds; empty if it is not there or not intact.
  std::string read(const std::string& key) const {
    if (!usable()) return {};
    struct stat info;
    const std::string file = path(key);
    if (lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid()) return {};
    std::ifstream in(file, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (bytes.size() <= trailer_size) return {};
    const std::string_view payload(bytes.data(), bytes.size() - trailer_size);
    if (bytes.compare(payload.size(), trailer_size, trailer(payload)) != 0) return {};
    utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // time of last use
    bytes.resize(payload.size());
    return bytes;
  }

  // Makes the shared object `file` (in this directory) the entry of `key`; false if the disk does not allow it.
  bool publish(const std::string& key, const std::string& file) const {
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    in.close();
    std::FILE* out = std::fopen(file.c_str(), "ab");
    if (!out) return false;
    const std::string end = trailer(bytes);
    bool written = std::fwrite(end.data(), 1, end.size(), out) == end.size() && std::fflush(out) == 0;
    written = written && fsync(fileno(out)) == 0;
    written = std::fclose(out) == 0 && written;
    if (!written || std::rename(file.c_str(), path(key).c_str()) != 0) return false;
    return true;
  }

  // Removes the files used least recently until the size limit holds.
  void evict() const {
    struct Entry {
      std::string path;
      std::int64_t bytes, used;
    };
    std::vector<Entry> entries;
    std::int64_t total = 0;
    DIR* directory = opendir(directory_.c_str());
    if (!directory) return;
    while (const dirent* item = readdir(directory)) {
      const std::string name = item->d_name;
      if (name.size() != 35 || name.compare(32, 3, ".so") != 0) continue;
      struct stat info;
      const std::string file = directory_ + "/" + name;
      if (stat(file.c_str(), &info) != 0) continue;
      entries.push_back({file, info.st_size, info.st_mtime});
      total += info.st_size;
    }
    closedir(directory);
    if (total <= limit_bytes_) return;
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
    for (const Entry& entry : entries) {
      if (total <= limit_bytes_) break;
      if (unlink(entry.path.c_str()) == 0) total -= entry.bytes;
    }
  }

  const std::string& directory() const { return directory_; }

 private:
  static constexpr std::size_t trailer_size = 8 + 16 + 16;

  static std::string trailer(std::string_view payload) {
    char digits[33];
    std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(payload.size()),
                  static_cast<unsigned long long>(hash_bytes(payload, 7)));
    return std::string(cache_format) + digits;
  }

  std::string prepare() const {
    for (std::size_t at = directory_.find('/', 1);; at = directory_.find('/', at + 1)) {
      const std::string parent = directory_.substr(0, at);
      if (mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) {
        const int reason = errno;
        struct stat there;
        if (stat(parent.c_str(), &there) != 0) return "cannot be created: " + std::string(std::strerror(reason));
      }
      if (at == std::string::npos) break;
    }
    struct stat info;
    if (stat(directory_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return "is not a directory";
    if (info.st_uid != geteuid()) return "belongs to another user";
    if (info.st_mode & (S_IWGRP | S_IWOTH)) return "can be written by other users";
    if (access(directory_.c_str(), W_OK | X_OK) != 0) return "cannot be written";
    return "";
  }

  std::string directory_;
  std::int64_t limit_bytes_;
};

}  // namespace rkeops
