// Where kernels are compiled and loaded: file systems that are mounted noexec, full or read-only, names that loaders and
// compilers take for something else. File systems are mounted in a name space of a child, which only root can do.
#include "jit_check.hpp"

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

namespace {

#if defined(__linux__)

bool can_mount() {
  if (geteuid() != 0) return false;
  const pid_t child = fork();
  if (child == 0) _exit(unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

void in_own_mounts(const std::function<void()>& body) {
  in_child([&] {
    CHECK(unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    rkeops::clear_memory_cache();
    body();
  });
}

void mount_new(const std::string& path, unsigned long flags, const std::string& how) {
  CHECK(mount("tmpfs", path.c_str(), "tmpfs", flags, how.c_str()) == 0);
  chmod(path.c_str(), 0700);
}

// The same files, but with these flags.
void remount(const char* path, unsigned long flags) {
  if (!fs::exists(path)) return;
  CHECK(mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) == 0);
  CHECK(mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) == 0);
}

void fill(const std::string& directory, std::size_t leave) {
  const std::string path = directory + "/ballast";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const std::string block(4096, 'x');
  while (std::fwrite(block.data(), 1, block.size(), file) == block.size() && std::fflush(file) == 0) {
  }
  std::fclose(file);
  fs::resize_file(path, fs::file_size(path) - std::min<std::uintmax_t>(leave, fs::file_size(path)));
}

bool warned_once(const std::string& reason) {
  const bool right = warnings.size() == 1 && warnings[0].find(reason) != std::string::npos;
  if (!right) std::printf("warnings are %s\n", show(warnings).c_str());
  return right;
}

TEST("noexec") {
  if (!can_mount()) return skip("file systems that are noexec: this user cannot mount any");
  Directory cache;
  const rkeops::RunOptions options = options_with(cache.path());
  in_own_mounts([&] {  // the cache alone: kept there, loaded from copies
    mount_new(cache.path(), MS_NOEXEC, "size=8m");
    CHECK_EQUAL(failure_of(1, options), "");
    CHECK(warned_once("noexec"));
    CHECK(only_kernels(cache) && cache.files().size() == 1);
    rkeops::clear_memory_cache();
    const std::int64_t before = compiled();
    CHECK_EQUAL(failure_of(1, options), "");
    CHECK_EQUAL(failure_of(2, options), "");
    CHECK_EQUAL(compiled(), before + 1);
    CHECK_EQUAL(warnings.size(), 1u);
    CHECK(rkeops::cache_trouble(options.jit).find("noexec") != std::string::npos);
  });
  in_own_mounts([&] {  // everywhere: from memory
    unsetenv("TMPDIR");
    for (const char* place : {"/tmp", "/dev/shm", "/var/tmp"}) remount(place, MS_NOEXEC);
    if (!rkeops::is_noexec(cache.path())) mount_new(cache.path(), MS_NOEXEC, "size=8m");
    for (int k = 0; k < 5; ++k) CHECK_EQUAL(failure_of(10 + k, options), "");  // each is itself
    for (int k = 0; k < 5; ++k) CHECK_EQUAL(failure_of(10 + k, options), "");
    CHECK(warned_once("noexec"));
    rkeops::clear_memory_cache();
    for (int k = 4; k >= 0; --k) CHECK_EQUAL(failure_of(10 + k, options), "");
    CHECK_EQUAL(failure_of(20, options_with("")), "");
  });
}

TEST("full") {
  if (!can_mount()) return skip("file systems that are full or read-only: this user cannot mount any");
  struct Case {
    const char *how, *reason;
    long leave;  // bytes; -1: nothing is filled
    unsigned long flags;
  };
  const std::string no_space = std::strerror(ENOSPC);
  for (const Case& row :
       {Case{"size=1m", no_space.c_str(), 0, 0}, Case{"size=1m", no_space.c_str(), 4096, 0},
        Case{"size=1m", no_space.c_str(), 60000, 0}, Case{"size=64k", no_space.c_str(), -1, 0},
        Case{"size=8m,nr_inodes=1", no_space.c_str(), -1, 0}, Case{"size=8m,nr_inodes=3", no_space.c_str(), -1, 0},
        Case{"size=8m,nr_inodes=5", no_space.c_str(), -1, 0}, Case{"size=8m,nr_inodes=10", "", -1, 0},
        Case{"size=8m,mode=700", "read-only", -1, MS_RDONLY}}) {
    Directory cache;
    const rkeops::RunOptions options = options_with(cache.path());
    in_own_mounts([&] {
      mount_new(cache.path(), row.flags, row.how);
      if (row.leave >= 0) fill(cache.path(), static_cast<std::size_t>(row.leave));
      CHECK_EQUAL(failure_of(3, options), "");
      CHECK_EQUAL(failure_of(4, options), "");
      if (*row.reason) CHECK_THAT(warned_once(row.reason), std::string(row.how) + " filled but for " + show(row.leave));
      for (const std::string& name : cache.files()) CHECK_THAT(name == "ballast" || name.size() == 35, "left behind: " + name);
      if (*row.reason) CHECK(!rkeops::cache_trouble(options.jit).empty());
    });
  }
  in_own_mounts([] {  // nowhere at all
    for (const char* place : {"/tmp", "/dev/shm", "/var/tmp"}) remount(place, MS_RDONLY);
    unsetenv("TMPDIR");
    CHECK_THROWS({ works(5, options_with("")); }, {ErrorKind::cache, "no place to compile"});
    CHECK_THROWS({ works(5, options_with("/tmp/rkeops-cache")); }, {ErrorKind::cache, std::strerror(EROFS)});
  });
  Directory temporary;
  in_own_mounts([&] {  // TMPDIR alone is full: /tmp will do
    mount_new(temporary.path(), 0, "size=32k");
    setenv("TMPDIR", temporary.path().c_str(), 1);
    CHECK_EQUAL(failure_of(6, options_with("")), "");
    CHECK(temporary.files().empty());
  });
}

#else

TEST("mounts") { skip("file systems that are noexec, full or read-only: only tried on Linux"); }

#endif

TEST("names") {
  Directory directory;
  in_child([&] {
    CHECK(chdir(directory.path().c_str()) == 0);
    for (const char* name : {"-o", "--version", "@file", "-", "relative/below", "a b'c\"d", "100%", "h\xc3\xa9", "x:y;z"}) {
      rkeops::clear_memory_cache();
      const rkeops::RunOptions options = options_with(name);
      CHECK_EQUAL(failure_of(7, options), "");
      CHECK_THAT(warnings.empty(), std::string("warnings for ") + name + ": " + show(warnings));
      rkeops::clear_memory_cache();
      const std::int64_t before = compiled();
      CHECK_EQUAL(failure_of(7, options), "");
      CHECK_THAT(compiled() == before, std::string("not found again in ") + name);
    }
    for (const char* name : {"$ORIGIN", "$LIB/x", "a${PLATFORM}b", "price$"}) {
      rkeops::clear_memory_cache();
      warnings.clear();
      CHECK_EQUAL(failure_of(7, options_with(name)), "");
      CHECK_THAT(warnings.size() == 1 && warnings[0].find("has a $ in its name") != std::string::npos, show(warnings));
    }
    fs::create_directory("$LIB");  // reached by a link, and as TMPDIR
    fs::create_directory_symlink("$LIB", "link");
    rkeops::clear_memory_cache();
    warnings.clear();
    CHECK_EQUAL(failure_of(7, options_with("link")), "");
    CHECK_EQUAL(warnings.size(), 1u);
    setenv("TMPDIR", "$LIB", 1);
    CHECK_EQUAL(failure_of(8, options_with("")), "");
  });
}

// The directory goes while the compiler runs, or all that is in it.
TEST("removed meanwhile") {
  Directory directory, scripts;
  const std::string cache = directory.path() + "/cache";
  for (const char* what : {"", "/*"}) {
    for (const char* order : {"rm first", "rm last"}) {
      const std::string remove = "rm -rf " + cache + what + "\n", compile = compiler() + " \"$@\"\n";
      const bool first = order == std::string("rm first");
      write(scripts.path() + "/cc", "#!/bin/sh\n" + (first ? remove + compile : compile + remove), 0700);
      rkeops::RunOptions options = options_with(cache);
      options.jit.compiler = {scripts.path() + "/cc"};
      rkeops::clear_memory_cache();
      warnings.clear();
      CHECK_EQUAL(failure_of(9, options), "");
      rkeops::clear_memory_cache();
      CHECK_EQUAL(failure_of(9, options_with(cache)), "");
      CHECK_THAT(warnings.empty(), "warnings after a removal: " + show(warnings));
      CHECK(fs::exists(cache));
      fs::remove_all(cache);
    }
  }
}

}  // namespace
