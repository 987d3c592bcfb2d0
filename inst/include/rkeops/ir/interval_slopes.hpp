// Slopes: f(x) - f(c) is the sum of slopes times x - c, for any x in a box and any c in another one inside; where the
// boxes are the same, these are bounds of the derivative. They refine bounds of formulas in which a variable occurs
// more than once. What jumps has none.
#pragma once

#include "interval_functions.hpp"

namespace rkeops {

// Of one argument (of a horizontal operation: component), for n boxes.
struct SlopeCall {
  const BoxBounds *x, *c;  // all arguments
  std::size_t count, argument;
  BoxBounds value, value_at_c;
  const std::int64_t* params;
  std::int64_t n;
  double *low, *high;
};

namespace interval {

// Arithmetic of bounds that are not those of computed values, which may be tiny and be multiplied by huge ones.
constexpr double in_double = 0x1p-51;
inline Rounding exactly() { return rounding_of(Precision::float64); }
template <class T>
BoundsOf<T> widened(BoundsOf<T> x, T relative) {
  const double tiny = std::numeric_limits<double>::min();
  return {x.low - (size(x.low) * relative + tiny), x.high + (size(x.high) * relative + tiny)};
}
// 0 times anything is 0. (Where a corner is 0 times Inf, another one is 0.)
template <class T>
BoundsOf<T> times(BoundsOf<T> a, BoundsOf<T> b) {
  const T p = a.low * b.low, q = a.low * b.high, s = a.high * b.low, t = a.high * b.high;
  const BoundsOf<T> product{least(least(p, q), least(s, t)), most(most(p, q), most(s, t))};
  return choose(is_zero(a) | is_zero(b), BoundsOf<T>{}, widened(product, all<T>(in_double)));
}
template <class T>
BoundsOf<T> over(BoundsOf<T> a, BoundsOf<T> b) {
  const BoundsOf<T> x[] = {a, b};
  return widened(Divide::of(x, exactly()), all<T>(in_double));
}
template <class T>
BoundsOf<T> squared(BoundsOf<T> a) {
  return widened(Square::of(&a, exactly()), all<T>(in_double));
}
template <class T>
BoundsOf<T> plus(BoundsOf<T> a, BoundsOf<T> b) {
  const T low = a.low + b.low, high = a.high + b.high;
  return {low - size(low) * in_double, high + size(high) * in_double};
}
template <class T>
BoundsOf<T> negative(BoundsOf<T> a) {
  return {-a.high, -a.low};
}
template <class T>
BoundsOf<T> number(double x) {
  return {all<T>(x), all<T>(x)};
}
// Of bounds that both hold.
inline Interval common(Interval a, Interval b) {
  return {b.low > a.low ? b.low : a.low, b.high < a.high ? b.high : a.high};
}

template <class T>
struct SlopeAt {
  const SlopeCall& call;
  std::int64_t b;

