// Run time per component, and compile time, of vector operations in dimensions 1 to 1000, as a table:
//   g++ -std=c++17 -O2 -Iinst/include bench/dimension.cpp -o dimension -ldl -pthread && ./dimension > bench/results/DATE-MACHINE-dimension.md
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "rkeops/engine_impl.hpp"

namespace {

constexpr std::int64_t dims[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 17, 24, 32, 33, 64, 100, 128, 200, 256, 500, 512, 1000};

struct Work {
  const char *name, *formula;
  const char* reduction;
  int parts = 1;  // numbers in a component
};

constexpr Work works[] = {{"sum of x * y", "x*y", "Sum"},
                          {"scalar product", "x|y", "Sum"},
                          {"Gaussian kernel", "Exp(-SqDist(x,y))", "Sum"},
                          {"its gradient", "Grad(Exp(-SqDist(x,y)),x,1)", "Sum"},
                          {"second gradient", "Grad(Grad(Exp(-SqDist(x,y)),x,1),x,x)", "Sum"},
                          {"exp", "Exp(x*y)", "Sum"},
                          {"normalize", "Normalize(x-y)", "Sum"},
                          {"largest component", "Max(x*y)", "Sum"},
                          {"concat", "Concat(x,y)", "Sum"},
                          {"complex product", "ComplexMult(x,y)", "Sum", 2},
                          {"smallest row", "x*y", "ArgMin"},
                          {"log-sum-exp", "x*y", "LogSumExp"}};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Timing {
  double compile, per_component;  // seconds; nanoseconds of one thread per pair and component
};

Timing measure(const Work& work, std::int64_t components, rkeops::Precision precision, const std::string& cache) {
  using namespace rkeops;
  const std::int64_t dim = components * work.parts;
  const std::string formula = std::string(work.reduction) + "_Reduction(" + work.formula + ",1)";
  const std::vector<Argument> arguments{{"x", Category::i, dim, 0}, {"y", Category::j, dim, 1}};
  const std::int64_t rows = 1024, columns = std::max<std::int64_t>(1024, 262144 / dim);
  std::vector<double> x(static_cast<std::size_t>(rows * dim)), y(static_cast<std::size_t>(columns * dim));
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = std::fmod(0.75487766 * static_cast<double>(k), 1.0) - 0.5;
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = std::fmod(0.56984029 * static_cast<double>(k), 1.0) - 0.5;
  const auto program = Program::create(formula, arguments);
  RunOptions options;
  options.precision = precision;
  options.threads = 1;
  options.jit.cache_dir = cache;
  options.jit.compiler = {"cc"};
  const auto run = [&](std::int64_t m, std::int64_t n) {
    const std::vector<Input> inputs{{Input::Type::real64, x.data(), m, dim, false},
                                    {Input::Type::real64, y.data(), n, dim, false}};
    std::vector<std::vector<double>> results;
    std::vector<double*> outputs;
    for (const auto& part : program->output().parts) {
      results.emplace_back(static_cast<std::size_t>(m * part.columns));
    }
    for (auto& result : results) outputs.push_back(result.data());
    const double begin = now();
    program->run(inputs, outputs, options, {});
    return now() - begin;
  };
  const double before = statistics().compile_seconds;
  run(2, 2);
  const double compile = statistics().compile_seconds - before;
  double best = run(rows, columns);
  for (int k = 0; k < 3; ++k) best = std::min(best, run(rows, columns));
  return {compile, best * 1e9 / static_cast<double>(rows * columns * components)};
}

}  // namespace

int main() {
  char folder[] = "/tmp/rkeops-dimension-XXXXXX";
  if (!mkdtemp(folder)) return 1;
  double slowest = 0;
  std::printf("# Dimensions 1 to 1000\n\nNanoseconds of one thread per pair and component (1024 rows, 1024 columns or more), on %s.\n",
              rkeops::machine_info().cpu.c_str());
  for (rkeops::Precision precision : {rkeops::Precision::float32, rkeops::Precision::float64}) {
    std::printf("\n%s\n\n| D |", rkeops::name_of(precision));
    for (const Work& work : works) std::printf(" %s |", work.name);
    std::printf("\n|---|");
    for (std::size_t k = 0; k < std::size(works); ++k) std::printf("---|");
    std::printf("\n");
    for (std::int64_t dim : dims) {
      std::printf("| %lld |", static_cast<long long>(dim));
      for (const Work& work : works) {
        const Timing t = measure(work, dim, precision, folder);
        slowest = std::max(slowest, t.compile);
        std::printf(" %.3f |", t.per_component);
        std::fflush(stdout);
      }
      std::printf("\n");
    }
  }
  std::printf("\nSlowest compilation: %.2f s.\n", slowest);
  return std::system((std::string("rm -rf ") + folder).c_str());
}
