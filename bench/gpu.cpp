// The GPU harness: correctness of every case, then speed; tools/gpu.sh runs it, with what else belongs to it.
//   g++ -std=c++17 -O1 -Iinst/include -Itests/cpp bench/gpu.cpp tests/cpp/engine.cpp -o gpu -ldl -pthread
//   ./gpu --out FILE [--seconds S] [--quick]     all; FILE is a JSON object, written again after every work; no work begins after S
//   ./gpu --check                                 small correctness cases in one process, for compute-sanitizer
//   ./gpu --work NUMBER --size N [--double]       one work, for a profiler
// --quick: small sizes and few cases, to try the script without a GPU. --cache FOLDER: keeps compiled kernels. It runs in the
// checkout's root; what it says goes to stderr.
#include <chrono>

#define CHECK_WITHOUT_MAIN
#include "golden.hpp"
#include "gpu_cases.hpp"
#include "rkeops/platform/machine.hpp"
#include "processes.hpp"

using namespace check;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Arguments {
  std::string out, cache;
  double seconds = 1e9;
  bool quick = false, check = false, wide = false;
  int work = -1;
  std::int64_t size = 1000;
};

Arguments read(int argc, char** argv) {
  Arguments a;
  for (int k = 1; k < argc; ++k) {
    const std::string word = argv[k];
    const auto next = [&] { return std::string(k + 1 < argc ? argv[++k] : ""); };
    if (word == "--quick") a.quick = true;
    else if (word == "--check") a.check = true;
    else if (word == "--double") a.wide = true;
    else if (word == "--out") a.out = next();
    else if (word == "--cache") a.cache = next();
    else if (word == "--seconds") a.seconds = std::atof(next().c_str());
    else if (word == "--work") a.work = std::atoi(next().c_str());
    else if (word == "--size") a.size = std::atoll(next().c_str());
    else std::exit((std::fprintf(stderr, "unknown argument %s\n", word.c_str()), 2));
  }
  return a;
}

struct Work {
  std::string name, formula;
  std::vector<std::string> declarations;
  double bound32, bound64;  // seconds for N = M = 1e6 on a GPU of 132 multiprocessors at 1.98 GHz; 0: none is known
  std::vector<std::int64_t> sizes;
  bool products = false;  // tensor cores can do it too
};

// Bounds: issue slots of a pair in the best kernel one can think of; float64 on its 64 lanes.
std::vector<Work> works(bool quick) {
  const std::vector<std::int64_t> all{100000, 1000000, 10000}, wide{100000}, some{10000};
  const std::string xy = "Exp(-SqDist(x,y))";
  std::vector<Work> list = {
      {"Gaussian sum, D = 15, b in R^15", "Sum_Reduction(" + xy + "*b,1)", {"x=Vi(15)", "y=Vj(15)", "b=Vj(15)"}, 1.38, 4, all},
      {"its gradient in y", "Grad(Sum_Reduction(" + xy + "*b,1),y,e)", {"x=Vi(15)", "y=Vj(15)", "b=Vj(15)", "e=Vi(15)"}, 1.88, 0, all},
      {"Gaussian sum, D = 3", "Sum_Reduction(" + xy + ",1)", {"x=Vi(3)", "y=Vj(3)"}, 0.25, 0, all},
      {"log-sum-exp, D = 3", "LogSumExp_Reduction(-SqDist(x,y),1)", {"x=Vi(3)", "y=Vj(3)"}, 0.30, 0, all},
      {"10 nearest neighbours, D = 3", "ArgKMin_Reduction(SqDist(x,y),10,1)", {"x=Vi(3)", "y=Vj(3)"}, 0.226, 0, all},
      {"argmin, D = 3", "ArgMin_Reduction(SqDist(x,y),1)", {"x=Vi(3)", "y=Vj(3)"}, 0.207, 0, all}};
  for (const std::int64_t dim : {64, 256, 1024}) {
    const std::string d = show(dim);
    list.push_back({"Gaussian sum, D = " + d, "Sum_Reduction(Exp(-SqDist(x,y)/" + d + "),1)", {"x=Vi(" + d + ")", "y=Vj(" + d + ")"},
                    static_cast<double>(2 * dim + 3) * 1e12 / 3.345e13, 0, wide, true});
  }
  list.push_back({"sum of tensor products, D = 100", "Sum_Reduction(TensorProd(x,y),1)", {"x=Vi(100)", "y=Vj(100)"}, 1e4 * 1e12 / 3.345e13, 0, some});
  if (quick) {
    for (Work& work : list) {
      work.sizes = {work.products || work.declarations[0] == "x=Vi(100)" ? 16 : 200};
      work.bound32 = work.bound64 = 0;
    }
  }
  return list;
}

