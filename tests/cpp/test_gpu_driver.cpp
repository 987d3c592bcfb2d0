// What drivers, contexts and compilers of GPUs are particular about, and all the ways in which they fail, by the fake driver:
// each in a process of its own, because a driver is opened once in a process.
#include "gpu_fake.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

const Case& sum() { return cases()[0]; }
void compute(int device = 0) { on_gpu(sum(), 40, 40, Precision::float32, {device}); }

bool fails(const std::function<void()>& body, ErrorKind kind, const std::string& part, const std::string& hint = "") {
  std::string wrong = throws(body, {kind, part});
  if (wrong.empty() && !hint.empty()) {
    try {
      body();
    } catch (const rkeops::Error& error) {
      if (error.hint.find(hint) == std::string::npos) wrong = "no '" + hint + "' in the hint: " + error.hint;
    }
  }
  if (!wrong.empty()) std::printf("%s\n", wrong.c_str());
  return wrong.empty();
}

TEST("failures") {
  use_fake_cuda();
  const auto one = [] { compute(); };
  in_child("no driver", {{"RKEOPS_CUDA_DRIVER", "/nowhere/libcuda.so"}}, [&] { return fails(one, ErrorKind::gpu, "driver"); });
  in_child("a library that is no driver", {{"RKEOPS_CUDA_DRIVER", "libm.so.6"}},
           [&] { return fails(one, ErrorKind::gpu, "no function"); });
  in_child("driver does not start", {{"FAKE_CUDA_INIT", "999"}}, [&] { return fails(one, ErrorKind::gpu, "cannot be used"); });
  in_child("no device", {{"FAKE_CUDA_DEVICES", "0"}}, [&] { return fails(one, ErrorKind::gpu, "no GPU"); });
  in_child("wrong device", {}, [&] { return fails([] { compute(5); }, ErrorKind::gpu, "number 5"); });
  in_child("NVRTC fails", {{"FAKE_NVRTC", "6"}}, [&] { return fails(one, ErrorKind::compiler, "could not compile"); });
  in_child("kernel time-out", {{"FAKE_CUDA_LAUNCH", "702"}},
           [&] { return fails(one, ErrorKind::gpu, "LAUNCH_TIMEOUT", "Restart R"); });
  in_child("device busy", {{"FAKE_CUDA_CONTEXT", "46"}},
           [&] { return fails(one, ErrorKind::gpu, "opening GPU 0", "exclusively"); });
  in_child("memory for nothing", {{"FAKE_CUDA_MEMORY", "4096"}}, [&] { return fails(one, ErrorKind::memory, "memory"); });
  in_child("an error that kills the context", {}, [&] {
    setenv("FAKE_CUDA_LAUNCH", "719", 1);
    bool good = fails(one, ErrorKind::gpu, "LAUNCH_FAILED", "restart R");
    unsetenv("FAKE_CUDA_LAUNCH");
    good = fails(one, ErrorKind::gpu, "LAUNCH_FAILED", "restart R") && good;
    run(sum().formula, sum().declarations, data_for(arguments(sum().declarations), 5, 5), run_options());  // the CPU goes on
    return good;
  });
  in_child("an error after which all is well", {}, [&] {
    setenv("FAKE_CUDA_LAUNCH", "701", 1);
    bool good = fails(one, ErrorKind::gpu, "starting a kernel");
    good = fake_count("fake_cuda_pending") == 0 && good;  // nothing reads the caller's data any more
    unsetenv("FAKE_CUDA_LAUNCH");
    compute();
    return good;
  });
  in_child("a forked process", {}, [&] {
    compute();
    const pid_t child = fork();
    if (child == 0) {
      const bool good = fails(one, ErrorKind::gpu, "forked");
      rkeops::clear_memory_cache();
      _exit(good && fake_count("fake_cuda_modules") == 1 ? 0 : 1);  // the parent's module is left alone
    }
    int status = -1;
    waitpid(child, &status, 0);
    return child > 0 && status == 0;
  });
  in_child("interrupt", {}, [&] {
    const auto program = rkeops::Program::create(sum().formula, arguments(sum().declarations));
    rkeops::Host host;
    host.interrupted = [](void*) { return true; };
    const auto data = data_for(program->arguments(), 600, 200000);
    return fails([&] { run(*program, inputs(data), gpu_options(Precision::float32), host); }, ErrorKind::interrupt,
                 "interrupted");
  });
}

