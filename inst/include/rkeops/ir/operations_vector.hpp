// Rows of the operation table: constants, sums, parts and norms of vectors.
#pragma once

#include "facts.hpp"

namespace rkeops {

using Integers = std::vector<std::int64_t>;
using Build = Expr (*)(Graph& g, const std::vector<Expr>& args, const Integers& params);

inline Operation structural(const char* name, const char* signature, Structure structure,
                            std::vector<Expr> (*adjoint)(Expr, Expr), Build build, const char* summary) {
  return {name, signature, summary, structure, nullptr, nullptr, free_of_cost, adjoint, build, "real"};
}

inline Operation across(const char* name, const char* code, std::vector<Expr> (*adjoint)(Expr, Expr), Build build,
                        const char* summary) {
  return {name, "x", summary, Structure::across, code, nullptr, cheap, adjoint, build, "real"};
}

inline Operation composed(const char* name, const char* signature, Build build, const char* summary,
                          const char* domain = "real") {
  return {name, signature, summary, Structure::composed, nullptr, nullptr, free_of_cost, nullptr, build, domain};
}

// Rule B: equal dimensions, or 1.
inline std::int64_t broadcast_dim(const char* name, const std::vector<Expr>& args) {
  std::int64_t dim = 1;
  for (Expr arg : args) {
    if (arg->dim == 1 || arg->dim == dim) continue;
    if (dim != 1) {
      dimension_error(std::string(name) + ": operands have dimensions " + str(dim) + " and " + str(arg->dim),
                      "Operands must have equal dimensions, or dimension 1.");
    }
    dim = arg->dim;
  }
  return dim;
}

inline void require_scalar(const char* name, Expr arg) {
  if (arg->dim != 1) dimension_error(std::string(name) + ": operand has dimension " + str(arg->dim) + ", 1 is needed");
}

inline void require_range(const char* name, std::int64_t start, std::int64_t length, std::int64_t dim) {
  if (length < 1) argument_error(std::string(name) + ": length " + str(length) + ", at least 1 is needed");
  if (start >= 0 && start + length <= dim) return;
  const std::string places = length == 1 ? "position " + str(start) + " is"
                                         : "positions " + str(start) + " to " + str(start + length - 1) + " are";
  argument_error(std::string(name) + ": " + places + " not inside a vector of dimension " + str(dim),
                 "Positions in formulas count from 0.");
}

inline Expr weighted_square_norm(const char* name, Expr s, Expr a) {
  const std::int64_t n = a->dim;
  if (s->dim == 1) return s * sum(square(a));
  if (s->dim == n) return dot(s, square(a));
  if (s->dim == n * n) return dot(a, call("MatVecMult", s, a));
  dimension_error(std::string(name) + ": weights have dimension " + str(s->dim) + " for a vector of dimension " + str(n),
                  "Weights must have dimension 1, " + str(n) + " or " + str(n * n) + ".");
}

inline void require_weights(const char* name, Expr s, std::int64_t dim) {
  if (s->dim != dim) {
    dimension_error(std::string(name) + ": weights have dimension " + str(s->dim) + ", " + str(dim) + " is needed");
  }
}

// Every step-th component from `start` on, as many as `dim`: a step of 2 for parts of complex vectors, of -1 backwards.
inline Expr strided(Expr a, std::int64_t start, std::int64_t step, std::int64_t dim) {
  return a.graph().apply("Strided", {a}, {start, step, dim});
}
inline Expr interleave(Expr a, Expr b) { return call("Interleave", a, b); }

inline void require_table(const char* name, Expr table) {
  if (is_variable(table) && table->indices == 0) return;
  argument_error(std::string(name) + ": the table must be a parameter",
                 "Declare it as Pm(n); what depends on i or j, or is computed in the formula, cannot be looked up.");
}

// Entries of a parameter by position. Node parameters: rows, then columns or the length of a row.
inline Expr gather_rows(Expr table, Expr row, std::int64_t dim) {
  require_scalar("Gather", row);
  if (dim < 1 || table->dim % dim != 0) {
    argument_error("Gather: rows of length " + str(dim) + " do not divide a table of dimension " + str(table->dim));
  }
  require_table("Gather", table);
  return table.graph().intern(*find_operation("Gather"), {table, row}, {table->dim / dim, dim}, dim);
}

inline Expr gather_entry(Expr table, Expr row, Expr column, std::int64_t columns) {
  require_scalar("Lookup", row);
  require_scalar("Lookup", column);
  if (columns < 1 || table->dim % columns != 0) {
    argument_error("Lookup: " + str(columns) + " columns do not divide a table of dimension " + str(table->dim));
  }
  require_table("Lookup", table);
  return table.graph().intern(*find_operation("Lookup"), {table, row, column}, {table->dim / columns, columns}, 1);
}

// Positions found at run time are the nearest whole number, 2.5 being 3. Those that do not exist: lookups give NaN, no
// component of one_hot() is 1, and nothing goes back to the table.
inline Expr nearest_position(Expr a) {
  const Expr below = call("Floor", a);
  return below + call("LessOrEqual", a.graph().constant(0.5), a - below);
}

// 1 at a whole position, if it exists.
inline Expr one_at(Expr position, std::int64_t dim) {
  return call("Equal", position, position.graph().apply("Positions", {}, {dim}));
}

inline Expr one_hot(Expr a, std::int64_t dim) { return one_at(nearest_position(a), dim); }

// e at a position, else 0.
inline Expr to_place(Expr e, Expr position, std::int64_t dim) { return masked(e, one_at(position, dim)); }

// clang-format off
inline std::vector<Operation> vector_operations() {
  using Args = const std::vector<Expr>&;
  using Params = const Integers&;
  return {
      // ---- leaves; Var and constants are made by the graph itself
      structural("Var", "nnn", Structure::leaf, nullptr, [](Graph& g, Args, Params p) -> Expr {
        if (p[0] < 0 || p[1] < 1 || p[2] < 0 || p[2] > 2) {
          argument_error("Var(position, dim, category): got " + str(p[0]) + ", " + str(p[1]) + ", " + str(p[2]),
                         "Position counts from 0, dim from 1; category is 0 (i), 1 (j) or 2 (parameter).");
        }
        return g.variable(p[0], p[1], static_cast<Category>(p[2]));
      }, "data argument"),
      structural("Constant", "", Structure::leaf, nullptr, nullptr, "a number"),
      composed("IntCst", "x", [](Graph&, Args a, Params) -> Expr {
        if (!is_constant(a[0])) argument_error("IntCst: the argument must be a number");
        return a[0];
      }, "constant"),
      composed("RatCst", "nn", [](Graph& g, Args, Params p) -> Expr {
        if (p[1] == 0) argument_error("RatCst: the denominator is 0");
        return g.constant(static_cast<double>(p[0]) / static_cast<double>(p[1]));
      }, "the constant m / n"),
      composed("IntInv", "n", [](Graph& g, Args, Params p) -> Expr {
        if (p[0] == 0) argument_error("IntInv: the denominator is 0");
        return g.constant(1 / static_cast<double>(p[0]));
      }, "the constant 1 / m"),
      composed("Zero", "n", [](Graph& g, Args, Params p) -> Expr {
        if (p[0] < 1) argument_error("Zero: dimension " + str(p[0]) + ", at least 1 is needed");
        return g.constant(0, p[0]);
      }, "zeros"),

      // ---- sums and copies
      across("Sum", "($0 + $1)", [](Expr n, Expr e) { return std::vector<Expr>{repeat(e, n.arg(0)->dim)}; },
             [](Graph& g, Args a, Params) { return g.intern(*find_operation("Sum"), a, {}, 1); },
             "sum of the components"),
      gate(across("Max", "select(($0 >= $1) | ($0 != $0), $0, $1)",
                  [](Expr n, Expr e) { return std::vector<Expr>{to_place(e, call("ArgMax", n.arg(0)), n.arg(0)->dim)}; },
                  [](Graph& g, Args a, Params) { return g.intern(*find_operation("Max"), a, {}, 1); },
                  "largest component; NaN if there is one"),
           care_for_overflow),
      gate(across("Min", "select(($0 <= $1) | ($0 != $0), $0, $1)",
                  [](Expr n, Expr e) { return std::vector<Expr>{to_place(e, call("ArgMin", n.arg(0)), n.arg(0)->dim)}; },
                  [](Graph& g, Args a, Params) { return g.intern(*find_operation("Min"), a, {}, 1); },
                  "smallest component; NaN if there is one"),
           care_for_overflow),
      across("ArgMax", "<=", flat,
             [](Graph& g, Args a, Params) { return g.intern(*find_operation("ArgMax"), a, {}, 1); },
             "position (from 0) of the first largest component; NaN components do not count"),
      across("ArgMin", ">=", flat,
             [](Graph& g, Args a, Params) { return g.intern(*find_operation("ArgMin"), a, {}, 1); },
             "position (from 0) of the first smallest component; NaN components do not count"),
      structural("Positions", "", Structure::leaf, nullptr,
                 [](Graph& g, Args, Params p) { return g.intern(*find_operation("Positions"), {}, {}, p[0], Indices{0}); },
                 "0, 1, ..., n - 1"),
      composed("OneHot", "xn", [](Graph&, Args a, Params p) -> Expr {
        require_scalar("OneHot", a[0]);
        if (p[0] < 1) argument_error("OneHot: dimension " + str(p[0]) + ", at least 1 is needed");
        return one_hot(a[0], p[0]);
      }, "m components: 1 at the position (from 0) nearest to the scalar a, if there is one, else 0"),
      structural("SumT", "xn", Structure::rearrange, [](Expr, Expr e) { return std::vector<Expr>{sum(e)}; },
                 [](Graph& g, Args a, Params p) -> Expr {
                   require_scalar("SumT", a[0]);
                   if (p[0] < 1) argument_error("SumT: dimension " + str(p[0]) + ", at least 1 is needed");
                   return g.intern(*find_operation("SumT"), a, p, p[0]);
                 },
                 "the scalar a repeated m times"),
      structural("Extract", "xnn", Structure::rearrange,
                 [](Expr n, Expr e) {
                   return std::vector<Expr>{extract_transpose(e, n->params[0], n.arg(0)->dim)};
                 },
                 [](Graph& g, Args a, Params p) -> Expr {
                   require_range("Extract", p[0], p[1], a[0]->dim);
                   return g.intern(*find_operation("Extract"), a, p, p[1]);
                 },
                 "components m to m + n - 1 (from 0)"),
      structural("ExtractT", "xnn", Structure::rearrange,
                 [](Expr n, Expr e) { return std::vector<Expr>{extract(e, n->params[0], n.arg(0)->dim)}; },
                 [](Graph& g, Args a, Params p) -> Expr {
                   require_range("ExtractT", p[0], a[0]->dim, p[1]);
                   return g.intern(*find_operation("ExtractT"), a, p, p[1]);
                 },
                 "n zeros with a from position m (from 0) on"),
      composed("Elem", "xn", [](Graph&, Args a, Params p) -> Expr {
        require_range("Elem", p[0], 1, a[0]->dim);
        return extract(a[0], p[0], 1);
      }, "component m (from 0)"),
      composed("ElemT", "xnn", [](Graph&, Args a, Params p) -> Expr {
        require_scalar("ElemT", a[0]);
        require_range("ElemT", p[1], 1, p[0]);
        return extract_transpose(a[0], p[1], p[0]);
      }, "m zeros with the scalar a at position n (from 0)"),
      structural("Strided", "", Structure::rearrange,
                 [](Expr n, Expr e) {
                   const std::int64_t start = n->params[0], step = n->params[1];
                   if (step < 0) return std::vector<Expr>{strided(e, n->dim - 1, -1, n->dim)};
                   const Expr zeros = n.graph().constant(0, n->dim);
                   return std::vector<Expr>{start == 0 ? interleave(e, zeros) : interleave(zeros, e)};
                 },
                 [](Graph& g, Args a, Params p) { return g.intern(*find_operation("Strided"), a, p, p[2]); },
                 "every s-th component"),
      structural("Interleave", "", Structure::rearrange,
                 [](Expr n, Expr e) {
                   const std::int64_t half = n->dim / 2;
                   return std::vector<Expr>{strided(e, 0, 2, half), strided(e, 1, 2, half)};
                 },
                 [](Graph& g, Args a, Params) {
                   return g.intern(*find_operation("Interleave"), a, {}, 2 * a[0]->dim);
                 },
                 "a_0, b_0, a_1, b_1, ..."),
      composed("Reverse", "x", [](Graph&, Args a, Params) { return strided(a[0], a[0]->dim - 1, -1, a[0]->dim); },
               "components in reverse order"),
      structural("Concat", "xx", Structure::rearrange,
                 [](Expr n, Expr e) {
                   const std::int64_t first = n.arg(0)->dim;
                   return std::vector<Expr>{extract(e, 0, first), extract(e, first, n.arg(1)->dim)};
                 },
                 [](Graph& g, Args a, Params) {
                   return g.intern(*find_operation("Concat"), a, {}, a[0]->dim + a[1]->dim);
                 },
                 "a followed by b"),

      // ---- entries of a parameter by position
      structural("Gather", "xxn", Structure::gather,
                 [](Expr n, Expr e) {
                   const Expr rows = one_hot(n.arg(1), n->params[0]);
                   return std::vector<Expr>{call("TensorProd", rows, e), Expr()};
                 },
                 [](Graph&, Args a, Params p) { return gather_rows(a[0], a[1], p[0]); },
                 "row b (from 0) of the parameter a, seen as a matrix with rows of length m; NaN outside"),
      structural("Lookup", "xxxn", Structure::gather,
                 [](Expr n, Expr e) {
                   const Expr row = one_hot(n.arg(1), n->params[0]), column = one_hot(n.arg(2), n->params[1]);
                   return std::vector<Expr>{call("TensorProd", e * row, column), Expr(), Expr()};
                 },
                 [](Graph&, Args a, Params p) { return gather_entry(a[0], a[1], a[2], p[0]); },
                 "entry (b, c) (from 0) of the parameter a, seen as a matrix with m columns; NaN outside"),

      // ---- products, norms, distances
      composed("Scalprod", "xx", [](Graph&, Args a, Params) {
        broadcast_dim("Scalprod", a);
        return dot(a[0], a[1]);
      }, "scalar product, also a | b"),
      composed("SqNorm2", "x", [](Graph&, Args a, Params) { return sum(square(a[0])); }, "squared norm"),
      composed("Norm2", "x", [](Graph&, Args a, Params) { return call("Sqrt", sum(square(a[0]))); }, "Euclidean norm"),
      composed("Normalize", "x", [](Graph&, Args a, Params) {
        return call("Rsqrt", sum(square(a[0]))) * a[0];
      }, "a divided by its norm; 0 at 0"),
      composed("SqDist", "xx", [](Graph&, Args a, Params) {
        broadcast_dim("SqDist", a);
        return sum(square(a[0] - a[1]));
      }, "squared distance"),
      composed("WeightedSqNorm", "xx", [](Graph&, Args a, Params) {
        return weighted_square_norm("WeightedSqNorm", a[0], a[1]);
      },
               "a |b|^2, sum a_k b_k^2 or b' A b, by the dimension of a"),
      composed("WeightedSqDist", "xxx", [](Graph&, Args a, Params) {
        broadcast_dim("WeightedSqDist", {a[1], a[2]});
        return weighted_square_norm("WeightedSqDist", a[0], a[1] - a[2]);
      }, "weighted squared norm of b - c, weights a"),
      composed("SqNormIso", "xx", [](Graph&, Args a, Params) {
        require_weights("SqNormIso", a[0], 1);
        return weighted_square_norm("SqNormIso", a[0], a[1]);
      }, "a |b|^2 for a scalar a"),
      composed("SqNormDiag", "xx", [](Graph&, Args a, Params) {
        require_weights("SqNormDiag", a[0], a[1]->dim);
        return weighted_square_norm("SqNormDiag", a[0], a[1]);
      }, "sum a_k b_k^2"),
      composed("SymSqNorm", "xx", [](Graph&, Args a, Params) {
        require_weights("SymSqNorm", a[0], a[1]->dim * a[1]->dim);
        return weighted_square_norm("SymSqNorm", a[0], a[1]);
      }, "b' A b for the matrix A in a, row-major"),
      composed("Factorize", "xx", [](Graph&, Args a, Params) { return a[0]; },
               "a; common parts are computed once anyway"),
      composed("AutoFactorize", "x", [](Graph&, Args a, Params) { return a[0]; },
               "a; common parts are computed once anyway"),
      composed("Round", "xn", [](Graph& g, Args a, Params p) -> Expr {
        if (p[0] < -300 || p[0] > 300) argument_error("Round: " + str(p[0]) + " decimals, -300 to 300 are possible");
        if (p[0] == 0) return call("RoundHalfAway", a[0]);
        const double scale = std::pow(10.0, std::fabs(static_cast<double>(p[0])));
        const Expr s = g.constant(scale);
        return p[0] > 0 ? call("RoundHalfAway", a[0] * s) / s : call("RoundHalfAway", a[0] / s) * s;
      }, "rounded to m decimals, halves away from zero"),
      composed("ClampInt", "xnn", [](Graph& g, Args a, Params p) {
        return call("Clamp", a[0], g.constant(static_cast<double>(p[0])), g.constant(static_cast<double>(p[1])));
      }, "a kept between the integers m and n"),
      composed("DiffClampInt", "xnn", [](Graph& g, Args a, Params p) -> Expr {
        const Expr low = g.constant(static_cast<double>(p[0])), high = g.constant(static_cast<double>(p[1]));
        return (1 - call("LessThan", a[0], low)) * (1 - call("LessThan", high, a[0]));
      }, "1 between the integers m and n, else 0"),
  };
}
// clang-format on

}  // namespace rkeops