struct Timing {
  double first = 0, uploaded = HUGE_VAL, resident = HUGE_VAL;
  int repeats = 0;
};

Timing measure(const Work& work, std::int64_t n, rkeops::RunOptions options, double patience) {
  const auto program = rkeops::Program::create(work.formula, arguments(work.declarations));
  const std::vector<Matrix> data = data_for(program->arguments(), n, n);
  const auto once = [&](std::int64_t rows, bool keep) {
    std::vector<rkeops::Input> in = inputs(data);
    for (rkeops::Input& input : in) {
      input.rows = std::min(input.rows, rows);
      input.keep = keep;
    }
    const double begin = now();
    run(*program, in, options);
    return now() - begin;
  };
  Timing t;
  t.first = once(std::min<std::int64_t>(n, 10), false);  // 10 rows: what a new formula costs
  const double warm_up = once(n, true), begin = now();
  const bool slow = warm_up > patience;
  for (; t.repeats < 5 && (t.repeats == 0 || now() - begin < patience); ++t.repeats) t.resident = std::min(t.resident, once(n, true));
  for (const Matrix& m : data) rkeops::forget(m.values.data());
  const double again = now();
  for (int k = 0; k < (slow ? 1 : 5) && (k == 0 || now() - again < patience); ++k) t.uploaded = std::min(t.uploaded, once(n, false));
  return t;
}

// Kernel interpolation in one dimension by conjugate gradients to 1e-6, in float64: many calls on data that stay.
std::pair<int, double> conjugate_gradients(std::int64_t n) {
  const auto program = rkeops::Program::create("Sum_Reduction(Exp(-SqDist(x,y)/0.02)*b,1)", arguments({"x=Vi(1)", "y=Vj(1)", "b=Vj(1)"}));
  std::mt19937_64 random(3);
  const Matrix x = random_matrix(n, 1, random, 0, 1);
  const std::size_t size = x.values.size();
  Matrix p = column(std::vector<double>(size));
  for (std::size_t k = 0; k < size; ++k) p.values[k] = std::sin(6 * x.values[k]) + 0.1 * (static_cast<double>(random() >> 11) * 0x1p-53);
  std::vector<rkeops::Input> in = {x.input(), x.input(), p.input()};
  in[0].keep = in[1].keep = true;
  std::vector<double> a(size, 0), r = p.values;
  const auto dot = [&](const std::vector<double>& u, const std::vector<double>& v) {
    double sum = 0;
    for (std::size_t k = 0; k < size; ++k) sum += u[k] * v[k];
    return sum;
  };
  const rkeops::RunOptions options = gpu_options(Precision::float64);
  run(*program, in, options);
  const double goal = 1e-12 * dot(r, r), begin = now();
  double rr = dot(r, r);
  int steps = 0;
  while (steps < 1000 && rr > goal) {
    ++steps;
    std::vector<double> q = run(*program, in, options)[0].values;
    for (std::size_t k = 0; k < size; ++k) q[k] += 0.1 * p.values[k];
    const double alpha = rr / dot(p.values, q), before = rr;
    for (std::size_t k = 0; k < size; ++k) {
      a[k] += alpha * p.values[k];
      r[k] -= alpha * q[k];
    }
    rr = dot(r, r);
    for (std::size_t k = 0; k < size; ++k) p.values[k] = r[k] + rr / before * p.values[k];
  }
  const double seconds = now() - begin;
  rkeops::forget(x.values.data());
  return {steps, seconds};
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 32) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return std::isfinite(x) && x > 0 ? text : "null";
}

