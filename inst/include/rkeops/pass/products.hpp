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
  Graph& g = reduction.graph();
  std::unordered_map<const Node*, Expr> made;
  const std::vector<Expr> roots(reduction->args.begin(), reduction->args.end());
  for (Expr n : nodes_below(roots)) {
    Expr& result = made[n.node()];
    result = n;
    if (n->args.empty() || is_reduction(n)) continue;
    std::vector<Expr> args;
    for (const Node* arg : n->args) args.push_back(made.at(arg));
    if (is_expandable_distance(n)) {
      const Expr d = made.at(n.arg(0).arg(0).node()), x = d.arg(0), y = d.arg(1);
      result = call(Op::ReLU, sum(square(x)) + sum(square(y)) - 2 * sum(x * y));
    } else if (args != std::vector<Expr>(n->args.begin(), n->args.end())) {
      result = g.with_args(n, args);
    }
  }
  std::vector<Expr> args;
  for (Expr root : roots) args.push_back(made.at(root.node()));
  return g.with_args(reduction, args);
}

}  // namespace rkeops
