// Products of the chain rule for an incoming adjoint that asks for care (see Care): what is 0 because a branch was not
// taken stays 0, whatever it is multiplied by.
#pragma once

#include "../ir/operations.hpp"
#include "../ir/simplify.hpp"

namespace rkeops {

// e d, where e asks for care.
inline Expr careful_product(Expr e, Expr d, Care care) {
  if (is_constant(d) && std::isfinite(d->value)) return e * d;
  const bool zero = (care & care_for_all) || ((care & care_for_overflow) && !is_tame(d));
  if (zero && (care & care_for_poles)) return call(Op::WhereNonzero, d, call(Op::MultOrZero, e, d));
  if (zero) return call(Op::MultOrZero, e, d);
  return care & care_for_poles ? call(Op::MultOrZero, d, e) : e * d;
}

// Rewrites a formula that is linear in a variable, for which it puts an adjoint.
class Guard {
 public:
  Guard(Expr variable, Expr adjoint, Care care) : variable_(variable), adjoint_(adjoint), care_(care) {}

  Expr rewrite(Expr n) {
    if (n == variable_) return adjoint_;
    if (!depends(n)) return n;
    const auto found = made_.find(n.node());
    if (found != made_.end()) return found->second;
    const Expr result = rewritten(n);
    made_.emplace(n.node(), result);
    return result;
  }

 private:
  bool depends(Expr n) {
    if (n->rank < variable_->rank) return false;  // older than the variable
    const auto found = depends_.find(n.node());
    if (found != depends_.end()) return found->second;
    bool on = n == variable_;
    if (n->operation->structure != Structure::reduction) {
      for (const Node* arg : n->args) on = depends(arg) || on;
    }
    depends_.emplace(n.node(), on);
    return on;
  }

  Expr rewritten(Expr n) {
    const bool first = !n->args.empty() && depends(n.arg(0)), second = n->args.size() > 1 && depends(n.arg(1));
    if (first != second) {
      const Expr linear = rewrite(n.arg(first ? 0 : 1)), other = n.arg(first ? 1 : 0);
      if (is(n, Op::Mult)) return careful_product(linear, other, care_);
      if (is(n, Op::Divide) && first) {
        const bool plain = !(care_ & care_for_all) && is_tame(call(Op::Inv, other));
        return plain ? linear / other : careful_product(linear, call(Op::Inv, other), care_);
      }
      if (is(n, Op::MultOrZero)) {
        if (first) return call(Op::MultOrZero, linear, other);
        return call(Op::WhereNonzero, other, careful_product(linear, other, care_));
      }
      if (n->operation->structure == Structure::contraction) {
        if (!(care_ & care_for_all) && is_tame(other)) return contract_of(n, first, linear, other, is_guarded(n));
        return contract_of(n, first, linear, other, true);
      }
    }
    std::vector<Expr> args;
    for (const Node* arg : n->args) args.push_back(rewrite(arg));
    return n.graph().apply(n.op(), args, n->params);
  }

  static bool is_guarded(Expr n) { return is(n, Op::ContractOrZero); }

  // With the linear factor first, so that its zeros count.
  static Expr contract_of(Expr n, bool first, Expr linear, Expr other, bool guarded) {
    const Contraction c = contraction_of(n);
    if (!guarded) return first ? contract(linear, other, c) : contract(other, linear, c);
    return contract(linear, other, first ? c : exchanged(c), true);
  }

  Expr variable_, adjoint_;
  Care care_;
  std::unordered_map<const Node*, bool> depends_;
  std::unordered_map<const Node*, Expr> made_;
};

// The rule's contributions to the arguments of n.
inline std::vector<Expr> careful_adjoint(AdjointRule rule, Expr n, Expr e, Care care) {
  if (care == 0) return rule(n, e);
  const Expr variable = n.graph().fresh_variable(e->dim, category_of_value(n));
  Guard guard(variable, e, care);
  std::vector<Expr> parts = rule(n, variable);
  for (Expr& part : parts) {
    if (part) part = guard.rewrite(part);
  }
  return parts;
}

}  // namespace rkeops
