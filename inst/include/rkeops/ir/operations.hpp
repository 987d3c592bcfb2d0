// The operation table as a whole. Rows are in files operations_*.def: OPERATION(name, form(...).column(...)...), where the
// form is `elementwise`, `horizontal`, `structural` or `composed`, and columns with a default are given where they differ
// from it. What rules of rows are made of is in the .hpp file of the same name. Adding an operation is one row, and its tests.
#pragma once

#include <unordered_map>

#include "facts.hpp"
#include "interval_slopes.hpp"
#include "interval_vectors.hpp"
#include "operations_complex.hpp"
#include "operations_complex_functions.hpp"
#include "operations_elementwise.hpp"
#include "operations_matrix.hpp"
#include "operations_special.hpp"
#include "operations_vector.hpp"
#include "reduction.hpp"

namespace rkeops {

inline const std::vector<Operation>& operations() {
  using Args = const Exprs&;
  using Params = const Integers&;
  using interval::by_lanes;
  using interval::by_number;
  static const std::vector<Operation> table = [] {
    std::vector<Operation> rows;
    const auto add = [&](Op op, const char* name, Operation row) {
      row.op = op;
      row.name = name;
      rows.push_back(row);
    };
#define OPERATION(name, ...) add(Op::name, #name, __VA_ARGS__);
#include "operations_all.def"
#undef OPERATION
    return rows;
  }();
  return table;
}

inline const Operation& operation(Op op) {
  static const Operation* const rows = operations().data();
  return rows[static_cast<std::size_t>(op)];
}

inline const Operation* find_operation(std::string_view name) {
  static const std::unordered_map<std::string_view, const Operation*> index = [] {
    std::unordered_map<std::string_view, const Operation*> names;
    for (const Operation& row : operations()) names.emplace(row.name, &row);
    return names;
  }();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace rkeops
