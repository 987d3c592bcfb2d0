// Rules for bounds of what all components of a vector make: sums, extrema, contractions, entries of tables. See
// interval.hpp.
#pragma once

#include "interval.hpp"

namespace rkeops {
namespace interval {

// A sum of terms in any order. Partial sums may overflow where the terms of one sign alone do.
template <class T>
struct Total {
  BoundsOf<T> sum{};
  T low_sizes{}, high_sizes{};

  void add(BoundsOf<T> x) {
    sum = {sum.low + x.low, sum.high + x.high};
    low_sizes += size(x.low), high_sizes += size(x.high);
  }
  BoundsOf<T> result(double error, const Rounding& r) const {
    const auto below = low_sizes - sum.low > r.huge, above = high_sizes + sum.high > r.huge;
    const BoundsOf<T> x = beyond(BoundsOf<T>{least(all<T>(r.huge), sum.low) - low_sizes * error,
                                             most(all<T>(-r.huge), sum.high) + high_sizes * error},
                                 r);
    const BoundsOf<T> wide{choose(below, all<T>(-inf), x.low), choose(above, all<T>(inf), x.high)};
    return unless((below & above) | is_unknown(wide), wide);
  }
};

template <class Term>
void total(const BoundsCall& c, std::size_t step, Term term) {
  for_boxes(c.n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    Total<T> total;
    for (std::size_t k = 0; k < c.count; k += step) total.add(term(lanes, c.args + k, b));
    const BoundsOf<T> result = total.result(c.error * static_cast<double>(c.count / step), c.rounding);
    store(c.low + b, result.low);
    store(c.high + b, result.high);
  });
}

inline void sum(const BoundsCall& c) {
  total(c, 1, [](auto lanes, const BoxBounds* x, std::int64_t b) { return load<decltype(lanes)>(*x, b); });
}

// Arguments are the factors of the first product, those of the second, ... Where all is finite it is as simple as this.
template <class Product>
void sum_of_products(const BoundsCall& c) {
  const Rounding& r = c.rounding;
  const double terms = static_cast<double>(c.count / 2), error = c.error * (terms + 2), tiny = r.tiny * terms;
  for_boxes(c.n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    const auto product = [&](std::size_t k) {
      const BoundsOf<T> factors[] = {load<T>(c.args[k], b), load<T>(c.args[k + 1], b)};
      return Product::of(factors, r);
    };
    Total<T> total;
    for (std::size_t k = 0; k < c.count; k += 2) total.add(product(k));
    const T low_off = total.low_sizes * error + tiny, high_off = total.high_sizes * error + tiny;
    BoundsOf<T> result{total.sum.low - only(total.low_sizes > 0.0, low_off),
                       total.sum.high + only(total.high_sizes > 0.0, high_off)};
    if (!all_true(total.low_sizes + total.high_sizes <= r.huge)) {
      total = {};
      for (std::size_t k = 0; k < c.count; k += 2) total.add(outward(product(k), c.error, r));
      result = total.result(error, r);
    }
    store(c.low + b, result.low);
    store(c.high + b, result.high);
  });
}

// Sum of sizes (squares, absolute values) of differences, in the same way.
template <class Size>
void distance(const BoundsCall& c) {
  const Rounding& r = c.rounding;
  const double error = c.error * static_cast<double>(c.count / 2 + 3);
  for_boxes(c.n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    BoundsOf<T> sum{};
    for (std::size_t k = 0; k < c.count; k += 2) {
      const BoundsOf<T> x = load<T>(c.args[k], b), y = load<T>(c.args[k + 1], b);
      const BoundsOf<T> difference{x.low - y.high, x.high - y.low}, term = Size::of(&difference, r);
      sum = {sum.low + term.low, sum.high + term.high};
    }
    BoundsOf<T> result = outward(sum, error, r);
    if (!all_true(sum.high <= r.huge)) {
      Total<T> total;
      for (std::size_t k = 0; k < c.count; k += 2) {
        const BoundsOf<T> x[] = {load<T>(c.args[k], b), load<T>(c.args[k + 1], b)};
        const BoundsOf<T> difference = outward(Subtract::of(x, r), c.error, r);
        total.add(outward(Size::of(&difference, r), c.error, r));
      }
      result = total.result(error, r);
    }
    store(c.low + b, result.low);
    store(c.high + b, result.high);
  });
}

template <bool largest>
void extreme(const BoundsCall& c) {
  const auto next = [](auto best, auto x) { return choose((largest ? x > best : x < best) | (x != x), x, best); };
  for_boxes(c.n, [&](auto lanes, std::int64_t b) {
    using T = decltype(lanes);
    BoundsOf<T> best = load<T>(c.args[0], b);
    for (std::size_t k = 1; k < c.count; ++k) {
      const BoundsOf<T> x = load<T>(c.args[k], b);
      best = {next(best.low, x.low), next(best.high, x.high)};
    }
    store(c.low + b, best.low);
    store(c.high + b, best.high);
  });
}

// Positions that can be those of the extreme component. NaN components do not count; where all are, NaN is the
// position.
template <bool largest>
void position(const BoundsCall& c) {
  for (std::int64_t b = 0; b < c.n; ++b) {
    const auto component = [&](std::size_t k) {
      const Interval x = load<double>(c.args[k], b);
      return largest ? x : Interval{-x.high, -x.low};
    };
    double bar = -inf, first = nan, last = nan;
    bool known = false;
    for (std::size_t k = 0; k < c.count; ++k) {
      const double low = component(k).low;
      known = known || low == low;
      bar = most(low, bar);
    }
    for (std::size_t k = 0; known && k < c.count; ++k) {
      if (component(k).high < bar) continue;
      last = static_cast<double>(k);
      if (std::isnan(first)) first = last;
    }
    c.low[b] = first, c.high[b] = last;
  }
}

// An entry of a table at the nearest of the positions, which are its argument; the entries are the others. NaN outside.
inline void entry(const BoundsCall& c) {
  const double size = static_cast<double>(c.count - 1);
  constexpr double most_looked_at = 64;
  for (std::int64_t b = 0; b < c.n; ++b) {
    const Interval at = load<double>(c.args[0], b);
    const double first = std::floor(at.low + 0.5), last = std::floor(at.high + 0.5);
    Interval found = unknown;
    if (at.low >= -0.5 && last < size && last - first < most_looked_at) {
      for (double k = first; k <= last; ++k) {
        const Interval x = load<double>(c.args[1 + static_cast<std::size_t>(k)], b);
        found = k == first ? x : hull(found, x);
      }
    }
    c.low[b] = found.low, c.high[b] = found.high;
  }
}

}  // namespace interval
}  // namespace rkeops
