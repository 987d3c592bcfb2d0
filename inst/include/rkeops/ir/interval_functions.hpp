// Rules for bounds of quotients, powers, roots and functions, one box at a time: see interval.hpp.
#pragma once

#include <algorithm>

#include "interval.hpp"

namespace rkeops {
namespace interval {

constexpr double pi = 3.14159265358979323846;

inline bool is_infinite(Interval x) { return x.low == -inf || x.high == inf; }
inline double largest_size(Interval x) { return std::max(-x.low, x.high); }
inline double least_size(Interval x) { return std::max(0.0, std::max(x.low, -x.high)); }
inline Interval within(Interval x, Interval limits) {
  return {std::max(x.low, limits.low), std::min(x.high, limits.high)};
}
inline Interval widened(Interval x, double by) { return {x.low - by, x.high + by}; }

template <class F>
Interval of_corners(const Interval* x, F f) {
  const double p = f(x[0].low, x[1].low), q = f(x[0].low, x[1].high), r = f(x[0].high, x[1].low),
               s = f(x[0].high, x[1].high);
  return {std::min(std::min(p, q), std::min(r, s)), std::max(std::max(p, q), std::max(r, s))};
}

// ---- quotients, powers, roots

inline Interval quotient_of(Interval a, Interval b) {
  const Interval x[] = {a, b};
  return Divide::of(x, Rounding{});
}
inline Interval inverse_or_zero(const Interval* x, const BoundsCall&) {
  if (!touches_zero(x[0])) return quotient_of({1, 1}, x[0]);
  return {x[0].low < 0 ? -inf : 0, x[0].high > 0 ? inf : 0};
}

// By products, each of which rounds.
inline Interval integer_power(const Interval* x, const BoundsCall& c) {
  const double m = static_cast<double>(c.params[0]), p = std::fabs(m), error = p * c.rounding.unit;
  if (error > 0.25) return unknown;
  const bool even = std::fmod(p, 2) == 0;
  const double low = std::pow(even ? least_size(x[0]) : x[0].low, p),
               high = std::pow(even ? largest_size(x[0]) : x[0].high, p);
  const Interval power = outward(Interval{low, high}, error, c.rounding);
  return m < 0 ? quotient_of({1, 1}, power) : power;
}

inline Interval real_power(const Interval* x, const BoundsCall&) {
  const Interval a = x[0], b = x[1];
  const auto power = [](double p, double q) { return std::pow(p, q); };
  if (a.low > 0 || (a.low == 0 && b.low > 0)) return of_corners(x, power);
  if (a.low == 0) return everything;
  if (b.low != b.high || std::floor(b.low) != b.low || std::isinf(b.low)) return unknown;
  if (b.low == 0) return {1, 1};
  if (b.low < 0 && touches_zero(a)) return everything;
  if (std::fmod(b.low, 2) != 0 || a.high < 0) return of_corners(x, power);
  return {std::pow(least_size(a), b.low), std::pow(largest_size(a), b.low)};
}

// ---- functions that only rise, or only fall, where they are defined

template <double (*f)(double)>
Interval rising(const Interval* x, const BoundsCall&) {
  return {f(x[0].low), f(x[0].high)};
}
template <double (*f)(double)>
Interval falling(const Interval* x, const BoundsCall&) {
  return {f(x[0].high), f(x[0].low)};
}
template <double (*f)(double), int from>
Interval rising_from(const Interval* x, const BoundsCall&) {
  return x[0].low < from ? unknown : Interval{f(x[0].low), f(x[0].high)};
}
template <Interval (*f)(const Interval*, const BoundsCall&)>
Interval in_unit(const Interval* x, const BoundsCall& c) {
  return x[0].low < -1 || x[0].high > 1 ? unknown : f(x, c);
}

inline Interval exponential(const Interval* x, const BoundsCall& c) {
  return {std::exp(x[0].low), x[0].high <= c.rounding.exp_least ? 0 : std::exp(x[0].high)};
}

inline Interval hyperbolic_cosine(const Interval* x, const BoundsCall&) {
  return {std::cosh(least_size(x[0])), std::cosh(largest_size(x[0]))};
}

// Falls to `least` at `at`, then rises.
template <class F>
Interval with_minimum(Interval x, double at, double least, F f) {
  const double low = f(x.low), high = f(x.high);
  return {x.low <= at && at <= x.high ? least : std::min(low, high), std::max(low, high)};
}

inline Interval x_log_x(const Interval* x, const BoundsCall&) {
  if (x[0].low < 0) return unknown;
  return with_minimum(x[0], 0.36787944117144233, -0.36787944117144233,
                      [](double a) { return a == 0 ? 0 : a * std::log(a); });
}

// ---- waves

// Sine or cosine, with a maximum at `peak`.
inline Interval wave(Interval x, double peak, double (*f)(double)) {
  if (is_infinite(x)) return unknown;
  if (!(x.high - x.low < 2 * pi) || largest_size(x) > 1e6) return {-1, 1};
  const auto passes = [&](double at) {
    return std::floor((x.high - at) / (2 * pi)) != std::floor((x.low - at) / (2 * pi));
  };
  const double a = f(x.low), b = f(x.high);
  return {passes(peak + pi) ? -1 : std::min(a, b), passes(peak) ? 1 : std::max(a, b)};
}
inline Interval sine_of(Interval x) { return wave(x, pi / 2, std::sin); }
inline Interval cosine_of(Interval x) { return wave(x, 0, std::cos); }
inline Interval sine(const Interval* x, const BoundsCall&) { return sine_of(x[0]); }
inline Interval cosine(const Interval* x, const BoundsCall&) { return cosine_of(x[0]); }

inline Interval tangent(const Interval* x, const BoundsCall&) {
  if (is_infinite(x[0])) return unknown;
  const auto branch = [](double at) { return std::floor((at - pi / 2) / pi); };
  const double low = std::tan(x[0].low), high = std::tan(x[0].high);
  const bool has_pole =
      !(x[0].high - x[0].low < pi) || largest_size(x[0]) > 1e6 || branch(x[0].low) != branch(x[0].high);
  return has_pole || low > high ? everything : Interval{low, high};
}

// By the value in the middle and the steepest slope.
template <class F>
Interval by_slope(Interval x, double slope, F f) {
  const double middle = x.low / 2 + x.high / 2;
  return is_infinite(x) ? everything : widened({f(middle), f(middle)}, slope * (x.high - x.low) / 2);
}

inline double sinc_value(double a) { return a == 0 ? 1 : std::sin(a) / a; }
inline Interval sinc(const Interval* x, const BoundsCall&) {
  const double near = least_size(x[0]), far = largest_size(x[0]), first_minimum = 4.493409457909064;
  if (is_infinite(x[0])) return unknown;
  if (far <= first_minimum) return {sinc_value(far), sinc_value(near)};
  const double size = std::min(1.0, 1 / near);
  return within(within(by_slope(x[0], 0.4363, sinc_value), {-0.2172336282112217, 1}), {-size, size});
}

// (cos(a) - sin(a) / a) / a: the difference is as good as its terms.
inline double sinc_slope_value(double a) { return std::fabs(a) < 1e-4 ? -a / 3 : (std::cos(a) - std::sin(a) / a) / a; }
inline Interval sinc_slope(const Interval* x, const BoundsCall& c) {
  if (is_infinite(x[0])) return unknown;
  const double error = 40 * c.rounding.unit / least_size(x[0]) + 1e-8;
  return widened(within(by_slope(x[0], 0.34, sinc_slope_value), {-0.4363, 0.4363}), error);
}

inline Interval angle(const Interval* x, const BoundsCall&) {
  if (x[1].low > 0 || has_no_zero(x[0])) return of_corners(x, [](double p, double q) { return std::atan2(p, q); });
  return {-pi, pi};
}

// Relative to 1/2 they are right, not relative to their values.
template <double (*f)(double)>
Interval bessel(const Interval* x, const BoundsCall& c) {
  return widened(within(by_slope(x[0], 0.5819, f), {-1, 1}), 16 * c.rounding.unit);
}

// ---- gamma functions

inline Interval log_gamma(const Interval* x, const BoundsCall& c) {
  if (!(x[0].low > 0)) return everything;
  const auto value = [](double a) { return std::lgamma(a); };
  return widened(with_minimum(x[0], 1.4616321449683622, -0.1214862905358497, value), 16 * c.rounding.unit);
}

// Bounds of the size of derivative number m of digamma at x > 0, or of digamma itself, by its series behind x + 8.
inline Interval polygamma_at(double x, double m) {
  double sum = 0, rest = std::tgamma(m + 1), y = x;
  for (int k = 0; k < 8; ++k, y += 1) sum += rest / std::pow(y, m + 1);
  const double first = m == 0 ? -std::log(y) : rest / m / std::pow(y, m), second = rest / (2 * std::pow(y, m + 1)),
               third = rest * (m + 1) / (12 * std::pow(y, m + 2)), error = 1e-13 * (std::fabs(first) + sum);
  const Interval size = widened({sum + first + second, sum + first + second + third}, error);
  return m == 0 ? Interval{-size.high, -size.low} : size;
}
inline Interval polygamma_of(Interval x, double m) {
  if (!(x.low > 0)) return unknown;
  const Interval at_low = polygamma_at(x.low, m), at_high = polygamma_at(x.high, m);
  if (m == 0) return {at_low.low, at_high.high};
  return std::fmod(m, 2) == 0 ? Interval{-at_low.high, -at_high.low} : Interval{at_high.low, at_low.high};
}
inline Interval digamma(const Interval* x, const BoundsCall&) { return polygamma_of(x[0], 0); }
inline Interval trigamma(const Interval* x, const BoundsCall&) { return polygamma_of(x[0], 1); }
inline Interval polygamma(const Interval* x, const BoundsCall& c) {
  return polygamma_of(x[0], static_cast<double>(c.params[0]));
}

// ---- remainders

// In [c, c + y), y > 0; where x stays in one period, not at its end, it is x moved.
inline Interval modulo(const Interval* x, const BoundsCall& c) {
  const Interval a = x[0], y = x[1], from = x[2];
  if (is_infinite(a) || is_infinite(y) || is_infinite(from) || touches_zero(y)) return unknown;
  const double error = 16 * c.rounding.unit * (largest_size(from) + largest_size(y)) + c.rounding.tiny;
  const double low = from.low + std::min(0.0, y.low), high = from.high + std::max(0.0, y.high);
  if (y.low == y.high && y.low > 0 && from.low == from.high) {
    const double p = (a.low - from.low) / y.low, q = (a.high - from.low) / y.low, k = std::floor(p);
    const double margin = 16 * c.rounding.unit * (2 + std::fabs(p) + std::fabs(q) + std::fabs(from.low / y.low));
    if (p - margin > k && q + margin < k + 1) {
      return widened({a.low - k * y.low, a.high - k * y.low}, error + 4 * c.rounding.unit * largest_size(a));
    }
  }
  return widened({low, high}, error);
}

inline Interval floor_of_quotient(const Interval* x, const BoundsCall& c) {
  const Interval q = outward(quotient_of(x[0], x[1]), c.rounding.unit, c.rounding);
  const bool sharp = x[0].low >= 0 && x[1].low > 0;  // else tiny quotients below 0 may look like 0
  return {std::floor(sharp ? q.low : q.low - c.rounding.tiny), std::floor(q.high)};
}

// m - d log(sum of exp((m - a) / d)), m being the least of the three.
inline Interval soft_minimum(const Interval* x, const BoundsCall& c) {
  const Interval d = x[3];
  if (!(d.low > 0) || is_infinite(d)) return unknown;
  const auto value = [](double p, double q, double r, double softness) {
    const double m = std::min(p, std::min(q, r));
    return m - softness *
                   std::log(std::exp((m - p) / softness) + std::exp((m - q) / softness) + std::exp((m - r) / softness));
  };
  const double low = value(x[0].low, x[1].low, x[2].low, d.high), high = value(x[0].high, x[1].high, x[2].high, d.low);
  if (!std::isfinite(low) || !std::isfinite(high)) return unknown;
  return widened({low, high}, 64 * c.rounding.unit * (d.high + std::max(std::fabs(low), std::fabs(high))));
}

}  // namespace interval
}  // namespace rkeops
