// What the rows of operations_complex_functions.def are made of.
#pragma once

#include "operations_complex.hpp"

namespace rkeops {

inline Expr where(Expr test, Expr yes, Expr no) { return call(Op::IfElse, test - 1, yes, no); }
inline Expr below(Expr a, Expr b) { return call(Op::LessThan, a, b); }
inline Expr below(Expr a, double b) { return below(a, a.graph().constant(b)); }

// 1 below 0 and at -0, which is the side of a cut on which a number lies.
inline Expr is_negative(Expr a) { return call(Op::Or, below(a, 0), below(call(Op::Inv, a), 0)); }

inline Complex complex_root(Complex z) {
  const Expr left = below(z.re, 0), sign = 1 - 2 * is_negative(z.im);
  const Expr large = call(Op::Sqrt, 0.5 * (call(Op::Sqrt, square_abs(z)) + where(left, -z.re, z.re)));
  const Expr small = z.im * call(Op::InvOrZero, 2 * large);
  return {where(left, sign * small, large), where(left, sign * large, small)};
}

// Without overflow for large imaginary parts.
inline Complex complex_tangent(Complex z) {
  const Expr sine = call(Op::Sin, z.re), cosine = call(Op::Cos, z.re), tanh = call(Op::Tanh, z.im);
  const Expr u = call(Op::Exp, -2 * call(Op::Abs, z.im)), squared_sech = 4 * u / square(1 + u);
  const Expr divisor = square(cosine) + square(sine * tanh);
  return {sine * cosine * squared_sech / divisor, tanh / divisor};
}

// W. Kahan (1987), Branch cuts for complex elementary functions.
inline Complex complex_arc_sine(Complex z) {
  const Complex p = complex_root({1 - z.re, -z.im}), q = complex_root({1 + z.re, z.im});
  const Expr im = call(Op::Asinh, p.re * q.im - p.im * q.re);
  const Expr on_cut = call(Op::Equal, z.im, z.im.graph().constant(0)) * below(1 - call(Op::Abs, z.re), 0);
  return {call(Op::Atan2, z.re, p.re * q.re - p.im * q.im), where(on_cut, -(call(Op::Sign, z.re) * call(Op::Abs, im)), im)};
}

inline Complex complex_arc_tangent(Complex z) {
  const Expr x = z.re, y = z.im;
  const Expr above = call(Op::Log1p, 4 * y / (square(x) + square(1 - y)));
  const Expr under = -call(Op::Log1p, -4 * y / (square(x) + square(1 + y)));
  const Expr re = 0.5 * call(Op::Atan2, 2 * x, (1 - y) * (1 + y) - square(x));
  const Expr on_cut = call(Op::Equal, x, x.graph().constant(0)) * below(1 - call(Op::Abs, y), 0);
  const Expr other_side = on_cut * call(Op::NotEqual, is_negative(x), below(y, 0));
  return {re + 3.141592653589793 * (other_side * call(Op::Sign, y)), 0.25 * where(below(y, 0), under, above)};
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
Operation complex_function(const char* summary) {
  return composed(
      "x",
      [](Graph&, const std::vector<Expr>& a, const Integers&) {
        return f(complex_of("function of complex numbers", a[0])).vector();
      },
      summary, "positive");
}

}  // namespace rkeops
