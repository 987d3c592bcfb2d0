// Divisions by what is the same for all pairs (i, j), such as the bandwidth in Exp(-SqDist(x, y) / s): a product with the
// inverse, which is computed once per call, takes a fraction of the time.
//
// It rounds twice. That is harmless inside of Exp, where the rounding of all else is amplified alike, and below a
// fraction line where nothing is subtracted; it is not where x / s is looked at itself, compared or cut off.
#pragma once

#include "autodiff.hpp"

namespace rkeops {

// What the uses of a value bear: any rounding; one in sums that are divided by; none, since it is part of the result, or
// since something jumps there.
enum class Rounding : std::uint8_t { any, in_divisors, in_result, none };

inline Rounding rounding_for(Expr use, Rounding of_use, bool first) {
  const bool divides = is(use, Op::Inv) || (is(use, Op::Divide) && !first);
  if (is(use, Op::Exp)) return Rounding::any;
  if (divides && of_use != Rounding::none) return Rounding::in_divisors;
  if (is(use, Op::Add) || is(use, Op::Mult) || is(use, Op::Divide)) return of_use;
  if ((is(use, Op::Minus) || is(use, Op::Subtract)) && of_use == Rounding::any) return of_use;
  return Rounding::none;
}

inline bool divides_by_one_for_all(Expr n) {
  return is(n, Op::Divide) && n.arg(0)->indices != 0 && n.arg(1)->indices == 0;
}

// The reduction with products in place of such quotients.
inline Expr invert_divisors(Expr reduction) {
  const std::vector<Expr> roots(reduction->args.begin(), reduction->args.end());
  const std::vector<Expr> nodes = nodes_below(roots);
  std::unordered_map<const Node*, Rounding> wanted;
  const bool sums = reduction_of(reduction).reducer->is_linear();
  for (Expr root : roots) wanted[root.node()] = sums ? Rounding::in_result : Rounding::none;
  for (auto use = nodes.rbegin(); use != nodes.rend(); ++use) {
    if (is_reduction(*use)) continue;
    const Rounding of_use = wanted[use->node()];
    for (std::size_t k = 0; k < (*use)->args.size(); ++k) {
      Rounding& of_arg = wanted[(*use)->args[k]];
      of_arg = std::max(of_arg, rounding_for(*use, of_use, k == 0));
    }
  }
  return with_formulas(reduction, [&](Expr n, const Exprs& args) {
    if (!divides_by_one_for_all(n) || wanted[n.node()] > Rounding::in_divisors) return Expr();
    return reduction.graph().intern(Op::Mult, {args[0], call(Op::Inv, args[1])}, {}, n->dim, n->indices);
  });
}

}  // namespace rkeops
