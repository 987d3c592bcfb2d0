// Reverse-mode differentiation, symbolically: (dF/dv)' e as a formula, of any order, through reductions too.
//
// Inside a reduction everything is a function of the pair (i, j); there the adjoint of a leaf is a formula of (i, j).
// What leaves a reduction is summed over the indices that the leaf does not have: G_i = sum_j A_ij for a variable or an
// inner reduction indexed by i, and over both for a parameter.
#pragma once

#include <unordered_set>

#include "guard.hpp"
#include "quotient.hpp"

namespace rkeops {

// What comes back to a node, and the care that it asks for.
struct Adjoint {
  Expr value;
  Care care = 0;

  void add(Expr part, Care of_part) {
    value = value ? value + part : part;
    care |= of_part;
  }
};
using Adjoints = std::map<Expr, Adjoint, InOrder>;

// All nodes below the roots, these included, arguments first. Does not enter reductions unless asked to.
inline Exprs nodes_below(const Exprs& roots, bool into_reductions = false) {
  return post_order(roots, [=](Expr n) {
    return into_reductions || !(is_reduction(n) || n->operation->structure == Structure::leaf);
  });
}

inline bool contains(Expr root, Expr leaf) {
  for (Expr n : nodes_below({root}, true)) {
    if (n == leaf) return true;
  }
  return false;
}

// The reduction with its formulas written anew, arguments first: `rule(n, args)` is what stands for n, whose arguments have
// become `args`; empty: n of these arguments.
template <class Rule>
Expr with_formulas(Expr reduction, Rule rule) {
  Graph& g = reduction.graph();
  std::unordered_map<const Node*, Expr> made;
  const auto made_of = [&](Expr n) {
    Exprs args;
    for (const Node* arg : n->args) args.push_back(made.at(arg));
    return args;
  };
  for (Expr n : nodes_below(Exprs(reduction->args.begin(), reduction->args.end()))) {
    Expr result = n;
    if (!is_reduction(n) && n->operation->structure != Structure::leaf) {
      const Exprs args = made_of(n);
      result = rule(n, args);
      if (!result) result = g.with_args(n, args);
    }
    made.emplace(n.node(), result);
  }
  return g.with_args(reduction, made_of(reduction));
}

inline void require_gradient(const Reduction& row) {
  const char* const hint = row.reducer->no_gradient();
  if (hint) throw Error(ErrorKind::unsupported, std::string(row.name) + "_Reduction has no gradient", hint);
}

class Autodiff {
 public:
  explicit Autodiff(Expr variable) : v_(variable), g_(variable.graph()) {}

  // Gradient of a formula of (i, j) without reductions: a formula of (i, j).
  Expr pairwise(Expr f, Expr e) {
    Adjoints leaves;
    backward(f, {e}, leaves);
    const auto found = leaves.find(v_);
    return found == leaves.end() ? g_.constant(0, v_->dim) : found->second.value;
  }

  // Gradient of a formula of reductions, indexed like the variable.
  Expr total(Expr f, Expr e) {
    Adjoints pending;
    collect(f, {e}, f->indices, pending);
    while (!pending.empty()) {  // the last reduction first: its users have all been seen
      const auto last = std::prev(pending.end());
      const Expr reduction = last->first;
      const Adjoint adjoint = last->second;
      pending.erase(last);
      through(reduction, adjoint, pending);
    }
    const Expr result = result_ ? result_ : g_.constant(0, v_->dim);
    const Category category = category_of(v_);
    if (result->has_reduction && result->indices == indices_of(category)) return result;
    return reduce_sum(result, Category::parameter, category);
  }

 private:
  // Adds the adjoints of the leaves of f (the variable, and reductions that depend on it) to `leaves`.
  void backward(Expr f, const Adjoint& e, Adjoints& leaves) {
    const std::vector<Expr> nodes = nodes_below({f});
    std::unordered_set<const Node*> active;
    for (Expr n : nodes) {
      bool on = n == v_ || (is_reduction(n) && contains(n, v_));
      if (!is_reduction(n)) {
        for (const Node* arg : n->args) on |= active.count(arg) > 0;
      }
      if (on) active.insert(n.node());
    }
    std::unordered_map<const Node*, Adjoint> adjoints{{f.node(), e}};
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
      const Expr n = *it;
      const auto found = adjoints.find(n.node());
      if (found == adjoints.end() || !active.count(n.node())) continue;
      const Adjoint adjoint = found->second;
      if (n == v_ || is_reduction(n)) {
        leaves[n].add(adjoint.value, adjoint.care);
        continue;
      }
      const std::vector<Expr> parts = parts_of(n, adjoint);
      for (std::size_t k = 0; k < parts.size(); ++k) {
        const Expr arg = n.arg(k);
        if (!parts[k] || !active.count(arg.node())) continue;
        const Expr part = arg->dim == 1 && parts[k]->dim > 1 ? sum(parts[k]) : parts[k];
        adjoints[arg.node()].add(part, static_cast<Care>(adjoint.care | care_of(n, k)));
      }
    }
  }

