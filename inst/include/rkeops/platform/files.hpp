// Files of our own. What others own or could have written, and what is no regular file, is not read; what is written is
// for the user alone, with any umask.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace rkeops {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  bool close() {
    const int number = number_;
    number_ = -1;
    return number < 0 || ::close(number) == 0;
  }

 private:
  int number_;
};

// "" if nobody else can have written it.
inline std::string distrust(const struct stat& info) {
  if (info.st_uid != geteuid()) return "belongs to another user";
  if (info.st_mode & (S_IWGRP | S_IWOTH)) return "can be written by other users";
  return "";
}

// Can everybody replace what is in this directory?
inline bool is_open_to_all(const std::string& directory) {
  struct stat info;
  return stat(directory.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) && !(info.st_mode & S_ISVTX);
}

// Opens a regular file of ours; without one, `problem` says why. `in_private`: its directory keeps others out, so its
// own permissions do not matter.
inline Descriptor open_file(const std::string& path, bool in_private, std::string& problem) {
  struct stat info;
  const auto refuse = [&](const std::string& reason) {
    problem = reason;
    return Descriptor();
  };
  const auto doubt = [&]() -> std::string {
    if (S_ISLNK(info.st_mode)) return "is a link";
    if (S_ISDIR(info.st_mode)) return "is a directory";
    if (!S_ISREG(info.st_mode)) return "is not a regular file";
    if (in_private && info.st_uid == geteuid()) return "";
    return distrust(info);
  };
  if (lstat(path.c_str(), &info) != 0) return refuse(std::strerror(errno));
  if (const std::string reason = doubt(); !reason.empty()) return refuse(reason);
  Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file || fstat(file.get(), &info) != 0) return refuse(std::strerror(errno));
  if (const std::string reason = doubt(); !reason.empty()) return refuse(reason);  // it may be another one by now
  return file;
}

// All bytes of an open file; without any, `problem` says why.
inline std::string read_file(const Descriptor& file, std::string& problem) {
  constexpr std::int64_t largest = 256ll << 20;
  struct stat info;
  const auto refuse = [&](const std::string& reason) {
    problem = reason;
    return std::string();
  };
  if (fstat(file.get(), &info) != 0) return refuse(std::strerror(errno));
  if (info.st_size == 0) return refuse("is empty");
  if (info.st_size > largest) return refuse("is too large");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = pread(file.get(), &bytes[done], bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return refuse(n < 0 ? std::strerror(errno) : "became shorter");
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

inline std::string read_file(const std::string& path, bool in_private, std::string& problem) {
  const Descriptor file = open_file(path, in_private, problem);
  return file ? read_file(file, problem) : "";
}

inline bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Makes a new file; "" or why it could not be.
inline std::string write_file(const std::string& path, std::string_view bytes, bool sync = false) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return std::strerror(errno);
  errno = 0;
  const bool written = fchmod(file.get(), 0600) == 0 && write_all(file.get(), bytes) &&
                       (!sync || fsync(file.get()) == 0) && file.close();
  return written ? "" : std::strerror(errno ? errno : ENOSPC);
}

// Calls `use(name)` for all that is in a directory.
inline void for_files(const std::string& directory, const std::function<void(const std::string&)>& use) {
  DIR* open = opendir(directory.c_str());
  if (!open) return;
  while (const dirent* item = readdir(open)) {
    const std::string name = item->d_name;
    if (name != "." && name != "..") use(name);
  }
  closedir(open);
}

// A file, or a directory with all in it; links are not followed.
inline void remove_all(const std::string& path, int depth = 0) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return;
  if (S_ISDIR(info.st_mode) && depth < 20) {
    for_files(path, [&](const std::string& name) { remove_all(path + "/" + name, depth + 1); });
    rmdir(path.c_str());
  } else {
    unlink(path.c_str());
  }
}

inline bool is_noexec(const std::string& path) {
#ifdef ST_NOEXEC
  struct statvfs info;
  return statvfs(path.c_str(), &info) == 0 && (info.f_flag & ST_NOEXEC);
#else
  static_cast<void>(path);
  return false;
#endif
}

// Absolute and without links; "" if it is not there.
inline std::string real_path(const std::string& path) {
  char* found = realpath(path.c_str(), nullptr);
  const std::string real = found ? found : "";
  std::free(found);
  return real;
}

}  // namespace rkeops
