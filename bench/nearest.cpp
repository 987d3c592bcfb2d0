// Time of the K nearest on one thread, for many K, columns in random order and from far to near:
//   g++ -std=c++17 -O2 -Iinst/include bench/nearest.cpp -o nearest -ldl -pthread && ./nearest
// Where least_selected_k (base/heuristics.hpp) has to be is seen by setting it to 2, and then to a million.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "rkeops/engine_impl.hpp"

namespace {

// Processor time of the better of three runs, in seconds.
double measure(std::int64_t rows, std::int64_t columns, std::int64_t k, rkeops::Precision precision, bool far_to_near) {
  using namespace rkeops;
  constexpr std::int64_t dim = 3;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> number(-1, 1);
  std::vector<double> x(static_cast<std::size_t>(rows * dim)), y(static_cast<std::size_t>(columns * dim));
  std::generate(x.begin(), x.end(), [&] { return far_to_near ? 0 : number(random); });
  std::generate(y.begin(), y.end(), [&] { return number(random); });
  for (std::int64_t j = 0; j < columns && far_to_near; ++j) y[static_cast<std::size_t>(j)] = static_cast<double>(10 + columns - j);
  const auto program = Program::create("ArgKMin_Reduction(SqDist(x,y)," + std::to_string(k) + ",1)",
                                       {{"x", Category::i, dim, 0}, {"y", Category::j, dim, 1}});
  std::vector<double> result(static_cast<std::size_t>(rows * k));
  RunOptions options;
  options.precision = precision;
  options.threads = 1;
  options.jit.compiler = {"cc"};
  double best = HUGE_VAL;
  for (int run = 0; run < 4; ++run) {  // the first one compiles
    const std::clock_t start = std::clock();
    program->run({{Input::Type::real64, x.data(), rows, dim}, {Input::Type::real64, y.data(), columns, dim}}, {result.data()}, options, {});
    if (run > 0) best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

}  // namespace

int main() {
  std::printf("milliseconds, float64 and float32\n     K   200 x 50000       20 x 1000000      500 x 2000        200 x 50000, far to near\n");
  for (std::int64_t k : {5, 16, 24, 32, 48, 64, 100, 300, 1000}) {
    std::printf("%6d", static_cast<int>(k));
    for (const auto& [rows, columns, far] : {std::tuple<std::int64_t, std::int64_t, bool>{200, 50000, false}, {20, 1000000, false}, {500, 2000, false}, {200, 50000, true}}) {
      for (auto precision : {rkeops::Precision::float64, rkeops::Precision::float32}) std::printf(" %8.1f", 1e3 * measure(rows, columns, k, precision, far));
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