  static std::vector<Expr> parts_of(Expr n, const Adjoint& e) {
    const Operation& row = *n->operation;
    if (!row.adjoint) throw Error(ErrorKind::unsupported, std::string("operation ") + row.name + " has no derivative");
    if (!row.divided) return careful_adjoint(row.adjoint, n, e.value, e.care);
    const Division by_n = divided(e.value, n);
    if (!by_n.quotient) return careful_adjoint(row.adjoint, n, e.value, e.care);
    std::vector<Expr> parts = careful_adjoint(row.divided, n, by_n.quotient, e.care);
    if (by_n.rest) parts[0] = parts[0] + careful_adjoint(row.adjoint, n, by_n.rest, e.care)[0];
    return parts;
  }

  // What n adds to the care that the adjoint of its k-th argument asks for.
  static Care care_of(Expr n, std::size_t k) {
    const Care gates = n->operation->gates;
    if (gates == care_for_all && k == 0) return 0;
    if (gates == care_for_poles && (k > 0 || is_nonnegative(n.arg(0)) || n.arg(0)->args.empty())) return 0;
    return gates;
  }

  // Adjoints of f's leaves, each summed over the indices in `context` that the leaf does not have.
  void collect(Expr f, const Adjoint& e, Indices context, Adjoints& pending) {
    Adjoints leaves;
    backward(f, e, leaves);
    for (const auto& [leaf, adjoint] : leaves) {
      const Category category = leaf == v_ ? category_of(leaf) : result_category(leaf);
      const Expr part = sum_out(adjoint.value, context, category);
      if (leaf == v_) {
        result_ = result_ ? result_ + part : part;
      } else {
        pending[leaf].add(part, adjoint.care);
      }
    }
  }

  static Expr sum_out(Expr adjoint, Indices context, Category category) {
    const Indices over = static_cast<Indices>(context & ~indices_of(category));
    if (over == index_i) return reduce_sum(adjoint, Category::i, category);
    if (over == index_j) return reduce_sum(adjoint, Category::j, category);
    if (over == 0) return adjoint;
    return reduce_sum(reduce_sum(adjoint, Category::j, Category::i), Category::i, category);
  }

  void through(Expr reduction, const Adjoint& adjoint, Adjoints& pending) {
    const Reduction& row = reduction_of(reduction);
    if (!row.values) return;  // indices are piecewise constant
    require_gradient(row);
    const Indices context =
        static_cast<Indices>(indices_of(folded_category(reduction)) | indices_of(result_category(reduction)));
    row.reducer->differentiate(reduction, adjoint.value, adjoint.care,
                               [&](Expr f, Expr e, Care care) { collect(f, {e, care}, context, pending); });
  }

  Expr v_;
  Graph& g_;
  Expr result_;
};

inline Expr match_adjoint(Expr f, Expr e) {
  if (e->dim == f->dim) return e;
  if (e->dim == 1) return repeat(e, f->dim);
  dimension_error("Grad: the adjoint has dimension " + str(e->dim) + ", the formula has dimension " + str(f->dim),
                  "The adjoint needs one component for each component of the formula.");
}

// `f` with the other index folded: the adjoint decides which index the result has.
inline Expr with_result_of(Expr f, Category category) {
  std::vector<Expr> args(f->args.begin(), f->args.end());
  return reduce(reduction_of(f), args, other(category), category, k_of(f));
}

// Grad(f, v, e). `written`: f is a reduction spelled out with its axis, which e may overrule.
inline Expr gradient(Expr f, Expr v, Expr e, bool written) {
  if (is_reduction(f)) require_gradient(reduction_of(f));
  e = match_adjoint(f, e);
  if (!f->has_reduction) return Autodiff(v).pairwise(f, e);
  if (e->indices != 0 && e->indices != f->indices) {
    const Category category = e->indices == index_i ? Category::i : Category::j;
    if (!written || e->indices == (index_i | index_j) || result_category(f) == Category::parameter) {
      dimension_error("Grad: the adjoint is not indexed like the reduction it belongs to");
    }
    f = with_result_of(f, category);
  }
  return Autodiff(v).total(f, e);
}

// Category of the adjoint of f where the formula leaves it out.
inline Category adjoint_category(Expr f, Expr v) {
  if (f->has_reduction) {
    return f->indices == index_i ? Category::i : f->indices == index_j ? Category::j : Category::parameter;
  }
  if (category_of(v) == Category::parameter) {
    argument_error("Grad(F, v) with respect to a parameter needs a third argument, the adjoint");
  }
  return other(category_of(v));
}

}  // namespace rkeops
