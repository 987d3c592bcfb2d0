// How the data and the state of a kernel lie in memory, for a target and a tile.
#pragma once

#include "../base/heuristics.hpp"
#include "cost.hpp"
#include "kernel_plan.hpp"

namespace rkeops {

// What the runtime packs.
inline PackedArea packed(const PairProgram& program, Variance variance) {
  const Area& area = program.area(variance);
  PackedArea out;
  out.width = area.width;
  out.has_prologue = !area.hoisted.empty();
  std::unordered_set<const Instruction*> read;
  for (Value v : PairProgram::section(area.hoisted, variance)) {
    for (Value arg : v->args) read.insert(arg.get());
  }
  for (const auto& [value, leaf] : area.leaves) {
    out.leaves.push_back({leaf, value->dim, value->offset, read.count(value.get()) > 0});
  }
  return out;
}

// On a GPU columns are read 16 bytes at a time, where they have as much, or where reading may begin with any of them.
inline std::int64_t stride_of(const KernelPlan& kernel) {
  const std::int64_t width = kernel.column.width, together = 16 / kernel.number_bytes();
  if (kernel.processor == Processor::cpu || (width <= together / 2 && !kernel.by_tasks)) return width;
  return (width + together - 1) / together * together;
}

// On a GPU, long results are shared out over blocks: as few components to each as make what all blocks compute anew cheap, so
// that they lie in fast memory, and no more than threads have memory for. Only reductions that treat each component alike can
// do that.
inline std::int64_t window_of(const KernelPlan& kernel, std::int64_t unroll_limit, const PairCost& cost) {
  const std::int64_t arrays = kernel.reducer().arrays(kernel);
  if (kernel.processor == Processor::cpu || arrays == 0 || kernel.dim <= unroll_limit) return 0;
  const double each = cost.components / static_cast<double>(kernel.dim);
  std::int64_t bytes = heuristics::gpu_window_least;
  const auto window = [&] { return bytes / (arrays * kernel.row_vectors * kernel.number_bytes()); };
  while (bytes < heuristics::gpu_window_most && cost.shared > each * static_cast<double>(window())) bytes *= 2;
  return kernel.dim > window() ? window() : 0;
}

inline KernelPlan layout(const PairProgram& program, const Target& target, const Tiling& tiling, bool ordered = false) {
  KernelPlan k{};
  const std::vector<Value>& results = program.results;
  k.row = packed(program, varies_row);
  k.column = packed(program, varies_column);
  k.parameter = packed(program, 0);
  k.rows = program.rows;
  k.columns = program.columns;
  k.reduction = &program.reduction;
  k.dim = results[0]->dim;
  k.second_dim = results.size() > 1 ? results[1]->dim : 0;
  k.k = program.k;
  k.precision = target.precision;
  k.processor = target.processor;
  k.lanes = target.lanes();
  k.vector_bytes = target.vector_bytes;
  k.row_vectors = tiling.row_vectors;
  k.columns_per_step = tiling.columns;
  k.tensor_cores = tiling.tensor_cores;
  k.by_tasks = ordered && target.processor == Processor::gpu;
  k.column_stride = stride_of(k);
  k.reducer().lay_out(k);
  k.ordered = ordered && k.reduction->keeps_positions();
  const PairCost cost = pair_cost(program);
  k.window = window_of(k, tiling.unroll_limit, cost);
  k.cost = cost.components + static_cast<double>(k.windows()) * cost.shared;
  return k;
}

}  // namespace rkeops
