// Algebra applied as nodes are made: constants, signs, repeated scalars, parts of parts. Rules keep the value for
// NaN and infinite operands (so 0 * x stays) and change rounding at most where they save a rounding; the one exception
// is Sum(s * v) = s * Sum(v), where an infinite s can hide a NaN of s * 0.
#pragma once

#include <cmath>

#include "operations.hpp"

namespace rkeops {

class Simplifier {
 public:
  explicit Simplifier(Expr node) : n(node), g(node.graph()) {}

  Expr run() {
    if (n->operation->structure == Structure::elementwise) {
      if (const Expr folded = fold_constants()) return folded;
      if (const Expr stripped = strip_repeats()) return stripped;
      if (const Expr parts = by_parts()) return parts;
    }
    if ((n->operation->properties & commutative) && !in_order(n.arg(0), n.arg(1))) {
      return g.apply(n.op(), {n.arg(1), n.arg(0)});
    }
    const Expr simpler = by_rule();
    return simpler ? simpler : n;
  }

 private:
  Expr by_rule() {
    switch (n.op()) {
      case Op::Add: return add();
      case Op::Subtract: return subtract();
      case Op::Minus: return minus();
      case Op::Mult: return mult();
      case Op::Divide: return divide();
      case Op::Square: return square_of();
      case Op::Pow: return power();
      case Op::Powf: return real_power();
      case Op::Abs:
      case Op::ReLU: return sizes_of();
      case Op::WhereNonzero: return where_nonzero();
      case Op::MultOrZero: return mult_or_zero();
      case Op::Sum: return sum_of();
      case Op::Max:
      case Op::Min: return extreme_of();
      case Op::ArgMax:
      case Op::ArgMin: return position_of_extreme();
      case Op::SumT: return repeat_of();
      case Op::Extract: return extract_of();
      case Op::ExtractT: return pad_of();
      case Op::Strided: return strided_of();
      case Op::Interleave: return interleave_of();
      default: return {};
    }
  }

  Expr fold_constants() {
    if (!n->operation->value) return {};
    double values[4];
    for (std::size_t k = 0; k < n->args.size(); ++k) {
      if (!is_constant(n.arg(k))) return {};
      values[k] = n->args[k]->value;
    }
    return g.constant(n->operation->value(values), n->dim);
  }

  // Repeated scalars need no repeating inside elementwise operations.
  Expr strip_repeats() {
    std::vector<Expr> scalars;
    bool changed = false;
    std::int64_t dim = 1;
    for (Expr a : n->args) {
      Expr scalar = a;
      if (is(a, Op::SumT)) scalar = a.arg(0);
      if (is_constant(a) && a->dim > 1) scalar = g.constant(a->value);
      changed |= scalar != a;
      dim = std::max(dim, scalar->dim);
      scalars.push_back(scalar);
    }
    if (!changed) return {};
    const Expr result = g.apply(n.op(), scalars, n->params);
    return dim == n->dim ? result : repeat(result, n->dim);
  }

  // Real and imaginary parts stay apart: operations go inside of Interleave.
  Expr by_parts() {
    const auto joined = [](const Node* a) { return is(a, Op::Interleave); };
    if (std::none_of(n->args.begin(), n->args.end(), joined)) return {};
    std::vector<Expr> first, second;
    for (Expr a : n->args) {
      first.push_back(scalar(a) ? a : strided(a, 0, 2, a->dim / 2));
      second.push_back(scalar(a) ? a : strided(a, 1, 2, a->dim / 2));
    }
    return interleave(g.apply(n.op(), first, n->params), g.apply(n.op(), second, n->params));
  }

  // The part of b that meets the nonzero part of the padded vector a.
  static Expr part_like(Expr a, Expr b) { return scalar(b) ? b : extract(b, a->params[0], a.arg(0)->dim); }
  Expr padded(Expr part, Expr like) { return extract_transpose(part, like->params[0], n->dim); }
  bool is_padded(Expr a) const { return is(a, Op::ExtractT) && a->dim == n->dim; }

  Expr spread(Expr a) { return a->dim == n->dim ? a : repeat(a, n->dim); }
  static bool scalar(Expr a) { return a->dim == 1; }

  // Commutative operands in one order: constants, then scalars.
  static bool in_order(Expr a, Expr b) {
    if (is_constant(a) != is_constant(b)) return is_constant(a);
    if (scalar(a) != scalar(b)) return scalar(a);
    return a == b || precedes(a, b);
  }

  // Signs go to the front, but stay with a number that scales a vector.
  static bool scales(Expr a, Expr b) { return scalar(a) && !scalar(b); }
  static Expr without_minus(Expr a) {
    if (is(a, Op::Minus)) return a.arg(0);
    if (is(a, Op::Mult) && is(a.arg(0), Op::Minus)) return a.arg(0).arg(0) * a.arg(1);
    return {};
  }

