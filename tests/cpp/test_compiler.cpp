// Compilers that are missing, fail or hang; several processes at once; forked children.
#include <atomic>
#include <thread>

#include "jit_check.hpp"

namespace {

TEST("many processes") {
  Directory directory;
  rkeops::RunOptions options = options_with(directory.path());
  rkeops::clear_memory_cache();
  for (std::int64_t limit : {std::int64_t{1} << 30, std::int64_t{30000}}) {  // also while others evict
    options.jit.cache_limit_bytes = limit;
    std::vector<pid_t> children;
    for (int c = 0; c < 6; ++c) {
      std::fflush(stdout);
      children.push_back(fork());
      if (children.back() != 0) continue;
      int wrong = 0;
      try {
        for (int k = 0; k < 3; ++k) wrong += !works(100 + k, options);
      } catch (const rkeops::Error& error) {
        std::fprintf(stderr, "child: %s\n%s\n", error.what(), error.log.c_str());
        wrong = 9;
      }
      _exit(wrong);
    }
    for (pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    }
    CHECK(only_kernels(directory));
    if (limit > 1 << 20) CHECK_EQUAL(directory.files().size(), 3u);
  }
  // several threads of one process
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  options.jit.cache_limit_bytes = 1 << 30;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { right += works(110, options); });
  for (std::thread& t : threads) t.join();
  CHECK_EQUAL(right.load(), 4);
}

// A compiler that does something odd with $o, the file that it should write.
std::string odd(const std::string& what) {
  return "for a; do [ \"$b\" = -o ] && o=$a; b=$a; done\n" + what + "\n";
}

