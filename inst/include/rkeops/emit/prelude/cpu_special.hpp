// pow, erf, and the rare functions that go lane by lane through libm, for the kernel prelude (tokens:
// cpu_basics.hpp).
#pragma once

#include <string>
#include <vector>

#include "cpu_basics.hpp"

namespace rkeops {
namespace cpu {

// NAME(x) through the double function of libm: exact enough for float32, and all there is for float64.
inline Snippet lane_snippet(const char* name, const char* function, std::vector<const char*> needs = {}) {
  const std::string call = "(real)" + std::string(function) + "(lane[k]);\n";
  return {name, needs,
          "OUTLINE V " + std::string(name) +
              "(V x) {\n"
              "  real lane[LANES];\n"
              "  store(lane, x);\n"
              "  for (int k = 0; k < LANES; k++) lane[k] = " +
              call +
              "  return load(lane);\n"
              "}\n"};
}

inline const std::vector<Snippet>& special_snippets() {
  static const std::vector<Snippet> table = {
      // What C says about pow at the edges, given exp(b log|a|) (which is right wherever it is not NaN).
      {"pow_ends", {"specials", "sign_bit", "v_abs", "v_trunc"}, R"(
INLINE V pow_ends(V a, V b, V r) {
  V half = b * (real)0.5;
  I whole = v_trunc(b) == b, odd = whole & (v_trunc(half) != half);
  I below = (I)a < 0;
  r = (V)((I)r | (below & odd & SIGN));
  r = select((a < (real)0) & (a > -INF) & ~whole, splat(NAN_), r);
  I one = (b == (real)0) | (a == (real)1) | ((a == (real)-1) & (v_abs(b) == INF));
  return select(one, splat(1), r);
}
)"},
      // a^b for a >= 0. In double, a half vector at a time: float has no bits to spare for the logarithm.
      {"pow_positive",
       {"w_exp", "w_log"},
       R"(
INLINE V pow_positive(V a, V b) {
  typedef float half __attribute__((vector_size(LANES * 2)));
  union { V v; half h[2]; } x = {a}, y = {b};
  for (int k = 0; k < 2; k++) {
    w_V p = __builtin_convertvector(y.h[k], w_V) * w_log(__builtin_convertvector(x.h[k], w_V));
    x.h[k] = __builtin_convertvector(w_exp(p), half);
  }
  return x.v;
}
)",
       R"(
OUTLINE V pow_positive(V a, V b) {
  real x[LANES], y[LANES];
  store(x, a);
  store(y, b);
  for (int k = 0; k < LANES; k++) x[k] = __builtin_pow(x[k], y[k]);
  return load(x);
}
)"},
      {"far_pow", {"pow_positive", "pow_ends"}, R"(
OUTLINE V far_pow(V a, V b) { return pow_ends(a, b, pow_positive(v_abs(a), b)); }
)"},
      // a = m 2^e: 2^(e b) apart from m^b, so that errors do not grow with the size of the result. What is not an ordinary
      // positive number, and large exponents, go the long way, all lanes together.
      {"v_pow", {"log_split", "log_core", "exp_scaled", "v_fma", "v_abs", "far_pow"}, R"(
INLINE V v_pow(V a, V b) {
  V e, m = log_split(a, &e), part = log_core(m - (real)1, splat(0));
  V y = e * b, n = (y + ROUND) - ROUND;
  V rest = ((y - n) + v_fma(e, b, -y)) * (LN2_HI + LN2_LO) + b * part;
  V high = n * LN2_HI, x = high + rest, low = (rest - (x - high)) + n * LN2_LO;
  I plain = (a > (real)0) & (a < INF) & (v_abs(b) <= (real)4);
  V r = exp_scaled(x, low, 1);
  return any(~plain) ? select(plain, r, far_pow(a, b)) : r;
}
)"},
      // x^2 = *high + the result
      {"exact_square", {"v_fma"}, R"(
INLINE V exact_square(V x, V* high) {
  *high = x * x;
#if defined __FMA__ || defined __ARM_FEATURE_FMA
  return v_fma(x, x, -*high);
#else
  V a = (V)((I)x & (~(integer)0 - (((integer)1 << (sizeof(real) == 4 ? 12 : 27)) - 1))), b = x - a;
  return ((a * a - *high) + (a * b + a * b)) + b * b;
#endif
}
)"},
      {"erfc_range", {}, "#define ERFC_MAX 11.0f\n", "#define ERFC_MAX 28.0\n"},
      // erfc(a) for a >= 0.75
      {"erfc_tail", {"exp_scaled", "exact_square", "poly_erfcx", "erfc_range", "vmin"}, R"(
INLINE V erfc_tail(V a) {
  V y = vmin(splat(ERFC_MAX), a), high, low = exact_square(y, &high);
  V d = y + y + (real)1, d_low = (real)1 - (d - (y + y));
  V q = poly_erfcx((y - (real)3) / (y + (real)3)) / d;
  low += d_low * q * (real)0.85; /* d_low / d, near enough: poly_erfcx is about 1 / 0.85 */
  return exp_scaled(-high, -low, 1) * q;
}
)"},
      {"v_erf", {"erfc_tail", "poly_erf", "sign_bit", "v_abs"}, R"(
INLINE V v_erf(V x) {
  V a = v_abs(x);
  return copysign_of(select(a < (real)0.75, a * poly_erf(a * a), (real)1 - erfc_tail(a)), x);
}
)"},
      {"v_erfc", {"erfc_tail", "poly_erf", "v_abs"}, R"(
INLINE V v_erfc(V x) {
  V a = v_abs(x), tail = erfc_tail(a);
  tail = select(x < (real)0, (real)2 - tail, tail);
  return select(a < (real)0.75, (real)1 - x * poly_erf(x * x), tail);
}
)"},
      // [1, 2] holds the root, which is split off as (x - root) P(x); the rest goes there by recurrence, or,
      // from 10 on, by the asymptotic series. Negative x are reflected: psi(1 - x) - pi / tan(pi x).
      {"digamma_1", {}, R"(
OUTLINE double digamma_1(double x) {
  static const double c[] = {
      0.9510558760318328, -0.42362742128146047, 0.24054248424078736, -0.14840492305391834,
      0.09498872445282847, -0.06192213327158161, 0.04076083394472351, -0.026975796847913906,
      0.017907248192855958, -0.011908215075171152, 0.007927024126249972, -0.005280019413363066,
      0.0035180793950336854, -0.002344633371505055, 0.0015635730695683454, -0.001042376458764532,
      0.0006899472786041751, -0.00045944757437634627, 0.00032687996556260467, -0.00021931685329288356,
      9.161040572902432e-05, -5.883296743116468e-05, 0.0001223997332817918, -8.315835392632972e-05};
  double s = 0, p;
  if (x <= 0) {
    double f = x - __builtin_round(x); /* exact, and the tangent has period 1 in x */
    if (x == 0) return -1 / x;
    if (f == 0 || x == -__builtin_inf()) return __builtin_nan("");
    if (f != 0.5 && f != -0.5) {
      double a = 3.141592653589793 * f, t = __builtin_tan(a);
      double a_low = __builtin_fma(3.141592653589793, f, -a) + 1.2246467991473532e-16 * f;
      s = -3.141592653589793 / (t + a_low * (1 + t * t));
    }
    x = 1 - x;
  }
  if (x >= 10) {
    double y = 1 / x, z = y * y;
    if (z == 0) return s + __builtin_log(x);
    p = 1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z * (1.0 / 12 - z * (3617.0 / 8160))));
    p = 1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * p));
    return s + (__builtin_log(x) - (0.5 * y + z * p));
  }
  double up = 0;
  for (; x > 2; up += 1 / x) x -= 1;
  if (x < 1) {
    s -= 1 / x;
    x += 1;
  }
  p = c[sizeof c / sizeof *c - 1];
  for (int k = (int)(sizeof c / sizeof *c) - 1; k-- > 0;) p = p * (x - 1.5) + c[k];
  return s + (up + ((x - 1.4616321449683622) - 9.549995429965697e-17) * p);
}
)"},
      lane_snippet("v_digamma", "digamma_1", {"digamma_1"}),
      // By recurrence up to 15, where the asymptotic series takes over; smallest terms first. Negative x are
      // reflected: (pi / sin(pi x))^2 - psi'(1 - x).
      {"trigamma_1", {}, R"(
OUTLINE double trigamma_1(double x) {
  double sign = 1, s = 0;
  if (x <= 0) {
    double f = x - __builtin_round(x), a = 3.141592653589793 * f, t;
    if (x == -__builtin_inf()) return __builtin_nan("");
    if (f == 0 && x < 0) return __builtin_inf();
    if (x > -1e-9) return 1 / (x * x);
    s = __builtin_sin(a);
    t = __builtin_fma(3.141592653589793, f, -a) + 1.2246467991473532e-16 * f; /* what a lacks of pi f */
    t *= -2 * __builtin_cos(a) / s;
    s = 9.869604401089358 / (s * s);
    s += s * t;
    sign = -1;
    x = 1 - x;
  }
  int up = x < 15 ? (int)(16 - x) : 0;
  double y = 1 / (x + up), z = y * y;
  double p = 5.0 / 66 - z * (691.0 / 2730 - z * (7.0 / 6 - z * (3617.0 / 510)));
  p = 1.0 / 6 - z * (1.0 / 30 - z * (1.0 / 42 - z * (1.0 / 30 - z * p)));
  double r = y + z * (0.5 + y * p);
  while (up-- > 0) r += 1 / ((x + up) * (x + up));
  return s + sign * r;
}
)"},
      lane_snippet("v_trigamma", "trigamma_1", {"trigamma_1"}),
      // |psi^(n)(x)| for x > 0: by recurrence up to 15 + n, where the asymptotic series takes over. Negative x are reflected:
      // derivatives of pi / tan(pi x) are polynomials in 1 / tan(pi x).
      {"polygamma_1", {}, R"(
OUTLINE double polygamma_1(double x, int n) {
  static const double bernoulli[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6,
                                     -3617.0 / 510, 43867.0 / 798};
  double sign = n % 2 ? 1 : -1, below = 0, p[24] = {0, 1}, q[24], power = 3.141592653589793;
  if (!(x > 0)) {
    double f = x - __builtin_round(x), c = 1 / __builtin_tan(3.141592653589793 * f), value = 0;
    if (x == -__builtin_inf()) return __builtin_nan("");
    if (f == 0) return n % 2 ? __builtin_inf() : __builtin_nan("");
    for (int k = 0; k < n; k++) {
      for (int m = 0; m <= k + 2; m++) q[m] = 0;
      for (int m = 1; m <= k + 1; m++) q[m - 1] -= m * p[m], q[m + 1] -= m * p[m];
      for (int m = 0; m <= k + 2; m++) p[m] = q[m];
      power *= 3.141592653589793;
    }
    for (int m = n + 1; m >= 0; m--) value = value * c + p[m];
    below = -value * power;
    sign = -1;
    x = 1 - x;
  }
  double factorial = 1, sum = 0; /* (n - 1)! */
  for (int k = 2; k < n; k++) factorial *= k;
  while (x < 15 + n) {
    sum += factorial * n / __builtin_pow(x, n + 1);
    x += 1;
  }
  double term = factorial / __builtin_pow(x, n), total = term + term * n / (2 * x), z = 1 / (x * x);
  for (int k = 1; k <= 9; k++) {
    term *= k == 1 ? n * (n + 1) / 2.0 * z : (2 * k + n - 2.0) * (2 * k + n - 1.0) / ((2 * k) * (2 * k - 1.0)) * z;
    total += bernoulli[k - 1] * term;
  }
  return below + sign * (sum + total);
}
)"},
      {"v_polygamma", {"polygamma_1"}, R"(
OUTLINE V v_polygamma(V x, int n) {
  real lane[LANES];
  store(lane, x);
  for (int k = 0; k < LANES; k++) lane[k] = (real)polygamma_1(lane[k], n);
  return load(lane);
}
)"},
      {"v_softmin", {"v_exp", "v_log", "vmin"}, R"(
INLINE V v_softmin(V a, V b, V c, V softness) {
  V m = vmin(a, vmin(b, c));
  V s = v_exp((m - a) / softness) + v_exp((m - b) / softness) + v_exp((m - c) / softness);
  return m - softness * v_log(s);
}
)"},
      lane_snippet("v_lgamma", "__builtin_lgamma"),
      // The floor of x / y, right also where the quotient is rounded up to a whole number. From `whole` on quotients are whole.
      {"quotient_range", {}, "#define QUOTIENT_WHOLE 8388608.0f\n", "#define QUOTIENT_WHOLE 4503599627370496.0\n"},
      {"v_floor_divide", {"v_floor", "v_fma", "v_abs", "quotient_range"}, R"(
INLINE V v_floor_divide(V x, V y) {
  V t = x / y, q = v_floor(t), r = v_fma(-q, y, x);
  I opposite = ((x < (real)0) & (y > (real)0)) | ((x > (real)0) & (y < (real)0));
  I high = ((r < (real)0) & (y > (real)0)) | ((r > (real)0) & (y < (real)0));
  q = select((v_abs(t) < QUOTIENT_WHOLE) & high, q - (real)1, q);
  return select((q == (real)0) & opposite, splat(-1), q);
}
)"},
      // The remainder that has the sign of y, as C's: exact. A sum that is rounded to y is 0, as in R.
      {"floor_remainder", {}, R"(
INLINE real floor_remainder(real x, real y) {
  real r = __builtin_fmod$s(x, y);
  if (r == 0 || (r < 0) == (y < 0)) return r == 0 ? 0 : r;
  return r + y == y && y - y == 0 ? 0 : r + y;
}
)"},
      {"far_remainder", {"floor_remainder"}, R"(
OUTLINE V far_remainder(V x, V y) {
  real a[LANES], b[LANES];
  store(a, x);
  store(b, y);
  for (int k = 0; k < LANES; k++) a[k] = floor_remainder(a[k], b[k]);
  return load(a);
}
)"},
      {"v_remainder", {"v_floor", "v_fma", "v_abs", "far_remainder", "quotient_range"}, R"(
INLINE V v_remainder(V x, V y) {
  V t = x / y, r = v_fma(-v_floor(t), y, x), sum = r + y;
  I high = ((r < (real)0) & (y > (real)0)) | ((r > (real)0) & (y < (real)0));
  r = select(high, select(sum == y, splat(0), sum), r);
  r = select(r == y, splat(0), r);
  I near = (v_abs(t) < QUOTIENT_WHOLE) & (y - y == (real)0);
  return any(~near) ? select(near, r, far_remainder(x, y)) : r;
}
)"},
      // x modulo y in [c, c + y), or (c + y, c] for negative y.
      {"v_mod", {"v_remainder", "v_floor", "v_fma"}, R"(
INLINE V v_mod(V x, V y, V c) {
  V r = v_remainder(x, y);
  return select(c == (real)0, r, v_fma(-v_floor((r - c) / y), y, r));
}
)"},
      // The nearest integers of x, -1 where they are outside of 0 ... size - 1.
      {"position_in", {}, R"(
INLINE I position_in(V x, integer size) {
  I inside = (x >= (real)-0.5) & (x < (real)size);
  x = select(inside, x, splat(0));
  I at = __builtin_convertvector(x, I);
  at -= x - __builtin_convertvector(at, V) >= (real)0.5;
  return iselect(inside & (at < size), at, ~(I){});
}
)"},
      {"v_gather_row", {"specials", "position_in"}, R"(
INLINE V v_gather_row(const real* table, integer rows, integer size, V row) {
  I at = position_in(row, rows);
  V out;
  for (int k = 0; k < LANES; k++) out[k] = at[k] < 0 ? NAN_ : table[at[k] * size];
  return out;
}
)"},
      {"v_gather_entry", {"specials", "position_in"}, R"(
INLINE V v_gather_entry(const real* table, integer rows, integer columns, V row, V column) {
  I at = position_in(row, rows), across = position_in(column, columns);
  V out;
  for (int k = 0; k < LANES; k++)
    out[k] = at[k] < 0 || across[k] < 0 ? NAN_ : table[at[k] * columns + across[k]];
  return out;
}
)"},
      {"j0", {}, "double j0(double);\n"}, /* clang has no builtin for these */
      {"j1", {}, "double j1(double);\n"},
      lane_snippet("v_bessel_j0", "j0", {"j0"}),
      lane_snippet("v_bessel_j1", "j1", {"j1"}),
  };
  return table;
}

}  // namespace cpu
}  // namespace rkeops