// GPUs are listed without being opened, and a busy one is in nobody's way.
TEST("listing") {
  use_fake_cuda();
  in_child("listing opens nothing", {{"FAKE_CUDA_DEVICES", "3"}}, [] {
    const rkeops::GpuReport report = rkeops::gpu_report({});
    return report.problem.empty() && report.devices.size() == 3 && report.devices[2].architecture == "90" &&
           report.devices[2].memory_bytes == 1 << 30 && fake_count("fake_cuda_contexts") == 0;
  });
  in_child("one is busy", {{"FAKE_CUDA_DEVICES", "2"}, {"FAKE_CUDA_CONTEXT", "46"}, {"FAKE_CUDA_BUSY", "1"}}, [] {
    bool good = rkeops::gpu_report({}, {0}).problem.empty() && fake_count("fake_cuda_contexts") == 1;
    const rkeops::GpuReport busy = rkeops::gpu_report({}, {1});
    good = busy.problem.find("opening GPU 1") == 0 && busy.devices.size() == 2 && good;
    compute(0);
    return fails([] { compute(1); }, ErrorKind::gpu, "opening GPU 1") && good;
  });
}

// Another library in this process, with a context of its own: it finds that current afterwards, and modules are unloaded in
// theirs.
TEST("contexts") {
  use_fake_cuda();
  in_child("the caller's context", {{"FAKE_CUDA_DEVICES", "2"}}, [] {
    const rkeops::CudaApi& api = rkeops::CudaApi::instance();
    void* own = nullptr;
    bool good = api.retain_context(&own, 1) == 0 && api.push_context(own) == 0;
    const auto current = [] { return reinterpret_cast<void*>(fake_count("fake_cuda_current")); };
    good = current() == own && good;
    compute(0);
    good = current() == own && fake_count("fake_cuda_modules") == 1 && good;
    good = rkeops::gpu_report({}, {0}).problem.empty() && current() == own && good;
    setenv("FAKE_CUDA_LAUNCH", "701", 1);
    good = fails([] { compute(0); }, ErrorKind::gpu, "starting") && current() == own && good;
    rkeops::clear_memory_cache();
    return current() == own && fake_count("fake_cuda_modules") == 0 && good;
  });
}

// Which NVRTC, and what it makes.
TEST("compilers") {
  const Directory& directory = use_fake_cuda();
  using rkeops::gpu_report;
  const auto one = [] { compute(); };
  in_child("no NVRTC", {{"RKEOPS_NVRTC", "libm.so.6"}}, [&] { return fails(one, ErrorKind::gpu, "no function"); });
  in_child("NVRTC is not where it was said", {{"RKEOPS_NVRTC", "/nowhere/libnvrtc.so"}}, [&] {
    return fails(one, ErrorKind::gpu, "cannot be opened", "RKEOPS_NVRTC");
  });
  in_child("another NVRTC, later", {{"RKEOPS_NVRTC", "/nowhere/libnvrtc.so"}}, [&] {
    const bool good = fails(one, ErrorKind::gpu, "cannot be opened");
    setenv("RKEOPS_NVRTC", std::getenv("RKEOPS_CUDA_DRIVER"), 1);
    return compute(), good;
  });
  in_child("a GPU newer than NVRTC", {{"FAKE_CUDA_CAPABILITY", "120"}}, [&] {
    const rkeops::JitOptions options;
    const rkeops::Nvrtc& nvrtc = rkeops::NvrtcSearch::instance(options.nvrtc).choose(13000, 120);
    compute();  // the fake driver reads PTX
    return nvrtc.target(120) == "compute_90" && nvrtc.target(89) == "compute_80" && nvrtc.target(80) == "sm_80";
  });
  in_child("a GPU older than NVRTC", {{"FAKE_CUDA_CAPABILITY", "61"}}, [&] {
    return fails(one, ErrorKind::gpu, "compute capability 7.5 and higher, the GPU has 6.1", "older CUDA toolkit") &&
           gpu_report({}).problem.find("7.5") != std::string::npos;
  });
  in_child("NVRTC newer than the driver", {{"FAKE_NVRTC_VERSION", "14"}},
           [&] { return fails(one, ErrorKind::gpu, "NVRTC is that of CUDA 14"); });

  // Three toolkits: the newest comes first.
  const auto toolkit = [&](const std::string& name, const std::string& definitions) {
    const std::string home = directory.path() + "/" + name;
    std::filesystem::create_directories(home + "/lib64");
    build_fake_cuda(home + "/lib64/libnvrtc.so", definitions);
    return home;
  };
  const std::string newer = toolkit("new", "-DFAKE_NVRTC_MAJOR=14 '-DFAKE_NVRTC_KNOWS=90, 120'"),
                    older = toolkit("old", "-DFAKE_NVRTC_MAJOR=12");
  const auto chosen = [&](const char* driver, const char* capability, const std::string& home) {
    const std::string what = "driver " + std::string(driver) + ", GPU " + capability;
    in_child(what.c_str(), {{"RKEOPS_NVRTC", ""}, {"CUDA_HOME", newer.c_str()}, {"CUDA_PATH", older.c_str()},
                            {"FAKE_CUDA_VERSION", driver}, {"FAKE_CUDA_CAPABILITY", capability}}, [&] {
      compute();
      return gpu_report({}).problem.empty() && gpu_report({}).nvrtc_place.find(home) == 0;
    });
  };
  chosen("14000", "90", newer);
  chosen("13000", "90", older);  // the newer one's code would not load
  chosen("14000", "75", older);  // the newer one does not know this GPU any more

  // Its other half is found beside it, though the loader does not look there.
  const std::string halves = toolkit("halves", "-DFAKE_NVRTC_MAJOR=77"), library = halves + "/lib64/libnvrtc.so";
  const auto half = [&](const char* what, const std::string& path, const std::function<bool()>& body) {
    in_child(what, {{"RKEOPS_NVRTC", path.c_str()}, {"FAKE_CUDA_VERSION", "77000"}, {"FAKE_NVRTC_HALVES", "1"}}, body);
  };
  half("half of NVRTC is missing", library, [&] {
    return fails(one, ErrorKind::compiler, "could not compile", "libnvrtc-builtins must lie in the folder");
  });
  const std::string builtins = halves + "/lib64/libnvrtc-builtins.so.77.0";
  CHECK(std::system(("echo | g++ -x c++ - -shared -fPIC -Wl,-soname,libnvrtc-builtins.so.77.0 -o '" + builtins + "'").c_str()) ==
        0);
  const auto works = [] { return compute(), true; };
  half("both halves", library, works);
  const std::string link = directory.path() + "/libnvrtc-link.so";
  std::filesystem::create_symlink(library, link);
  half("by a link", link, works);
}

