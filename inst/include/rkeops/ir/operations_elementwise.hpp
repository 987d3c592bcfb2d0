// Rows of the operation table: elementwise operations. Adding one is one row here plus its tests.
// `code` is C over vectors of lanes; names v_* are in kernel/, the rest are the words of codegen's target.
#pragma once

#include <algorithm>
#include <cmath>

#include "facts.hpp"

namespace rkeops {

inline Operation elementwise(const char* name, const char* signature, const char* code, double (*value)(const double*),
                             Cost cost, AdjointRule adjoint, const char* domain, const char* summary) {
  return {name, signature, summary, Structure::elementwise, code, value, cost, adjoint, nullptr, domain};
}

using Numbers = const double*;
using Exprs = std::vector<Expr>;

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

inline Expr is_zero(Expr a) { return call("Equal", a, a.graph().constant(0)); }

// f / a for a function f of a that is 0 at 0, where its slope is c.
inline Expr over_at_zero(Expr f, Expr a, double c) { return f * call("InvOrZero", a) + c * is_zero(a); }

// a^m for an integer m: the node has the parameter m, which codegen makes part of the function's name.
inline Exprs power_adjoint(Expr n, Expr e) {
  const std::int64_t m = n->params[0];
  const Expr a = n.arg(0), derivative = static_cast<double>(m) * (e * n.graph().apply("Pow", {a}, {m - 1}));
  if (m > 0 || is_positive(a)) return {derivative};
  return {m % 2 == 0 ? unless_zero(a, derivative) : unless_end(a, derivative)};  // -Inf on one side, Inf on the other
}

inline Expr build_power(Graph& g, const Exprs& a, const std::vector<std::int64_t>& m) {
  switch (m[0]) {
    case 0: return g.constant(1, a[0]->dim);
    case 1: return a[0];
    case 2: return square(a[0]);
    case -1: return call("Inv", a[0]);
    default: return g.intern(*find_operation("Pow"), a, m, a[0]->dim);
  }
}

// clang-format off
inline std::vector<Operation> elementwise_operations() {
  return {
      // ---- arithmetic
      elementwise("Add", "xx", "($0 + $1)", [](Numbers x) { return x[0] + x[1]; }, cheap,
                  [](Expr, Expr e) { return Exprs{e, e}; }, "real", "a + b"),
      elementwise("Subtract", "xx", "($0 - $1)", [](Numbers x) { return x[0] - x[1]; }, cheap,
                  [](Expr, Expr e) { return Exprs{e, -e}; }, "real", "a - b"),
      elementwise("Minus", "x", "(-$0)", [](Numbers x) { return -x[0]; }, cheap,
                  [](Expr, Expr e) { return Exprs{-e}; }, "real", "-a"),
      elementwise("Mult", "xx", "($0 * $1)", [](Numbers x) { return x[0] * x[1]; }, cheap,
                  [](Expr n, Expr e) { return Exprs{e * n.arg(1), e * n.arg(0)}; }, "real", "a * b"),
      elementwise("Divide", "xx", "($0 / $1)", [](Numbers x) { return x[0] / x[1]; }, moderate,
                  [](Expr n, Expr e) {
                    return Exprs{e / n.arg(1), unless_end(n.arg(1), -(e * n / n.arg(1)))};
                  },
                  "nonzero", "a / b"),
      elementwise("Inv", "x", "(splat(1) / $0)", [](Numbers x) { return 1 / x[0]; }, moderate,
                  [](Expr n, Expr e) { return Exprs{unless_end(n.arg(0), -(e * square(n)))}; }, "nonzero", "1 / a"),
      elementwise("Square", "x", "square($0)", [](Numbers x) { return x[0] * x[0]; }, cheap,
                  [](Expr n, Expr e) { return Exprs{2 * (n.arg(0) * e)}; }, "real", "a^2"),
      {"Pow", "xn", "a^m for an integer m; a^0 is 1", Structure::elementwise, "pow_$p($0)", nullptr, moderate,
       power_adjoint, build_power, "nonzero"},
      gate(elementwise("Powf", "xx", "v_pow($0, $1)", [](Numbers x) { return std::pow(x[0], x[1]); }, library_call,
                  [](Expr n, Expr e) {
                    const Expr a = n.arg(0), b = n.arg(1), first = e * (b * call("Powf", a, b - 1));
                    const Expr second = e * (call("Log", a) * n);
                    return Exprs{is_constant(b) && b->value >= 1 ? first : unless_end(a, first),
                                 is_positive(a) ? second : unless_zero(a, second)};
                  },
                  "positive", "a^b for real b"), care_for_poles),
      with_limit(elementwise("Sqrt", "x", "v_sqrt($0)", [](Numbers x) { return std::sqrt(x[0]); }, moderate,
                             [](Expr n, Expr e) { return Exprs{e * (0.5 * call("InvOrZero", n))}; }, "positive",
                             "square root; its derivative is taken as 0 at 0"),
                 [](Expr, Expr h) { return Exprs{0.5 * h}; }),
      elementwise("InvOrZero", "x", "select($0 == splat(0), splat(0), splat(1) / $0)",
                  [](Numbers x) { return x[0] == 0 ? 0 : 1 / x[0]; }, moderate,
                  [](Expr n, Expr e) { return Exprs{-(e * square(n))}; }, "nonzero", "1 / a, and 0 at 0"),
      elementwise("Rsqrt", "x", "v_rsqrt($0)", [](Numbers x) { return rsqrt_value(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * (-0.5 * n.graph().apply("Pow", {n}, {3}))}; }, "positive",
                  "1 / sqrt(a), and 0 at 0"),
      with_limit(elementwise("Abs", "x", "v_abs($0)", [](Numbers x) { return std::fabs(x[0]); }, cheap,
                             [](Expr n, Expr e) { return Exprs{e * call("Sign", n.arg(0))}; }, "real",
                             "absolute value"),
                 [](Expr n, Expr h) { return Exprs{h * n.arg(0)}; }),

      // ---- elementary functions
      elementwise("Exp", "x", "v_exp($0)", [](Numbers x) { return std::exp(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * n}; }, "real", "e^a"),
      elementwise("Log", "x", "v_log($0)", [](Numbers x) { return std::log(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{unless_end(n.arg(0), e / n.arg(0))}; }, "positive",
                  "natural logarithm"),
      gate(elementwise("XLogX", "x", "v_xlogx($0)", [](Numbers x) { return x[0] == 0 ? 0 : x[0] * std::log(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{unless_end(n.arg(0), e * (1 + call("Log", n.arg(0))))}; }, "positive",
                  "a log(a), and 0 at 0"), care_for_poles),
      elementwise("Sin", "x", "v_sin($0)", [](Numbers x) { return std::sin(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * call("Cos", n.arg(0))}; }, "real", "sine"),
      elementwise("Cos", "x", "v_cos($0)", [](Numbers x) { return std::cos(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{-(e * call("Sin", n.arg(0)))}; }, "real", "cosine"),
      elementwise("SinXDivX", "x", "v_sinxdivx($0)", [](Numbers x) { return x[0] == 0 ? 1 : std::sin(x[0]) / x[0]; },
                  costly,
                  [](Expr n, Expr e) { return Exprs{e * call("SinXDivXSlope", n.arg(0))}; }, "real",
                  "sin(a) / a, and 1 at 0"),
      elementwise("SinXDivXSlope", "x",
                  "select($0 == splat(0), splat(0), (v_cos($0) - v_sinxdivx($0)) / $0)",
                  [](Numbers x) { return x[0] == 0 ? 0 : (std::cos(x[0]) - std::sin(x[0]) / x[0]) / x[0]; }, costly,
                  [](Expr n, Expr e) {  // -sin(a)/a - 2 n/a, and -1/3 at 0
                    const Expr a = n.arg(0);
                    return Exprs{e * (-call("SinXDivX", a) - 2 * over_at_zero(n, a, -1. / 3))};
                  },
                  "real", "derivative of sin(a) / a"),
      elementwise("Asin", "x", "v_asin($0)", [](Numbers x) { return std::asin(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * call("Rsqrt", 1 - square(n.arg(0)))}; }, "unit",
                  "arc sine; its derivative is taken as 0 at -1 and 1"),
      with_limit(elementwise("Acos", "x", "v_acos($0)", [](Numbers x) { return std::acos(x[0]); }, costly,
                             [](Expr n, Expr e) { return Exprs{-(e * call("Rsqrt", 1 - square(n.arg(0))))}; }, "unit",
                             "arc cosine; its derivative is taken as 0 at -1 and 1"),
                 [](Expr n, Expr h) {
                   return Exprs{-(h * (n * call("Rsqrt", 1 - square(n.arg(0))) + is_zero(n)))};
                 }),
      elementwise("Atan", "x", "v_atan($0)", [](Numbers x) { return std::atan(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e / (1 + square(n.arg(0)))}; }, "real", "arc tangent"),
      elementwise("Atan2", "xx", "v_atan2($0, $1)", [](Numbers x) { return std::atan2(x[0], x[1]); }, costly,
                  [](Expr n, Expr e) {  // 0 at (0, 0)
                    const Expr a = n.arg(0), b = n.arg(1);
                    const Expr inverse = square(call("Rsqrt", square(a) + square(b)));
                    return Exprs{e * (b * inverse), -(e * (a * inverse))};
                  },
                  "real", "angle of the point (b, a)"),
      elementwise("Sign", "x", "v_sign($0)", [](Numbers x) { return sign_value(x[0]); }, cheap, flat, "real",
                  "-1, 0 or 1; NaN gives 0"),
      elementwise("Step", "x", "v_step($0)", [](Numbers x) { return x[0] < 0 ? 0. : 1.; }, cheap, flat, "real",
                  "0 below 0, else 1"),
      gate(elementwise("ReLU", "x", "v_relu($0)", [](Numbers x) { return x[0] < 0 ? 0 : x[0]; }, cheap,
                       [](Expr n, Expr e) { return Exprs{masked(e, call("Step", n.arg(0)))}; }, "real",
                       "a above 0, else 0"),
           care_for_overflow),
      elementwise("Floor", "x", "v_floor($0)", [](Numbers x) { return std::floor(x[0]); }, cheap, flat, "real",
                  "largest integer not above a"),
      elementwise("RoundHalfAway", "x", "v_round($0)", [](Numbers x) { return std::round(x[0]); }, moderate, flat,
                  "real", "nearest integer, halves away from zero"),

      // ---- comparisons and choices
      elementwise("Equal", "xx", "truth($0 == $1)", [](Numbers x) { return x[0] == x[1] ? 1. : 0.; }, cheap, flat,
                  "real", "1 where a == b, else 0"),
      elementwise("NotEqual", "xx", "truth($0 != $1)", [](Numbers x) { return x[0] != x[1] ? 1. : 0.; }, cheap, flat,
                  "real", "1 where a != b, else 0"),
      elementwise("LessThan", "xx", "truth($0 < $1)", [](Numbers x) { return x[0] < x[1] ? 1. : 0.; }, cheap, flat,
                  "real", "1 where a < b, else 0"),
      elementwise("LessOrEqual", "xx", "truth($0 <= $1)", [](Numbers x) { return x[0] <= x[1] ? 1. : 0.; }, cheap,
                  flat, "real", "1 where a <= b, else 0"),
      elementwise("And", "xx", "truth(($0 != splat(0)) & ($1 != splat(0)))",
                  [](Numbers x) { return x[0] != 0 && x[1] != 0 ? 1. : 0.; }, cheap, flat, "real",
                  "1 where neither a nor b is 0, else 0"),
      elementwise("Or", "xx", "truth(($0 != splat(0)) | ($1 != splat(0)))",
                  [](Numbers x) { return x[0] != 0 || x[1] != 0 ? 1. : 0.; }, cheap, flat, "real",
                  "1 where a or b is not 0, else 0"),
      elementwise("Not", "x", "truth($0 == splat(0))", [](Numbers x) { return x[0] == 0 ? 1. : 0.; }, cheap, flat,
                  "real", "1 where a is 0, else 0"),
      gate(elementwise("IfElse", "xxx", "select($0 >= splat(0), $1, $2)",
                       [](Numbers x) { return x[0] >= 0 ? x[1] : x[2]; }, cheap,
                       [](Expr n, Expr e) {
                         const Expr f = n.arg(0), zero = f.graph().constant(0);
                         return Exprs{Expr(), call("IfElse", f, e, zero), call("IfElse", f, zero, e)};
                       },
                       "real", "b where a >= 0, else c"),
           care_for_all),
      gate(elementwise("WhereNonzero", "xx", "select($0 == splat(0), splat(0), $1)",
                       [](Numbers x) { return x[0] == 0 ? 0. : x[1]; }, cheap,
                       [](Expr n, Expr e) { return Exprs{Expr(), call("WhereNonzero", n.arg(0), e)}; }, "real",
                       "b where a is not 0, else 0"),
           care_for_all),
      // Linear in both arguments as derivatives go. What goes back to a where a is 0 may be undefined: a was masked.
      gate(elementwise("MultOrZero", "xx", "select($0 == splat(0), splat(0), $0 * $1)",
                       [](Numbers x) { return x[0] == 0 ? 0. : x[0] * x[1]; }, cheap,
                       [](Expr n, Expr e) { return Exprs{e * n.arg(1), call("MultOrZero", n.arg(0), e)}; }, "real",
                       "a b, and 0 where a is 0, also for an infinite b or NaN"),
           care_for_all),
      gate(elementwise("Clamp", "xxx", "select($0 < $1, $1, select($0 > $2, $2, $0))",
                  [](Numbers x) { return x[0] < x[1] ? x[1] : x[0] > x[2] ? x[2] : x[0]; }, cheap,
                  [](Expr n, Expr e) {  // bounds in the wrong order: as if x ran downwards from a to b
                    const Expr x = n.arg(0), low = n.arg(1), high = n.arg(2), zero = x.graph().constant(0);
                    const Expr way = 2 * call("LessOrEqual", low, high) - 1;
                    const Expr below = call("LessThan", way * (x - low), zero);
                    const Expr above = call("LessThan", zero, way * (x - high));
                    return Exprs{masked(e, (1 - below) * (1 - above)), masked(e, below), masked(e, above)};
                  },
                  "real", "a kept between b and c; its derivative takes b <= c for granted"),
           care_for_overflow),
      elementwise("Mod", "xxx", "v_mod($0, $1, $2)", mod_value, costly,
                  [](Expr n, Expr e) {
                    const Expr x = n.arg(0), m = n.arg(1);
                    return Exprs{e, -(e * call("RoundHalfAway", (x - n) / m)), Expr()};
                  },
                  "nonzero", "a modulo b, in [c, c + b), or (c + b, c] for a negative b; the remainder is exact"),
      elementwise("FloorDivide", "xx", "v_floor_divide($0, $1)", [](Numbers x) { return floor_divide(x[0], x[1]); },
                  costly, flat, "nonzero", "floor of the exact quotient a / b"),
  };
}
// clang-format on

}  // namespace rkeops
