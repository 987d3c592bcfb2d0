// From a reduction to its kernel, step by step, for readers.
#pragma once

#include "../ir/print.hpp"
#include "../plan/coordinates.hpp"
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

// Which pairs may be left out, and where rows and columns are, as far as that is known without data.
inline std::string explain_geometry(const PairProgram& program, const KernelPlan& kernel) {
  const Coordinates coordinates = coordinates_of(program);
  const auto places = [](const char* area, const std::vector<std::int64_t>& components) {
    std::string text;
    for (std::int64_t c : components) text += (text.empty() ? "" : ", ") + std::string(area) + "(" + str(c) + ")";
    return text;
  };
  Text out;
  if (coordinates.row.empty() || coordinates.column.empty()) {
    out.line("  all pairs are visited: no operation compares rows with columns");
    return out.string();
  }
  out.line("  rows are placed by ", places("ROW", coordinates.row), ", columns by ", places("COLUMN", coordinates.column));
  switch (kernel.reducer().skipping()) {
    case Reducer::Skipping::never: out.line("  all pairs are visited: the reduction needs them"); break;
    case Reducer::Skipping::by_bounds: out.line("  pairs are left out where bounds of the formula are 0 or equal"); break;
    case Reducer::Skipping::by_bars: out.line("  pairs are left out where bounds of the formula lose against what was found before");
  }
  return out.string();
}

// One pass over the pairs.
inline std::string explain(Expr reduction, const Target& target) {
  const PairProgram program = lower(reduction);
  const KernelPlan kernel = generate(program, target);
  std::vector<Expr> nodes = nodes_below({reduction->args.begin(), reduction->args.end()});
  nodes.push_back(reduction);
  return "graph (arguments first):\n" + graph_text(nodes) + "\nplan:\n" + explain_plan(kernel) +
         "\ngeometry:\n" + explain_geometry(program, kernel) + "\nprogram of a pair:\n" + program_text(program) + "\nkernel:\n" + kernel.text;
}

}  // namespace rkeops
