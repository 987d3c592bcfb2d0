// Rows of the operation table: functions of complex vectors that have branch cuts or poles. Values on the cuts are R's.
// All are written so that derivatives are right everywhere else, the real axis included.
#pragma once

#include "operations_complex.hpp"

namespace rkeops {

inline Expr where(Expr test, Expr yes, Expr no) { return call("IfElse", test - 1, yes, no); }
inline Expr below(Expr a, Expr b) { return call("LessThan", a, b); }
inline Expr below(Expr a, double b) { return below(a, a.graph().constant(b)); }

// 1 below 0 and at -0, which is the side of a cut on which a number lies.
inline Expr is_negative(Expr a) { return call("Or", below(a, 0), below(call("Inv", a), 0)); }

inline Complex complex_root(Complex z) {
  const Expr left = below(z.re, 0), sign = 1 - 2 * is_negative(z.im);
  const Expr large = call("Sqrt", 0.5 * (call("Sqrt", square_abs(z)) + where(left, -z.re, z.re)));
  const Expr small = z.im * call("InvOrZero", 2 * large);
  return {where(left, sign * small, large), where(left, sign * large, small)};
}

// Without overflow for large imaginary parts.
inline Complex complex_tangent(Complex z) {
  const Expr sine = call("Sin", z.re), cosine = call("Cos", z.re), tanh = call("Tanh", z.im);
  const Expr u = call("Exp", -2 * call("Abs", z.im)), squared_sech = 4 * u / square(1 + u);
  const Expr divisor = square(cosine) + square(sine * tanh);
  return {sine * cosine * squared_sech / divisor, tanh / divisor};
}

// W. Kahan (1987), Branch cuts for complex elementary functions.
inline Complex complex_arc_sine(Complex z) {
  const Complex p = complex_root({1 - z.re, -z.im}), q = complex_root({1 + z.re, z.im});
  const Expr im = call("Asinh", p.re * q.im - p.im * q.re);
  const Expr on_cut = call("Equal", z.im, z.im.graph().constant(0)) * below(1 - call("Abs", z.re), 0);
  return {call("Atan2", z.re, p.re * q.re - p.im * q.im),
          where(on_cut, -(call("Sign", z.re) * call("Abs", im)), im)};
}

inline Complex complex_arc_tangent(Complex z) {
  const Expr x = z.re, y = z.im;
  const Expr above = call("Log1p", 4 * y / (square(x) + square(1 - y)));
  const Expr under = -call("Log1p", -4 * y / (square(x) + square(1 + y)));
  const Expr re = 0.5 * call("Atan2", 2 * x, (1 - y) * (1 + y) - square(x));
  const Expr on_cut = call("Equal", x, x.graph().constant(0)) * below(1 - call("Abs", y), 0);
  const Expr other_side = on_cut * call("NotEqual", is_negative(x), below(y, 0));
  return {re + 3.141592653589793 * (other_side * call("Sign", y)), 0.25 * where(below(y, 0), under, above)};
}

inline std::vector<Operation> complex_function_operations() {
  using Args = const std::vector<Expr>&;
  using Params = const Integers&;
  return {
      composed("ComplexSqrt", "x",
               [](Graph&, Args a, Params) { return complex_root(complex_of("ComplexSqrt", a[0])).vector(); },
               "square root of complex a, with real part 0 or more", "positive"),
      composed("ComplexTan", "x",
               [](Graph&, Args a, Params) { return complex_tangent(complex_of("ComplexTan", a[0])).vector(); },
               "tangent of complex a"),
      composed("ComplexAsin", "x",
               [](Graph&, Args a, Params) { return complex_arc_sine(complex_of("ComplexAsin", a[0])).vector(); },
               "arc sine of complex a", "positive"),
      composed("ComplexAtan", "x",
               [](Graph&, Args a, Params) { return complex_arc_tangent(complex_of("ComplexAtan", a[0])).vector(); },
               "arc tangent of complex a", "positive"),
  };
}

}  // namespace rkeops
