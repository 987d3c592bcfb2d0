// What the rows of operations_complex.def are made of: complex vectors by their real and imaginary parts.
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

}  // namespace rkeops