  BoundsOf<T> x(std::size_t k = 0) const { return load<T>(call.x[k], b); }
  BoundsOf<T> c(std::size_t k = 0) const { return load<T>(call.c[k], b); }
  BoundsOf<T> value() const { return load<T>(call.value, b); }
  BoundsOf<T> value_at_c() const { return load<T>(call.value_at_c, b); }
};

// The rule named, with respect to argument k.
#define SLOPE_RULE(name)                                       \
  struct name {                                                \
    template <class T>                                         \
    static BoundsOf<T> of(const SlopeAt<T>& s, std::size_t k); \
  };                                                           \
  template <class T>                                           \
  BoundsOf<T> name::of([[maybe_unused]] const SlopeAt<T>& s, [[maybe_unused]] std::size_t k)

SLOPE_RULE(OneSlope) { return number<T>(1); }
SLOPE_RULE(SubtractSlope) { return number<T>(k == 0 ? 1 : -1); }
SLOPE_RULE(MinusSlope) { return number<T>(-1); }
SLOPE_RULE(ProductSlope) { return times(number<T>(0.5), plus(s.x(k ^ 1), s.c(k ^ 1))); }  // of sums of products, too
SLOPE_RULE(DivideSlope) { return over(k == 0 ? number<T>(1) : negative(s.value_at_c()), s.x(1)); }
SLOPE_RULE(InvSlope) { return negative(times(s.value(), s.value_at_c())); }
SLOPE_RULE(SquareSlope) { return plus(s.x(), s.c()); }
SLOPE_RULE(SqrtSlope) { return over(number<T>(1), plus(s.value(), s.value_at_c())); }
SLOPE_RULE(RsqrtSlope) {
  const BoundsOf<T> product = times(s.value(), s.value_at_c()), everywhere{all<T>(-inf), all<T>(inf)};
  const BoundsOf<T> slope = negative(over(squared(product), plus(s.value(), s.value_at_c())));
  return choose(s.x().low > 0.0, slope, everywhere);
}
SLOPE_RULE(AbsSlope) {
  const BoundsOf<T> x = s.x();
  return Sign::of(&x, exactly());
}
SLOPE_RULE(ExpSlope) { return s.value(); }
SLOPE_RULE(LogSlope) { return over(number<T>(1), s.x()); }
SLOPE_RULE(AtanSlope) { return over(number<T>(1), plus(number<T>(1), squared(s.x()))); }
SLOPE_RULE(TanhSlope) { return plus(number<T>(1), negative(squared(s.value()))); }
SLOPE_RULE(ReluSlope) {
  const BoundsOf<T> x = s.x();
  return Step::of(&x, exactly());
}
SLOPE_RULE(IfElseSlope) {
  const BoundsOf<T> x = s.x(), first = Step::of(&x, exactly());  // is it the first of the two?
  const BoundsOf<T> slope = k == 0 ? BoundsOf<T>{} : k == 1 ? first : BoundsOf<T>{1.0 - first.high, 1.0 - first.low};
  return unless(first.low != first.high, slope);
}

// ---- of one box at a time

SLOPE_RULE(PowSlope) {
  const double m = static_cast<double>(s.call.params[0]), p = m - 1;
  const Interval x = s.x();
  if (m < 0) return touches_zero(x) ? everything : times(number<T>(m), over(s.value(), x));
  const bool even = std::fmod(p, 2) == 0;
  return times(number<T>(m), {std::pow(even ? least_size(x) : x.low, p), std::pow(even ? largest_size(x) : x.high, p)});
}
SLOPE_RULE(SinSlope) { return cosine_of(s.x()); }
SLOPE_RULE(CosSlope) { return negative(sine_of(s.x())); }
SLOPE_RULE(AsinSlope) {
  const Interval rest = plus(number<T>(1), negative(squared(s.x())));
  return over(number<T>(1), {std::sqrt(std::max(0.0, rest.low)), std::sqrt(std::max(0.0, rest.high))});
}
SLOPE_RULE(AcosSlope) { return negative(AsinSlope::of(s, k)); }
template <bool largest>
struct ExtremeSlope {
  static Interval of(const SlopeAt<double>& s, std::size_t k) {
    const auto component = [&](std::size_t m) { return largest ? s.x(m) : negative(s.x(m)); };
    bool is_first = true;
    for (std::size_t m = 0; m < s.call.count; ++m) {
      if (m == k) continue;
      if (component(k).high < component(m).low) return {0, 0};
      is_first = is_first && component(k).low > component(m).high;
    }
    return {is_first ? 1.0 : 0.0, 1};
  }
};
#undef SLOPE_RULE

template <class Rule>
void slopes(const SlopeCall& c) {
  for_boxes(c.n, [&](auto lanes, std::int64_t b) {
    const auto slope = Rule::of(SlopeAt<decltype(lanes)>{c, b}, c.argument);
    store(c.low + b, slope.low);
    store(c.high + b, slope.high);
  });
}
template <class Rule>
void slopes_by_number(const SlopeCall& c) {
  for (std::int64_t b = 0; b < c.n; ++b) {
    const Interval slope = Rule::of(SlopeAt<double>{c, b}, c.argument);
    c.low[b] = slope.low, c.high[b] = slope.high;
  }
}

// Gets an adjoint ready to be sent on by a step that is off by an error: nothing is known where the step's value may be
// infinite; nothing comes back from a `constant`, whose value is one number.
inline void prepare_adjoint(BoxBounds value, bool constant, double error, std::int64_t n, double* adjoint) {
  for_boxes(n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    const BoundsOf<T> a = load<T>(BoxBounds{adjoint, adjoint + n}, b), v = load<T>(value, b);
    const BoundsOf<T> wide = unless(may_be_infinite(v) | is_unknown(v), widened(a, all<T>(error)));
    BoundsOf<T> sent = choose(is_zero(a), BoundsOf<T>{}, wide);
    if (constant) sent = choose(v.low == v.high, BoundsOf<T>{}, sent);
    store(adjoint + b, sent.low);
    store(adjoint + n + b, sent.high);
  });
}

// total += a * b; or a, where b is null.
inline void add_product(BoxBounds a, const BoxBounds* factor, std::int64_t n, double* total) {
  for_boxes(n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    const BoundsOf<T> x = load<T>(a, b), term = factor ? times(x, load<T>(*factor, b)) : x;
    const BoundsOf<T> sum = plus(load<T>(BoxBounds{total, total + n}, b), term);
    store(total + b, sum.low);
    store(total + n + b, sum.high);
  });
}

// x - c
inline void subtract(BoxBounds x, BoxBounds c, std::int64_t n, double* difference) {
  for_boxes(n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    const BoundsOf<T> away = plus(load<T>(x, b), negative(load<T>(c, b)));
    store(difference + b, away.low);
    store(difference + n + b, away.high);
  });
}

}  // namespace interval
}  // namespace rkeops
