// Sums in a state: doubles, and for what is folded in double precision a low part with what rounding takes from them.
#pragma once

#include "../emit/fold.hpp"

namespace rkeops {

inline void add_to_total(const StateLayout& layout, const StateRows& state, std::int64_t row, std::int64_t slot, double x) {
  double& high = state.value(slot, row);
  if (layout.compensated) add_compensated(high, state.value(slot + layout.sums, row), x);
  else high += x;
}

// The sum in `slot` of a row, scaled, and that of `next`, scaled.
inline void merge_total(const StateLayout& layout, const StateRows& into, const StateRows& next, std::int64_t row,
                        std::int64_t slot, double into_scale = 1, double next_scale = 1) {
  into.value(slot, row) *= into_scale;
  if (layout.compensated) {
    double& low = into.value(slot + layout.sums, row);
    low = low * into_scale + next.value(slot + layout.sums, row) * next_scale;
  }
  add_to_total(layout, into, row, slot, next.value(slot, row) * next_scale);
}

inline double total(const StateLayout& layout, const StateRows& state, std::int64_t row, std::int64_t slot) {
  const double high = state.value(slot, row);
  return layout.compensated ? high + state.value(slot + layout.sums, row) : high;
}

// Sums run in `real` over a block, in variables `sum`, then join the totals.
class TotalsFold : public Fold {
 public:
  using Fold::Fold;
  std::int64_t block() const override { return sum_block(); }
  void begin_block(Text& out) override {
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) { out.line(slot("sum", k, row), " = splat(0);"); });
  }
  void end_block(Text& out) override {
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) {
      out.line("add_total(", total_of(k, row), ", ", slot("sum", k, row), ");");
    });
  }

 protected:
  // The total of sum k as arguments: where it is, behind the running maxima, and how far on its low part is.
  std::string total_of(const std::string& k, int row) const {
    const std::string before = kernel_.running_max > 0 ? str(kernel_.running_max) + " + " : "";
    return memory("value", before + k, row) + ", " + str(kernel_.sums);
  }
};

// Where a kernel adds to totals, and scales them.
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
