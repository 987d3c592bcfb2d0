// The text that opens every generated CUDA kernel: the words of the emitter for one thread, which is one lane of a block.
// Functions are those of the CUDA math library (errors in ulp as its programming guide states), with the edges that the
// formula language wants; what the library lacks follows the CPU's text.
#pragma once

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../base/text.hpp"
#include "../../base/types.hpp"
#include "cpu_special.hpp"

namespace rkeops {
namespace cuda {

struct Function {
  const char* name;
  std::vector<const char*> needs;
  const char* text;  // $s is f for float32
};

inline const char* words() {
  return R"(
typedef $real real;
typedef $integer integer;
typedef real V;
typedef integer I;
typedef long long int64;
enum { LANES = $lanes };
#define INLINE static __device__ __forceinline__
#define FAR static __device__ __noinline__
#define RARE INLINE
#define OUTLINE FAR
#define ENTRY static __device__ __forceinline__
#define restrict __restrict__
#define FOR_LANES(l) for (int l = 0; l < 1; ++l)
#define LANE(x, l) (x)
#define INF ((real)__int_as_float(0x7f800000))
#define NAN_ ((real)__int_as_float(0x7fffffff))
INLINE V splat(real x) { return x; }
INLINE I isplat(integer k) { return k; }
INLINE V load(const real* p) { return *p; }
INLINE void store(real* p, V x) { *p = x; }
INLINE V select(I mask, V a, V b) { return mask ? a : b; }
INLINE I iselect(I mask, I a, I b) { return mask ? a : b; }
#define any(mask) ((mask) != 0)
)";
}

inline const std::vector<Function>& functions() {
  static const std::vector<Function> table = {
      {"specials", {}, ""},
      {"vmin", {}, "INLINE V vmin(V a, V b) { return a < b ? a : b; }\n"},
      {"vmax", {}, "INLINE V vmax(V a, V b) { return a > b ? a : b; }\n"},
      {"v_exp", {}, "INLINE V v_exp(V x) { return exp$s(x); }\n"},
      {"v_log", {}, "INLINE V v_log(V x) { return log$s(x); }\n"},
      {"v_log1p", {}, "INLINE V v_log1p(V x) { return log1p$s(x); }\n"},
      {"v_exp_minus", {}, "INLINE V v_exp_minus(V x) { return exp$s(-x); }\n"},
      {"v_expm1", {}, "INLINE V v_expm1(V x) { return expm1$s(x); }\n"},
      {"v_sin", {}, "INLINE V v_sin(V x) { return sin$s(x); }\n"},
      {"v_cos", {}, "INLINE V v_cos(V x) { return cos$s(x); }\n"},
      {"v_tan", {}, "INLINE V v_tan(V x) { return tan$s(x); }\n"},
      {"v_asin", {}, "INLINE V v_asin(V x) { return asin$s(x); }\n"},
      {"v_acos", {}, "INLINE V v_acos(V x) { return acos$s(x); }\n"},
      {"v_atan", {}, "INLINE V v_atan(V x) { return atan$s(x); }\n"},
      {"v_atan2", {}, "INLINE V v_atan2(V y, V x) { return atan2$s(y, x); }\n"},
      {"v_sinh", {}, "INLINE V v_sinh(V x) { return sinh$s(x); }\n"},
      {"v_cosh", {}, "INLINE V v_cosh(V x) { return cosh$s(x); }\n"},
      {"v_tanh", {}, "INLINE V v_tanh(V x) { return tanh$s(x); }\n"},
      {"v_asinh", {}, "INLINE V v_asinh(V x) { return asinh$s(x); }\n"},
      {"v_acosh", {}, "INLINE V v_acosh(V x) { return acosh$s(x); }\n"},
      {"v_atanh", {}, "INLINE V v_atanh(V x) { return atanh$s(x); }\n"},
      {"v_sqrt", {}, "INLINE V v_sqrt(V x) { return sqrt$s(x); }\n"},
      {"v_rsqrt", {}, "INLINE V v_rsqrt(V x) { return x == (real)0 ? (real)0 : rsqrt$s(x); }\n"},
      {"v_fma", {}, "INLINE V v_fma(V a, V b, V c) { return fma$s(a, b, c); }\n"},
      {"v_abs", {}, "INLINE V v_abs(V x) { return fabs$s(x); }\n"},
      {"v_floor", {}, "INLINE V v_floor(V x) { return floor$s(x); }\n"},
      {"v_ceil", {}, "INLINE V v_ceil(V x) { return ceil$s(x); }\n"},
      {"v_trunc", {}, "INLINE V v_trunc(V x) { return trunc$s(x); }\n"},
      {"v_round", {}, "INLINE V v_round(V x) { return round$s(x); }\n"},
      {"v_sign", {}, "INLINE V v_sign(V x) { return (real)((x > (real)0) - (x < (real)0)); }\n"},
      {"v_step", {}, "INLINE V v_step(V x) { return x < (real)0 ? (real)0 : (real)1; }\n"},
      {"v_relu", {}, "INLINE V v_relu(V x) { return x < (real)0 ? (real)0 : x; }\n"},
      {"v_xlogx", {"v_log"}, "INLINE V v_xlogx(V x) { return x == (real)0 ? (real)0 : x * v_log(x); }\n"},
      {"v_sinxdivx", {"v_sin"}, "INLINE V v_sinxdivx(V x) { return x == (real)0 ? (real)1 : v_sin(x) / x; }\n"},
      {"v_pow", {}, "INLINE V v_pow(V a, V b) { return pow$s(a, b); }\n"},
      {"v_floor_divide", {}, R"(
INLINE V v_floor_divide(V x, V y) {
  V t = x / y, q = floor$s(t), r = fma$s(-q, y, x);
  if (fabs$s(t) < $whole && (y > (real)0 ? r < (real)0 : r > (real)0)) q -= (real)1;
  return q == (real)0 && (y > (real)0 ? x < (real)0 : y < (real)0 && x > (real)0) ? (real)-1 : q;
}
)"},
      {"v_mod", {}, R"(
INLINE V v_mod(V x, V y, V c) {
  V r = fmod$s(x, y);
  if (r == (real)0) r = 0;
  else if ((r < (real)0) != (y < (real)0)) r = r + y == y && y - y == (real)0 ? (real)0 : r + y;
  return c == (real)0 ? r : fma$s(-floor$s((r - c) / y), y, r);
}
)"},
      {"v_erf", {}, "INLINE V v_erf(V x) { return erf$s(x); }\n"},
      {"v_erfc", {}, "INLINE V v_erfc(V x) { return erfc$s(x); }\n"},
      {"v_lgamma", {}, "INLINE V v_lgamma(V x) { return lgamma$s(x); }\n"},
      {"v_digamma", {"digamma_1"}, "INLINE V v_digamma(V x) { return (real)digamma_1(x); }\n"},
      {"v_trigamma", {"trigamma_1"}, "INLINE V v_trigamma(V x) { return (real)trigamma_1(x); }\n"},
      {"v_polygamma", {"polygamma_1"}, "INLINE V v_polygamma(V x, int n) { return (real)polygamma_1(x, n); }\n"},
      {"v_bessel_j0", {}, "INLINE V v_bessel_j0(V x) { return j0$s(x); }\n"},
      {"v_bessel_j1", {}, "INLINE V v_bessel_j1(V x) { return j1$s(x); }\n"},
      {"v_softmin", {"v_exp", "v_log"}, R"(
INLINE V v_softmin(V a, V b, V c, V softness) {
  V m = fmin$s(a, fmin$s(b, c));
  return m - softness * v_log(v_exp((m - a) / softness) + v_exp((m - b) / softness) + v_exp((m - c) / softness));
}
)"},
      {"position_in", {}, R"(
INLINE int64 position_in(V x, int64 size) {
  if (!(x >= (real)-0.5) || !(x < (real)size)) return -1;
  int64 at = (int64)x;
  at += x - (real)at >= (real)0.5;
  return at < size ? at : -1;
}
)"},
      {"v_gather_row", {"position_in"}, R"(
INLINE V v_gather_row(const real* table, int64 rows, int64 size, V row) {
  int64 at = position_in(row, rows);
  return at < 0 ? NAN_ : table[at * size];
}
)"},
      {"v_gather_entry", {"position_in"}, R"(
INLINE V v_gather_entry(const real* table, int64 rows, int64 columns, V row, V column) {
  int64 at = position_in(row, rows), across = position_in(column, columns);
  return at < 0 || across < 0 ? NAN_ : table[at * columns + across];
}
)"},
  };
  return table;
}

// Scalar functions of the CPU's kernels, which use the compiler's names of C functions.
inline std::string from_cpu(const std::string& name) {
  for (const cpu::Snippet& snippet : cpu::special_snippets()) {
    if (name != snippet.name) continue;
    return replace_words(snippet.text, {{"__builtin_inf()", "(double)INF"}, {"__builtin_nan(\"\")", "(double)NAN_"},
                                        {"__builtin_", ""}});
  }
  throw std::out_of_range("cuda_prelude: no function named " + name);
}

inline void add(const std::string& name, std::set<std::string>& done, std::string& text) {
  if (!done.insert(name).second) return;
  for (const Function& function : functions()) {
    if (name != function.name) continue;
    for (const char* need : function.needs) add(need, done, text);
    text += function.text;
    return;
  }
  text += from_cpu(name);
}

}  // namespace cuda

// Text of the kernel prelude: words, and exactly the functions named (plus what they need), in dependency order.
// Throws std::out_of_range on an unknown name.
inline std::string cuda_prelude(Precision precision, int block_threads, const std::set<std::string>& functions,
                                const std::set<std::string>& far = {}) {
  const bool single = precision == Precision::float32;
  std::string text = cuda::words();
  std::set<std::string> done;
  for (const std::string& name : functions) cuda::add(name, done, text);
  for (const std::string& name : far) text = cpu::out_of_line(text, name);
  return replace_words(text, {{"$whole", single ? "8388608.0f" : "4503599627370496.0"},
                              {"$real", single ? "float" : "double"},
                              {"$integer", single ? "int" : "long long"},
                              {"$lanes", std::to_string(block_threads)},
                              {"$s", single ? "f" : ""}});
}

}  // namespace rkeops
