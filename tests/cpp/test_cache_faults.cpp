// The cache under faults and hostile input: files of other kernels and of other users, clocks, rubbish of killed processes,
// kernels in memory, processes that clean while others compile.
#include "jit_check.hpp"

namespace {

void age(const std::string& file, double seconds) {
  const timespec then{time(nullptr) - static_cast<time_t>(seconds), 0};
  const timespec times[2] = {then, then};
  utimensat(AT_FDCWD, file.c_str(), times, 0);
}

// The file that this formula adds to the directory.
std::string file_of(double c, const Directory& directory, const rkeops::RunOptions& options) {
  const std::vector<std::string> before = directory.files();
  rkeops::clear_memory_cache();
  CHECK(works(c, options));
  for (const std::string& name : directory.files()) {
    if (std::find(before.begin(), before.end(), name) == before.end()) return directory.path() + "/" + name;
  }
  return "";
}

// A whole, intact file is a kernel only under its own key.
TEST("swapped files") {
  Directory directory;
  const rkeops::RunOptions options = options_with(directory.path());
  const std::string first = file_of(1, directory, options), second = file_of(2, directory, options);
  fs::rename(first, first + ".x");
  fs::rename(second, first);
  fs::rename(first + ".x", second);
  rkeops::clear_memory_cache();
  const std::int64_t before = compiled();
  CHECK(works(1, options));
  CHECK(works(2, options));
  CHECK_EQUAL(compiled(), before + 2);
  rkeops::clear_memory_cache();
  CHECK(works(1, options));
  CHECK_EQUAL(compiled(), before + 2);  // put right
  // a kernel of a larger dimension would write beyond its memory
  const auto of_dim = [&](int dim) {
    const std::string text = std::to_string(dim);
    const Matrix x{3, dim, std::vector<double>(static_cast<std::size_t>(3 * dim), 2.0)};
    rkeops::clear_memory_cache();
    return run(*rkeops::Program::create("Sum_Reduction(x+x*x,0)", arguments({"x=Vi(" + text + ")"})), inputs({x}), options)[0];
  };
  of_dim(3);
  std::string small, large;
  for (const std::string& name : directory.files()) {
    const std::string path = directory.path() + "/" + name;
    if (path != first && path != second) small = path;
  }
  of_dim(300);
  for (const std::string& name : directory.files()) {
    const std::string path = directory.path() + "/" + name;
    if (path != first && path != second && path != small) large = path;
  }
  fs::copy_file(large, small, fs::copy_options::overwrite_existing);
  CHECK_EQUAL(of_dim(3).values, (std::vector<double>{18, 18, 18}));
  // sealed for this key, but holding another kernel: the kernel itself says which it is
  const std::string key = fs::path(first).stem().string(), other = contents(second);
  const std::string source = rkeops::Program::create("Sum_Reduction(y+1,1)", arguments({"y=Vj(1)"}))->source(options);
  fs::remove(first);
  write(first, rkeops::DiskCache::sealed(key, source, other.substr(0, other.size() - 104)));
  rkeops::clear_memory_cache();
  CHECK(works(1, options));
}

TEST("files of others") {
  for (const mode_t mask : {0, 022, 077, 0777}) {
    Directory directory;
    const mode_t old = umask(mask);
    const std::string below = directory.path() + "/below";
    const std::string failure = failure_of(3, options_with(below));
    umask(old);
    CHECK_THAT(failure.empty(), "umask " + show(mask) + ": " + failure);
    CHECK_EQUAL(static_cast<int>(fs::status(below).permissions()), 0700);
    for (const auto& entry : fs::directory_iterator(below)) CHECK_EQUAL(static_cast<int>(entry.status().permissions()), 0600);
    rkeops::clear_memory_cache();
  }
  Directory directory;
  const rkeops::RunOptions options = options_with(directory.path());
  const std::string file = file_of(4, directory, options);
  for (const mode_t mode : {0777, 0666, 0620, 0602}) {
    chmod(file.c_str(), mode);
    rkeops::clear_memory_cache();
    const std::int64_t before = compiled();
    CHECK(works(4, options));
    CHECK_THAT(compiled() == before + 1, "a file of mode " + show(mode) + " was loaded");
    CHECK_EQUAL(static_cast<int>(fs::status(file).permissions()), 0600);
  }
  if (geteuid() != 0) return check::skip("a file of another user: only root can make one");
  CHECK(chown(file.c_str(), 65534, 65534) == 0);
  rkeops::clear_memory_cache();
  const std::int64_t before = compiled();
  CHECK(works(4, options));
  CHECK_EQUAL(compiled(), before + 1);
  struct stat info;
  CHECK(stat(file.c_str(), &info) == 0 && info.st_uid == 0);
}

TEST("times and limits") {
  Directory directory;
  rkeops::RunOptions options = options_with(directory.path());
  const std::string first = file_of(10, directory, options), second = file_of(11, directory, options);
  const std::int64_t each = static_cast<std::int64_t>(fs::file_size(first));
  age(first, -1e6);  // the clock was set back
  age(second, -2e6);
  options.jit.cache_limit_bytes = 2 * each + each / 2;
  const std::string third = file_of(12, directory, options);
  CHECK(fs::exists(third) && fs::exists(second) && !fs::exists(first));
  const std::string fourth = file_of(13, directory, options);
  CHECK(fs::exists(third) && fs::exists(fourth) && !fs::exists(second));
  options.jit.cache_limit_bytes = std::numeric_limits<std::int64_t>::max();
  CHECK(!file_of(14, directory, options).empty());
  CHECK_EQUAL(directory.files().size(), 3u);
}

// What a killed process leaves is known by its lock, which nobody holds.
TEST("rubbish") {
  Directory directory, scripts;
  const rkeops::RunOptions options = options_with(directory.path());
  rkeops::clear_memory_cache();
  std::fflush(stdout);
  const std::string started = scripts.path() + "/started";
  write(scripts.path() + "/slow", "#!/bin/sh\ntouch " + started + "\nsleep 20\n", 0700);
  const pid_t child = fork();
  if (child == 0) {
    rkeops::RunOptions slow = options;
    slow.jit.compiler = {scripts.path() + "/slow"};
    failure_of(20, slow);
    _exit(0);
  }
  while (!fs::exists(started)) usleep(1000);
  CHECK_EQUAL(directory.files().size(), 1u);
  CHECK_EQUAL(rkeops::cache_bytes(directory.path()), 0);  // in use
  rkeops::clear_cache(directory.path());
  CHECK_EQUAL(directory.files().size(), 1u);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(rkeops::cache_bytes(directory.path()) > 0);
  CHECK(works(21, options));
  CHECK(only_kernels(directory));
  // left by earlier versions: swept when old, and by cleaning; other files stay
  const std::string key(32, 'a');
  for (const char* end : {".123.c", ".123.so", ".123.so.log", ".123"}) write(directory.path() + "/" + key + end, "x");
  for (const char* end : {".c", ".12x.c", ".123.o"}) write(directory.path() + "/" + key + end, "x");
  age(directory.path() + "/" + key + ".123.c", 7200);
  CHECK(works(22, options));
  CHECK_EQUAL(directory.files().size(), 8u);
  rkeops::clear_cache(directory.path());
  CHECK_EQUAL(directory.files().size(), 3u);
  // in the directory for temporary files too
  Directory temporary;
  const std::string dead = temporary.path() + "/rkeops-jit-123456";
  fs::create_directory(dead);
  write(dead + "/lock", "");
  write(dead + "/kernel.c", "x");
  in_child([&] {
    setenv("TMPDIR", temporary.path().c_str(), 1);
    CHECK_EQUAL(failure_of(23, options_with("")), "");
  });
  CHECK(temporary.files().empty());
  // a folder of that name that is somebody's own
  fs::create_directory(directory.path() + "/rkeops-jit-abcdef");
  write(directory.path() + "/rkeops-jit-abcdef/mine", "x");
  fs::create_directory(directory.path() + "/rkeops-jit-000000");  // killed before it held a lock
  for (const char* name : {"/rkeops-jit-abcdef", "/rkeops-jit-000000"}) age(directory.path() + name, 7200);
  rkeops::clear_cache(directory.path());
  CHECK(fs::exists(directory.path() + "/rkeops-jit-abcdef/mine"));
  CHECK(!fs::exists(directory.path() + "/rkeops-jit-000000"));
}

std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);)
    count += line.find(".so") != std::string::npos || line.find("jit") != std::string::npos;
  return count;
}

