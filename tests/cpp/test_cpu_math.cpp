// Accuracy of the vector math of the CPU kernels, against long double libm.
// For every precision, vector width and instruction set that this processor has: compiles the prelude with
// each function in an array loop, and prints one line per function with its largest error, in units in the
// last place (ulp), and where. RKEOPS_CC or CC names the C compiler.
//   test_cpu_math [--full]   20 times as many arguments
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "rkeops/emit/prelude/cpu_prelude.hpp"

namespace {

using real_t = long double;
using rkeops::Precision;
constexpr real_t inf = std::numeric_limits<real_t>::infinity();
constexpr real_t quiet = std::numeric_limits<real_t>::quiet_NaN();
constexpr real_t pi = 3.14159265358979323846264338327950288L;

// Next to the positive root by its Taylor series there; else recurrence up to 40, then the asymptotic series.
// Reflected below 0.
real_t digamma(real_t x) {
  static const real_t c[] = {
      0.967672245447621170427445L,   -0.442763168983592106092865L,  0.258499760955651010624401L,
      -0.163942705442406527504251L,  0.107824050691262365757183L,   -0.0721995612564547109261218L,
      0.0488042881641431072250925L,  -0.0331611264748473592922584L, 0.0225976482322181046596248L,
      -0.0154247659049489591388003L, 0.010538791616612175388124L,   -0.00720453438635686824097047L,
      0.00492678139572985344635427L};
  const real_t from_root = (x - 1.4616321449683622) - 9.549995429965697715184e-17L;
  if (std::fabs(from_root) < 0.04L) {
    real_t sum = 0;
    for (int k = static_cast<int>(std::size(c)); k-- > 0;) sum = (sum + c[k]) * from_root;
    return sum;
  }
  if (x == 0) return -1 / x;
  if (x < 0) {
    if (x == std::floor(x)) return quiet;
    return digamma(1 - x) - pi / std::tan(pi * (x - std::round(x)));
  }
  if (x == inf) return inf;
  real_t down = 0;
  for (; x < 40; x += 1) down += 1 / x;
  const real_t z = 1 / (x * x);
  const real_t tail = 1 / 252.L - z * (1 / 240.L - z * (1 / 132.L - z * (691 / 32760.L - z / 12)));
  return std::log(x) - 0.5L / x - z * (1 / 12.L - z * (1 / 120.L - z * tail)) - down;
}

// By recurrence up to 40, then the asymptotic series; reflected below 0.
real_t trigamma(real_t x) {
  if (x <= 0) {
    if (x == std::floor(x)) return x == -inf ? quiet : inf;
    const real_t sine = std::sin(pi * (x - std::round(x)));
    return pi / sine * (pi / sine) - trigamma(1 - x);
  }
  real_t sum = 0;
  for (; x < 40; x += 1) sum += 1 / (x * x);
  const real_t z = 1 / (x * x);
  return sum + 1 / x + z / 2 + z / x * (1 / 6.L - z * (1 / 30.L - z * (1 / 42.L - z * (1 / 30.L - z * 5 / 66))));
}

struct Range {
  double from, to;
};

struct Case {
  const char* name;
  double bound32, bound64;                          // ulp
  std::function<real_t(real_t, real_t, real_t)> f;  // exact function
  std::vector<Range> ranges;                        // swept evenly; all functions get special values too
  int arity = 1;
  double (*scale)(double) = nullptr;  // errors count relative to max(|f|, scale(x)): around roots
  std::string of = "";                // function applied to the first argument before
};

std::vector<Case> cases() {
  using R = real_t;
  const std::vector<Range> wide = {{-10, 10}, {-1e3, 1e3}}, unit = {{-1, 1}, {-0.01, 0.01}},
                           pow_range = {{0, 3}, {-40, 40}};
  const auto one = [](double) { return 1.0; };
  const auto half = [](double) { return 0.5; };
  // Below 0, digamma is a difference of two terms: this is the larger one, or 1.
  const auto reflected = [](double x) {
    const double tangent = std::tan(3.14159265358979 * (x - std::round(x)));
    return x < 0 ? std::max({1.0, std::log(1 - x), std::fabs(3.14 / tangent)}) : 0;
  };
  const auto reflected_square = [](double x) {
    const double sine = std::sin(3.14159265358979 * (x - std::round(x)));
    return x < 0 ? 9.87 / (sine * sine) : 0;
  };
  return {
      {"v_exp", 2, 2, [](R x, R, R) { return std::exp(x); }, {{-1, 1}, {-88, 89}, {-110, -85}, {-750, 712}}},
      {"v_exp_minus", 2, 2, [](R x, R, R) { return std::exp(-std::fabs(x)); }, {{0, 1}, {0, 89}, {85, 110}, {0, 750}},
       1, nullptr, "v_abs"},
      {"v_log", 2, 2, [](R x, R, R) { return std::log(x); }, {{0, 4}, {0.7, 1.6}, {0.999, 1.001}, {0, 1e6}}},
      {"v_sin",
       2,
       2,
       [](R x, R, R) { return std::sin(x); },
       {{-4, 4}, {-400, 400}, {-1e5, 1e5}, {-1e7, 1e7}}},
      {"v_cos",
       2,
       2,
       [](R x, R, R) { return std::cos(x); },
       {{-4, 4}, {-400, 400}, {-1e5, 1e5}, {-1e7, 1e7}}},
      {"v_tan",
       4,
       4,
       [](R x, R, R) { return std::tan(x); },
       {{-4, 4}, {-400, 400}, {-1e5, 1e5}, {-1e7, 1e7}}},
      {"v_asin", 4, 4, [](R x, R, R) { return std::asin(x); }, unit},
      {"v_acos", 4, 4, [](R x, R, R) { return std::acos(x); }, unit},
      {"v_atan", 4, 4, [](R x, R, R) { return std::atan(x); }, wide},
      {"v_atan2", 4, 4, [](R y, R x, R) { return std::atan2(y, x); }, wide, 2},
      {"v_sqrt", 0.501, 0.501, [](R x, R, R) { return std::sqrt(x); }, {{0, 10}, {0, 1e9}}},
      {"v_rsqrt", 2, 2, [](R x, R, R) { return x == 0 ? R(0) : 1 / std::sqrt(x); }, {{0, 10}, {0, 1e9}}},
      {"v_abs", 0, 0, [](R x, R, R) { return std::fabs(x); }, wide},
      {"v_sign", 0, 0, [](R x, R, R) { return R((x > 0) - (x < 0)); }, wide},
      {"v_step", 0, 0, [](R x, R, R) { return x < 0 ? R(0) : R(1); }, wide},
      {"v_relu", 0, 0, [](R x, R, R) { return x < 0 ? R(0) : x; }, wide},
      {"v_floor", 0, 0, [](R x, R, R) { return std::floor(x); }, wide},
      {"v_ceil", 0, 0, [](R x, R, R) { return std::ceil(x); }, wide},
      {"v_trunc", 0, 0, [](R x, R, R) { return std::trunc(x); }, wide},
      {"v_round", 0, 0, [](R x, R, R) { return std::round(x); }, {{-10, 10}, {-2e7, 2e7}}},
      {"v_xlogx", 4, 4, [](R x, R, R) { return x == 0 ? R(0) : x * std::log(x); }, {{0, 4}, {0, 1e6}}},
      {"v_sinxdivx", 4, 4, [](R x, R, R) { return x == 0 ? R(1) : std::sin(x) / x; }, {{-9, 9}, {-1e3, 1e3}}},
      {"v_pow", 2.5, 2.5, [](R a, R b, R) { return std::pow(a, b); }, pow_range, 2},
      {"v_tanh", 2, 2, [](R x, R, R) { return std::tanh(x); }, {{-1, 1}, {-25, 25}}},
      {"v_sinh", 4, 4, [](R x, R, R) { return std::sinh(x); }, {{-2, 2}, {-90, 90}, {-711, 711}}},
      {"v_cosh", 4, 4, [](R x, R, R) { return std::cosh(x); }, {{-2, 2}, {-90, 90}, {-711, 711}}},
      {"v_asinh", 4, 4, [](R x, R, R) { return std::asinh(x); }, {{-2, 2}, {-1e4, 1e4}}},
      {"v_acosh", 4, 4, [](R x, R, R) { return std::acosh(x); }, {{1, 1.01}, {1, 9}, {1, 1e4}}},
      {"v_atanh", 4, 4, [](R x, R, R) { return std::atanh(x); }, unit},
      {"v_expm1", 4, 4, [](R x, R, R) { return std::expm1(x); }, {{-1, 1}, {-45, 89}, {-45, 710}}},
      {"v_log1p", 4, 4, [](R x, R, R) { return std::log1p(x); }, {{-1, 1}, {-0.01, 0.01}, {-1, 1e4}}},
      {"v_erf", 4, 4, [](R x, R, R) { return std::erf(x); }, {{-1, 1}, {-7, 7}}},
      {"v_erfc", 4, 4, [](R x, R, R) { return std::erfc(x); }, {{-1, 1}, {-7, 11}, {-7, 28}}},
      {"v_lgamma", 4, 4, [](R x, R, R) { return std::lgamma(x); }, {{0, 4}, {0, 200}, {-20, 0}}, 1, one},
      {"v_digamma",
       4,
       4,
       [](R x, R, R) { return digamma(x); },
       {{0, 4}, {1.4, 1.5}, {0, 200}, {-20, 0}},
       1,
       reflected},
      {"v_trigamma", 4, 4, [](R x, R, R) { return trigamma(x); }, {{0, 4}, {0, 200}, {-20, 0}}, 1, reflected_square},
      {"v_bessel_j0", 4, 4, [](R x, R, R) { return ::j0l(x); }, {{-20, 20}, {-500, 500}}, 1, half},
      {"v_bessel_j1", 4, 4, [](R x, R, R) { return ::j1l(x); }, {{-20, 20}, {-500, 500}}, 1, half},
      {"v_fma", 0.501, 0.501, [](R a, R b, R c) { return std::fma(a, b, c); }, wide, 3},
  };
}

// Error of `got` in units in the last place (of type T, at least that of denormals) of max(|exact|, scale).
template <class T>
double ulps(T got, real_t exact, double scale) {
  using limits = std::numeric_limits<T>;
  if (std::isnan(exact)) return std::isnan(got) ? 0 : HUGE_VAL;
  const T rounded = static_cast<T>(exact);
  if (got == rounded && std::signbit(got) != std::signbit(rounded)) return HUGE_VAL;  // -0
  if (got == rounded && std::isinf(got)) return 0;
  if (!std::isfinite(got) || std::isinf(exact)) return HUGE_VAL;
  const real_t size =
      std::clamp<real_t>(std::max<real_t>(std::fabs(exact), scale), limits::min(), limits::max());
  const real_t unit = std::ldexp(real_t(1), std::ilogb(size) - limits::digits + 1);
  return static_cast<double>(std::fabs(real_t(got) - exact) / unit);
}

// A way to compile the prelude.
struct Build {
  std::string name, flags;
  int bytes;
};

std::vector<Build> builds() {
  const std::string march = "-march=";
  std::vector<Build> list = {{"native16", march + "native", 16}};
#if defined __x86_64__
  list.push_back({"sse2", march + "x86-64", 16});
  if (__builtin_cpu_supports("avx2")) {
    list.push_back({"native32", march + "native", 32});
    list.push_back({"avx2", march + "x86-64 -mavx2 -mfma", 32});
  }
  if (__builtin_cpu_supports("avx512f")) list.push_back({"native64", march + "native", 64});
#endif
  return list;
}

std::string compiler() {
  for (const char* variable : {"RKEOPS_CC", "CC"})
    if (const char* value = std::getenv(variable)) return value;
  return "cc";
}

// A temporary folder, removed at the end.
struct Folder {
  std::string path = "/tmp/test_cpu_math.XXXXXX";
  Folder() {
    if (!mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
  }
  ~Folder() {
    if (std::system(("rm -rf '" + path + "'").c_str()) != 0) std::perror(path.c_str());
  }
};

template <class T>
using Kernel = void (*)(const T*, const T*, const T*, T*, long);

// The prelude with every function of `list` in a loop over arrays: symbol loop_NAME.
void* compile(const Build& build, Precision precision, const std::vector<Case>& list, const Folder& folder) {
  std::set<std::string> names;
  std::string loops;
  for (const Case& c : list) {
    if (!names.insert(c.name).second) continue;
    const std::string more = c.arity == 1   ? ""
                             : c.arity == 2 ? ", load(b + i)"
                                            : ", load(b + i), load(c + i)";
    loops += "void loop_" + std::string(c.name) +
             "(const real* a, const real* b, const real* c, real* r, long n) {\n"
             "  (void)b, (void)c;\n"
             "  for (long i = 0; i < n; i += LANES) store(r + i, " +
             c.name + "(" + c.of + "(load(a + i))" + more + "));\n}\n";
  }
  for (const Case& c : list) {
    if (!c.of.empty()) names.insert(c.of);
  }
  loops += "int loop_any(const real* a) { return any(load(a) > (real)0); }\n";
  const std::string stem = folder.path + "/" + rkeops::name_of(precision) + build.name;
  std::ofstream(stem + ".c") << rkeops::cpu_prelude(precision, build.bytes, names) << loops;
  const std::string command =
      compiler() + " -x c -shared -fPIC -O2 " + build.flags +
      " -Wall -Wextra -Werror -ffp-contract=fast -fno-math-errno -fno-trapping-math -o " + stem + ".so " +
      stem + ".c -lm";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  void* library = dlopen((stem + ".so").c_str(), RTLD_NOW);
  if (!library) throw std::runtime_error(dlerror());
  return library;
}

template <class T>
std::vector<T> special_values() {
  using limits = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           T(0.25),
                           T(0.5),
                           T(0.75),
                           1,
                           T(1.5),
                           2,
                           T(2.5),
                           3,
                           4,
                           5,
                           10,
                           100,
                           101,
                           1e5,
                           limits::denorm_min(),
                           limits::min() / 2,
                           limits::min(),
                           limits::min() * 3,
                           limits::epsilon(),
                           limits::epsilon() / 4,
                           limits::max(),
                           limits::max() / 2,
                           limits::infinity(),
                           limits::quiet_NaN()};
  for (T edge :
       {T(0.5), T(1), T(2), T(0.55), T(88.72284), T(709.782712893384), T(103.972084), T(745.1332191019412),
        std::ldexp(T(1), limits::digits - 1), std::ldexp(T(1), limits::digits), T(1.5707963267948966)})
    for (T e : {std::nextafter(edge, T(0)), edge, std::nextafter(edge, limits::infinity())})
      values.push_back(e);
  const std::size_t positive = values.size();
  for (std::size_t k = 0; k < positive; k++) values.push_back(-values[k]);
  return values;
}

// Arguments of one case: special values (all tuples of them), `count` in each range, `count` of any exponent.
template <class T>
std::vector<T> arguments(const Case& c, int which, int count) {
  const std::vector<T> special = special_values<T>();
  const std::size_t n = special.size();
  std::vector<T> values;
  if (c.arity == 1) values = special;
  if (c.arity == 2)
    for (std::size_t k = 0; k < n * n; k++) values.push_back(special[which == 0 ? k / n : k % n]);
  std::mt19937_64 random(1234 + which);
  std::uniform_real_distribution<double> unit(0, 1);
  for (const Range& range : c.ranges)
    for (int k = 0; k < count; k++) {
      const double at = c.arity == 1 ? (k + unit(random)) / count : unit(random);
      values.push_back(static_cast<T>(range.from + (range.to - range.from) * at));
    }
  const int exponents = std::numeric_limits<T>::max_exponent - std::numeric_limits<T>::min_exponent + 20;
  for (int k = 0; k < count; k++) {
    const T size = std::ldexp(T(1 + unit(random)), std::numeric_limits<T>::max_exponent - 1 -
                                                       static_cast<int>(exponents * unit(random)));
    values.push_back(unit(random) < 0.5 ? size : -size);
  }
  while (values.size() % 16 != 0) values.push_back(T(1));
  return values;
}

void report(bool ok, const std::string& text) {
  std::printf("%-4s  %s\n", ok ? "ok" : "FAIL", text.c_str());
  CHECK_THAT(ok, text);
}

template <class T>
void sweep(Precision precision, int count) {
  const Folder folder;
  const std::vector<Case> list = cases();
  const std::vector<Build> ways = builds();
  std::vector<void*> libraries;
  for (const Build& way : ways) libraries.push_back(compile(way, precision, list, folder));
  for (const Case& c : list) {
    const std::vector<T> x = arguments<T>(c, 0, count), y = arguments<T>(c, 1, count),
                         z = arguments<T>(c, 2, count);
    std::vector<real_t> exact(x.size());
    for (std::size_t k = 0; k < x.size(); k++) exact[k] = c.f(x[k], y[k], z[k]);
    std::vector<T> got(x.size());
    double worst = -1;
    std::size_t where = 0, way = 0;
    for (std::size_t b = 0; b < ways.size(); b++) {
      const auto kernel =
          reinterpret_cast<Kernel<T>>(dlsym(libraries[b], ("loop_" + std::string(c.name)).c_str()));
      kernel(x.data(), y.data(), z.data(), got.data(), static_cast<long>(x.size()));
      for (std::size_t k = 0; k < x.size(); k++) {
        const double error = ulps(got[k], exact[k], c.scale ? c.scale(static_cast<double>(x[k])) : 0);
        if (error > worst) worst = error, where = k, way = b;
      }
    }
    const double bound = sizeof(T) == 4 ? c.bound32 : c.bound64;
    char text[300];
    int used = std::snprintf(text, sizeof text, "%-12s %s  max %6.3f ulp (bound %5.3g)  %-9s at %.17g",
                             c.name, rkeops::name_of(precision), worst, bound, ways[way].name.c_str(),
                             static_cast<double>(x[where]));
    if (c.arity > 1) std::snprintf(text + used, sizeof text - used, ", %.17g", static_cast<double>(y[where]));
    report(worst <= bound, text);
  }
  for (std::size_t b = 0; b < ways.size(); b++) {
    const auto any = reinterpret_cast<int (*)(const T*)>(dlsym(libraries[b], "loop_any"));
    std::vector<T> x(static_cast<std::size_t>(ways[b].bytes) / sizeof(T));
    bool right = !any(x.data());
    for (T& lane : x) {
      lane = 1;
      right = right && any(x.data());
      lane = 0;
    }
    report(right, "any          " + std::string(rkeops::name_of(precision)) + "  " + ways[b].name);
  }
}

int arguments_each() { return check::option("--full") ? 200000 : 10000; }

TEST("float32") { sweep<float>(Precision::float32, arguments_each()); }
TEST("float64") { sweep<double>(Precision::float64, arguments_each()); }

TEST("unknown name") {
  bool thrown = false;
  try {
    rkeops::cpu_prelude(Precision::float32, 32, {"v_exp", "v_nonsense"});
  } catch (const std::out_of_range&) {
    thrown = true;
  }
  CHECK(thrown);
}

}  // namespace
