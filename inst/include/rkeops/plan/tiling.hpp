// The tile of rows and columns that a kernel holds in registers.
#pragma once

#include "../base/heuristics.hpp"
#include "kernel_plan.hpp"
#include "pair_program.hpp"

namespace rkeops {

inline bool uses_tensor_cores(const PairProgram& program, const Target& target) {
  if (!target.tensor_cores || target.processor == Processor::cpu || target.precision != Precision::float32) return false;
  return std::any_of(program.instructions.begin(), program.instructions.end(),
                     [](const Instruction& v) { return is_matrix_product(&v); });
}

// With sums over rows, as many columns at a time as share a vector of them.
inline std::vector<Tiling> cpu_tilings(const PairProgram& program, const Target& target, std::int64_t longest) {
  if (!program.reduction.takes('G')) {
    return {heuristics::cpu_tile(target.vector_bytes, longest), {2, 2, 4}, {1, 2, 1}, {1, 1, 1}};
  }
  const int columns = columns_together(target.precision);
  return {{4, columns, 4}, {2, columns, 4}, {1, columns, 1}, {1, 1, 1}};
}

// Vectors of moderate length are unrolled so that a thread's rows and sums stay in its registers; long ones are loops over
// components, which need many columns at a time for each row they read.
inline std::vector<Tiling> gpu_tilings(const PairProgram& program, const Target& target, std::int64_t longest) {
  using namespace heuristics;
  if (uses_tensor_cores(program, target)) {
    if (longest > gpu_longest_unrolled) return {{4, tensor_columns, 4, true}, {2, tensor_columns, 4, true}, {1, 1, 1}};
    return {{2, tensor_columns, gpu_longest_unrolled, true}, {1, 1, 1}};
  }
  if (longest > gpu_longest_unrolled) return {std::begin(gpu_long_tiles), std::end(gpu_long_tiles)};
  const std::int64_t words = target.precision == Precision::float64 ? 2 : 1;
  const std::int64_t result = program.results.back()->dim * std::max<std::int64_t>(1, program.k);
  const std::int64_t per_row = (program.area(varies_row).width + result + 4) * words;
  std::vector<Tiling> list;
  for (int rows : {4, 2, 1}) {
    if (rows == 1 || per_row * rows <= gpu_registers) list.push_back({rows, 2, gpu_longest_unrolled});
  }
  list.push_back({1, 1, 1});
  return list;
}

// Tiles to try, the best first. On a GPU `ordered` ones have few rows, since they do not cross groups of rows.
inline std::vector<Tiling> tilings(const PairProgram& program, const Target& target, bool ordered) {
  std::int64_t longest = 1;
  for (const Instruction& v : program.instructions) longest = std::max(longest, v.dim);
  if (target.processor == Processor::cpu) return cpu_tilings(program, target, longest);
  std::vector<Tiling> list = gpu_tilings(program, target, longest);
  const int most = longest > heuristics::gpu_longest_unrolled ? 2 : 1;
  const auto too_many = [&](const Tiling& t) { return ordered && t.row_vectors > most && !t.tensor_cores; };
  list.erase(std::remove_if(list.begin(), list.end(), too_many), list.end());
  return list;
}

// What a thread of a GPU keeps in arrays lies in memory that the driver sets aside for all threads that could run at once.
inline bool fits_gpu(const KernelPlan& kernel) {
  return kernel.processor == Processor::cpu ||
         (kernel.work_vectors * kernel.number_bytes() <= heuristics::gpu_thread_arrays &&
          (kernel.value_slots + kernel.index_slots) * kernel.tile_rows() * 8 <= heuristics::gpu_tile_state_bytes);
}

}  // namespace rkeops