TEST("bounded memory") {
  Directory directory;
  rkeops::RunOptions options = options_with(directory.path());
  options.jit.kernels_in_memory = 3;
  rkeops::clear_memory_cache();
  std::vector<std::shared_ptr<const rkeops::Program>> programs;
  std::size_t most = 0;
  const std::size_t start = mappings();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t k = 0; k < 8; ++k) {
      if (round == 0)
        programs.push_back(
            rkeops::Program::create("Sum_Reduction(y+" + show(30 + static_cast<double>(k)) + ",1)", arguments({"y=Vj(1)"})));
      CHECK_EQUAL(run(*programs[k], inputs({column({1})}), options)[0].values[0], 31.0 + static_cast<double>(k));
      CHECK(rkeops::statistics().kernels_in_memory <= 3);
      most = std::max(most, mappings() - start);
    }
  }
  CHECK_THAT(most <= 3 * 6, show(most) + " mappings for three kernels");
  // the one used last stays
  const std::int64_t disk = from_disk();
  run(*programs[5], inputs({column({1})}), options);
  run(*programs[4], inputs({column({1})}), options);
  run(*programs[5], inputs({column({1})}), options);
  run(*programs[3], inputs({column({1})}), options);
  run(*programs[5], inputs({column({1})}), options);
  CHECK_EQUAL(from_disk(), disk + 2);
  // clearing forgets what living programs used
  rkeops::clear_memory_cache();
  run(*programs[5], inputs({column({1})}), options);
  CHECK_EQUAL(from_disk(), disk + 3);
}

