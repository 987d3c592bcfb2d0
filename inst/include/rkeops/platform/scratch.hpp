// A directory for the files of one compilation, gone with the object. While it lives it holds a lock, by which others tell
// it from what killed processes left behind.
#pragma once

#include <sys/file.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "files.hpp"
#include "machine.hpp"

namespace rkeops {

// Loaders replace $ORIGIN and $LIB.
constexpr const char* has_dollar = "has a $ in its name, which the system's loader would replace";

class Scratch {
 public:
  explicit Scratch(const std::string& parent) {
    const std::string root = real_path(parent);
    if (root.find('$') != std::string::npos) problem_ = has_dollar;
    if (is_open_to_all(root)) problem_ = "lets other users replace files in it";
    if (!problem_.empty()) return;
    for (int tries = 0; tries < 3; ++tries) {  // somebody may sweep before the lock is held
      directory_ = root + "/" + prefix + "XXXXXX";
      if (root.empty() || !mkdtemp(&directory_[0])) {
        problem_ = std::strerror(errno);
        directory_.clear();
        return;
      }
      chmod(directory_.c_str(), 0700);
      lock_ = Descriptor(open(path("lock").c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      problem_ = lock_ ? "" : std::strerror(errno);
      // Not all file systems have locks: there age decides.
      const bool is_swept = lock_ && flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (lock_ && !is_swept && fchmod(lock_.get(), 0600) == 0 && is_intact()) return;
      discard(directory_);
      directory_.clear();
    }
    if (problem_.empty()) problem_ = "loses its files";
  }
  ~Scratch() {
    if (!directory_.empty()) discard(directory_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& problem() const { return problem_; }  // "" if it can be used
  const std::string& directory() const { return directory_; }
  std::string path(const char* name) const { return directory_ + "/" + name; }

  // False if somebody removed it.
  bool is_intact() const {
    struct stat held, there;
    return fstat(lock_.get(), &held) == 0 && lstat(path("lock").c_str(), &there) == 0 && held.st_ino == there.st_ino &&
           held.st_dev == there.st_dev;
  }

  // "" if a few files of `bytes` bytes in all can be written; else why not.
  std::string want_of_room(std::size_t bytes) const {
    rlimit limit{};
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
      return "files may not be large enough (ulimit -f)";
    }
    std::string reason;
    std::vector<std::string> files;
    for (const char* name : {"room1", "room2", "room3", "room4", "room5", "room6"}) files.push_back(path(name));
    for (std::size_t k = 0; k < files.size() && reason.empty(); ++k) {
      reason = write_file(files[k], std::string(k == 0 ? bytes : 1, '\0'));
    }
    for (const std::string& file : files) unlink(file.c_str());
    return reason;
  }

  // What lies in `parent` and belongs to no living process. Answers with its size.
  static std::int64_t sweep(const std::string& parent, bool remove = true) {
    std::int64_t bytes = 0;
    if (is_open_to_all(parent)) return bytes;
    for_files(parent, [&](const std::string& name) {
      const std::string pattern = prefix, directory = parent + "/" + name;
      if (name.size() != pattern.size() + 6 || name.compare(0, pattern.size(), pattern) != 0) return;
      struct stat own;  // nothing of others is even opened
      if (lstat(directory.c_str(), &own) != 0 || !S_ISDIR(own.st_mode) || own.st_uid != geteuid()) return;
      const Descriptor lock(open((directory + "/lock").c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!is_abandoned(own, lock)) return;
      if (!lock && remove) rmdir(directory.c_str());  // with anything in it, it is not one of ours
      if (!lock) return;
      for_files(directory, [&](const std::string& file) {
        struct stat info;
        if (lstat((directory + "/" + file).c_str(), &info) == 0) bytes += info.st_size;
      });
      if (remove) discard(directory);
    });
    return bytes;
  }

 private:
  static constexpr const char* prefix = "rkeops-jit-";

  // The lock goes last: what is left if this is interrupted can be told still.
  static void discard(const std::string& directory) {
    for_files(directory, [&](const std::string& name) {
      if (name != "lock") remove_all(directory + "/" + name);
    });
    unlink((directory + "/lock").c_str());
    rmdir(directory.c_str());
  }

  static bool is_abandoned(const struct stat& info, const Descriptor& lock) {
    const double age = std::difftime(std::time(nullptr), info.st_mtime);
    if (!lock) return age > 60 || age < -60;  // not yet there in one that was made just now
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return true;
    constexpr double day = 24 * 3600;
    return errno != EWOULDBLOCK && (age > day || age < -day);
  }

  std::string directory_, problem_;
  Descriptor lock_;
};

// Where to compile if the cache directory will not do.
inline std::vector<std::string> temporary_directories() {
  const std::string named = environment("TMPDIR");
  std::vector<std::string> list;
  for (const char* directory : {named.empty() ? "/tmp" : named.c_str(), "/tmp", "/dev/shm"}) {
    if (std::find(list.begin(), list.end(), directory) == list.end()) list.emplace_back(directory);
  }
  return list;
}

}  // namespace rkeops