// What is known so far, as one JSON object in a file that is always whole.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void set(const std::string& key, const std::string& json) {
    for (auto& [name, value] : fields_) {
      if (name == key) {
        value = json;
        return write();
      }
    }
    fields_.emplace_back(key, json);
    write();
  }
  void add_work(const std::string& json) {
    works_ += (works_.empty() ? "\n  " : ",\n  ") + json;
    std::fprintf(stderr, "%s\n", json.c_str());
    set("works", "[" + works_ + "\n ]");
  }

 private:
  void write() const {
    if (file_.empty()) return;
    std::ofstream out(file_ + ".part");
    const char* separator = "{";
    for (const auto& [name, value] : fields_) {
      out << separator << quoted(name) << ": " << value;
      separator = ",\n ";
    }
    out << "}\n";
    out.close();
    std::rename((file_ + ".part").c_str(), file_.c_str());
  }

  const std::string file_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string works_;
};

// Errors are failures of their case, and the next one is tried.
void guarded(const std::function<void()>& body) {
  try {
    body();
  } catch (const rkeops::Error& error) {
    CHECK_THAT(false, error.what() + (" " + error.log.substr(0, 400)));
  }
}

// Small cases of everything that a kernel has.
void check_small(std::int64_t m, std::int64_t n) {
  for (const Case& c : cases()) {
    for (Precision precision : {Precision::float32, Precision::float64}) compare(c, m, n, precision);
  }
  for (const Case& c : long_cases()) compare(c, m, 70, Precision::float32);
  for (const Case& c : product_cases()) guarded([&] { compare_products(c, 40); });
}

// In processes of their own, each with a driver of its own: compilers take their time. This one has not opened the driver yet.
void check_all(const Arguments& a, int processes) {
  std::vector<std::function<void()>> tasks;
  const auto add = [&](std::function<void()> task) { tasks.push_back(std::move(task)); };
  const std::size_t step = a.quick ? 24 : 1;
  for (std::size_t k = 0; k < cases().size(); k += a.quick ? 6 : 1) {
    for (Precision precision : {Precision::float32, Precision::float64}) {
      add([=] { compare(cases()[k], a.quick ? 37 : 600, a.quick ? 300 : 9000, precision); });
    }
  }
  static const std::vector<Case> products = product_cases(), longer = long_cases(), table = case_table("tests/testthat/case_table.txt");
  static const std::vector<Json> golden = golden_cases("tests/testthat/golden");
  CHECK(table.size() > 200 && golden.size() > 250);
  for (std::size_t k = 0; k < products.size(); k += a.quick ? 3 : 1) add([=] { compare_products(products[k], 300); });
  for (std::size_t k = 0; k < longer.size(); k += a.quick ? 5 : 1) {
    for (Precision precision : {Precision::float32, Precision::float64}) add([=] { compare(longer[k], 150, 70, precision); });
  }
  for (std::size_t k = 0; k < table.size(); k += step) {
    add([=] { compare(table[k], 7, 63, k % 4 < 2 ? Precision::float64 : Precision::float32); });
  }
  for (std::size_t k = 0; k < golden.size(); k += step) {
    add([=] { compare_golden(golden[k], gpu_options(k % 2 ? Precision::float32 : Precision::float64)); });
  }
  in_processes(processes, static_cast<std::int64_t>(tasks.size()), [&](std::int64_t k) { guarded(tasks[static_cast<std::size_t>(k)]); });
}

