// Which tile, unrolling and optimisation level suit an instruction set: all candidates on the six works, taking turns, as ratios to
// what FMA throughput allows. Prints the tables that base/heuristics.hpp refers to:
//   g++ -std=c++17 -O2 -Iinst/include bench/calibrate.cpp -o calibrate -ldl -pthread && ./calibrate 32 >> bench/results/FILE.md
// The argument is the width of vectors in bytes (16, 32, 64); a second one names the C compiler.
#include "kernel_lab.hpp"

namespace {

struct Candidate {
  int rows, columns;
  std::int64_t unroll;
  const char* level;
};

std::vector<Candidate> candidates() {
  std::vector<Candidate> list;
  const int tiles[][2] = {{4, 2}, {3, 3}, {2, 4}, {4, 3}, {2, 3}, {2, 6}, {4, 4}, {1, 8}};
  for (const auto& tile : tiles) {
    for (std::int64_t unroll : {4, 16}) {
      for (const char* level : {"-O2", "-O3"}) list.push_back({tile[0], tile[1], unroll, level});
    }
  }
  return list;
}

void calibrate(const lab::Work& work, rkeops::Precision precision, int bytes, const std::string& compiler) {
  using namespace rkeops;
  Target target;
  target.precision = precision;
  target.vector_bytes = bytes;
  lab::FmaLoop fma(target, compiler);
  std::vector<std::unique_ptr<lab::Run>> runs;
  const std::vector<Candidate> all = candidates();
  for (const Candidate& c : all) {
    const KernelPlan kernel = lab::kernel_of(work, target, {c.rows, c.columns, c.unroll});
    runs.push_back(std::make_unique<lab::Run>(kernel, work, lab::compile(kernel.text, compiler, c.level, bytes)));
  }
  for (int round = 0; round < 100; ++round) {
    fma.turn();
    for (auto& run : runs) run->turn();
  }
  const int bound = precision == Precision::float32 ? work.fma32 : work.fma64;
  const auto ratio = [&](std::size_t k) { return runs[k]->nanoseconds() / fma.nanoseconds() / bound; };
  std::printf("| %s, %s |", work.name, name_of(precision));
  std::size_t best = 0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (ratio(k) < ratio(best)) best = k;
  }
  for (std::size_t k = 0; k < all.size(); k += 4) {
    for (std::size_t v = k; v < k + 4; ++v) std::printf(v == best ? " **%.2f**" : " %.2f", ratio(v));
    std::printf(" |");
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  const int bytes = count > 1 ? std::atoi(words[1]) : rkeops::cpu_info().vector_bytes;
  const std::string compiler = count > 2 ? words[2] : "cc";
  std::printf("\n## Vectors of %d bytes, %s, %s\n\nEach field: -O2 and -O3 with vectors of up to 4 components unrolled, then the same with up to 16.\n\n",
              bytes, rkeops::cpu_info().name.c_str(), compiler.c_str());
  std::printf("| rows x columns |");
  const std::vector<Candidate> all = candidates();
  for (std::size_t k = 0; k < all.size(); k += 4) std::printf(" %d x %d |", all[k].rows, all[k].columns);
  std::printf("\n|:---|");
  for (std::size_t k = 0; k < all.size(); k += 4) std::printf(":---|");
  std::printf("\n");
  for (const lab::Work& work : lab::works()) {
    for (rkeops::Precision precision : {rkeops::Precision::float32, rkeops::Precision::float64}) {
      calibrate(work, precision, bytes, compiler);
    }
  }
}
