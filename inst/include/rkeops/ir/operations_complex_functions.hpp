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
  return {call("Atan2", z.re, p.re * q.re - p.im * q.im), where(on_cut, -(call("Sign", z.re) * call("Abs", im)), im)};
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

inline Complex complex_arc_cosine(Complex z) {
  const Complex w = complex_arc_sine(z);
  return {1.5707963267948966 - w.re, -w.im};
}

// i z, and f(i z) / i.
inline Complex times_i(Complex z) { return {-z.im, z.re}; }
template <Complex (*f)(Complex)>
Complex turned(Complex z) {
  const Complex w = f(times_i(z));
  return {w.im, -w.re};
}

inline Complex complex_area_cosine(Complex z) { return times_i(complex_arc_cosine(z)); }

template <Complex (*f)(Complex)>
Operation complex_function(const char* name, const char* summary) {
  return composed(
      name, "x",
      [](Graph&, const std::vector<Expr>& a, const Integers&) {
        return f(complex_of("function of complex numbers", a[0])).vector();
      },
      summary, "positive");
}

inline std::vector<Operation> complex_function_operations() {
  return {
      complex_function<complex_root>("ComplexSqrt", "square root of complex a, with a real part of 0 or more"),
      complex_function<complex_tangent>("ComplexTan", "tangent of complex a"),
      complex_function<turned<complex_tangent>>("ComplexTanh", "hyperbolic tangent of complex a"),
      complex_function<complex_arc_sine>("ComplexAsin", "arc sine of complex a"),
      complex_function<complex_arc_cosine>("ComplexAcos", "arc cosine of complex a"),
      complex_function<complex_arc_tangent>("ComplexAtan", "arc tangent of complex a"),
      complex_function<turned<complex_arc_sine>>("ComplexAsinh", "inverse hyperbolic sine of complex a"),
      complex_function<complex_area_cosine>("ComplexAcosh",
                                            "inverse hyperbolic cosine of complex a: i times the arc cosine"),
      complex_function<turned<complex_arc_tangent>>("ComplexAtanh", "inverse hyperbolic tangent of complex a"),
  };
}

}  // namespace rkeops
