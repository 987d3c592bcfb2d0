// The GPU target without a GPU: the CUDA text of many formulas goes through the real NVRTC for several architectures (skipped
// where there is none), and runs on the CPU under cuda_on_cpu.hpp, through the whole runtime and a fake driver; both
// precisions, sizes around those of tiles, splits and pieces. The fake driver also fails, in all the ways that drivers do.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <list>

#include "gpu_fake.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

std::vector<Matrix> on_gpu(const Case& c, std::int64_t m, std::int64_t n, Precision precision, std::vector<int> devices = {0}) {
  const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
  rkeops::RunOptions options = gpu_options(precision);
  options.devices = std::move(devices);
  return run(*program, inputs(data_for(program->arguments(), m, n)), options);
}

void agreement() {
  for (const Case& c : cases()) {
    for (Precision precision : {Precision::float32, Precision::float64}) compare(c, 37, 300, precision);
  }
}

// Around the sizes of blocks, tiles, shared memory and splits.
void sizes() {
  const Case sum = cases()[0], nearest = cases()[13], soft = cases()[5];
  for (std::int64_t m : {1, 127, 128, 512, 513}) {
    for (std::int64_t n : {1, 2, 255, 257}) compare(sum, m, n, Precision::float64);
  }
  for (const Case& c : {sum, nearest, soft}) {
    for (std::int64_t n : {4096, 8192, 8193, 20000}) compare(c, 3, n, Precision::float32);
  }
  const Case many{"KMin_ArgKMin_Reduction(SqDist(x,y),60,1)", {"x=Vi(3)", "y=Vj(3)"}}, vectors{"KMin_ArgKMin_Reduction(x*y,50,0)", {"x=Vi(3)", "y=Vj(3)"}};
  for (std::int64_t n : {60, 300, 8193}) compare(many, 130, n, Precision::float32);
  compare(many, 3, 20000, Precision::float64);
  compare(vectors, 100, 37, Precision::float64);
  const Case entries{"Entries_Reduction(SqDist(x,y)*x,1)", {"x=Vi(3)", "y=Vj(3)"}}, columns{"Entries_Reduction(y,1)", {"x=Vi(1)", "y=Vj(2)"}};
  for (std::int64_t m : {1, 127, 513}) {
    for (std::int64_t n : {1, 63, 64, 65, 4097}) compare(entries, m, n, Precision::float64);
  }
  compare(entries, 40000, 300, Precision::float32);
  compare(columns, 70, 5000, Precision::float32);
  const Case both{"SumBoth_Reduction(Exp(-SqDist(x,y)),Exp(-SqDist(x,y))*x,1)", {"x=Vi(3)", "y=Vj(3)"}};
  compare(both, 300, 200, Precision::float32);
  compare(both, 20, 9000, Precision::float64);
  const auto empty = on_gpu(sum, 0, 5, Precision::float64);
  CHECK_EQUAL(empty[0].rows, std::int64_t{0});
  CHECK_EQUAL(on_gpu(sum, 2, 0, Precision::float64)[0].values, (std::vector<double>{0, 0, 0, 0}));
}

// A child process with its own fake driver; its exit status says whether `body` held.
void in_child(const char* what, const std::vector<std::pair<const char*, const char*>>& settings, const std::function<bool()>& body) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (const auto& [name, value] : settings) setenv(name, value, 1);
    bool good = false;
    try {
      good = body();
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", what, error.what());
    }
    std::fflush(stdout);
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}

bool fails(const std::function<void()>& body, ErrorKind kind, const std::string& part) {
  const std::string wrong = throws(body, {kind, part});
  if (!wrong.empty()) std::printf("%s\n", wrong.c_str());
  return wrong.empty();
}

