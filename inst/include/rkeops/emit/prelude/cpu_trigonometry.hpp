// sin, cos, tan and their inverses for the kernel prelude (tokens: cpu_basics.hpp).
#pragma once

#include <vector>

#include "cpu_basics.hpp"

namespace rkeops {
namespace cpu {

inline const std::vector<Snippet>& trigonometry_snippets() {
  static const std::vector<Snippet> table = {
      // pi/2 = P1 + P2 + P3. With fused multiply-add, n * P1 may have any number of bits; without, few enough
      // that the product is exact, which in float32 leaves room for small n only.
      {"trig_constants",
       {},
       R"(
#define TWO_OVER_PI 0.636619747f
#if defined __FMA__ || defined __ARM_FEATURE_FMA
#define P1 1.57079637f
#define P2 -4.37113883e-8f
#define P3 -1.71512451e-15f
#define TRIG_MAX 1e5f
#define FUSED 1
#else
#define P1 1.57078552f
#define P2 1.08042732e-5f
#define P3 6.07710063e-11f
#define TRIG_MAX 200.0f
#define FUSED 0
#endif
)",
       R"(
#define TWO_OVER_PI 0.6366197723675814
#if defined __FMA__ || defined __ARM_FEATURE_FMA
#define P1 1.5707963267948966
#define P2 6.123233995736766e-17
#define P3 -1.4973849048591698e-33
#define FUSED 1
#else
#define P1 1.5707963267923333
#define P2 2.5633441515839558e-12
#define P3 1.0562999066987428e-23
#define FUSED 0
#endif
#define TRIG_MAX 1e5
)"},
      // x = quadrant * pi/2 + r, |r| <= pi/4. The first difference is exact, and r right to about half an ulp
      // even next to a multiple of pi/2.
      {"trig_reduce", {"trig_constants", "exponents", "v_fma"}, R"(
INLINE V trig_reduce(V x, I* quadrant) {
  V t = x * TWO_OVER_PI + ROUND, n = t - ROUND;
  *quadrant = (I)t;
#if FUSED
  x = v_fma(-n, splat(P1), x);
  x = v_fma(-n, splat(P2), x);
  return v_fma(-n, splat(P3), x);
#else
  x = x - n * P1;
  V part = n * P2, r = x - part;
  return r + (((x - r) - part) - n * P3);
#endif
}
)"},
      {"sin_cos_kernel", {"poly_sin", "poly_cos"}, R"(
INLINE V sin_kernel(V r) {
  V z = r * r;
  return r + r * z * poly_sin(z);
}
INLINE V cos_kernel(V r) {
  V z = r * r;
  return (real)1 + z * (z * poly_cos(z) - (real)0.5);
}
)"},
      {"sin_far", {}, R"(
OUTLINE V sin_far(V x) {
  real lane[LANES];
  store(lane, x);
  for (int k = 0; k < LANES; k++) lane[k] = __builtin_sin$s(lane[k]);
  return load(lane);
}
)"},
      {"cos_far", {}, R"(
OUTLINE V cos_far(V x) {
  real lane[LANES];
  store(lane, x);
  for (int k = 0; k < LANES; k++) lane[k] = __builtin_cos$s(lane[k]);
  return load(lane);
}
)"},
      {"tan_far", {}, R"(
OUTLINE V tan_far(V x) {
  real lane[LANES];
  store(lane, x);
  for (int k = 0; k < LANES; k++) lane[k] = __builtin_tan$s(lane[k]);
  return load(lane);
}
)"},
      // The sign is put on at the end, for the sake of sin(-0) = -0.
      {"v_sin", {"trig_reduce", "sin_cos_kernel", "sin_far", "v_abs"}, R"(
INLINE V v_sin(V x) {
  V a = v_abs(x), r;
  I q;
  if (__builtin_expect(any(a > TRIG_MAX), 0)) return sin_far(x);
  r = trig_reduce(a, &q);
  V s = select((q & 1) == 1, cos_kernel(r), sin_kernel(r));
  return (V)((I)s ^ ((I)x & SIGN) ^ ((q << (8 * (int)sizeof(real) - 2)) & SIGN));
}
)"},
      {"v_cos", {"trig_reduce", "sin_cos_kernel", "cos_far", "v_abs"}, R"(
INLINE V v_cos(V x) {
  V r;
  I q;
  if (__builtin_expect(any(v_abs(x) > TRIG_MAX), 0)) return cos_far(x);
  r = trig_reduce(x, &q);
  V c = select((q & 1) == 1, sin_kernel(r), cos_kernel(r));
  return (V)((I)c ^ (((q + 1) << (8 * (int)sizeof(real) - 2)) & SIGN));
}
)"},
      {"v_tan", {"trig_reduce", "sin_cos_kernel", "tan_far", "v_abs"}, R"(
INLINE V v_tan(V x) {
  V a = v_abs(x), r;
  I q;
  if (__builtin_expect(any(a > TRIG_MAX), 0)) return tan_far(x);
  r = trig_reduce(a, &q);
  V s = sin_kernel(r), c = cos_kernel(r);
  I odd = (q & 1) == 1;
  V t = select(odd, -c, s) / select(odd, s, c);
  return (V)((I)t ^ ((I)x & SIGN));
}
)"},
      {"v_sinxdivx", {"v_sin"}, R"(
INLINE V v_sinxdivx(V x) { return select(x == (real)0, splat(1), v_sin(x) / x); }
)"},
      {"pi",
       {},
       R"(
#define PI_HI 3.14159274f
#define PI_LO -8.74227766e-8f
)",
       R"(
#define PI_HI 3.141592653589793
#define PI_LO 1.2246467991473532e-16
)"},
      // atan(y / x) for 0 <= y <= x: above tan(pi/8) turned back by pi/4.
      {"atan_ratio", {"pi", "poly_atan"}, R"(
INLINE V atan_ratio(V y, V x) {
  I far = y > x * (real)0.41421356;
  V t = select(far, y - x, y) / select(far, x + y, x), z = t * t;
  V p = t * z * poly_atan(z) + (V)(far & (I)splat(PI_LO / 4));
  return (V)(far & (I)splat(PI_HI / 4)) + (t + p);
}
)"},
      {"v_atan", {"atan_ratio", "sign_bit", "v_abs"}, R"(
INLINE V v_atan(V x) {
  V a = v_abs(x), one = splat(1);
  I steep = a > one;
  V r = atan_ratio(select(steep, one, a), select(steep, a, one));
  return copysign_of(select(steep, PI_HI / 2 - (r - PI_LO / 2), r), x);
}
)"},
      {"atan2_range", {}, "#define ATAN2_BIG 1e38f\n", "#define ATAN2_BIG 1e307\n"},
      // The quotient is scaled out of overflow; equal Infs count as a ratio of 1, zeros as 0 / 1.
      {"v_atan2", {"atan_ratio", "atan2_range", "specials", "sign_bit", "v_abs", "vmin", "vmax"}, R"(
INLINE V v_atan2(V y, V x) {
  V b = v_abs(y), a = v_abs(x), one = splat(1);
  I steep = b > a;
  V num = vmin(a, b), den = vmax(a, b);
  V scale = select(den > ATAN2_BIG, splat((real)0.25), one);
  I infs = num == INF;
  num = select(infs, one, num * scale);
  den = select(infs | (den == (real)0), one, den * scale);
  V r = atan_ratio(num, den);
  r = select(steep, PI_HI / 2 - (r - PI_LO / 2), r);
  r = select((I)x < 0, PI_HI - (r - PI_LO), r);
  r = select((x == x) & (y == y), r, x + y);
  return copysign_of(r, y);
}
)"},
      // asin(a) = a + a^3 P(a^2) for a <= 1/2; otherwise pi/2 - 2 asin(s), s^2 = (1 - a) / 2.
      {"asin_kernel", {"pi", "poly_asin", "v_sqrt"}, R"(
INLINE V asin_kernel(V a, I large) {
  V z = select(large, (real)0.5 - a * (real)0.5, a * a);
  V s = select(large, v_sqrt(z), a);
  return s + s * z * poly_asin(z);
}
)"},
      {"v_asin", {"asin_kernel", "sign_bit", "v_abs"}, R"(
INLINE V v_asin(V x) {
  V a = v_abs(x);
  I large = a > (real)0.5;
  V p = asin_kernel(a, large);
  return copysign_of(select(large, PI_HI / 2 - (p + p - PI_LO / 2), p), x);
}
)"},
      {"v_acos", {"asin_kernel", "sign_bit", "v_abs"}, R"(
INLINE V v_acos(V x) {
  V a = v_abs(x);
  I large = a > (real)0.5;
  V p = asin_kernel(a, large);
  V q = select(x < (real)0, PI_HI - (p + p - PI_LO), p + p);
  return select(large, q, PI_HI / 2 - (copysign_of(p, x) - PI_LO / 2));
}
)"},
  };
  return table;
}

}  // namespace cpu
}  // namespace rkeops
