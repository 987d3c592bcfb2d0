// exp, log and what is made of them, for the kernel prelude (tokens: cpu_basics.hpp). One text serves both
// precisions; constants and polynomials differ.
#pragma once

#include <vector>

#include "cpu_basics.hpp"

namespace rkeops {
namespace cpu {

inline const std::vector<Snippet>& exp_log_snippets() {
  static const std::vector<Snippet> table = {
      // LN2_HI has so few bits that n * LN2_HI is exact; both parts are positive, which log relies on where
      // e = -Inf. x + ROUND rounds x to an integer, left in the low mantissa bits, where the exponent shift
      // finds it.
      {"exponents",
       {},
       R"(
#define LN2_HI 0.693115234f
#define LN2_LO 3.19461833e-5f
#define LOG2E 1.44269502f
#define ROUND 12582912.0f
#define MANTISSA 23
#define BIAS 127
#define MIN_NORMAL 1.17549435e-38f
)",
       R"(
#define LN2_HI 0.6931471803691238
#define LN2_LO 1.9082149292705877e-10
#define LOG2E 1.4426950408889634
#define ROUND 6755399441055744.0
#define MANTISSA 52
#define BIAS 1023
#define MIN_NORMAL 2.2250738585072014e-308
)"},
      // Beyond these every result is Inf or 0, also those of exp_scaled(x, 0, 0.5).
      {"exp_range",
       {},
       "#define EXP_MIN -105.0f\n#define EXP_MAX 90.0f\n",
       "#define EXP_MIN -747.0\n#define EXP_MAX 711.0\n"},
      // c exp(x + low), |low| tiny (subtracting a constant 0 costs nothing). Without AVX-512's scalef the
      // exponent is split in two equal halves, each a normal number: the last product then rounds to
      // denormals, and overflows, as it should.
      {"exp_scaled", {"vmin", "vmax", "exponents", "exp_range", "poly_exp", "poly_exp_wide"}, R"(
INLINE V exp_scaled(V x, V low, real c) {
  x = vmin(splat(EXP_MAX), vmax(splat(EXP_MIN), x));
#if $avx512
  V n = (x * LOG2E + ROUND) - ROUND;
  V r = (x - n * LN2_HI) - (n * LN2_LO - low);
  return __builtin_ia32_scalef$f$bits_mask((poly_exp(r) * r + (real)1) * c, n, n, -1$round);
#else
  V t = x * (LOG2E / 2) + (ROUND + BIAS);
  V n = t - (ROUND + BIAS);
  V r = (x - n * (2 * LN2_HI)) - (n * (2 * LN2_LO) - low);
  V s = (V)((U)t << MANTISSA);
#if defined __FMA__ || defined __ARM_FEATURE_FMA
  V p = (poly_exp_wide(r) * r + (real)1) * r + (real)1;
#else
  V p = (r * r * poly_exp_wide(r) + r) + (real)1; /* one more product, but a smaller error */
#endif
  return p * c * s * s;
#endif
}
)"},
      {"v_exp", {"exp_scaled"}, "INLINE V v_exp(V x) { return exp_scaled(x, (V){}, 1); }\n"},
      // Results are at most 1: 2^(n + HEADROOM) is a normal number for all n, so that one integer sum sets the exponent, and one
      // product rounds to denormals. The exponent goes to both terms of the last sum and not to their total, for NaN's sake.
      {"exp_headroom",
       {},
       "#define HEADROOM 64\n#define HEADROOM_INVERSE 5.42101086e-20f\n",
       "#define HEADROOM 512\n#define HEADROOM_INVERSE 7.458340731200207e-155\n"},
      {"v_exp_minus", {"vmin", "exponents", "exp_range", "exp_headroom", "poly_exp"}, R"(
/* exp(-x), x >= 0 */
INLINE V v_exp_minus(V x) {
  x = vmin(splat(-(EXP_MIN)), x);
#if $avx512
  V n = (x * -LOG2E + ROUND) - ROUND;
  V r = (-x - n * LN2_HI) - n * LN2_LO;
  return __builtin_ia32_scalef$f$bits_mask(poly_exp(r) * r + (real)1, n, n, -1$round);
#else
  V t = x * -LOG2E + (ROUND + HEADROOM);
  V n = t - (ROUND + HEADROOM);
  V r = (-x - n * LN2_HI) - n * LN2_LO;
  U e = (U)t << MANTISSA;
  V s = (V)(e + (U)splat(1));
  return (poly_exp(r) * (V)((U)r + e) + s) * HEADROOM_INVERSE;
#endif
}
)"},
      // x = m 2^e with m in [0.75, 1.5). With AVX-512, 0, Inf, NaN and x < 0 end up right without a
      // test: e is -Inf, Inf, m is NaN. Otherwise v_log settles them afterwards.
      {"log_split", {"exponents"}, R"(
INLINE V log_split(V x, V* e) {
#if $avx512
  V m = __builtin_ia32_getmant$f$bits_mask(x, 15, x, -1$round);
  *e = __builtin_ia32_getexp$f$bits_mask(x, x, -1$round) - __builtin_ia32_getexp$f$bits_mask(m, m, -1$round);
  return m;
#else
  const uinteger one = (uinteger)1 << MANTISSA, half = one >> 1;
  I tiny = x < MIN_NORMAL;
  x = select(tiny, x * (real)one, x);
  U bits = (U)x + half; /* a mantissa of 1.5 and more carries over into the exponent */
  *e = (V)((bits >> MANTISSA) | (U)splat((real)one)) - ((real)one + BIAS);
  *e -= (V)(tiny & (I)splat(MANTISSA));
  return (V)((bits & (one - 1)) + (BIAS * one - half));
#endif
}
)"},
      // log(1 + f) + e log(2), f in [-0.25, 0.5]
      {"log_core",
       {"exponents", "poly_log"},
       R"(
INLINE V log_core(V f, V e) {
  V z = f * f, half = z * 0.5f;
  return (f - (half - (z * f * poly_log(f) + e * LN2_LO))) + e * LN2_HI;
}
)",
       R"(
INLINE V log_core(V f, V e) {
  V s = f / (f + 2.0), z = s * s, half = f * f * 0.5;
  return (f - (half - (s * (half + z * poly_log(z)) + e * LN2_LO))) + e * LN2_HI;
}
)"},
      {"v_log", {"log_split", "log_core", "specials"}, R"(
INLINE V v_log(V x) {
  V e, m = log_split(x, &e), r = log_core(m - (real)1, e);
#if !($avx512)
  r = select(x < INF, r, x);
  r = select(x <= (real)0, select(x == (real)0, splat(-INF), splat(NAN_)), r);
#endif
  return r;
}
)"},
      // The part of x lost in u = 1 + x comes back as c. x itself where u could not tell it from 0.
      {"v_log1p", {"log_split", "log_core", "specials", "v_abs"}, R"(
INLINE V v_log1p(V x) {
  V u = x + (real)1, b = u - (real)1, e, m = log_split(u, &e);
  V c = ((real)1 - (u - b)) + (x - b);
  V r = log_core((m - (real)1) + m * (c / u), e);
  r = select(v_abs(x) < MIN_NORMAL, x, r);
  r = select(x < INF, r, x);
  return select(x > (real)-1, r, select(x == (real)-1, splat(-INF), splat(NAN_)));
}
)"},
      // From `huge` on, where squares overflow and ones vanish, log(2 x).
      {"hyperbolic_range", {}, "#define HYPERBOLIC_HUGE 1e9f\n", "#define HYPERBOLIC_HUGE 1e18\n"},
      {"v_asinh", {"v_log1p", "v_log", "v_sqrt", "v_abs", "sign_bit", "hyperbolic_range"}, R"(
INLINE V v_asinh(V x) {
  V a = v_abs(x), s = a * a, r = v_log1p(a + s / ((real)1 + v_sqrt(s + (real)1)));
  return copysign_of(select(a < HYPERBOLIC_HUGE, r, v_log(a) + (real)0.6931471805599453), x);
}
)"},
      {"v_acosh", {"v_log1p", "v_log", "v_sqrt", "specials", "hyperbolic_range"}, R"(
INLINE V v_acosh(V x) {
  V y = x - (real)1, r = v_log1p(y + v_sqrt(y * (y + (real)2)));
  r = select(x < HYPERBOLIC_HUGE, r, v_log(x) + (real)0.6931471805599453);
  return select(x >= (real)1, r, splat(NAN_));
}
)"},
      {"v_atanh", {"v_log1p", "v_abs", "specials", "sign_bit"}, R"(
INLINE V v_atanh(V x) {
  V a = v_abs(x), t = a + a;
  V r = copysign_of((real)0.5 * v_log1p(t + t * a / ((real)1 - a)), x);
  return select(a <= (real)1, r, splat(NAN_));
}
)"},
      {"v_xlogx", {"v_log"}, R"(
INLINE V v_xlogx(V x) { return (V)(~(x == (real)0) & (I)(x * v_log(x))); }
)"},
      {"expm1_range",
       {},
       "#define EXPM1_MIN -20.0f\n#define EXPM1_MAX 88.73f\n",
       "#define EXPM1_MIN -40.0\n#define EXPM1_MAX 709.79\n"},
      // 2^n (exp(r) - 1) + (2^n - 1), in halves so that n may be as large as BIAS + 1.
      {"v_expm1", {"vmin", "vmax", "exponents", "expm1_range", "poly_expm1", "v_abs"}, R"(
INLINE V v_expm1(V x) {
  V y = vmin(splat(EXPM1_MAX), vmax(splat(EXPM1_MIN), x));
  V t = y * LOG2E + (ROUND + (BIAS - 1));
  V n = t - (ROUND + (BIAS - 1));
  V r = (y - n * LN2_HI) - n * LN2_LO;
  V s = (V)((U)t << MANTISSA);
  V q = r + r * r * poly_expm1(r);
  V h = s * q + (s - (real)0.5);
  return select(v_abs(x) < MIN_NORMAL, x, h + h);
}
)"},
      {"v_tanh", {"v_exp", "poly_tanh", "sign_bit", "v_abs"}, R"(
INLINE V v_tanh(V x) {
  V a = v_abs(x), z = a * a;
  V small = a + a * z * poly_tanh(z);
  V large = (real)1 - (real)2 / (v_exp(a + a) + (real)1);
  return copysign_of(select(a < (real)0.55, small, large), x);
}
)"},
      {"v_sinh", {"exp_scaled", "poly_sinh", "sign_bit", "v_abs"}, R"(
INLINE V v_sinh(V x) {
  V a = v_abs(x), z = a * a, e = exp_scaled(a, (V){}, (real)0.5);
  V small = a + a * z * poly_sinh(z);
  return copysign_of(select(a < (real)1, small, e - (real)0.25 / e), x);
}
)"},
      {"v_cosh", {"exp_scaled", "v_abs"}, R"(
INLINE V v_cosh(V x) {
  V e = exp_scaled(v_abs(x), (V){}, (real)0.5);
  return e + (real)0.25 / e;
}
)"},
  };
  return table;
}

}  // namespace cpu
}  // namespace rkeops