void failures() {
  const Case sum = cases()[0];
  const auto compute = [&] { on_gpu(sum, 40, 40, Precision::float32); };
  in_child("no driver", {{"RKEOPS_CUDA_DRIVER", "/nowhere/libcuda.so"}}, [&] { return fails(compute, ErrorKind::gpu, "driver"); });
  in_child("a library that is no driver", {{"RKEOPS_CUDA_DRIVER", "libm.so.6"}}, [&] { return fails(compute, ErrorKind::gpu, "no function"); });
  in_child("driver does not start", {{"FAKE_CUDA_INIT", "999"}}, [&] { return fails(compute, ErrorKind::gpu, "cannot be used"); });
  in_child("no device", {{"FAKE_CUDA_DEVICES", "0"}}, [&] { return fails(compute, ErrorKind::gpu, "no GPU"); });
  in_child("wrong device", {}, [&] {
    return fails([&] { on_gpu(sum, 4, 4, Precision::float32, {5}); }, ErrorKind::gpu, "number 5");
  });
  in_child("no NVRTC", {{"RKEOPS_NVRTC", "libm.so.6"}}, [&] { return fails(compute, ErrorKind::gpu, "no function"); });
  in_child("NVRTC fails", {{"FAKE_NVRTC", "6"}}, [&] { return fails(compute, ErrorKind::compiler, "could not compile"); });
  in_child("launch fails", {{"FAKE_CUDA_LAUNCH", "719"}}, [&] { return fails(compute, ErrorKind::gpu, "LAUNCH_FAILED"); });
  in_child("kernel time-out", {{"FAKE_CUDA_LAUNCH", "702"}}, [&] { return fails(compute, ErrorKind::gpu, "LAUNCH_TIMEOUT"); });
  in_child("device busy", {{"FAKE_CUDA_CONTEXT", "46"}}, [&] { return fails(compute, ErrorKind::gpu, "UNAVAILABLE"); });
  in_child("memory for nothing", {{"FAKE_CUDA_MEMORY", "4096"}}, [&] { return fails(compute, ErrorKind::memory, "memory"); });
  in_child("after an error all is well", {}, [&] {
    setenv("FAKE_CUDA_LAUNCH", "719", 1);
    bool good = fails(compute, ErrorKind::gpu, "LAUNCH_FAILED");
    unsetenv("FAKE_CUDA_LAUNCH");
    compute();
    return good;
  });
  in_child("a forked process", {}, [&] {
    compute();
    const pid_t child = fork();
    if (child == 0) _exit(fails(compute, ErrorKind::gpu, "forked") ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return status == 0;
  });
  in_child("interrupt", {}, [&] {
    const auto program = rkeops::Program::create(sum.formula, arguments(sum.declarations));
    rkeops::Host host;
    host.interrupted = [](void*) { return true; };
    const auto data = data_for(program->arguments(), 600, 200000);
    return fails([&] { run(*program, inputs(data), gpu_options(Precision::float32), host); }, ErrorKind::interrupt, "interrupted");
  });
}

// Pieces that fit the memory give what the whole gives; so do several devices.
void pieces() {
  for (const Case& c : {cases()[0], cases()[13]}) {
    const auto compute = [&](std::vector<int> devices) { return on_gpu(c, 1100, 9000, Precision::float64, std::move(devices)); };
    in_child("streaming", {}, [&] {
      const auto whole = compute({0});
      setenv("FAKE_CUDA_MEMORY", "700000", 1);
      return same_bits(compute({0}), whole);
    });
    in_child("three devices", {{"FAKE_CUDA_DEVICES", "3"}}, [&] { return same_bits(compute({0, 2, 1}), compute({0})); });
  }
}

// Matrices that may be kept go to each GPU once, until they are forgotten or their memory is needed.
void resident() {
  const Case c = cases()[0];
  const auto uploads = [](const std::function<void()>& body) {
    void* library = dlopen(std::getenv("RKEOPS_CUDA_DRIVER"), RTLD_NOW | RTLD_NOLOAD);
    const auto uploaded = reinterpret_cast<unsigned long long (*)()>(dlsym(library, "fake_cuda_uploaded"));
    const unsigned long long before = uploaded();
    body();
    return uploaded() - before;
  };
  in_child("resident", {{"FAKE_CUDA_DEVICES", "2"}}, [&] {
    const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
    const auto data = data_for(program->arguments(), 700, 900);
    auto views = inputs(data);
    const unsigned long long all = 8 * (700 * 3 + 900 * 3 + 900 * 2);
    const auto expected = run(*program, views, gpu_options(Precision::float64));
    bool good = uploads([&] { good = same_bits(run(*program, views, gpu_options(Precision::float64)), expected); }) >= all;
    views[0].keep = views[1].keep = true;
    const auto compute = [&](Precision precision, std::vector<int> devices) {
      rkeops::RunOptions options = gpu_options(precision);
      options.devices = std::move(devices);
      return run(*program, views, options);
    };
    const unsigned long long some = 8 * 900 * 2 + 64;
    good = uploads([&] { compute(Precision::float64, {0}); }) >= all && good;
    good = uploads([&] { good = same_bits(compute(Precision::float64, {0}), expected) && good; }) <= some && good;
    good = uploads([&] { compute(Precision::float32, {0}); }) <= some && good;
    good = uploads([&] { compute(Precision::float64, {0, 1}); }) >= all && good;
    good = uploads([&] { good = same_bits(compute(Precision::float64, {1, 0}), expected) && good; }) <= 2 * some && good;
    const std::int64_t held = rkeops::ResidentMatrices::instance().bytes();
    rkeops::forget(views[0].data);
    good = rkeops::ResidentMatrices::instance().bytes() < held && good;
    good = uploads([&] { compute(Precision::float64, {0}); }) > some && good;
    return good;
  });
  in_child("what is not in use gives way", {{"FAKE_CUDA_MEMORY", "300000"}}, [&] {
    const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
    std::list<std::vector<Matrix>> alive;
    const auto compute = [&](bool keep) {
      alive.push_back(data_for(program->arguments(), 700, 900));
      auto views = inputs(alive.back());
      views[0].keep = views[1].keep = keep;
      return run(*program, views, gpu_options(Precision::float64));
    };
    const auto expected = compute(false);
    bool good = true;
    for (int k = 0; k < 12; ++k) good = same_bits(compute(true), expected) && good;
    return good;
  });
}

std::vector<Case> product_cases() {
  const std::vector<std::string> wide{"x=Vi(40)", "y=Vj(40)", "b=Vj(1)"}, short_ones{"x=Vi(13)", "y=Vj(13)", "b=Vj(3)"};
  return {{"Sum_Reduction(Exp(-SqDist(x,y)/40)*b,1)", wide},
          {"Sum_Reduction(Exp(-SqDist(x,y)/9)*b,1)", short_ones},
          {"Sum_Reduction(Exp(-SqDist(x,y)/9)*b,0)", short_ones},
          {"LogSumExp_Reduction((x|y)-SqDist(x,2*y),1)", short_ones},
          {"Grad(Sum_Reduction(Exp((x|y)/40),1),x,Elem(x,0))", wide}};
}

// Matrix products on tensor cores, whose instructions the CPU imitates: errors within four times those of plain float32.
void tensor_cores() {
  for (const Case& c : product_cases()) {
    for (const std::int64_t n : {16, 300}) {
      const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
      std::vector<Matrix> data = data_for(program->arguments(), 150, n);
      for (Matrix& m : data) {
        for (double& x : m.values) x = static_cast<float>(x);
      }
      const Matrix exact = run(*program, inputs(data), run_options(Precision::float64))[0];
      rkeops::RunOptions options = gpu_options(Precision::float32);
      const auto error = [&] {
        const Matrix got = run(*program, inputs(data), options)[0];
        double squares = 0, size = 0;
        for (std::size_t k = 0; k < got.values.size(); ++k) {
          squares += (got.values[k] - exact.values[k]) * (got.values[k] - exact.values[k]);
          size += exact.values[k] * exact.values[k];
        }
        return std::sqrt(squares / size);
      };
      const double plain = error();
      options.tensor_cores = true;
      CHECK(program->source(options).find("mma") != std::string::npos);
      const double split = error();
      CHECK_THAT(split <= 4 * plain && split > 0, c.formula + ": " + show(split) + ", plain float32 " + show(plain));
    }
  }
}

void nvrtc() {
  const rkeops::Nvrtc& real = real_nvrtc();
  if (!real.usable()) return skip("no NVRTC: " + real.problem());
  in_two_processes(static_cast<std::int64_t>(cases().size()), [&](std::int64_t k) {
    for (Precision precision : {Precision::float32, Precision::float64}) {
      compile_for_all(real, cases()[static_cast<std::size_t>(k)], precision);
    }
  });
  for (const Case& c : product_cases()) compile_for_all(real, c, Precision::float32, true);
}

}  // namespace

int main(int argc, char** argv) {
  const Directory directory;
  use_fake_cuda(directory, __FILE__);
  const std::string only = argc > 1 ? argv[1] : "";
  if (only.empty() || only == "failures") failures();
  if (only.empty() || only == "pieces") pieces();  // in children, which must open the driver themselves
  if (only.empty() || only == "resident") resident();
  if (only.empty() || only == "tensor_cores") tensor_cores();
  if (only.empty() || only == "agreement") agreement();
  if (only.empty() || only == "sizes") sizes();
  if (only.empty() || only == "nvrtc") nvrtc();
  return finish();
}