void time_all(const Arguments& a, Report& report, double end) {
  const auto program = rkeops::Program::create("Sum_Reduction(x*y,1)", arguments({"x=Vi(1)", "y=Vj(1)"}));
  run(*program, inputs(data_for(program->arguments(), 10, 10)), gpu_options(Precision::float32));  // opens the GPU, and NVRTC
  const double patience = a.quick ? 0.1 : 1.5;
  int left_out = 0;
  const auto one = [&](const Work& work, Precision precision, std::int64_t n, bool tensor_cores) {
    if (now() > end) {
      ++left_out;
      return;
    }
    rkeops::RunOptions options = gpu_options(precision);
    options.tensor_cores = tensor_cores;
    std::string json = "{\"work\": " + quoted(work.name) + ", \"precision\": " + quoted(rkeops::name_of(precision)) +
                       ", \"tensor_cores\": " + (tensor_cores ? "true" : "false") + ", \"n\": " + std::to_string(n);
    try {
      const Timing t = measure(work, n, options, patience);
      const double scale = static_cast<double>(n) * static_cast<double>(n) / 1e12;
      const double bound = (precision == Precision::float32 ? work.bound32 : work.bound64) * scale;
      json += ", \"first_s\": " + number(t.first) + ", \"seconds\": " + number(t.uploaded) + ", \"resident_s\": " + number(t.resident) +
              ", \"repeats\": " + std::to_string(t.repeats) + ", \"bound_s\": " + number(bound) +
              ", \"share_of_bound\": " + number(bound / t.resident);
    } catch (const rkeops::Error& error) {
      json += ", \"error\": " + quoted(error.what());
      CHECK_THAT(false, work.name + ": " + error.what());
    }
    report.add_work(json + "}");
  };
  const std::vector<Work> list = works(a.quick);
  for (Precision precision : {Precision::float32, Precision::float64}) {
    for (const Work& work : list) {
      for (std::int64_t n : work.sizes) one(work, precision, n, false);
      if (work.products && precision == Precision::float32) one(work, precision, work.sizes[0], true);
    }
    if (precision == Precision::float64) break;
    const Timing small = measure(list[2], 10, gpu_options(Precision::float32), 0.5);
    report.set("call_overhead_s", number(small.uploaded));
    report.set("call_overhead_resident_s", number(small.resident));
    if (now() > end) continue;
    const auto [steps, seconds] = conjugate_gradients(a.quick ? 200 : 10000);
    report.set("conjugate_gradients", "{\"n\": " + std::to_string(a.quick ? 200 : 10000) + ", \"steps\": " + std::to_string(steps) +
                                          ", \"seconds\": " + number(seconds) + "}");
  }
  report.set("works_left_out_for_time", std::to_string(left_out));
}

}  // namespace

int main(int argc, char** argv) {
  const double begin = now();
  const Arguments a = read(argc, argv);
  dup2(2, 1);  // failed cases are told to stderr
  setvbuf(stdout, nullptr, _IOLBF, 0);
  gpu_cache() = a.cache;
  if (a.work >= 0) {
    const Work work = works(false).at(static_cast<std::size_t>(a.work));
    guarded([&] {
      const Timing t = measure(work, a.size, gpu_options(a.wide ? Precision::float64 : Precision::float32), 0);
      std::printf("%s, n = %lld: %s s\n", work.name.c_str(), static_cast<long long>(a.size), number(t.resident).c_str());
    });
    return counts().failed != 0;
  }
  if (a.check) {
    check_small(140, 300);
    return finish();
  }
  Report report(a.out);
  check_all(a, std::clamp(rkeops::available_threads() / 2, 1, 8));
  const rkeops::GpuReport gpu = rkeops::gpu_report({}, {0});
  report.set("gpu", gpu.devices.empty() ? "null" : quoted(gpu.devices[0].name));
  report.set("problem", gpu.problem.empty() ? "null" : quoted(gpu.problem + " " + gpu.hint));
  if (!gpu.devices.empty()) report.set("compute_capability", quoted(gpu.devices[0].architecture));
  report.set("cuda_of_driver", std::to_string(gpu.driver_version));
  report.set("nvrtc", quoted(gpu.nvrtc));
  const std::string checks = "{\"passed\": " + std::to_string(counts().passed) + ", \"failed\": " + std::to_string(counts().failed) +
                             ", \"seconds\": " + number(now() - begin) + "}";
  report.set("checks", checks);
  std::fprintf(stderr, "checks: %s\n", checks.c_str());
  if (!gpu.problem.empty()) return 1;
  guarded([&] { time_all(a, report, begin + a.seconds); });
  report.set("seconds", number(now() - begin));
  report.set("complete", "true");
  return counts().failed != 0;
}
