// The differential operators of the formula language, all out of reverse-mode gradients. The forward differential of F is
// the adjoint of its adjoint: e -> (dF/dv)' e is linear in e, so that its own gradient with respect to e, applied to u,
// is (dF/dv) u.
#pragma once

#include "autodiff.hpp"

namespace rkeops {

// (dF/dv)' e, where e has F's dimension.
inline Expr vjp(Expr f, Expr v, Expr e) {
  return f->has_reduction ? Autodiff(v).total(f, e) : Autodiff(v).pairwise(f, e);
}

inline Expr ones_like(Expr f) { return f.graph().constant(1, f->dim); }
inline Expr unit_vector(Graph& g, std::int64_t dim, std::int64_t k) {
  return extract_transpose(g.constant(1), k, dim);
}

inline Expr matched(const char* name, const char* what, Expr u, std::int64_t dim) {
  if (u->dim == dim) return u;
  if (u->dim == 1) return repeat(u, dim);
  dimension_error(std::string(name) + ": the " + what + " has dimension " + str(u->dim) + ", " + str(dim) +
                  " is needed");
}

// (dF/dv) u.
inline Expr jvp(Expr f, Expr v, Expr u) {
  u = matched("Diff", "direction", u, v->dim);
  if (f->has_reduction && u->indices != 0 && u->indices != v->indices) {
    dimension_error("Diff: the direction is not indexed like the variable it belongs to");
  }
  if (f->has_reduction && f->indices == (index_i | index_j)) {
    dimension_error("Diff: the formula outside of its reductions depends on both i and j");
  }
  const Expr e = f.graph().fresh_variable(f->dim, category_of_value(f));
  return vjp(vjp(f, v, e), e, u);
}

// Its derivative does not depend on v.
inline void require_linear(const char* name, Expr f, Expr v) {
  const Expr e = f.graph().fresh_variable(f->dim, category_of_value(f));
  if (contains(vjp(f, v, e), v)) {
    argument_error(std::string(name) + ": the formula is not linear in the variable",
                   "Diff(F, v, u) is linear in u: it makes a linear formula of any F.");
  }
}

// Trace of the matrix M of `f`, which is linear in u: sum of w_k M_kk; of a number, M being one row: sum of w_k M_0k.
// Follows the formula where it scales all components alike or goes through one number; else goes entry by entry.
class Trace {
 public:
  explicit Trace(Expr u) : u_(u), g_(u.graph()) {}

  Expr of(Expr f, Expr w) {
    require_stack();
    if (!contains(f, u_)) return g_.constant(0);
    if (f == u_) return sum(w->dim == f->dim ? w : repeat(w, f->dim));
    if (is(f, Op::Add)) return of(f.arg(0), w) + of(f.arg(1), w);
    if (is(f, Op::Subtract)) return of(f.arg(0), w) - of(f.arg(1), w);
    if (is(f, Op::Minus)) return -of(f.arg(0), w);
    if (is(f, Op::Divide)) return of(f.arg(0), w / f.arg(1));
    if (is(f, Op::SumT)) return of(f.arg(0), w);
    if (is(f, Op::Mult)) {
      const bool first = contains(f.arg(0), u_);
      return of(f.arg(first ? 0 : 1), w * f.arg(first ? 1 : 0));
    }
    if (is_reduction(f) && commutes_with(f, w)) {
      return reduce_sum(of(f.arg(0), w), folded_category(f), result_category(f));
    }
    return f->dim == 1 ? dot(row_of(f, g_.constant(1)), w) : entry_by_entry(f, w);
  }

 private:
  // A sum over an index that neither the weights nor u have.
  bool commutes_with(Expr f, Expr w) const {
    const Indices folded = indices_of(folded_category(f));
    if (!reduction_of(f).reducer->is_linear() || ((w->indices | u_->indices) & folded)) return false;
    return u_->indices || !is_nested(f.arg(0));  // a parameter has one row: from outside all is found together
  }

  bool is_nested(Expr f) const {
    for (Expr n : nodes_below({f})) {
      if (is_reduction(n) && contains(n, u_)) return true;
    }
    return false;
  }

  Expr row_of(Expr f, Expr e) {
    if (is_nested(f)) {
      if (f->indices & ~u_->indices) {
        throw Error(ErrorKind::unsupported, "the trace of this formula, which has reductions inside, cannot be found");
      }
      return vjp(f, u_, e);
    }
    return Autodiff(u_).pairwise(f, e);
  }

  Expr entry_by_entry(Expr f, Expr w) {
    require_few("trace", "components", f->dim);
    Expr total;
    for (std::int64_t k = 0; k < f->dim; ++k) {
      const Expr entry = extract(row_of(f, unit_vector(g_, f->dim, k)), k, 1);
      const Expr term = (w->dim == 1 ? w : extract(w, k, 1)) * entry;
      total = total ? total + term : term;
    }
    return total;
  }

  Expr u_;
  Graph& g_;
};

// Row by row: of a formula that is linear in u, what row j of u contributes to row j. Sums over the rows of u have one
// term then.
class OwnRow {
 public:
  explicit OwnRow(Expr u) : u_(u) {}

  Expr of(Expr f) {
    if (!u_->indices) return f;
    for (Expr n : nodes_below({f}, true)) made_.emplace(n.node(), made(n));
    return made_.at(f.node());
  }

