// The plan of one reduction: which data it reads, what is computed once per row, per column or per call instead of once
// per pair, and how its state is laid out.
//
// In a plan everything is seen from the result: its index is the row (one lane each), the folded index the column.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "../base/types.hpp"
#include "../pass/products.hpp"

namespace rkeops {

// A set: what a value varies with, inside a kernel.
using Role = std::uint8_t;
constexpr Role varies_row = 1, varies_column = 2;

// One area of packed data: leaves (variables, results of earlier reductions), then derived values.
struct Area {
  std::vector<Expr> leaves, derived;
  std::unordered_map<const Node*, std::int64_t> offsets;
  std::int64_t width = 0;

  void add(std::vector<Expr>& list, Expr n) {
    if (!offsets.emplace(n.node(), width).second) return;
    list.push_back(n);
    width += n->dim;
  }
};

struct Plan {
  Expr reduction;
  Area row, column, parameter;

  Role role(Expr n) const {
    const Category result = result_category(reduction), folded = folded_category(reduction);
    Role role = 0;
    if (result != Category::parameter && (n->indices & indices_of(result))) role |= varies_row;
    if (folded != Category::parameter && (n->indices & indices_of(folded))) role |= varies_column;
    return role;
  }

  Area& area(Role role) { return role == varies_row ? row : role == varies_column ? column : parameter; }
  const Area& area(Role role) const { return const_cast<Plan*>(this)->area(role); }

  // Packed already when the fold runs: a leaf, or derived.
  bool is_packed(Expr n) const {
    const Role r = role(n);
    return r != (varies_row | varies_column) && area(r).offsets.count(n.node()) > 0;
  }
};

// Read from memory: inputs, results of earlier stages, row numbers.
inline bool is_leaf(Expr n) {
  return is_variable(n) || is_reduction(n) || is_row_number(n) || is_part_of_reduction(n);
}

// Finds what is worth computing once per row, column or call: the largest subformulas with fewer indices, unless
// packing them would take more memory than the data they come from.
inline void derive(Plan& plan, Expr root) {
  std::unordered_set<const Node*> seen;
  std::vector<Expr> todo{root};
  while (!todo.empty()) {
    const Expr n = todo.back();
    todo.pop_back();
    if (!seen.insert(n.node()).second || n->operation->structure == Structure::leaf || is_leaf(n)) continue;
    const Role role = plan.role(n);
    if (role != (varies_row | varies_column) && n->operation->structure != Structure::movement) {
      std::int64_t source = 0;
      for (Expr leaf : nodes_below({n})) {
        if (is_leaf(leaf)) source += leaf->dim;
      }
      if (n->dim <= std::max<std::int64_t>(source, 4)) {
        plan.area(role).add(plan.area(role).derived, n);
        continue;
      }
    }
    for (Expr arg : n->args) todo.push_back(arg);
  }
}

inline Plan make_plan(Expr reduction) {
  Plan plan{reduction, {}, {}, {}};
  const std::vector<Expr> roots(reduction->args.begin(), reduction->args.end());
  for (Expr n : nodes_below(roots)) {
    if (is_leaf(n)) plan.area(plan.role(n)).add(plan.area(plan.role(n)).leaves, n);
  }
  for (Expr root : roots) derive(plan, root);
  return plan;
}

// Is n a sum of products of a packed vector of the row with one of the column, an entry of a matrix product?
inline bool is_matrix_product(const Plan& plan, Expr n) {
  if (!is(n, Op::Sum) || !is(n.arg(0), Op::Mult)) return false;
  const Expr x = n.arg(0).arg(0), y = n.arg(0).arg(1);
  return is_rows_by_columns(x, y) && plan.is_packed(x) && plan.is_packed(y);
}

// What a pair of a row and a column costs, roughly, in simple operations: for each component of the result, and besides.
struct PairCost {
  double components = 0, shared = 0;
};

inline PairCost pair_cost(const Plan& plan) {
  PairCost cost;
  std::unordered_set<const Node*> by_component;  // vectors of which a component of the result needs just one
  std::vector<Expr> todo(plan.reduction->args.begin(), plan.reduction->args.end());
  while (!todo.empty()) {
    const Expr n = todo.back();
    todo.pop_back();
    const Structure structure = n->operation->structure;
    const bool mixes = structure == Structure::horizontal || (structure == Structure::contraction && !contraction_of(n).summed.empty());
    if (n->dim == 1 || mixes || !by_component.insert(n.node()).second) continue;
    for (Expr arg : n->args) todo.push_back(arg);
  }
  for (Expr n : nodes_below({plan.reduction->args.begin(), plan.reduction->args.end()})) {
    if (plan.role(n) != (varies_row | varies_column)) continue;
    const Structure structure = n->operation->structure;
    double each = std::max<int>(1, n->operation->cost);
    if (structure == Structure::contraction) {
      for (const Axis& axis : contraction_of(n).summed) each *= static_cast<double>(axis.size);
    }
    const Expr counted = structure == Structure::horizontal ? n.arg(0) : n;
    if (structure == Structure::movement) continue;
    (by_component.count(n.node()) ? cost.components : cost.shared) += each * static_cast<double>(counted->dim);
  }
  const double fold = reduction_of(plan.reduction).family == Family::softmax ? 2 * costly : 1;
  for (const Node* arg : plan.reduction->args) cost.components += fold * static_cast<double>(arg->dim);
  return cost;
}

// ---- what the runtime has to know of a generated kernel

struct PackedLeaf {
  enum class From : std::uint8_t { input, stage, row_number } from;
  Part part;           // of a row number
  std::int64_t index;  // of the input, or node of the stage
  std::int64_t dim, offset;
};

struct PackedArea {
  std::vector<PackedLeaf> leaves;
  std::int64_t width = 0;
  bool has_prologue = false;
};

struct KernelPlan {
  std::string text;  // the generated translation unit
  PackedArea row, column, parameter;
  Category rows, columns;  // which index is which; Category::parameter: a single one
  Reduction reduction;
  std::int64_t dim, k;   // of the reduced formula; K
  std::int64_t back_dim;  // of the formula that is summed over rows, 0 if there is none
  std::int64_t tops;     // softmax: number of running maxima; if several, sum k belongs to maximum k
  std::int64_t sums;     // softmax: number of accumulated sums
  bool has_sum_of_ones;  // softmax: the first sum is that of exp(F - m)
  std::int64_t candidates;  // nearest: room for so many, of which the K best are selected; 0: K are kept sorted
  bool compensated;      // sums have a low part after all high parts
  Precision precision;
  Processor processor;
  int lanes, row_vectors;  // rows of a tile = lanes * row_vectors
  int columns_per_step;
  bool tensor_cores;           // are they used?
  std::int64_t column_stride;  // from one packed column to the next, in numbers
  std::int64_t value_slots, index_slots;
  std::int64_t work_vectors;  // scratch space, in SIMD vectors; on a GPU, in numbers of each thread
  std::int64_t window;  // on a GPU: components of the result that one block computes, 0: all
  double cost;          // of a pair, in simple operations
  int vector_bytes;

