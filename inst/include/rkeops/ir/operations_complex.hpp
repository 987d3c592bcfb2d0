// Rows of the operation table: complex vectors, stored as re_0, im_0, re_1, im_1, ... All are built from their real and
// imaginary parts, so that derivatives (for the real inner product) and simplification come from those.
#pragma once

#include "operations_vector.hpp"

namespace rkeops {

struct Complex {
  Expr re, im;

  Expr vector() const {
    const std::int64_t dim = std::max(re->dim, im->dim);
    return interleave(re->dim == dim ? re : repeat(re, dim), im->dim == dim ? im : repeat(im, dim));
  }
};

inline Complex complex_of(const char* name, Expr z) {
  if (z->dim % 2 != 0) {
    dimension_error(std::string(name) + ": operand has dimension " + str(z->dim) + ", an even one is needed",
                    "Complex vectors hold real and imaginary parts in turn.");
  }
  return {strided(z, 0, 2, z->dim / 2), strided(z, 1, 2, z->dim / 2)};
}

// Equal dimensions, or one complex number.
inline void require_complex_pair(const char* name, Expr z, Expr w) {
  complex_of(name, z), complex_of(name, w);
  if (z->dim == w->dim || z->dim == 2 || w->dim == 2) return;
  dimension_error(std::string(name) + ": operands have dimensions " + str(z->dim) + " and " + str(w->dim),
                  "Operands must have equal dimensions, or dimension 2 (one complex number).");
}

inline Complex operator+(Complex z, Complex w) { return {z.re + w.re, z.im + w.im}; }
inline Complex operator-(Complex z, Complex w) { return {z.re - w.re, z.im - w.im}; }
inline Complex operator*(Complex z, Complex w) { return {z.re * w.re - z.im * w.im, z.re * w.im + z.im * w.re}; }
inline Complex operator*(Expr s, Complex z) { return {s * z.re, s * z.im}; }
inline Complex conjugate(Complex z) { return {z.re, -z.im}; }
inline Expr square_abs(Complex z) { return square(z.re) + square(z.im); }

// For every binary row: check, split, combine.
template <class Combine>
Expr complex_binary(const char* name, const std::vector<Expr>& a, Combine combine) {
  require_complex_pair(name, a[0], a[1]);
  return combine(complex_of(name, a[0]), complex_of(name, a[1])).vector();
}

inline Expr complex_product(const char* name, const std::vector<Expr>& a) {
  return complex_binary(name, a, [](Complex z, Complex w) { return z * w; });
}

inline Expr complex_repeat(Expr z, std::int64_t dim) {
  if (z->dim != 2) {
    dimension_error("ComplexSumT: operand has dimension " + str(z->dim) + ", 2 (one complex number) is needed");
  }
  if (dim < 1) argument_error("ComplexSumT: dimension " + str(dim) + ", at least 1 is needed");
  const Complex c = complex_of("ComplexSumT", z);
  const std::int64_t half = (dim + 1) / 2;
  return extract(interleave(repeat(c.re, half), repeat(c.im, half)), 0, dim);
}

// clang-format off
inline std::vector<Operation> complex_operations() {
  using Args = const std::vector<Expr>&;
  using Params = const Integers&;
  return {
      composed("Real2Complex", "x", [](Graph& g, Args a, Params) {
        return interleave(a[0], g.constant(0, a[0]->dim));
      }, "complex vector with real part a"),
      composed("Imag2Complex", "x", [](Graph& g, Args a, Params) {
        return interleave(g.constant(0, a[0]->dim), a[0]);
      }, "complex vector with imaginary part a"),
      composed("ComplexReal", "x", [](Graph&, Args a, Params) { return complex_of("ComplexReal", a[0]).re; },
               "real part"),
      composed("ComplexImag", "x", [](Graph&, Args a, Params) { return complex_of("ComplexImag", a[0]).im; },
               "imaginary part"),
      composed("Conj", "x", [](Graph&, Args a, Params) { return conjugate(complex_of("Conj", a[0])).vector(); },
               "complex conjugate"),
      composed("ComplexAdd", "xx", [](Graph&, Args a, Params) {
        return complex_binary("ComplexAdd", a, [](Complex z, Complex w) { return z + w; });
      }, "a + b for complex a, b"),
      composed("ComplexSubtract", "xx", [](Graph&, Args a, Params) {
        return complex_binary("ComplexSubtract", a, [](Complex z, Complex w) { return z - w; });
      }, "a - b for complex a, b"),
      composed("ComplexMult", "xx", [](Graph&, Args a, Params) { return complex_product("ComplexMult", a); },
               "a b for complex a, b"),
      composed("ComplexScal", "xx", [](Graph&, Args a, Params) { return complex_product("ComplexScal", a); },
               "a b for complex a, b"),
      composed("ComplexDivide", "xx", [](Graph&, Args a, Params) {
        return complex_binary("ComplexDivide", a, [](Complex z, Complex w) {
          return call("Inv", square_abs(w)) * (z * conjugate(w));
        });
      }, "a / b for complex a, b", "nonzero"),
      composed("ComplexRealScal", "xx", [](Graph&, Args a, Params) -> Expr {
        const bool first = a[0]->dim == 1;
        if (!first) require_scalar("ComplexRealScal", a[1]);
        return (a[first ? 0 : 1] * complex_of("ComplexRealScal", a[first ? 1 : 0])).vector();
      }, "real number times complex vector"),
      composed("ComplexSquareAbs", "x", [](Graph&, Args a, Params) {
        return square_abs(complex_of("ComplexSquareAbs", a[0]));
      }, "squared modulus"),
      composed("ComplexAbs", "x", [](Graph&, Args a, Params) {
        return call("Sqrt", square_abs(complex_of("ComplexAbs", a[0])));
      }, "modulus; its derivative is taken as 0 at 0"),
      composed("ComplexAngle", "x", [](Graph&, Args a, Params) {
        const Complex z = complex_of("ComplexAngle", a[0]);
        return call("Atan2", z.im, z.re);
      }, "argument, between -pi and pi; 0 at 0"),
      composed("ComplexExp", "x", [](Graph&, Args a, Params) {
        const Complex z = complex_of("ComplexExp", a[0]);
        return (call("Exp", z.re) * Complex{call("Cos", z.im), call("Sin", z.im)}).vector();
      }, "e^a for complex a"),
      composed("ComplexExp1j", "x", [](Graph&, Args a, Params) {
        return interleave(call("Cos", a[0]), call("Sin", a[0]));
      }, "cos(a) + i sin(a) for real a"),
      composed("ComplexSum", "x", [](Graph&, Args a, Params) {
        const Complex z = complex_of("ComplexSum", a[0]);
        return interleave(sum(z.re), sum(z.im));
      }, "sum of the components of a complex vector"),
      composed("ComplexSumT", "xn", [](Graph&, Args a, Params p) { return complex_repeat(a[0], p[0]); },
               "the complex number a repeated up to m real components"),
  };
}
// clang-format on

}  // namespace rkeops