TEST("compilers") {
  Directory directory, scripts;
  const std::string victim = scripts.path() + "/victim";
  write(victim, "untouched");
  const auto script = [&](const std::string& name, const std::string& body) {
    const std::string path = scripts.path() + "/" + name;
    write(path, "#!/bin/sh\n" + body, 0700);
    return path;
  };
  const std::string sleeper = scripts.path() + "/pid";
  struct Case {
    std::vector<std::string> command;
    const char *message, *log;
  };
  const std::vector<Case> cases{
      {{}, "no C compiler was found", ""},
      {{"no-such-compiler-anywhere"}, "'no-such-compiler-anywhere' was not found", ""},
      {{scripts.path() + "/nothing"}, "was not found", ""},
      {{scripts.path()}, "was not found", ""},  // a directory
      {{script("failing", "echo 'error: too tired'; echo more >&2; exit 3\n")}, "failed with status 3", "too tired"},
      {{script("silent", "exit 0\n")}, "wrote no output", ""},
      {{script("killed", "kill -9 $$\n")}, "killed by signal 9", ""},
      {{script("hanging", "echo started; echo $$ > " + sleeper + "; sleep 30 & wait\n")}, "did not finish within 1 s", "started"},
      {{script("stubborn", "trap '' TERM INT; while :; do sleep 0.1; done\n")}, "did not finish within 1 s", ""},
      {{script("garbage", "while [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo rubbish > \"$2\"; shift; done; exit 0\n")},
       "could not be loaded",
       ""},
      {{script("empty", "while [ $# -gt 1 ]; do [ \"$1\" = -o ] && : > \"$2\"; shift; done; exit 0\n")},
       "an output that is empty",
       ""},
      {{script("endless", "yes 'error: and again'\n")}, "wrote endless messages", "and again"},
      {{script("endless_line", "cat /dev/zero\n")}, "wrote endless messages", ""},
      {{script("long", "yes 'error: and again' | head -c 500000; exit 1\n")}, "failed with status 1", "and again"},
      {{script("fifo", odd("mkfifo $o"))}, "an output that is not a regular file", ""},
      {{script("directory", odd("mkdir -p $o/below; touch $o/below/file"))}, "an output that is a directory", ""},
      {{script("link", odd("ln -s " + victim + " $o"))}, "an output that is a link", ""},
      {{script("huge", odd("truncate -s 100G $o"))}, "an output that is too large", ""},
      {{script("half", odd(compiler() + " \"$@\" && head -c 9000 \"$o\" > $o.2 && mv $o.2 $o"))}, "could not be loaded", ""},
      {{script("another", odd("echo 'int rkeops_fold;' > $o.c; " + compiler() + " -shared -fPIC -o $o $o.c"))},
       "could not be loaded",
       ""},
      {{script("unlinked", odd("echo 'int nowhere(void); int rkeops_fold(void) { return nowhere(); }' > $o.c; " + compiler() +
                               " -shared -fPIC -o $o $o.c"))},
       "undefined symbol: nowhere",
       ""},
      {{compiler(), "-no-such-flag-at-all"}, "failed with status", "no-such-flag"}};
  for (const char* cache : {"disk", "memory"}) {
    rkeops::RunOptions good = options_with(std::string(cache) == "disk" ? directory.path() : "");
    int c = 200;
    for (const Case& row : cases) {
      rkeops::RunOptions bad = good;
      bad.jit.compiler = row.command;
      bad.jit.compile_timeout_s = 1;
      ++c;
      rkeops::clear_memory_cache();
      const auto start = std::chrono::steady_clock::now();
      try {
        sum_plus(c, bad);
        CHECK_THAT(false, std::string("no error, expected: ") + row.message);
      } catch (const rkeops::Error& error) {
        CHECK_EQUAL(error.kind, ErrorKind::compiler);
        CHECK_THAT(std::string(error.what()).find(row.message) != std::string::npos,
                   std::string(error.what()) + ", without: " + row.message);
        CHECK_THAT(error.log.find(row.log) != std::string::npos, "log of " + std::string(row.message) + ": " + error.log);
        CHECK_THAT(!error.hint.empty(), std::string("no hint: ") + row.message);
        CHECK(error.log.size() <= 64 << 10);
      }
      CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < 2);
      if (cache == std::string("disk")) CHECK_THAT(only_kernels(directory), std::string("after: ") + row.message);
      CHECK_THAT(works(c, good), std::string("no good after: ") + row.message);  // the same formula, and the session goes on
    }
  }
  CHECK_EQUAL(contents(victim), "untouched");
  {  // much to say, but good
    rkeops::RunOptions chatty = options_with(directory.path());
    chatty.jit.compiler = {script("chatty", "yes warning | head -c 300000 >&2\nexec " + compiler() + " \"$@\"\n")};
    CHECK(works(299, chatty));
  }
  std::ifstream in(sleeper);
  pid_t pid = 0;
  in >> pid;
  CHECK(pid > 0 && kill(pid, 0) != 0);  // gone, with what it had started
  // words before the compiler, names that need care
  fs::create_directory(scripts.path() + "/with blank");
  fs::create_symlink(rkeops::find_program(compiler()), scripts.path() + "/with blank/c c");
  rkeops::RunOptions odd = options_with(scripts.path() + "/with blank/cache 'n \"more");
  odd.jit.compiler = {"env", scripts.path() + "/with blank/c c"};
  rkeops::clear_memory_cache();
  CHECK(works(300, odd));
  // a compiler that does its work but changes when it is replaced: another key
  const std::string wrapper = script("wrapper", "exec " + compiler() + " \"$@\"\n");
  rkeops::RunOptions wrapped = options_with(directory.path());
  wrapped.jit.compiler = {wrapper};
  CHECK(works(301, wrapped));
  std::int64_t before = compiled();
  rkeops::clear_memory_cache();
  CHECK(works(301, wrapped));
  CHECK_EQUAL(compiled(), before);
  script("wrapper", "# another version\nexec " + compiler() + " \"$@\"\n");
  rkeops::clear_memory_cache();
  CHECK(works(301, wrapped));
  CHECK_EQUAL(compiled(), before + 1);
  // interrupted while it compiles
  rkeops::RunOptions slow = options_with(directory.path());
  slow.jit.compiler = {script("slow", "sleep 20\n")};
  rkeops::Host stop;
  stop.interrupted = [](void*) { return true; };
  const auto program = rkeops::Program::create("Sum_Reduction(y+302,1)", arguments({"y=Vj(1)"}));
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS({ run(*program, inputs({column({1})}), slow, stop); }, {ErrorKind::interrupt, "interrupted"});
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < 0.5);
  CHECK_EQUAL(run(*program, inputs({column({1})}), options_with(directory.path()))[0].values[0], 303.0);
  CHECK(only_kernels(directory));
}

// A forked child may compute, on threads too.
TEST("after fork") {
  Directory directory;
  const rkeops::RunOptions options = options_with(directory.path());
  CHECK(works(400, options));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const auto program = rkeops::Program::create("Sum_Reduction(x*y,1)", arguments({"x=Vi(1)", "y=Vj(1)"}));
    const Matrix got =
        run(*program, inputs({column(std::vector<double>(5000, 1.0)), column(std::vector<double>(5000, 2.0))}), options)[0];
    _exit(works(400, options) && works(401, options) && got.values[4999] == 10000 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

}  // namespace
