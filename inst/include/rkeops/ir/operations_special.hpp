// Rows of the operation table: hyperbolic, error, gamma and Bessel functions, B-splines and soft dynamic time warping.
#pragma once

#include "operations_elementwise.hpp"
#include "operations_vector.hpp"

namespace rkeops {

// Values of the B-splines of degree k at the scalar x, by the recursion of de Boor and Cox.
inline Expr b_spline(Expr knots, Expr x, std::int64_t k) {
  const std::int64_t n = knots->dim;
  if (k < 0) argument_error("BSpline: degree " + str(k) + ", at least 0 is needed");
  require_few("BSpline", "degrees", k);
  require_scalar("BSpline", x);
  if (n < k + 2) {
    dimension_error("BSpline: " + str(n) + " knots, at least " + str(k + 2) + " are needed for degree " + str(k));
  }
  const Expr kept = call("Clamp", x, extract(knots, 0, 1), extract(knots, n - 1, 1));  // no 0 * Inf outside
  Expr values = call("LessOrEqual", extract(knots, 0, n - 1), x) * call("LessThan", x, extract(knots, 1, n - 1));
  for (std::int64_t r = 1; r <= k; ++r) {
    const std::int64_t left = n - r;  // intervals from knot i to knot i + r
    const Expr low = extract(knots, 0, left), high = extract(knots, r, left);
    const Expr proper = call("LessThan", low, high);
    const Expr rising = proper * ((kept - low) / (high - low + (1 - proper)));
    values = extract(rising, 0, left - 1) * extract(values, 0, left - 1) +
             (1 - extract(rising, 1, left - 1)) * extract(values, 1, left - 1);
  }
  return values;
}

// Soft dynamic time warping of x and y with squared distances: r_ab = (x_a - y_b)^2 + softmin of its three
// predecessors, one antidiagonal a + b = d after the other.
inline Expr soft_dtw(Expr x, Expr y, Expr gamma) {
  require_scalar("SoftDTW_SqDist", gamma);
  const std::int64_t n = x->dim, m = y->dim;
  require_few("SoftDTW_SqDist", "values in both series", n + m);
  const Expr backwards = call("Reverse", y);  // puts y_(d - a) at m - 1 - d + a
  struct Diagonal {
    Expr values;
    std::int64_t low;  // the a of its first entry
    Expr part(std::int64_t from, std::int64_t dim) const { return extract(values, from - low, dim); }
  };
  Diagonal before{}, last{square(extract(x, 0, 1) - extract(y, 0, 1)), 0};
  for (std::int64_t d = 1; d < n + m - 1; ++d) {
    const std::int64_t low = std::max<std::int64_t>(0, d - m + 1), high = std::min(n - 1, d), dim = high - low + 1;
    const std::int64_t inner_low = std::max<std::int64_t>(low, 1), inner_dim = std::min(high, d - 1) - inner_low + 1;
    Expr from;
    if (inner_dim > 0) {
      from = x.graph().apply("SoftMin", {before.part(inner_low - 1, inner_dim), last.part(inner_low - 1, inner_dim),
                                         last.part(inner_low, inner_dim), gamma});
    }
    if (low == 0) from = from ? call("Concat", last.part(0, 1), from) : last.part(0, 1);
    if (high == d) {
      const Expr end = last.part(d - 1, 1);
      from = inner_dim > 0 || low == 0 ? call("Concat", from, end) : end;
    }
    before = last;
    last = {from + square(extract(x, low, dim) - extract(backwards, m - 1 - d + low, dim)), low};
  }
  return last.values;
}

// clang-format off
inline std::vector<Operation> special_operations() {
  using Args = const std::vector<Expr>&;
  using Params = const Integers&;
  return {
      // ---- exponentials and hyperbolic functions
      elementwise("Expm1", "x", "v_expm1($0)", [](Numbers x) { return std::expm1(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * call("Exp", n.arg(0))}; }, "real", "e^a - 1, exact near 0"),
      elementwise("Log1p", "x", "v_log1p($0)", [](Numbers x) { return std::log1p(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e / (1 + n.arg(0))}; }, "positive", "log(1 + a), exact near 0"),
      elementwise("Tan", "x", "v_tan($0)", [](Numbers x) { return std::tan(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * (1 + square(n))}; }, "unit", "tangent"),
      elementwise("Sinh", "x", "v_sinh($0)", [](Numbers x) { return std::sinh(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * call("Cosh", n.arg(0))}; }, "real", "hyperbolic sine"),
      elementwise("Cosh", "x", "v_cosh($0)", [](Numbers x) { return std::cosh(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * call("Sinh", n.arg(0))}; }, "real", "hyperbolic cosine"),
      elementwise("Tanh", "x", "v_tanh($0)", [](Numbers x) { return std::tanh(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * (1 - square(n))}; }, "real", "hyperbolic tangent"),
      elementwise("Asinh", "x", "v_asinh($0)", [](Numbers x) { return std::asinh(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * call("Rsqrt", 1 + square(n.arg(0)))}; }, "real",
                  "inverse hyperbolic sine"),
      with_limit(elementwise("Acosh", "x", "v_acosh($0)", [](Numbers x) { return std::acosh(x[0]); }, costly,
                             [](Expr n, Expr e) { return Exprs{e * call("Rsqrt", square(n.arg(0)) - 1)}; },
                             "above one", "inverse hyperbolic cosine; its derivative is taken as 0 at 1"),
                 [](Expr n, Expr h) {
                   return Exprs{h * (n * call("Rsqrt", square(n.arg(0)) - 1) + is_zero(n))};
                 }),
      elementwise("Atanh", "x", "v_atanh($0)", [](Numbers x) { return std::atanh(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e / (1 - square(n.arg(0)))}; }, "unit",
                  "inverse hyperbolic tangent"),

      // ---- error, gamma and Bessel functions
      elementwise("Erf", "x", "v_erf($0)", [](Numbers x) { return std::erf(x[0]); }, costly,
                  [](Expr n, Expr e) {
                    return Exprs{e * (1.1283791670955126 * call("Exp", -square(n.arg(0))))};  // 2 / sqrt(pi)
                  },
                  "real", "error function"),
      elementwise("Erfc", "x", "v_erfc($0)", [](Numbers x) { return std::erfc(x[0]); }, costly,
                  [](Expr n, Expr e) { return Exprs{e * (-1.1283791670955126 * call("Exp", -square(n.arg(0))))}; },
                  "real", "1 - Erf(a), exact for large a"),
      elementwise("LGamma", "x", "v_lgamma($0)", [](Numbers x) { return std::lgamma(x[0]); }, library_call,
                  [](Expr n, Expr e) { return Exprs{e * call("Digamma", n.arg(0))}; }, "positive",
                  "log |Gamma(a)|"),
      elementwise("Digamma", "x", "v_digamma($0)", nullptr, library_call,
                  [](Expr n, Expr e) { return Exprs{e * call("Trigamma", n.arg(0))}; }, "positive",
                  "derivative of LGamma"),
      elementwise("Trigamma", "x", "v_trigamma($0)", nullptr, library_call,
                  [](Expr n, Expr e) { return Exprs{e * n.graph().apply("Polygamma", {n.arg(0)}, {2})}; }, "positive",
                  "derivative of Digamma"),
      {"Polygamma", "xn", "derivative number m of Digamma", Structure::elementwise, "v_polygamma($0, $p)", nullptr,
       library_call,
       [](Expr n, Expr e) { return Exprs{e * n.graph().apply("Polygamma", {n.arg(0)}, {n->params[0] + 1})}; },
       [](Graph& g, Args a, Params m) -> Expr {
         if (m[0] == 0) return call("Digamma", a[0]);
         if (m[0] == 1) return call("Trigamma", a[0]);
         if (m[0] < 0 || m[0] > 20) argument_error("Polygamma: order " + str(m[0]) + ", 0 to 20 are possible");
         return g.intern(*find_operation("Polygamma"), a, m, a[0]->dim);
       },
       "positive"},
      elementwise("BesselJ0", "x", "v_bessel_j0($0)", [](Numbers x) { return ::j0(x[0]); }, library_call,
                  [](Expr n, Expr e) { return Exprs{-(e * call("BesselJ1", n.arg(0)))}; }, "real",
                  "Bessel function of the first kind, order 0"),
      elementwise("BesselJ1", "x", "v_bessel_j1($0)", [](Numbers x) { return ::j1(x[0]); }, library_call,
                  [](Expr n, Expr e) {  // J0(a) - J1(a) / a, and 1/2 at 0
                    const Expr a = n.arg(0);
                    return Exprs{e * (call("BesselJ0", a) - over_at_zero(n, a, 0.5))};
                  },
                  "real", "Bessel function of the first kind, order 1"),

      // ---- splines, time series
      composed("BSpline", "xxn", [](Graph&, Args a, Params p) { return b_spline(a[0], a[1], p[0]); },
               "B-splines of degree m on the knots a at the scalar b"),
      elementwise("SoftMin", "xxxx", "v_softmin($0, $1, $2, $3)",
                  [](Numbers x) {
                    const double m = std::min(x[0], std::min(x[1], x[2]));
                    double s = 0;
                    for (int k = 0; k < 3; ++k) s += std::exp((m - x[k]) / x[3]);
                    return m - x[3] * std::log(s);
                  },
                  library_call,
                  [](Expr n, Expr e) {
                    const Expr gamma = n.arg(3);
                    Exprs parts;
                    Expr to_gamma;
                    for (std::size_t k = 0; k < 3; ++k) {
                      const Expr share = call("Exp", (n - n.arg(k)) / gamma), part = share * ((n - n.arg(k)) / gamma);
                      parts.push_back(e * share);
                      to_gamma = to_gamma ? to_gamma + part : part;
                    }
                    parts.push_back(e * to_gamma);
                    return parts;
                  },
                  "positive", "soft minimum of a, b, c: -d log(e^(-a/d) + e^(-b/d) + e^(-c/d))"),
      composed("SoftDTW_SqDist", "xxx", [](Graph&, Args a, Params) { return soft_dtw(a[0], a[1], a[2]); },
               "soft dynamic time warping of the series a and b with squared distances and softness c", "positive"),
  };
}
// clang-format on

}  // namespace rkeops
