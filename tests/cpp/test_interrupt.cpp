// Long runs: the interrupt hook stops them soon, progress rises, and everything is usable afterwards.
#include <chrono>

#include "interpret.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Precision;
using rkeops::Program;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Watch {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  double stop_after = 1e9;
  std::vector<double> progress;
  std::thread::id thread = std::this_thread::get_id();
  bool foreign_thread = false;

  rkeops::Host host() {
    return {[](void* self) {
              Watch& w = *static_cast<Watch*>(self);
              w.foreign_thread |= std::this_thread::get_id() != w.thread;
              return seconds_since(w.start) > w.stop_after;
            },
            [](void* self, double share) {
              Watch& w = *static_cast<Watch*>(self);
              w.foreign_thread |= std::this_thread::get_id() != w.thread;
              w.progress.push_back(share);
            },
            nullptr, this};
  }
};

TEST("interrupts and progress") {
  std::mt19937_64 random(5);
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)", "e=Vi(1)"};
  const auto long_one = Program::create("Grad(LogSumExp_Reduction(-SqDist(x,y),1),x,e)", arguments(declared));
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{400000, 400000}, {3, 6000000}}) {
    std::vector<Matrix> data{
        random_matrix(m, 3, random), {n, 3, Values(static_cast<std::size_t>(n * 3), 0.5)}, random_matrix(m, 1, random)};
    const auto program =
        m > 3 ? long_one
              : Program::create("Sum_Reduction(Atan(Log(2+Sin(Exp(-Norm2(Sin(x-y)))+Cos(x|y))))*e,1)", arguments(declared));
    std::vector<Matrix> tiny{random_matrix(3, 3, random), random_matrix(4, 3, random), random_matrix(3, 1, random)};
    const std::vector<Matrix> before = run(*program, inputs(tiny));
    for (int threads : {1, 2}) {
      rkeops::RunOptions options = run_options();
      options.threads = threads;
      Watch watch;
      watch.stop_after = 0.2;
      const rkeops::Host host = watch.host();
      double took = 0;
      CHECK_THROWS({
        watch.start = std::chrono::steady_clock::now();
        const auto clock = std::chrono::steady_clock::now();
        try {
          run(*program, inputs(data), options, host);
        } catch (...) {
          took = seconds_since(clock);
          throw;
        }
      }, {ErrorKind::interrupt, "interrupted"});
      CHECK_THAT(took < 0.2 + 0.5, "stopping took " + show(took - 0.2) + " s, M = " + show(m) + ", threads " + show(threads));
      CHECK(!watch.foreign_thread);
      CHECK(same_bits(before, run(*program, inputs(tiny))));  // all is as it was
    }
  }
  for (const char* formula : {"Sum_Reduction(Exp(-SqDist(x,y)),1)", "Grad(LogSumExp_Reduction(-SqDist(x,y),1),y,e)"}) {
    const std::vector<Matrix> data{random_matrix(12000, 3, random), random_matrix(12000, 3, random),
                                   random_matrix(12000, 1, random)};
    for (int threads : {1, 2}) {
      rkeops::RunOptions options = run_options();
      options.threads = threads;
      const auto program = Program::create(formula, arguments(declared));
      run(*program, inputs({Matrix{1, 3, {1, 2, 3}}, Matrix{1, 3, {1, 2, 3}}, column({1})}), options);  // compiles
      Watch watch;
      const auto start = std::chrono::steady_clock::now();
      run(*program, inputs(data), options, watch.host());
      CHECK(std::is_sorted(watch.progress.begin(), watch.progress.end()));
      CHECK(watch.progress.size() >= (seconds_since(start) > 0.3 ? 3u : 0u) && !watch.foreign_thread);
      CHECK_THAT(static_cast<double>(watch.progress.size()) <= 8 + 25 * seconds_since(start),
                 show(static_cast<std::int64_t>(watch.progress.size())) + " calls of progress");
      for (double share : watch.progress) CHECK(share >= 0 && share <= 1);
    }
  }
}

}  // namespace
