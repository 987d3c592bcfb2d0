// From a reduction to its kernel, step by step, for readers.
#pragma once

#include "../ir/print.hpp"
#include "../plan/lower.hpp"
#include "../plan/print.hpp"
#include "kernel.hpp"

namespace rkeops {

inline std::string explain_plan(const KernelPlan& kernel) {
  Text out;
  const auto index = [](Category c) { return c == Category::i ? "i" : c == Category::j ? "j" : "no index"; };
  out.line("  rows are ", index(kernel.rows), ", columns are ", index(kernel.columns));
  out.line("  a tile: ", kernel.tile_rows(), " rows, ", kernel.row_vectors, " vectors of ", kernel.lanes, "; ",
           kernel.columns_per_step, " columns at a time, in ", name_of(kernel.precision));
  out.line("  packed numbers: ", kernel.parameter.width, " once, ", kernel.row.width, " for each row, ", kernel.column.width,
           " for each column");
  out.line("  state of a row: ", kernel.value_slots, " values, ", kernel.index_slots, " positions");
  out.line("  a pair costs about ", static_cast<std::int64_t>(kernel.cost), " simple operations");
  return out.string();
}

// One pass over the pairs.
inline std::string explain(Expr reduction, const Target& target) {
  const PairProgram program = lower(reduction);
  const KernelPlan kernel = generate(program, target);
  std::vector<Expr> nodes = nodes_below({reduction->args.begin(), reduction->args.end()});
  nodes.push_back(reduction);
  return "graph (arguments first):\n" + graph_text(nodes) + "\nplan:\n" + explain_plan(kernel) +
         "\nprogram of a pair:\n" + program_text(program) + "\nkernel:\n" + kernel.text;
}

}  // namespace rkeops
