// What the rows of operations_special.def are made of: B-splines and soft dynamic time warping.
#pragma once

#include "operations_elementwise.hpp"
#include "operations_vector.hpp"

namespace rkeops {

// Values of the B-splines of degree k at the scalar x, by the recursion of de Boor and Cox.
inline Expr b_spline(Expr knots, Expr x, std::int64_t k) {
  const std::int64_t n = knots->dim;
  if (k < 0) argument_error("BSpline: degree " + str(k) + ", at least 0 is needed");
  require_few("BSpline", "degrees", k);
  require_scalar("BSpline", x);
  if (n < k + 2) {
    dimension_error("BSpline: " + str(n) + " knots, at least " + str(k + 2) + " are needed for degree " + str(k));
  }
  const Expr kept = call(Op::Clamp, x, extract(knots, 0, 1), extract(knots, n - 1, 1));  // no 0 * Inf outside
  Expr values = call(Op::LessOrEqual, extract(knots, 0, n - 1), x) * call(Op::LessThan, x, extract(knots, 1, n - 1));
  for (std::int64_t r = 1; r <= k; ++r) {
    const std::int64_t left = n - r;  // intervals from knot i to knot i + r
    const Expr low = extract(knots, 0, left), high = extract(knots, r, left);
    const Expr proper = call(Op::LessThan, low, high);
    const Expr rising = proper * ((kept - low) / (high - low + (1 - proper)));
    values = extract(rising, 0, left - 1) * extract(values, 0, left - 1) +
             (1 - extract(rising, 1, left - 1)) * extract(values, 1, left - 1);
  }
  return values;
}

// Soft dynamic time warping of x and y with squared distances: r_ab = (x_a - y_b)^2 + softmin of its three
// predecessors, one antidiagonal a + b = d after the other.
inline Expr soft_dtw(Expr x, Expr y, Expr gamma) {
  require_scalar("SoftDTW_SqDist", gamma);
  const std::int64_t n = x->dim, m = y->dim;
  require_few("SoftDTW_SqDist", "values in both series", n + m);
  const Expr backwards = call(Op::Reverse, y);  // puts y_(d - a) at m - 1 - d + a
  struct Diagonal {
    Expr values;
    std::int64_t low;  // the a of its first entry
    Expr part(std::int64_t from, std::int64_t dim) const { return extract(values, from - low, dim); }
  };
  Diagonal before{}, last{square(extract(x, 0, 1) - extract(y, 0, 1)), 0};
  for (std::int64_t d = 1; d < n + m - 1; ++d) {
    const std::int64_t low = std::max<std::int64_t>(0, d - m + 1), high = std::min(n - 1, d), dim = high - low + 1;
    const std::int64_t inner_low = std::max<std::int64_t>(low, 1), inner_dim = std::min(high, d - 1) - inner_low + 1;
    Expr from;
    if (inner_dim > 0) {
      from = x.graph().apply(Op::SoftMin, {before.part(inner_low - 1, inner_dim), last.part(inner_low - 1, inner_dim),
                                         last.part(inner_low, inner_dim), gamma});
    }
    if (low == 0) from = from ? call(Op::Concat, last.part(0, 1), from) : last.part(0, 1);
    if (high == d) {
      const Expr end = last.part(d - 1, 1);
      from = inner_dim > 0 || low == 0 ? call(Op::Concat, from, end) : end;
    }
    before = last;
    last = {from + square(extract(x, low, dim) - extract(backwards, m - 1 - d + low, dim)), low};
  }
  return last.values;
}

}  // namespace rkeops
