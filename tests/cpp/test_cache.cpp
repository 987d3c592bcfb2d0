// Compiled kernels in memory and on disk: damaged files, directories that cannot be used, the size limit; nothing is left
// behind.
#include "jit_check.hpp"

namespace {

TEST("memory and disk") {
  Directory directory;
  const rkeops::RunOptions options = options_with(directory.path());
  rkeops::clear_memory_cache();
  const std::int64_t before = compiled(), disk = from_disk();
  CHECK(works(1, options));
  CHECK_EQUAL(compiled(), before + 1);
  CHECK(works(1, options));  // another program, the same text
  CHECK_EQUAL(compiled(), before + 1);
  CHECK_EQUAL(from_disk(), disk);
  CHECK_EQUAL(rkeops::statistics().kernels_in_memory, 1);
  rkeops::clear_memory_cache();
  CHECK_EQUAL(rkeops::statistics().kernels_in_memory, 0);
  CHECK(works(1, options));
  CHECK_EQUAL(compiled(), before + 1);
  CHECK_EQUAL(from_disk(), disk + 1);
  CHECK(works(2, options));
  rkeops::RunOptions single = options;
  single.precision = rkeops::Precision::float32;
  CHECK(works(2, single));
  CHECK_EQUAL(compiled(), before + 3);
  CHECK_EQUAL(directory.files().size(), 3u);
  CHECK(only_kernels(directory));
  CHECK(warnings.empty());
  // a program in use outlives the clearing
  const auto program = rkeops::Program::create("Sum_Reduction(y+1.5,1)", arguments({"y=Vj(1)"}));
  run(*program, inputs({column({1})}), options);
  rkeops::clear_memory_cache();
  CHECK_EQUAL(run(*program, inputs({column({1})}), options)[0].values[0], 2.5);
  // another compiler command is another file
  rkeops::RunOptions other = options;
  other.jit.compiler.push_back("-DANYTHING");
  rkeops::clear_memory_cache();
  const std::int64_t count = compiled();
  CHECK(works(1, other));
  CHECK_EQUAL(compiled(), count + 1);
  // no directory: memory only
  rkeops::clear_memory_cache();
  CHECK(works(1, options_with("")));
  CHECK(works(1, options_with("")));
  CHECK_EQUAL(compiled(), count + 2);
  CHECK(warnings.empty());
  // made if absent, with all above it, for the user only
  const std::string deep = directory.path() + "/a/b/c";
  CHECK(works(3, options_with(deep)));
  CHECK(fs::exists(deep) && (fs::status(deep).permissions() & fs::perms(077)) == fs::perms::none);
}

// The key and the source of the formula that is damaged below, for files that are sealed well but hold something else.
std::string key_in_use, source_in_use;

// Files that are not what was written: a miss, compiled again and put right.
TEST("damaged files") {
  const auto damage = [](const char* what, const std::function<std::string(std::string)>& change) {
    Directory directory;
    const rkeops::RunOptions options = options_with(directory.path());
    rkeops::clear_memory_cache();
    CHECK(works(1, options));
    const std::string file = only_file(directory), good = contents(file);
    rkeops::clear_memory_cache();
    key_in_use = fs::path(file).stem().string();
    source_in_use = rkeops::Program::create("Sum_Reduction(y+1,1)", arguments({"y=Vj(1)"}))->source(options);
    const std::string bad = change(good);
    fs::remove(file);
    write(file, bad);
    const std::int64_t before = compiled();
    bool fine = false;
    try {
      fine = works(1, options);
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", what, error.what());
    }
    CHECK_THAT(fine && compiled() == before + 1, std::string(what) + " is not compiled again");
    CHECK_THAT(contents(file).size() == good.size() && only_kernels(directory), std::string(what) + " is not put right");
    rkeops::clear_memory_cache();
    CHECK_THAT(works(1, options) && compiled() == before + 1, std::string(what) + ": not found after it was put right");
  };
  damage("an empty file", [](std::string) { return std::string(); });
  damage("a truncated file", [](std::string bytes) { return bytes.substr(0, bytes.size() / 2); });
  damage("a file without its last byte", [](std::string bytes) { return bytes.substr(0, bytes.size() - 1); });
  damage("a file without trailer", [](std::string bytes) { return bytes.substr(0, bytes.size() - 40); });
  damage("a file with a byte more", [](std::string bytes) { return bytes + "x"; });
  damage("a changed byte", [](std::string bytes) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    return bytes;
  });
  damage("a changed first byte", [](std::string bytes) { bytes[0] = 'X'; return bytes; });
  damage("a changed trailer", [](std::string bytes) {
    bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
    return bytes;
  });
  damage("a foreign file", [](std::string) { return std::string(100000, 'a'); });
  damage("a short foreign file", [](std::string) { return std::string("#!/bin/sh\nexit 1\n"); });
  damage("zeros", [](std::string bytes) { return std::string(bytes.size(), '\0'); });
  damage("every region", [](std::string bytes) {
    for (std::size_t k = 0; k < bytes.size(); k += bytes.size() / 50) bytes[k] = static_cast<char>(bytes[k] ^ 0x40);
    return bytes;
  });
  // whole and well formed, but no kernel: sealed text, half of a shared object, one without the functions
  const auto sealed = [](const std::string& payload) {
    return rkeops::DiskCache::sealed(key_in_use, source_in_use, payload);
  };
  damage("sealed text", [&](std::string) { return sealed("not a shared object"); });
  damage("half of a kernel, sealed", [&](std::string bytes) { return sealed(bytes.substr(0, bytes.size() / 2)); });
  damage("another shared object", [&](std::string) {
    Directory scratch;
    write(scratch.path() + "/o.c", "int other(void) { return 1; }\n");
    const std::string command = compiler() + " -shared -fPIC -o " + scratch.path() + "/o.so " + scratch.path() + "/o.c";
    CHECK(std::system(command.c_str()) == 0);
    return sealed(contents(scratch.path() + "/o.so"));
  });
  // a link or a directory where the file should be
  for (bool link : {true, false}) {
    Directory directory, elsewhere;
    const rkeops::RunOptions options = options_with(directory.path());
    rkeops::clear_memory_cache();
    CHECK(works(1, options));
    const std::string file = only_file(directory);
    rkeops::clear_memory_cache();
    const std::int64_t before = compiled();
    if (link) {
      fs::rename(file, elsewhere.path() + "/kernel.so");
      fs::create_symlink(elsewhere.path() + "/kernel.so", file);
    } else {
      fs::remove(file);
      fs::create_directory(file);
    }
    bool fine = false;
    try {
      fine = works(1, options);
    } catch (const std::exception& error) {
      std::printf("%s\n", error.what());
    }
    CHECK_THAT(fine && compiled() == before + 1, link ? "a link in place of a kernel" : "a directory in place of a kernel");
    CHECK(only_kernels(directory));
    warnings.clear();
  }
}