  std::int64_t number_bytes() const { return precision == Precision::float32 ? 4 : 8; }
  int tile_rows() const { return lanes * row_vectors; }
  std::int64_t windows() const { return window > 0 ? (dim + window - 1) / window : 1; }
  // Places of candidates in a state: on a CPU those of a row are neighbours, so that they are in the cache when they are
  // selected.
  bool candidates_by_row() const { return candidates > 0 && processor == Processor::cpu; }
  std::int64_t row_stride() const { return candidates_by_row() ? value_slots : 1; }
  std::int64_t slot_stride() const { return candidates_by_row() ? 1 : tile_rows(); }
  // Columns whose sums over rows share a vector: as many numbers as there are in 16 bytes.
  int back_columns() const { return precision == Precision::float32 ? 4 : 2; }
  std::int64_t back_size(std::int64_t columns) const {
    return (columns + back_columns() - 1) / back_columns() * back_dim * lanes;
  }
};

constexpr double lowest(Precision precision) {
  return precision == Precision::float32 ? -static_cast<double>(std::numeric_limits<float>::max())
                                         : -std::numeric_limits<double>::max();
}

// What the values of a state are before the first column.
inline double start_value(const KernelPlan& kernel, std::int64_t slot) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Reduction& row = kernel.reduction;
  switch (row.family) {
    case Family::extremum:
      return row.indices ? std::nan("") : row.maximum ? -infinity : infinity;
    case Family::nearest:
      return std::nan("");
    case Family::softmax:
      return slot < kernel.tops ? lowest(kernel.precision) : 0;
    default:
      return 0;
  }
}

}  // namespace rkeops
