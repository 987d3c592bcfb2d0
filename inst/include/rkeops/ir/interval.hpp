// Bounds of computed values, and the rules by which operations make bounds of bounds.
//
// A rule gives bounds of the exact results for all values inside its arguments; then they are moved outward by what the
// row of the table says that computed results may be off. So the exact value, the computed one, and what fused
// multiply-add makes of them lie inside, for any order of summation.
//
// NaN as both bounds: nothing is known, the value may be NaN. Values beyond the largest number may be infinite, and
// their bounds are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#if defined __SSE2__
#include <emmintrin.h>
#endif

#include "../base/types.hpp"
#include "operation.hpp"

namespace rkeops {

// Two boxes side by side: rules of T = double are those of T = Lanes.
using Lanes = double __attribute__((vector_size(16)));
using LaneMask = decltype(Lanes{} < Lanes{});

template <class T>
struct BoundsOf {
  T low, high;
};
using Interval = BoundsOf<double>;

namespace interval {

// Of a kernel's precision. The unit is larger than half an ulp: what double arithmetic in the rules adds is covered.
struct Rounding {
  double unit, tiny, huge;  // relative error, smallest normal number, largest number
  double exp_least;         // v_exp is exactly 0 below
};

inline Rounding rounding_of(Precision precision) {
  if (precision == Precision::float64) return {0x1p-51, 0x1p-1022, std::numeric_limits<double>::max(), -747};
  return {0x1p-24 + 0x1p-50, 0x1p-126, static_cast<double>(std::numeric_limits<float>::max()), -105};
}

}  // namespace interval

// A rule at work. Bounds of n boxes lie side by side.
struct BoxBounds {
  const double *low, *high;
};
struct BoundsCall {
  const BoxBounds* args;
  std::size_t count;  // of arguments; of a horizontal operation: components
  const std::int64_t* params;
  std::int64_t n;
  double *low, *high;
  interval::Rounding rounding;
  double error;  // by which computed results are off, relatively
};

namespace interval {

constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
constexpr Interval unknown{nan, nan}, everything{-inf, inf};

inline double choose(bool yes, double a, double b) { return yes ? a : b; }
inline double unless(bool unknown, double x) { return unknown ? nan : x; }
inline Lanes unless(LaneMask unknown, Lanes x) { return (Lanes)(unknown | (LaneMask)x); }  // all bits: NaN

inline bool all_true(bool x) { return x; }
inline bool all_true(LaneMask x) { return (x[0] & x[1]) != 0; }

// b where one of them is NaN.
inline double least(double a, double b) { return a < b ? a : b; }
inline double most(double a, double b) { return a > b ? a : b; }
inline double size(double x) { return std::fabs(x); }
// x where the condition holds, else 0.
inline double only(bool condition, double x) { return condition ? x : 0; }
inline Lanes only(LaneMask condition, Lanes x) { return (Lanes)(condition & (LaneMask)x); }
inline Lanes size(Lanes x) { return (Lanes)((LaneMask)x & ~(LaneMask)Lanes{-0.0, -0.0}); }
#if defined __SSE2__
inline Lanes choose(LaneMask yes, Lanes a, Lanes b) {
  return (Lanes)_mm_or_pd(_mm_and_pd((__m128d)yes, (__m128d)a), _mm_andnot_pd((__m128d)yes, (__m128d)b));
}
inline Lanes least(Lanes a, Lanes b) { return (Lanes)_mm_min_pd((__m128d)a, (__m128d)b); }
inline Lanes most(Lanes a, Lanes b) { return (Lanes)_mm_max_pd((__m128d)a, (__m128d)b); }
#else
inline Lanes choose(LaneMask yes, Lanes a, Lanes b) { return (Lanes)((yes & (LaneMask)a) | (~yes & (LaneMask)b)); }
inline Lanes least(Lanes a, Lanes b) { return choose(a < b, a, b); }
inline Lanes most(Lanes a, Lanes b) { return choose(a > b, a, b); }
#endif

template <class T>
T all(double x) {
  return T{} + x;
}

template <class T>
T load(const double* p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
template <class T>
void store(double* p, T x) {
  std::memcpy(p, &x, sizeof x);
}
template <class T>
BoundsOf<T> load(const BoxBounds& x, std::int64_t b) {
  return {load<T>(x.low + b), load<T>(x.high + b)};
}

inline double root(double x) { return std::sqrt(x); }
#if defined __SSE2__
inline Lanes root(Lanes x) { return (Lanes)_mm_sqrt_pd((__m128d)x); }
#else
inline Lanes root(Lanes x) { return Lanes{std::sqrt(x[0]), std::sqrt(x[1])}; }
#endif

// body(T{}, b) for all n boxes, as many at a time as T has.
template <class Body>
void for_boxes(std::int64_t n, Body body) {
  std::int64_t b = 0;
  for (; b + 2 <= n; b += 2) body(Lanes{}, b);
  if (b < n) body(0.0, b);
}

// What may be beyond the largest number may be infinite.
template <class T>
BoundsOf<T> beyond(BoundsOf<T> x, const Rounding& r) {
  return {choose(x.low < -r.huge, all<T>(-inf), x.low), choose(x.high > r.huge, all<T>(inf), x.high)};
}

// Rounding keeps signs, and zeros.
template <class T>
BoundsOf<T> outward(BoundsOf<T> x, double error, const Rounding& r) {
  const T low = least(all<T>(r.huge), x.low), high = most(all<T>(-r.huge), x.high);
  const T lower = low - (size(low) * error + r.tiny), upper = high + (size(high) * error + r.tiny);
  return beyond(BoundsOf<T>{most(only(low < 0.0, all<T>(-inf)), lower), least(only(high > 0.0, all<T>(inf)), upper)},
                r);
}

template <class M, class T>
BoundsOf<T> unless(M unknown, BoundsOf<T> x) {
  return {unless(unknown, x.low), unless(unknown, x.high)};
}
template <class T>
auto is_unknown(BoundsOf<T> x) {
  return (x.low != x.low) | (x.high != x.high);
}

template <class T>
auto touches_zero(BoundsOf<T> x) {
  return (x.low <= 0.0) & (x.high >= 0.0);
}
template <class T>
auto is_zero(BoundsOf<T> x) {
  return (x.low == 0.0) & (x.high == 0.0);
}
template <class T>
auto has_no_zero(BoundsOf<T> x) {
  return (x.low > 0.0) | (x.high < 0.0);
}
template <class T>
auto may_be_infinite(BoundsOf<T> x) {
  return (x.low == -inf) | (x.high == inf);
}
template <class T>
BoundsOf<T> hull(BoundsOf<T> a, BoundsOf<T> b) {
  return unless(is_unknown(a) | is_unknown(b), BoundsOf<T>{least(a.low, b.low), most(a.high, b.high)});
}
template <class M, class T>
BoundsOf<T> choose(M condition, BoundsOf<T> a, BoundsOf<T> b) {
  return {choose(condition, a.low, b.low), choose(condition, a.high, b.high)};
}
template <class M, class T>
T truth(M condition, T) {
  return only(condition, all<T>(1));
}

// Rules for any T: bounds of the result from those of the arguments x.
#define INTERVAL_RULE(name)                                                          \
  struct name {                                                                      \
    template <class T>                                                               \
    static BoundsOf<T> of(const BoundsOf<T>* x, [[maybe_unused]] const Rounding& r); \
  };                                                                                 \
  template <class T>                                                                 \
  BoundsOf<T> name::of(const BoundsOf<T>* x, [[maybe_unused]] const Rounding& r)

// ---- arithmetic

INTERVAL_RULE(Add) {
  const T down = x[0].low + x[1].high, up = x[0].high + x[1].low;  // NaN where Inf - Inf is possible
  return unless((down != down) | (up != up), BoundsOf<T>{x[0].low + x[1].low, x[0].high + x[1].high});
}
INTERVAL_RULE(Minus) { return {-x[0].high, -x[0].low}; }
INTERVAL_RULE(Subtract) {
  const BoundsOf<T> y[] = {x[0], Minus::of(x + 1, r)};
  return Add::of(y, r);
}
INTERVAL_RULE(Mult) {
  const T p = x[0].low * x[1].low, q = x[0].low * x[1].high, s = x[0].high * x[1].low, t = x[0].high * x[1].high;
  const T low = least(least(p, q), least(s, t)), high = most(most(p, q), most(s, t));
  const auto zero_times_infinity =
      (touches_zero(x[0]) & may_be_infinite(x[1])) | (touches_zero(x[1]) & may_be_infinite(x[0]));
  return unless(zero_times_infinity, BoundsOf<T>{low, high});
}
INTERVAL_RULE(Divide) {
  const auto by_zero = touches_zero(x[1]);
  const T p = x[0].low / x[1].low, q = x[0].low / x[1].high, s = x[0].high / x[1].low, t = x[0].high / x[1].high;
  const BoundsOf<T> corners{least(least(p, q), least(s, t)), most(most(p, q), most(s, t))};
  const BoundsOf<T> result{choose(by_zero, all<T>(-inf), corners.low), choose(by_zero, all<T>(inf), corners.high)};
  const auto undefined = (touches_zero(x[0]) & by_zero) | (may_be_infinite(x[0]) & may_be_infinite(x[1]));
  return unless(undefined | is_unknown(x[0]), result);
}
INTERVAL_RULE(Inv) {
  const BoundsOf<T> quotient[] = {{all<T>(1), all<T>(1)}, x[0]};
  return Divide::of(quotient, r);
}
INTERVAL_RULE(Sqrt) { return unless(x[0].low < 0.0, BoundsOf<T>{root(x[0].low), root(x[0].high)}); }
// Of the smallest number it is `largest`, of 0 it is 0.
INTERVAL_RULE(Rsqrt) {
  const T largest = all<T>(2 / (std::sqrt(r.tiny) * std::sqrt(r.unit)));
  const BoundsOf<T> inverse{1.0 / root(x[0].high), least(largest, 1.0 / root(x[0].low))};
  return unless((x[0].low < 0.0) | is_unknown(x[0]),
                BoundsOf<T>{only(x[0].low > 0.0, inverse.low), only(x[0].high > 0.0, inverse.high)});
}
INTERVAL_RULE(Square) {
  const T low = most(T{}, most(x[0].low, -x[0].high)), high = most(-x[0].low, x[0].high);
  return {low * low, high * high};
}
INTERVAL_RULE(Abs) { return {most(T{}, most(x[0].low, -x[0].high)), most(-x[0].low, x[0].high)}; }
INTERVAL_RULE(ReLU) { return {most(T{}, x[0].low), most(T{}, x[0].high)}; }

// ---- comparisons and choices. NaN compares as false; where nothing is known, 0 and 1 are possible.

INTERVAL_RULE(LessThan) { return {truth(x[0].high < x[1].low, T{}), 1.0 - truth(x[0].low >= x[1].high, T{})}; }
INTERVAL_RULE(LessOrEqual) { return {truth(x[0].high <= x[1].low, T{}), 1.0 - truth(x[0].low > x[1].high, T{})}; }
INTERVAL_RULE(Equal) {
  const auto same = (x[0].low == x[1].high) & (x[0].high == x[1].low);
  return {truth(same, T{}), 1.0 - truth((x[0].high < x[1].low) | (x[0].low > x[1].high), T{})};
}
INTERVAL_RULE(NotEqual) {
  const BoundsOf<T> equal = Equal::of(x, r);
  return {1.0 - equal.high, 1.0 - equal.low};
}
INTERVAL_RULE(And) {
  return {truth(has_no_zero(x[0]) & has_no_zero(x[1]), T{}), 1.0 - truth(is_zero(x[0]) | is_zero(x[1]), T{})};
}
INTERVAL_RULE(Or) {
  return {truth(has_no_zero(x[0]) | has_no_zero(x[1]), T{}), 1.0 - truth(is_zero(x[0]) & is_zero(x[1]), T{})};
}
INTERVAL_RULE(Not) { return {truth(is_zero(x[0]), T{}), 1.0 - truth(has_no_zero(x[0]), T{})}; }
INTERVAL_RULE(Sign) {
  return {truth(x[0].low > 0.0, T{}) + truth(x[0].low >= 0.0, T{}) - 1.0,
          1.0 - truth(x[0].high < 0.0, T{}) - truth(x[0].high <= 0.0, T{})};
}
INTERVAL_RULE(Step) { return {truth(x[0].low >= 0.0, T{}), 1.0 - truth(x[0].high < 0.0, T{})}; }
INTERVAL_RULE(IfElse) { return choose(x[0].low >= 0.0, x[1], choose(x[0].high < 0.0, x[2], hull(x[1], x[2]))); }
INTERVAL_RULE(WhereNonzero) {
  const BoundsOf<T> zero{};
  return choose(is_zero(x[0]), zero, choose(has_no_zero(x[0]), x[1], hull(zero, x[1])));
}
INTERVAL_RULE(MultOrZero) {
  const BoundsOf<T> zero{}, product = Mult::of(x, r);
  return choose(is_zero(x[0]), zero, choose(has_no_zero(x[0]), product, hull(zero, product)));
}
// Where the limits may be in the wrong order, one of them or the value between them is possible.
INTERVAL_RULE(Clamp) {
  const auto unknown = is_unknown(x[0]) | is_unknown(x[1]) | is_unknown(x[2]);
  const BoundsOf<T> in_order{least(x[2].low, most(x[1].low, x[0].low)), least(x[2].high, most(x[1].high, x[0].high))};
  return unless(unknown, choose(x[1].high <= x[2].low, in_order, hull(x[1], x[2])));
}
#undef INTERVAL_RULE

// A rule for one component.
template <class Rule, std::size_t arguments>
void by_lanes(const BoundsCall& c) {
  BoxBounds args[arguments];  // (copies: stores could change what c points at)
  std::copy_n(c.args, arguments, args);
  const Rounding r = c.rounding;
  const double error = c.error;
  double *const low = c.low, *const high = c.high;
  for_boxes(c.n, [=](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    BoundsOf<T> x[arguments];
    for (std::size_t a = 0; a < arguments; ++a) x[a] = load<T>(args[a], b);
    BoundsOf<T> result = Rule::of(x, r);
    if (error > 0) result = outward(result, error, r);
    store(low + b, result.low);
    store(high + b, result.high);
  });
}

// The same for rules that look at one box at a time; they need not know of NaN.
template <Interval (*rule)(const Interval*, const BoundsCall&), std::size_t arguments>
void by_number(const BoundsCall& c) {
  for (std::int64_t b = 0; b < c.n; ++b) {
    Interval x[arguments];
    bool known = true;
    for (std::size_t a = 0; a < arguments; ++a) {
      x[a] = load<double>(c.args[a], b);
      known = known && x[a].low <= x[a].high;
    }
    Interval result = known ? rule(x, c) : unknown;
    if (c.error > 0) result = outward(result, c.error, c.rounding);
    c.low[b] = result.low, c.high[b] = result.high;
  }
}

}  // namespace interval
}  // namespace rkeops
