// States of a tile of rows in memory, outside of kernels: what reducers do with them.
#pragma once

#include "../plan/kernel_plan.hpp"

namespace rkeops {

struct State {
  double* values;
  long long* indices;
};

inline StateRows rows_of(const KernelPlan& kernel, State state) {
  return {state.values, state.indices, kernel.tile_rows(), kernel.row_stride(), kernel.slot_stride()};
}

inline void start_state(const KernelPlan& kernel, State state) {
  const StateRows rows = rows_of(kernel, state);
  for (std::int64_t slot = 0; slot < kernel.value_slots; ++slot) {
    const double start = kernel.reducer().start_value(kernel, slot);
    if (rows.row_stride == 1) {
      std::fill_n(&rows.value(slot, 0), rows.rows, start);
      continue;
    }
    for (std::int64_t r = 0; r < rows.rows; ++r) rows.value(slot, r) = start;
  }
  std::fill_n(state.indices, kernel.index_slots * rows.rows, -1);
}

inline void merge_state(const KernelPlan& kernel, State into, State next) {
  kernel.reducer().merge(kernel, rows_of(kernel, into), rows_of(kernel, next));
}

// Writes the results of `valid` rows, from row `first` of `total` on, to the parts of the output in order.
// index_base is added to positions; missing stands for none.
inline void finish_state(const KernelPlan& kernel, State state, std::int64_t first, std::int64_t valid,
                         std::int64_t total, double* const* parts, std::int64_t index_base, double missing) {
  kernel.reducer().finish(kernel, rows_of(kernel, state), {parts, first, valid, total, index_base, missing});
}

}  // namespace rkeops
