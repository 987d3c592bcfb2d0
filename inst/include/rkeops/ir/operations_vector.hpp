// What the rows of operations_vector.def are made of; forms of rows; checks of dimensions and positions.
#pragma once

#include "facts.hpp"

namespace rkeops {

inline Operation structural(const char* signature, Structure structure, AdjointRule adjoint, Build build,
                            const char* summary) {
  return {{}, {}, signature, summary, structure, nullptr, nullptr, free_of_cost, adjoint, build, "real"};
}

inline Operation horizontal(const char* code, AdjointRule adjoint, Build build, const char* summary) {
  return {{}, {}, "x", summary, Structure::horizontal, code, nullptr, cheap, adjoint, build, "real"};
}

inline Operation composed(const char* signature, Build build, const char* summary, const char* domain = "real") {
  return {{}, {}, signature, summary, Structure::composed, nullptr, nullptr, free_of_cost, nullptr, build, domain};
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
  if (s->dim == n * n) return dot(a, call(Op::MatVecMult, s, a));
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
  return a.graph().apply(Op::Strided, {a}, {start, step, dim});
}
inline Expr interleave(Expr a, Expr b) { return call(Op::Interleave, a, b); }

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
  return table.graph().intern(Op::Gather, {table, row}, {table->dim / dim, dim}, dim);
}

inline Expr gather_entry(Expr table, Expr row, Expr column, std::int64_t columns) {
  require_scalar("Lookup", row);
  require_scalar("Lookup", column);
  if (columns < 1 || table->dim % columns != 0) {
    argument_error("Lookup: " + str(columns) + " columns do not divide a table of dimension " + str(table->dim));
  }
  require_table("Lookup", table);
  return table.graph().intern(Op::Lookup, {table, row, column}, {table->dim / columns, columns}, 1);
}

// Positions found at run time are the nearest whole number, 2.5 being 3. Those that do not exist: lookups give NaN, no
// component of one_hot() is 1, and nothing goes back to the table.
inline Expr nearest_position(Expr a) {
  const Expr below = call(Op::Floor, a);
  return below + call(Op::LessOrEqual, a.graph().constant(0.5), a - below);
}

// 1 at a whole position, if it exists.
inline Expr one_at(Expr position, std::int64_t dim) {
  return call(Op::Equal, position, position.graph().apply(Op::Positions, {}, {dim}));
}

inline Expr one_hot(Expr a, std::int64_t dim) { return one_at(nearest_position(a), dim); }

// e at a position, else 0.
inline Expr to_place(Expr e, Expr position, std::int64_t dim) { return masked(e, one_at(position, dim)); }

}  // namespace rkeops