  Expr add() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a, 0)) return spread(b);
    if (is_constant(b, 0)) return spread(a);
    if (const Expr positive = without_minus(b)) return a - positive;
    if (const Expr positive = without_minus(a)) return b - positive;
    if (a == b) return 2 * a;
    if (is_padded(a) && is_padded(b) && a->params == b->params && a.arg(0)->dim == b.arg(0)->dim) {
      return padded(a.arg(0) + b.arg(0), a);
    }
    if (is_constant(a) && is(b, Op::Add) && is_constant(b.arg(0))) return (a + b.arg(0)) + b.arg(1);
    return {};
  }

  Expr subtract() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(b, 0)) return spread(a);
    if (is_constant(a, 0)) return spread(-b);
    if (const Expr positive = without_minus(b)) return a + positive;
    return {};
  }

  Expr minus() {
    const Expr a = n.arg(0);
    if (is(a, Op::Minus)) return a.arg(0);
    if (is(a, Op::Subtract)) return a.arg(1) - a.arg(0);
    if (is(a, Op::Mult) && (is_constant(a.arg(0)) || scales(a.arg(0), a.arg(1)))) return -a.arg(0) * a.arg(1);
    if (is(a, Op::SumT)) return repeat(-a.arg(0), n->dim);
    if (is(a, Op::MultOrZero) && scales(a.arg(0), a.arg(1))) return call(Op::MultOrZero, -a.arg(0), a.arg(1));
    if (is(a, Op::Add) && is(a.arg(0), Op::Mult) && scales(a.arg(0).arg(0), a.arg(0).arg(1))) return -a.arg(0) - a.arg(1);
    if (is_padded(a)) return padded(-a.arg(0), a);
    return {};
  }

  Expr mult() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a, 1)) return spread(b);
    if (is_constant(a, -1)) return spread(-b);
    if (is_constant(a) && is(b, Op::Minus)) return -a * b.arg(0);
    if (is(a, Op::Minus) && !scales(a, b)) return -(a.arg(0) * b);
    if (is(b, Op::Minus)) return -(a * b.arg(0));
    if (a == b) return square(a);
    if (is_padded(a)) return padded(a.arg(0) * part_like(a, b), a);
    if (is_padded(b)) return padded(part_like(b, a) * b.arg(0), b);
    if (is_constant(a) && a->value != 0 && is(b, Op::MultOrZero) && scales(b.arg(0), b.arg(1))) {
      return call(Op::MultOrZero, a * b.arg(0), b.arg(1));
    }
    if (is(b, Op::Mult) && scalar(b.arg(0))) {  // scalars first, constants before all
      const Expr s = b.arg(0), v = b.arg(1);
      if (is_constant(a) && is_constant(s)) return (a * s) * v;
      if (is_constant(s)) return s * (a * v);
      if (!scalar(v)) return scalar(a) ? (a * s) * v : s * (a * v);
    }
    if (is(a, Op::Mult) && scalar(a.arg(0)) && (!scalar(a.arg(1)) || (is_constant(a.arg(0)) && scalar(b)))) {
      return a.arg(0) * (a.arg(1) * b);
    }
    return {};
  }

  Expr divide() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(b)) {
      if (b->value == 0) argument_error("division by the constant 0");
      int exponent;
      if (std::fabs(std::frexp(b->value, &exponent)) == 0.5) return g.constant(1 / b->value) * a;
    }
    if (is_constant(a, 1) && b->dim == n->dim) return call(Op::Inv, b);
    if (is_padded(a)) return padded(a.arg(0) / part_like(a, b), a);
    if (is(a, Op::Minus)) return -(a.arg(0) / b);
    if (is(b, Op::Minus)) return -(a / b.arg(0));
    if (is(a, Op::Mult) && scalar(a.arg(0)) && scalar(b) && !scalar(a.arg(1))) return (a.arg(0) / b) * a.arg(1);
    return {};
  }

  Expr square_of() {
    const Expr a = n.arg(0);
    if (is(a, Op::Minus) || is(a, Op::Abs)) return square(a.arg(0));
    if (is(a, Op::Subtract) && precedes(a.arg(1), a.arg(0))) return square(a.arg(1) - a.arg(0));
    return {};
  }

  Expr power() {
    const Expr a = n.arg(0);
    if (is_constant(a)) return g.constant(std::pow(a->value, static_cast<double>(n->params[0])), n->dim);
    return {};
  }

  Expr sum_of() {
    const Expr a = n.arg(0);
    if (scalar(a)) return a;
    if (is_constant(a)) return g.constant(a->value * static_cast<double>(a->dim));
    if (is(a, Op::Minus)) return -sum(a.arg(0));
    if (is(a, Op::SumT)) return static_cast<double>(a->dim) * a.arg(0);
    if (is(a, Op::ExtractT)) return sum(a.arg(0));
    if (is(a, Op::Interleave)) return sum(a.arg(0)) + sum(a.arg(1));
    if (is(a, Op::Mult) && scalar(a.arg(0))) return a.arg(0) * sum(a.arg(1));
    if (is(a, Op::Divide) && scalar(a.arg(1))) return sum(a.arg(0)) / a.arg(1);
    if ((is(a, Op::WhereNonzero) || is(a, Op::MultOrZero)) && scalar(a.arg(0))) {
      return g.apply(a.op(), {a.arg(0), sum(a.arg(1))});
    }
    return {};
  }

  Expr where_nonzero() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a)) return a->value == 0 ? g.constant(0, n->dim) : spread(b);
    if (is_constant(b, 0)) return g.constant(0, n->dim);
    if (is(b, Op::Minus)) return -call(Op::WhereNonzero, a, b.arg(0));
    if (is_padded(b)) return padded(call(Op::WhereNonzero, part_like(b, a), b.arg(0)), b);
    return {};
  }

  Expr mult_or_zero() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a)) return a->value == 0 ? g.constant(0, n->dim) : a * b;
    if (is_constant(b) && std::isfinite(b->value)) return a * b;
    if (is(a, Op::Minus) && !scales(a, b)) return -call(Op::MultOrZero, a.arg(0), b);
    if (is(b, Op::Minus)) return scales(a, b) ? call(Op::MultOrZero, -a, b.arg(0)) : -call(Op::MultOrZero, a, b.arg(0));
    if (is_padded(a)) return padded(call(Op::MultOrZero, a.arg(0), part_like(a, b)), a);
    if (is_padded(b)) return padded(call(Op::MultOrZero, part_like(b, a), b.arg(0)), b);
    return {};
  }

  Expr sizes_of() { return is_nonnegative(n.arg(0)) ? n.arg(0) : Expr(); }

  // Of what is never negative, as R writes it.
  Expr real_power() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(b, 1)) return spread(a);
    if (is_constant(b, 0.5) && is_nonnegative(a) && a->dim == n->dim) return call(Op::Sqrt, a);
    return {};
  }

  Expr strided_of() {
    const Expr a = n.arg(0);
    const std::int64_t start = n->params[0], step = n->params[1];
    if (scalar(a)) return a;
    if (is_constant(a)) return g.constant(a->value, n->dim);
    if (is(a, Op::SumT)) return repeat(a.arg(0), n->dim);
    if (step == 2 && is(a, Op::Interleave)) return a.arg(static_cast<std::size_t>(start));
    if (step < 0 && is(a, Op::Strided) && a->params[1] < 0) return a.arg(0);
    return {};
  }

  Expr interleave_of() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a) && a == b) return g.constant(a->value, n->dim);
    if (is(a, Op::Strided) && is(b, Op::Strided) && a.arg(0) == b.arg(0) && a.arg(0)->dim == n->dim &&
        a->params[1] == 2 && b->params[1] == 2 && a->params[0] == 0 && b->params[0] == 1) {
      return a.arg(0);
    }
    return {};
  }

  Expr extreme_of() { return scalar(n.arg(0)) ? n.arg(0) : Expr(); }
  Expr position_of_extreme() { return scalar(n.arg(0)) ? g.constant(0) : Expr(); }

  Expr repeat_of() {
    const Expr a = n.arg(0);
    if (n->dim == 1) return a;
    if (is_constant(a)) return g.constant(a->value, n->dim);
    return {};
  }

  Expr extract_of() {
    const Expr a = n.arg(0);
    const std::int64_t start = n->params[0], length = n->dim;
    if (length == a->dim) return a;
    if (is_constant(a)) return g.constant(a->value, length);
    if (is(a, Op::SumT)) return repeat(a.arg(0), length);
    if (is(a, Op::Extract)) return extract(a.arg(0), a->params[0] + start, length);
    if (is(a, Op::Concat)) {
      const std::int64_t first = a.arg(0)->dim;
      if (start + length <= first) return extract(a.arg(0), start, length);
      if (start >= first) return extract(a.arg(1), start - first, length);
    }
    if (is(a, Op::ExtractT)) {
      const std::int64_t from = a->params[0], to = from + a.arg(0)->dim;
      if (start >= from && start + length <= to) return extract(a.arg(0), start - from, length);
      if (start + length <= from || start >= to) return g.constant(0, length);
    }
    return {};
  }

  Expr pad_of() {
    const Expr a = n.arg(0);
    if (a->dim == n->dim) return a;
    if (is_constant(a, 0)) return g.constant(0, n->dim);
    return {};
  }

  Expr n;
  Graph& g;
};

inline Expr Graph::variable(std::int64_t position, std::int64_t dim, Category category) {
  return intern(Op::Var, {}, {position, static_cast<std::int64_t>(category)}, dim, indices_of(category));
}

inline Expr Graph::constant(double value, std::int64_t dim) {
  return intern(Op::Constant, {}, {}, dim, 0, value);
}

inline Expr Graph::apply(Op op, const Exprs& args, const Integers& params) {
  require_stack();  // rules may go down a chain of nodes
  const Operation& row = operation(op);
  const Expr node = row.build ? row.build(*this, args, params) : intern(op, args, params, broadcast_dim(row.name, args));
  return simplifies && node.op() == op ? Simplifier(node).run() : node;
}

}  // namespace rkeops
