// The GPU harness without R: correctness of every case against the CPU, then speed. Prints one JSON object.
//   g++ -std=c++17 -O2 -Iinst/include -Itests/cpp bench/gpu.cpp -o gpu -ldl -pthread && ./gpu [--quick]
// tools/gpu.sh runs it, with what else belongs to it. --quick: small sizes, to try the script without a GPU.
#include <chrono>

#include "gpu_cases.hpp"

using namespace check;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Work {
  std::string name, formula;
  std::vector<std::string> declarations;
  double float32_bound, float64_bound;  // seconds for N = M = 1e6 on an H200; 0: none is known
};

std::vector<Work> works() {
  std::vector<Work> list = {
      {"Gaussian sum, D = 15, b in R^15", "Sum_Reduction(Exp(-SqDist(x,y))*b,1)", {"x=Vi(15)", "y=Vj(15)", "b=Vj(15)"}, 1.38, 4},
      {"its gradient in y", "Grad(Sum_Reduction(Exp(-SqDist(x,y))*b,1),y,e)", {"x=Vi(15)", "y=Vj(15)", "b=Vj(15)", "e=Vi(15)"}, 0, 0},
      {"Gaussian sum, D = 3", "Sum_Reduction(Exp(-SqDist(x,y)),1)", {"x=Vi(3)", "y=Vj(3)"}, 0.25, 0},
      {"log-sum-exp, D = 3", "LogSumExp_Reduction(-SqDist(x,y),1)", {"x=Vi(3)", "y=Vj(3)"}, 0, 0},
      {"10 nearest neighbours, D = 3", "ArgKMin_Reduction(SqDist(x,y),10,1)", {"x=Vi(3)", "y=Vj(3)"}, 0, 0},
      {"argmin, D = 2", "ArgMin_Reduction(SqDist(x,y),1)", {"x=Vi(2)", "y=Vj(2)"}, 0, 0}};
  for (const char* dim : {"64", "256", "1024"}) {
    const std::string d = dim;
    list.push_back({"Gaussian sum, D = " + d, "Sum_Reduction(Exp(-SqDist(x,y)/" + d + "),1)", {"x=Vi(" + d + ")", "y=Vj(" + d + ")"}, 0, 0});
  }
  return list;
}

struct Timing {
  double first, best;
};

Timing measure(const Work& work, std::int64_t n, Precision precision, double patience, bool tensor_cores = false, bool keep = false) {
  const auto program = rkeops::Program::create(work.formula, arguments(work.declarations));
  const std::vector<Matrix> data = data_for(program->arguments(), n, n);
  const auto once = [&](std::int64_t rows) {
    std::vector<rkeops::Input> in = inputs(data);
    for (rkeops::Input& input : in) {
      input.rows = std::min(input.rows, rows);
      input.keep = keep;
    }
    const double begin = now();
    rkeops::RunOptions options = gpu_options(precision);
    options.tensor_cores = tensor_cores;
    run(*program, in, options);
    return now() - begin;
  };
  Timing t{once(10), once(n)};
  const double begin = now();
  for (int k = 0; k < 5 && now() - begin < patience; ++k) t.best = std::min(t.best, once(n));
  for (const Matrix& m : data) rkeops::forget(m.values.data());
  return t;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  const rkeops::GpuReport gpu = rkeops::gpu_report({});
  if (!gpu.problem.empty()) {
    std::printf("{\"gpu\": null, \"problem\": %s}\n", quoted(gpu.problem).c_str());
    return 1;
  }
  for (const Case& c : cases()) {
    for (Precision precision : {Precision::float32, Precision::float64}) compare(c, 600, quick ? 300 : 9000, precision);
  }
  std::printf("{\"gpu\": %s, \"driver\": %d, \"nvrtc\": %s,\n \"correct\": %d, \"wrong\": %d,\n \"works\": [", quoted(gpu.devices[0].name).c_str(),
              gpu.driver_version, quoted(gpu.nvrtc).c_str(), static_cast<int>(counts().passed), static_cast<int>(counts().failed));
  const char* separator = "\n";
  const auto report = [&](const Work& work, Precision precision, std::int64_t n, bool tensor_cores) {
    const Timing t = measure(work, n, precision, 3, tensor_cores);
    const double bound = n != 1000000 ? 0 : precision == Precision::float32 ? work.float32_bound : work.float64_bound;
    std::printf("%s  {\"work\": %s, \"precision\": %s, \"tensor_cores\": %s, \"n\": %lld, \"first_s\": %.4g, \"seconds\": %.4g, "
                "\"bound_s\": %.4g}",
                separator, quoted(work.name).c_str(), quoted(rkeops::name_of(precision)).c_str(), tensor_cores ? "true" : "false",
                static_cast<long long>(n), t.first, t.best, bound);
    std::fflush(stdout);
    separator = ",\n";
  };
  using Sizes = std::vector<std::int64_t>;
  for (const Work& work : works()) {
    const bool wide = work.declarations[0].size() > std::string("x=Vi(15)").size() || work.declarations[0] == "x=Vi(64)";
    for (const std::int64_t n : quick ? Sizes{wide ? 32 : 200} : wide ? Sizes{100000} : Sizes{100000, 1000000}) {
      for (Precision precision : {Precision::float32, Precision::float64}) report(work, precision, n, false);
      if (wide) report(work, Precision::float32, n, true);
    }
  }
  const Timing small = measure(works()[2], 10, Precision::float32, 0.5), kept = measure(works()[2], 10, Precision::float32, 0.5, false, true);
  std::printf("\n ],\n \"call_overhead_s\": %.3g, \"call_overhead_resident_s\": %.3g}\n", small.best, kept.best);
  return counts().failed != 0;
}