// Of kernels on a GPU those used last are kept.
TEST("modules") {
  use_fake_cuda();
  in_child("modules give way", {}, [] {
    rkeops::RunOptions options = gpu_options(Precision::float32);
    options.jit.kernels_in_memory = 2;
    bool good = true;
    for (const std::size_t k : {0, 5, 10, 13}) {
      const auto program = rkeops::Program::create(cases()[k].formula, arguments(cases()[k].declarations));
      run(*program, inputs(data_for(program->arguments(), 5, 5)), options);
      good = fake_count("fake_cuda_modules") <= 2 && good;
    }
    return fake_count("fake_cuda_modules") == 2 && good;
  });
}

// The real one makes what it is asked for.
TEST("real one") {
  use_fake_cuda();
  const rkeops::Nvrtc* real = real_nvrtc();
  if (!real) return skip("no NVRTC");
  const std::string target = real->target(1000);
  CHECK_EQUAL(target.find("compute_"), std::size_t{0});
  const std::string text = "extern \"C\" __global__ void f(float* x) { *x = expf(*x); }";
  CHECK(real->compile_for(target, text).find(".visible .entry f") != std::string::npos);
  CHECK(real->compile_for("sm_90", text).find("ELF") != std::string::npos);
  if (real->objection(real->major() * 1000, 61))
    CHECK(real->objection(real->major() * 1000, 61)->hint.find("older") != std::string::npos);
}

// Processes that end badly, or do not say how they ended, are noticed.
TEST("watched") {
  const auto notices = [](const char* what, const std::string& part, const std::function<void(std::int64_t)>& body) {
    const Counts before = counts();
    const std::string problems = run_in_processes(2, 4, body);
    counts() = before;
    CHECK_THAT(problems.find(part) != std::string::npos, std::string(what) + ": " + problems);
  };
  notices("throws", "ended with status", [](std::int64_t k) { if (k == 1) throw std::runtime_error("as it should"); });
  notices("exits", "did not tell its counts", [](std::int64_t k) { if (k == 3) _exit(0); });
  notices("dies", "killed by signal", [](std::int64_t k) { if (k == 2) raise(SIGKILL); });
  notices("is well", "", [](std::int64_t) {});
  const Counts before = counts();
  in_processes(2, 4, [](std::int64_t k) { count(k != 2, "", 0, "as it should"); });
  const long failed = counts().failed - before.failed, passed = counts().passed - before.passed;
  counts() = before;
  CHECK_EQUAL(failed, 1L);
  CHECK_EQUAL(passed, 4L);
}

}  // namespace
