// Squared distances as matrix products: |x - y|^2 = |x|^2 + |y|^2 - 2 x.y. The norms are computed once per row and per column.
//
// It rounds relative to |x|^2 + |y|^2, not to |x - y|^2, so it is for those who ask for it.
#pragma once

#include "../base/heuristics.hpp"
#include "autodiff.hpp"

namespace rkeops {

// Vectors of which one depends on i only and the other on j only.
inline bool is_rows_by_columns(Expr a, Expr b) {
  return a->dim == b->dim && a->dim >= heuristics::least_product_dim && a->indices && b->indices &&
         (a->indices | b->indices) == (index_i | index_j) && !(a->indices & b->indices);
}

inline bool is_expandable_distance(Expr n) {
  if (!is(n, Op::Sum) || !is(n.arg(0), Op::Square) || !is(n.arg(0).arg(0), Op::Subtract)) return false;
  const Expr d = n.arg(0).arg(0);
  return is_rows_by_columns(d.arg(0), d.arg(1));
}

// The reduction with its squared distances written so.
inline Expr expand_distances(Expr reduction) {
  return with_formulas(reduction, [](Expr n, const Exprs& args) {
    if (!is_expandable_distance(n)) return Expr();
    const Expr d = args[0].arg(0), x = d.arg(0), y = d.arg(1);
    return call(Op::ReLU, sum(square(x)) + sum(square(y)) - 2 * sum(x * y));
  });
}

}  // namespace rkeops
