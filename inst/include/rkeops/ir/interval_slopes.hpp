// Slopes: f(x) - f(c) is the sum of slopes times x - c, for any x in a box and a point c; where x and c are both
// anywhere in the box, bounds of the derivative. They refine bounds of formulas in which a variable occurs more than
// once. What jumps has none.
#pragma once

#include "interval_functions.hpp"

namespace rkeops {

struct SlopeCall {
  const Interval *x, *c;  // arguments; of a horizontal operation: components
  std::size_t count;
  Interval value, value_at_c;
  const std::int64_t* params;
};

namespace interval {

// Arithmetic of bounds that are not those of computed values. A zero may be a tiny number of its sign.
constexpr double in_double = 0x1p-51;
inline Rounding exactly() { return rounding_of(Precision::float64); }
inline Interval outward_of_zero(Interval x) {
  constexpr double tiny = std::numeric_limits<double>::min();
  const double low = x.low - (std::fabs(x.low) * in_double + tiny),
               high = x.high + (std::fabs(x.high) * in_double + tiny);
  return {std::signbit(x.low) ? low : most(0.0, low), std::signbit(x.high) ? least(0.0, high) : high};
}
inline Interval times(Interval a, Interval b) {
  const Interval x[] = {a, b};
  return is_zero(a) || is_zero(b) ? Interval{0, 0} : outward_of_zero(Mult::of(x, exactly()));
}
inline Interval over(Interval a, Interval b) { return is_zero(a) ? a : outward_of_zero(quotient_of(a, b)); }
inline Interval square_of(Interval a) { return outward_of_zero(Square::of(&a, exactly())); }
inline Interval plus(Interval a, Interval b) {
  const Interval x[] = {a, b};
  return outward(Add::of(x, exactly()), in_double, exactly());
}
inline Interval negative(Interval a) { return {-a.high, -a.low}; }
inline Interval scaled(double c, Interval a) { return times({c, c}, a); }
inline Interval root_of(Interval a) { return {std::sqrt(std::max(0.0, a.low)), std::sqrt(std::max(0.0, a.high))}; }
// Of bounds that both hold.
inline Interval common(Interval a, Interval b) {
  return {b.low > a.low ? b.low : a.low, b.high < a.high ? b.high : a.high};
}
constexpr Interval one{1, 1};

inline Interval slope_one(const SlopeCall&, std::size_t) { return one; }
inline Interval slope_difference(const SlopeCall&, std::size_t k) { return k == 0 ? one : negative(one); }
inline Interval slope_minus(const SlopeCall&, std::size_t) { return negative(one); }
inline Interval slope_product(const SlopeCall& s, std::size_t k) {  // of sums of products, too
  return scaled(0.5, plus(s.x[k ^ 1], s.c[k ^ 1]));
}
inline Interval slope_quotient(const SlopeCall& s, std::size_t k) {
  return over(k == 0 ? one : negative(s.value_at_c), s.x[1]);
}
inline Interval slope_inverse(const SlopeCall& s, std::size_t) { return negative(times(s.value, s.value_at_c)); }
inline Interval slope_square(const SlopeCall& s, std::size_t) { return plus(s.x[0], s.c[0]); }
inline Interval slope_power(const SlopeCall& s, std::size_t) {
  const double m = static_cast<double>(s.params[0]), p = m - 1;
  if (m < 0) return touches_zero(s.x[0]) ? everything : scaled(m, over(s.value, s.x[0]));
  const bool even = std::fmod(p, 2) == 0;
  return scaled(
      m, {std::pow(even ? least_size(s.x[0]) : s.x[0].low, p), std::pow(even ? largest_size(s.x[0]) : s.x[0].high, p)});
}
inline Interval slope_root(const SlopeCall& s, std::size_t) { return over(one, plus(s.value, s.value_at_c)); }
inline Interval slope_inverse_root(const SlopeCall& s, std::size_t) {
  if (!(s.x[0].low > 0)) return everything;
  return negative(over(square_of(times(s.value, s.value_at_c)), plus(s.value, s.value_at_c)));
}
inline Interval slope_abs(const SlopeCall& s, std::size_t) { return Sign::of(s.x, exactly()); }
inline Interval slope_exponential(const SlopeCall& s, std::size_t) { return s.value; }
inline Interval slope_log(const SlopeCall& s, std::size_t) { return over(one, s.x[0]); }
inline Interval slope_sine(const SlopeCall& s, std::size_t) { return cosine_of(s.x[0]); }
inline Interval slope_cosine(const SlopeCall& s, std::size_t) { return negative(sine_of(s.x[0])); }
inline Interval slope_arc_sine(const SlopeCall& s, std::size_t) {
  return over(one, root_of(plus(one, negative(square_of(s.x[0])))));
}
inline Interval slope_arc_cosine(const SlopeCall& s, std::size_t k) { return negative(slope_arc_sine(s, k)); }
inline Interval slope_arc_tangent(const SlopeCall& s, std::size_t) { return over(one, plus(one, square_of(s.x[0]))); }
inline Interval slope_tanh(const SlopeCall& s, std::size_t) { return plus(one, negative(square_of(s.value))); }
inline Interval slope_ramp(const SlopeCall& s, std::size_t) { return Step::of(s.x, exactly()); }
inline Interval slope_choice(const SlopeCall& s, std::size_t k) {
  const Interval first = Step::of(s.x, exactly());
  if (first.low != first.high) return unknown;
  return k == (first.low > 0 ? 1 : 2) ? one : Interval{0, 0};
}
template <bool largest>
Interval slope_extreme(const SlopeCall& s, std::size_t k) {
  bool is_first = true;
  for (std::size_t m = 0; m < s.count; ++m) {
    if (m == k) continue;
    const Interval own = largest ? s.x[k] : negative(s.x[k]), other = largest ? s.x[m] : negative(s.x[m]);
    if (own.high < other.low) return {0, 0};
    is_first = is_first && own.low > other.high;
  }
  return {is_first ? 1.0 : 0.0, 1};
}

}  // namespace interval
}  // namespace rkeops
