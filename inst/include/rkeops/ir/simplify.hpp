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
    const Expr simpler = by_rule();
    return simpler ? simpler : n;
  }

 private:
  Expr by_rule() {
    using Rule = Expr (Simplifier::*)();
    static const std::unordered_map<const Operation*, Rule> rules = [] {
      std::unordered_map<const Operation*, Rule> map;
      const std::pair<const char*, Rule> rows[] = {
          {"Add", &Simplifier::add},         {"Subtract", &Simplifier::subtract}, {"Minus", &Simplifier::minus},
          {"Mult", &Simplifier::mult},       {"Divide", &Simplifier::divide},     {"Square", &Simplifier::square_of},
          {"Sum", &Simplifier::sum_of},      {"SumT", &Simplifier::repeat_of},    {"Extract", &Simplifier::extract_of},
          {"ExtractT", &Simplifier::pad_of}, {"Pow", &Simplifier::power},         {"Max", &Simplifier::extreme_of},
          {"Min", &Simplifier::extreme_of},  {"ArgMax", &Simplifier::place_of},   {"ArgMin", &Simplifier::place_of},
          {"Strided", &Simplifier::strided_of}, {"Interleave", &Simplifier::interleave_of},
          {"WhereNonzero", &Simplifier::where_nonzero}, {"MultOrZero", &Simplifier::mult_or_zero},
          {"Powf", &Simplifier::real_power},     {"Abs", &Simplifier::sizes_of},      {"ReLU", &Simplifier::sizes_of}};
      for (const auto& row : rows) map.emplace(find_operation(row.first), row.second);
      return map;
    }();
    const auto rule = rules.find(n->operation);
    return rule == rules.end() ? Expr() : (this->*rule->second)();
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
      if (is(a, "SumT")) scalar = a.arg(0);
      if (is_constant(a) && a->dim > 1) scalar = g.constant(a->value);
      changed |= scalar != a;
      dim = std::max(dim, scalar->dim);
      scalars.push_back(scalar);
    }
    if (!changed) return {};
    const Expr result = g.apply(*n->operation, scalars, n->params);
    return dim == n->dim ? result : repeat(result, n->dim);
  }

  // Real and imaginary parts stay apart: operations go inside of Interleave.
  Expr by_parts() {
    const auto joined = [](const Node* a) { return is(a, "Interleave"); };
    if (std::none_of(n->args.begin(), n->args.end(), joined)) return {};
    std::vector<Expr> first, second;
    for (Expr a : n->args) {
      first.push_back(scalar(a) ? a : strided(a, 0, 2, a->dim / 2));
      second.push_back(scalar(a) ? a : strided(a, 1, 2, a->dim / 2));
    }
    return interleave(g.apply(*n->operation, first, n->params), g.apply(*n->operation, second, n->params));
  }

  // The part of b that meets the nonzero part of the padded vector a.
  static Expr part_like(Expr a, Expr b) { return scalar(b) ? b : extract(b, a->params[0], a.arg(0)->dim); }
  Expr padded(Expr part, Expr like) { return extract_transpose(part, like->params[0], n->dim); }
  bool is_padded(Expr a) const { return is(a, "ExtractT") && a->dim == n->dim; }

  Expr spread(Expr a) { return a->dim == n->dim ? a : repeat(a, n->dim); }
  static bool scalar(Expr a) { return a->dim == 1; }

  // Commutative operands in one order: constants, then scalars, then by age.
  static bool in_order(Expr a, Expr b) {
    if (is_constant(a) != is_constant(b)) return is_constant(a);
    if (scalar(a) != scalar(b)) return scalar(a);
    return a->id <= b->id;
  }

  // Signs go to the front, but stay with a number that scales a vector.
  static bool scales(Expr a, Expr b) { return scalar(a) && !scalar(b); }
  static Expr without_minus(Expr a) {
    if (is(a, "Minus")) return a.arg(0);
    if (is(a, "Mult") && is(a.arg(0), "Minus")) return a.arg(0).arg(0) * a.arg(1);
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
    if (!in_order(a, b)) return b + a;
    if (is_constant(a) && is(b, "Add") && is_constant(b.arg(0))) return (a + b.arg(0)) + b.arg(1);
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
    if (is(a, "Minus")) return a.arg(0);
    if (is(a, "Subtract")) return a.arg(1) - a.arg(0);
    if (is(a, "Mult") && (is_constant(a.arg(0)) || scales(a.arg(0), a.arg(1)))) return -a.arg(0) * a.arg(1);
    if (is(a, "SumT")) return repeat(-a.arg(0), n->dim);
    if (is(a, "MultOrZero") && scales(a.arg(0), a.arg(1))) return call("MultOrZero", -a.arg(0), a.arg(1));
    if (is(a, "Add") && is(a.arg(0), "Mult") && scales(a.arg(0).arg(0), a.arg(0).arg(1))) return -a.arg(0) - a.arg(1);
    if (is_padded(a)) return padded(-a.arg(0), a);
    return {};
  }

  Expr mult() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (!in_order(a, b)) return b * a;
    if (is_constant(a, 1)) return spread(b);
    if (is_constant(a, -1)) return spread(-b);
    if (is_constant(a) && is(b, "Minus")) return -a * b.arg(0);
    if (is(a, "Minus") && !scales(a, b)) return -(a.arg(0) * b);
    if (is(b, "Minus")) return -(a * b.arg(0));
    if (a == b) return square(a);
    if (is_padded(a)) return padded(a.arg(0) * part_like(a, b), a);
    if (is_padded(b)) return padded(part_like(b, a) * b.arg(0), b);
    if (is_constant(a) && a->value != 0 && is(b, "MultOrZero") && scales(b.arg(0), b.arg(1))) {
      return call("MultOrZero", a * b.arg(0), b.arg(1));
    }
    if (is(b, "Mult") && scalar(b.arg(0))) {  // scalars first, constants before all
      const Expr s = b.arg(0), v = b.arg(1);
      if (is_constant(a) && is_constant(s)) return (a * s) * v;
      if (is_constant(s)) return s * (a * v);
      if (!scalar(v)) return scalar(a) ? (a * s) * v : s * (a * v);
    }
    if (is(a, "Mult") && scalar(a.arg(0)) && (!scalar(a.arg(1)) || (is_constant(a.arg(0)) && scalar(b)))) {
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
    if (is_constant(a, 1) && b->dim == n->dim) return call("Inv", b);
    if (is_padded(a)) return padded(a.arg(0) / part_like(a, b), a);
    if (is(a, "Minus")) return -(a.arg(0) / b);
    if (is(b, "Minus")) return -(a / b.arg(0));
    if (is(a, "Mult") && scalar(a.arg(0)) && scalar(b) && !scalar(a.arg(1))) return (a.arg(0) / b) * a.arg(1);
    return {};
  }

  Expr square_of() {
    const Expr a = n.arg(0);
    if (is(a, "Minus") || is(a, "Abs")) return square(a.arg(0));
    if (is(a, "Subtract") && a.arg(0)->id > a.arg(1)->id) return square(a.arg(1) - a.arg(0));
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
    if (is(a, "Minus")) return -sum(a.arg(0));
    if (is(a, "SumT")) return static_cast<double>(a->dim) * a.arg(0);
    if (is(a, "ExtractT")) return sum(a.arg(0));
    if (is(a, "Interleave")) return sum(a.arg(0)) + sum(a.arg(1));
    if (is(a, "Mult") && scalar(a.arg(0))) return a.arg(0) * sum(a.arg(1));
    if (is(a, "Divide") && scalar(a.arg(1))) return sum(a.arg(0)) / a.arg(1);
    if ((is(a, "WhereNonzero") || is(a, "MultOrZero")) && scalar(a.arg(0))) {
      return g.apply(*a->operation, {a.arg(0), sum(a.arg(1))});
    }
    return {};
  }

  Expr where_nonzero() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a)) return a->value == 0 ? g.constant(0, n->dim) : spread(b);
    if (is_constant(b, 0)) return g.constant(0, n->dim);
    if (is(b, "Minus")) return -call("WhereNonzero", a, b.arg(0));
    if (is_padded(b)) return padded(call("WhereNonzero", part_like(b, a), b.arg(0)), b);
    return {};
  }

  Expr mult_or_zero() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a)) return a->value == 0 ? g.constant(0, n->dim) : a * b;
    if (is_constant(b) && std::isfinite(b->value)) return a * b;
    if (is(a, "Minus") && !scales(a, b)) return -call("MultOrZero", a.arg(0), b);
    if (is(b, "Minus")) return scales(a, b) ? call("MultOrZero", -a, b.arg(0)) : -call("MultOrZero", a, b.arg(0));
    if (is_padded(a)) return padded(call("MultOrZero", a.arg(0), part_like(a, b)), a);
    if (is_padded(b)) return padded(call("MultOrZero", part_like(b, a), b.arg(0)), b);
    return {};
  }

  Expr sizes_of() { return is_nonnegative(n.arg(0)) ? n.arg(0) : Expr(); }

  // Of what is never negative, as R writes it.
  Expr real_power() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(b, 1)) return spread(a);
    if (is_constant(b, 0.5) && is_nonnegative(a) && a->dim == n->dim) return call("Sqrt", a);
    return {};
  }

  Expr strided_of() {
    const Expr a = n.arg(0);
    const std::int64_t start = n->params[0], step = n->params[1];
    if (scalar(a)) return a;
    if (is_constant(a)) return g.constant(a->value, n->dim);
    if (is(a, "SumT")) return repeat(a.arg(0), n->dim);
    if (step == 2 && is(a, "Interleave")) return a.arg(static_cast<std::size_t>(start));
    if (step < 0 && is(a, "Strided") && a->params[1] < 0) return a.arg(0);
    return {};
  }

  Expr interleave_of() {
    const Expr a = n.arg(0), b = n.arg(1);
    if (is_constant(a) && a == b) return g.constant(a->value, n->dim);
    if (is(a, "Strided") && is(b, "Strided") && a.arg(0) == b.arg(0) && a.arg(0)->dim == n->dim &&
        a->params[1] == 2 && b->params[1] == 2 && a->params[0] == 0 && b->params[0] == 1) {
      return a.arg(0);
    }
    return {};
  }

  Expr extreme_of() { return scalar(n.arg(0)) ? n.arg(0) : Expr(); }
  Expr place_of() { return scalar(n.arg(0)) ? g.constant(0) : Expr(); }

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
    if (is(a, "SumT")) return repeat(a.arg(0), length);
    if (is(a, "Extract")) return extract(a.arg(0), a->params[0] + start, length);
    if (is(a, "Concat")) {
      const std::int64_t first = a.arg(0)->dim;
      if (start + length <= first) return extract(a.arg(0), start, length);
      if (start >= first) return extract(a.arg(1), start - first, length);
    }
    if (is(a, "ExtractT")) {
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
  return intern(*find_operation("Var"), {}, {position, static_cast<std::int64_t>(category)}, dim, indices_of(category));
}

inline Expr Graph::constant(double value, std::int64_t dim) {
  return intern(*find_operation("Constant"), {}, {}, dim, 0, value);
}

inline Expr Graph::apply(const Operation& operation, const std::vector<Expr>& args,
                         const std::vector<std::int64_t>& params) {
  require_stack();  // rules may go down a chain of nodes
  const Expr node = operation.build ? operation.build(*this, args, params)
                                    : intern(operation, args, params, broadcast_dim(operation.name, args));
  const bool made_here = node->operation == &operation;
  return simplifies && made_here ? Simplifier(node).run() : node;
}

}  // namespace rkeops