TEST("unusable directories") {
  const auto falls_back = [](const std::string& path, const std::string& reason) {
    rkeops::clear_memory_cache();
    warnings.clear();
    const std::int64_t before = compiled();
    bool fine = false;
    try {
      fine = works(1, options_with(path));
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", path.c_str(), error.what());
    }
    CHECK_THAT(fine && compiled() == before + 1, path + ": no result");
    CHECK_THAT(warnings.size() == 1 && warnings[0].find(reason) != std::string::npos,
               path + ": warnings " + show(warnings) + " without '" + reason + "'");
    CHECK(works(1, options_with(path)));
    CHECK_EQUAL(warnings.size(), 1u);
    CHECK(works(2, options_with(path)));  // a second kernel, the same trouble: told already
    CHECK_THAT(warnings.size() == 1, path + ": warned once more for a second kernel");
    warnings.clear();
  };
  Directory directory;
  write(directory.path() + "/file", "");
  falls_back(directory.path() + "/file", "not a directory");
  falls_back(directory.path() + "/file/below", "");
  falls_back("/proc/rkeops-cannot-be-here", "cannot be created");
  for (mode_t mode : {0770, 0702, 0777}) {
    const std::string open = directory.path() + "/open" + show(static_cast<int>(mode));
    fs::create_directory(open);
    chmod(open.c_str(), mode);
    falls_back(open, "written by other users");
    CHECK(fs::is_empty(open));
  }
  const std::string closed = directory.path() + "/closed";
  fs::create_directory(closed);
  chmod(closed.c_str(), 0500);
  if (geteuid() == 0) {  // root may write everywhere: another user tries
    const uid_t nobody = 65534;
    chmod(directory.path().c_str(), 0755);
    CHECK(chown(closed.c_str(), nobody, nobody) == 0);
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      const long before = counts().failed;
      if (setgid(nobody) != 0 || setuid(nobody) != 0) _exit(2);
      falls_back(closed, "cannot be written");
      std::fflush(stdout);
      _exit(counts().failed > before);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  } else {
    falls_back(closed, "cannot be written");
  }
  chmod(closed.c_str(), 0700);
  // nothing may be written at all
  rkeops::clear_memory_cache();
  const char* old = std::getenv("TMPDIR");
  const std::string saved = old ? old : "";
  setenv("TMPDIR", (directory.path() + "/file").c_str(), 1);
  CHECK(works(5, options_with("")));  // /tmp is there
  old ? setenv("TMPDIR", saved.c_str(), 1) : unsetenv("TMPDIR");
  CHECK(works(5, options_with("")));
}

