// What the rows of operations_elementwise.def are made of.
#pragma once

#include <cmath>

#include "facts.hpp"

namespace rkeops {

inline Operation elementwise(const char* signature, const char* code, double (*value)(const double*), Cost cost,
                             AdjointRule adjoint, const char* domain, const char* summary, Build build = nullptr) {
  return {{}, {}, signature, summary, Structure::elementwise, code, value, cost, adjoint, build, domain};
}

using Numbers = const double*;

inline double sign_value(double a) { return a > 0 ? 1 : a < 0 ? -1 : 0; }
inline double rsqrt_value(double a) { return a == 0 ? 0 : 1 / std::sqrt(a); }

// As R has them, but exact: the remainder of the sign of y, and the floor of the quotient.
inline double floor_remainder(double x, double y) {
  const double r = std::fmod(x, y);
  if (r == 0) return 0;
  if ((r < 0) == (y < 0) || std::isnan(r)) return r;
  return r + y == y && std::isfinite(y) ? 0 : r + y;
}
inline double floor_divide(double x, double y) {
  const double quotient = x / y;
  double q = std::floor(quotient);
  const double r = std::fma(-q, y, x);
  if (std::fabs(quotient) < 4503599627370496.0 && (y > 0 ? r < 0 : r > 0)) q -= 1;
  return q == 0 && (y > 0 ? x < 0 : y < 0 && x > 0) ? -1 : q;
}
inline double mod_value(Numbers x) {
  const double r = floor_remainder(x[0], x[1]);
  return x[2] == 0 ? r : std::fma(-std::floor((r - x[2]) / x[1]), x[1], r);
}

inline Expr is_zero(Expr a) { return call(Op::Equal, a, a.graph().constant(0)); }

// f / a for a function f of a that is 0 at 0, where its slope is c.
inline Expr over_at_zero(Expr f, Expr a, double c) { return f * call(Op::InvOrZero, a) + c * is_zero(a); }

// a^m for an integer m: the node has the parameter m, which emitters make part of the function's name.
inline Exprs power_adjoint(Expr n, Expr e) {
  const std::int64_t m = n->params[0];
  const Expr a = n.arg(0), derivative = static_cast<double>(m) * (e * n.graph().apply(Op::Pow, {a}, {m - 1}));
  if (m > 0 || is_positive(a)) return {derivative};
  return {m % 2 == 0 ? unless_zero(a, derivative) : unless_end(a, derivative)};  // -Inf on one side, Inf on the other
}

inline Expr build_power(Graph& g, const Exprs& a, const std::vector<std::int64_t>& m) {
  switch (m[0]) {
    case 0: return g.constant(1, a[0]->dim);
    case 1: return a[0];
    case 2: return square(a[0]);
    case -1: return call(Op::Inv, a[0]);
    default: return g.intern(Op::Pow, a, m, a[0]->dim);
  }
}

}  // namespace rkeops