 private:
  Expr made(Expr f) {
    bool depends = f == u_;
    for (const Node* arg : f->args) depends |= depends_.count(arg) > 0;
    if (depends) depends_.insert(f.node());
    if (!depends || !f->has_reduction) return f;
    Exprs args;
    for (const Node* arg : f->args) args.push_back(made_.at(arg));
    Expr result;
    if (!is_reduction(f)) {
      result = is(f, Op::Contract) || is(f, Op::ContractOrZero)
                   ? contract(args[0], args[1], contraction_of(f), is(f, Op::ContractOrZero))
                   : f.graph().apply(f.op(), args, f->params);
    } else if (u_->indices & indices_of(folded_category(f))) {
      result = args[0];
    } else {
      result = reduce_sum(args[0], folded_category(f), category_of(u_));
    }
    return result;
  }

  Expr u_;
  std::unordered_map<const Node*, Expr> made_;
  std::unordered_set<const Node*> depends_;
};

// A formula of reductions as one with the index of v, or none: with the other index, the sum of its rows, as for gradients.
inline Expr with_index_of(Expr v, Expr f) {
  if (!f->has_reduction || (f->indices & ~v->indices) == 0) return f;
  if (f->indices == (index_i | index_j)) {
    dimension_error("the formula outside of its reductions depends on both i and j");
  }
  return reduce_sum(f, category_of_value(f), Category::parameter);
}

inline Expr divergence(Expr f, Expr v) {
  if (f->dim != v->dim) {
    dimension_error("Divergence: the formula has dimension " + str(f->dim) + ", the variable has dimension " +
                    str(v->dim), "Both must be equal.");
  }
  const Expr u = f.graph().fresh_variable(v->dim, category_of(v));
  return Trace(u).of(OwnRow(u).of(jvp(with_index_of(v, f), v, u)), f.graph().constant(1));
}

inline Expr laplacian(Expr f, Expr v) {
  if (f->dim != 1) dimension_error("Laplacian: the formula has dimension " + str(f->dim) + ", 1 is needed");
  return divergence(vjp(with_index_of(v, f), v, f.graph().constant(1)), v);
}

inline Expr concat_all(const std::vector<Expr>& parts, std::size_t from, std::size_t to) {
  if (to - from == 1) return parts[from];
  const std::size_t half = from + (to - from) / 2;
  return call(Op::Concat, concat_all(parts, from, half), concat_all(parts, half, to));
}

// Row k of the matrix is the gradient of component k.
inline Expr gradient_matrix(Expr f, Expr v) {
  require_few("GradMatrix", "components", f->dim);
  std::vector<Expr> rows;
  for (std::int64_t k = 0; k < f->dim; ++k) rows.push_back(vjp(f, v, unit_vector(f.graph(), f->dim, k)));
  return concat_all(rows, 0, rows.size());
}

inline Expr trace_operator(Expr f, Expr v, Expr w) {
  require_linear("TraceOperator", f, v);
  f = OwnRow(v).of(with_index_of(v, f));
  w = w ? w : f.graph().constant(1);
  if (f->dim == 1) return dot(matched("TraceOperator", "weight", w, v->dim), vjp(f, v, f.graph().constant(1)));
  if (f->dim != v->dim) {
    dimension_error("TraceOperator: the formula has dimension " + str(f->dim) + ", the variable has dimension " +
                    str(v->dim), "The formula needs dimension 1 or that of the variable.");
  }
  return Trace(v).of(f, w->dim == 1 ? w : matched("TraceOperator", "weight", w, v->dim));
}

inline Expr adjoint_operator(Expr f, Expr v, Expr u) {
  require_linear("AdjointOperator", f, v);
  return vjp(f, v, matched("AdjointOperator", "third argument", u, f->dim));
}

inline Expr sum_linear_operator(Expr f, Expr v, Expr left, Expr right) {
  require_linear("SumLinOperator", f, v);
  left = left ? matched("SumLinOperator", "left weight", left, f->dim) : ones_like(f);
  right = right ? matched("SumLinOperator", "right weight", right, v->dim) : ones_like(v);
  return dot(vjp(f, v, left), right);
}

inline const std::vector<DifferentialOperator>& differential_operators() {
  using Rest = const std::vector<Expr>&;
  static const std::vector<DifferentialOperator> rows = {
      {"Diff", 3, 3, [](Expr f, Expr v, Rest r) { return jvp(f, v, r[0]); }},
      {"GradMatrix", 2, 2, [](Expr f, Expr v, Rest) { return gradient_matrix(f, v); }},
      {"Divergence", 2, 2, [](Expr f, Expr v, Rest) { return divergence(f, v); }},
      {"Laplacian", 2, 2, [](Expr f, Expr v, Rest) { return laplacian(f, v); }},
      {"TraceOperator", 2, 3,
       [](Expr f, Expr v, Rest r) { return trace_operator(f, v, r.empty() ? Expr() : r[0]); }},
      {"AdjointOperator", 3, 3, [](Expr f, Expr v, Rest r) { return adjoint_operator(f, v, r[0]); }},
      {"SumLinOperator", 2, 4,
       [](Expr f, Expr v, Rest r) {
         return sum_linear_operator(f, v, r.empty() ? Expr() : r[0], r.size() < 2 ? Expr() : r[1]);
       }}};
  return rows;
}

inline Differentiation differentiation() { return {gradient, adjoint_category, differential_operators()}; }

}  // namespace rkeops
