// Sums in a state: doubles, and for what is folded in double precision a low part with what rounding takes from them.
#pragma once

#include "../emit/fold.hpp"

namespace rkeops {

// The sum in `slot` of a row, scaled, and that of `next`, scaled.
inline void merge_total(const StateLayout& layout, const StateRows& into, const StateRows& next, std::int64_t row,
                        std::int64_t slot, double into_scale = 1, double next_scale = 1) {
  double& high = into.value(slot, row);
  const double x = next.value(slot, row) * next_scale;
  high *= into_scale;
  if (!layout.compensated) {
    high += x;
    return;
  }
  double& low = into.value(slot + layout.sums, row);
  low = low * into_scale + next.value(slot + layout.sums, row) * next_scale;
  add_compensated(high, low, x);
}

inline double total(const StateLayout& layout, const StateRows& state, std::int64_t row, std::int64_t slot) {
  const double high = state.value(slot, row);
  return layout.compensated ? high + state.value(slot + layout.sums, row) : high;
}

// Where a kernel adds to such sums, and scales them.
inline const char* totals_text(Precision precision) {
  if (precision == Precision::float32) {
    return R"(
INLINE void add_total(double* total, int64 low, V x) {
  (void)low;
  FOR_LANES(l) total[l] += LANE(x, l);
}
INLINE void scale_total(double* total, int64 low, V x) {
  (void)low;
  FOR_LANES(l) total[l] *= LANE(x, l);
}
)";
  }
  return R"(
/* error-free sum: what rounding takes from the total goes to the low part, `low` slots further on */
INLINE void add_total(double* total, int64 low, V x) {
  V high = load(total), sum = high + x, y = sum - high;
  V lost = (high - (sum - y)) + (x - y);
  lost = select(lost == lost, lost, splat(0));
  store(total, sum);
  store(total + low * TILE, load(total + low * TILE) + lost);
}
INLINE void scale_total(double* total, int64 low, V x) {
  store(total, load(total) * x);
  store(total + low * TILE, load(total + low * TILE) * x);
}
)";
}

}  // namespace rkeops