// Eight processes compile the same formulas while another one cleans, and one removes the directory.
TEST("cleaning meanwhile") {
  for (bool remove_directory : {false, true}) {
    Directory directory;
    const rkeops::RunOptions options = options_with(directory.path() + "/cache");
    rkeops::clear_memory_cache();
    std::fflush(stdout);
    const pid_t cleaner = fork();
    if (cleaner == 0) {
      for (;;) {
        rkeops::clear_cache(options.jit.cache_dir);
        std::error_code ignored;  // others write meanwhile
        if (remove_directory) fs::remove_all(options.jit.cache_dir, ignored), usleep(20000);
        usleep(500);
      }
    }
    std::vector<pid_t> children;
    for (int c = 0; c < 8; ++c) {
      children.push_back(fork());
      if (children.back() != 0) continue;
      std::string failure;
      for (int k = 0; k < 6 && failure.empty(); ++k) {
        rkeops::clear_memory_cache();
        failure = failure_of(40 + k % 2, options);
      }
      if (!failure.empty()) std::printf("while another process cleans: %s\n", failure.c_str());
      std::fflush(stdout);
      _exit(!failure.empty());
    }
    for (pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    kill(cleaner, SIGKILL);
    waitpid(cleaner, nullptr, 0);
    rkeops::clear_cache(options.jit.cache_dir);
    if (!remove_directory) CHECK(fs::is_empty(options.jit.cache_dir));
  }
}

// Programs that ignore SIGCHLD, or reap all children, learn nothing of how a compiler ended.
TEST("nobody waits") {
  Directory directory, scripts;
  const rkeops::RunOptions options = options_with(directory.path());
  rkeops::clear_memory_cache();
  in_child([&] {
    signal(SIGCHLD, SIG_IGN);
    CHECK_EQUAL(failure_of(50, options), "");
    write(scripts.path() + "/failing", "#!/bin/sh\necho too tired; exit 3\n", 0700);
    rkeops::RunOptions bad = options;
    bad.jit.compiler = {scripts.path() + "/failing"};
    CHECK(failure_of(51, bad).find("too tired") != std::string::npos);
    write(scripts.path() + "/half", "#!/bin/sh\nfor a; do [ \"$b\" = -o ] && o=$a; b=$a; done\n" + compiler() +
          " \"$@\" && head -c 9000 \"$o\" > \"$o.2\" && mv \"$o.2\" \"$o\"\n", 0700);
    bad.jit.compiler = {scripts.path() + "/half"};
    CHECK(failure_of(52, bad).find("whole shared object") != std::string::npos);
    CHECK_EQUAL(failure_of(52, options), "");
  });
  in_child([&] {
    signal(SIGCHLD, [](int) { while (waitpid(-1, nullptr, WNOHANG) > 0) {} });
    CHECK_EQUAL(failure_of(53, options), "");
  });
}

}  // namespace