// Without a cache directory kernels are compiled in a temporary one, which goes away.
TEST("temporary files") {
  Directory temporary, directory;
  const char* old = std::getenv("TMPDIR");
  const std::string saved = old ? old : "";
  setenv("TMPDIR", temporary.path().c_str(), 1);
  rkeops::clear_memory_cache();
  CHECK(works(6, options_with("")));
  rkeops::RunOptions failing = options_with("");
  failing.jit.compiler = {"false"};
  CHECK_THROWS({ works(7, failing); }, {ErrorKind::compiler, "failed with status 1"});
  CHECK(temporary.files().empty());
  // a disk that takes nothing, in a child whose files may not grow
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit little{500, 500};
    setrlimit(RLIMIT_FSIZE, &little);
    int status = 3;
    try {
      works(8, options_with(directory.path()));
    } catch (const rkeops::Error& error) {
      status = error.kind == ErrorKind::cache || error.kind == ErrorKind::compiler ? 0 : 4;
    }
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  CHECK_THAT(temporary.files().empty(), "left in the temporary directory: " + show(temporary.files()));
  CHECK_THAT(directory.files().empty(), "left in the cache directory: " + show(directory.files()));
  old ? setenv("TMPDIR", saved.c_str(), 1) : unsetenv("TMPDIR");
}

TEST("size limit") {
  Directory directory;
  rkeops::RunOptions options = options_with(directory.path());
  rkeops::clear_memory_cache();
  CHECK(works(1, options));
  const std::int64_t each = static_cast<std::int64_t>(fs::file_size(only_file(directory)));
  const std::string first = only_file(directory);
  const auto age = [](const std::string& file, int seconds) {
    const timespec times[2] = {{time(nullptr) - seconds, 0}, {time(nullptr) - seconds, 0}};
    utimensat(AT_FDCWD, file.c_str(), times, 0);
  };
  options.jit.cache_limit_bytes = 3 * each + each / 2;
  age(first, 1000);
  for (int k = 2; k <= 3; ++k) {
    CHECK(works(k, options));
    for (const std::string& name : directory.files()) {
      if (directory.path() + "/" + name != first) age(directory.path() + "/" + name, 500);
    }
  }
  CHECK_EQUAL(directory.files().size(), 3u);
  rkeops::clear_memory_cache();
  CHECK(works(1, options));  // a hit makes it the newest
  CHECK(works(4, options));
  CHECK_EQUAL(directory.files().size(), 3u);
  CHECK(fs::exists(first));
  CHECK(only_kernels(directory));
  // files of others do not count, and stay
  write(directory.path() + "/notes.txt", std::string(static_cast<std::size_t>(10 * each), 'x'));
  CHECK(works(5, options));
  CHECK(fs::exists(directory.path() + "/notes.txt"));
  CHECK_EQUAL(directory.files().size(), 4u);
  // a limit below the size of a single kernel, and kernels all written within one second
  for (std::int64_t limit : {std::int64_t{0}, std::int64_t{1}, each + each / 2}) {
    Directory narrow;
    rkeops::RunOptions tight = options_with(narrow.path());
    tight.jit.cache_limit_bytes = limit;
    for (int k = 20; k < 28; ++k) {
      rkeops::clear_memory_cache();
      std::string wrong;
      try {
        if (!works(k, tight)) wrong = "a wrong result";
      } catch (const rkeops::Error& error) {
        wrong = error.what();
      }
      CHECK_THAT(wrong.empty(), "limit of " + show(limit) + " bytes: " + wrong);
    }
    CHECK(narrow.files().size() <= (limit > each ? 1u : 0u));
    CHECK(only_kernels(narrow));
  }
}

}  // namespace
